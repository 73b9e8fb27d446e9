"""imprint reconcile: a real signer's ledger against what AWS IoT lists, from files and asked for."""
import csv
import io
import json
import os
import pty
import re
import secrets
import stat
import subprocess

import pytest
from aws_account import ACCOUNT, Account
from aws_server import AwsServer, error
from signer_client import PATIENCE_S
from station import BUILD, documented
from tools import Requests, certificate_id, der_of, make_request

CLASSES = ("active", "pending", "inactive", "revoked", "live", "revoked-there", "unseen", "gone", "unknown")
ISSUED = ("E-PENDING", "E-INACTIVE", "E-REVOKED", "E-GONE", "E-THERE", "E-UNSEEN", "-FORMULA")
PAGE = 250


@pytest.fixture(scope="module")
def line(module_station, tmp_path_factory):
    """Two installed units, one of them revoked; others that were issued for requests from files, two of them void."""
    s = module_station("--boards", "2")
    s.head = tmp_path_factory.mktemp("head") / "head.json"
    s.head.write_text(s.imprint("ledger", "head").stdout)
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    requests = Requests(tmp_path_factory.mktemp("requests"))
    for unit in ISSUED:
        path = requests.folder / "request.csr"
        path.write_bytes(make_request(requests.key()))
        s.imprint("issue", f"--unit={unit}", "--csr", path)
    s.good, s.live = [row["unit"] for row in s.ledger_list() if row["state"] == "installed"]
    s.imprint("revoke", s.live, "--reason", "returned")
    for unit in ("E-REVOKED", "E-GONE"):
        s.imprint("void", unit, "--reason", "lost")
    s.rows = {row["unit"]: row for row in s.ledger_list()}
    s.ids = {unit: row["certificate_id"] for unit, row in s.rows.items()}
    s.ca_id = certificate_id(der_of(s.imprint("ca", "show").stdout))
    s.export = s.head.parent / "sz1.jsonl"
    s.export.write_text(s.imprint("ledger", "export").stdout)
    # what AWS has of each, to begin with: every class but the two worst
    s.there = {s.good: "ACTIVE", s.live: "REVOKED", "E-PENDING": "PENDING_ACTIVATION", "E-INACTIVE": "INACTIVE", "E-REVOKED": "REVOKED",
               "E-THERE": "ACTIVE", "-FORMULA": "ACTIVE"}
    return s


def listing(line, folder, changes=None, unknown=(), form=json.dumps, name="aws.json", **more):
    """What aws would print: {unit: status}, None for one that is not listed."""
    there = {unit: status for unit, status in (line.there | (changes or {})).items() if status}
    rows = [(line.ids[unit], status) for unit, status in there.items()] + [(id, "ACTIVE") for id in unknown]
    path = folder / name
    path.write_text(form({"certificates": [
        {"certificateArn": f"{ACCOUNT}:cert/{id}", "certificateId": id, "status": status, "certificateMode": "DEFAULT",
         "creationDate": "2026-11-18T08:47:11.123000+01:00"} for id, status in rows], **more}))
    return path


def reconcile(line, *words, status=0, env=None, input=None):
    done = subprocess.run([BUILD / "imprint", "reconcile", *map(str, words)], env=env or line.env, text=True, capture_output=True,
                          input=input or "", timeout=2 * PATIENCE_S)
    assert status in (done.returncode, None), f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def rows(done):
    summary, *others = [documented(json.loads(text)) for text in done.stdout.splitlines()]
    return summary, others


def refused(done, *words):
    """A sentence, and no report."""
    assert done.stdout == ""
    for word in words:
        assert re.search(word, done.stderr), f"{word!r} is not in: {done.stderr}"


# --- from files ---

def test_clean(line, tmp_path):
    done = reconcile(line, listing(line, tmp_path))
    assert done.stderr == ""
    lines = [re.sub(" +", " ", text) for text in done.stdout.splitlines()]
    assert re.fullmatch(r"LINE 9 certificates, no gap, head of \d+ \w+ \d+, key [0-9a-f]{16}…", lines[0]), lines
    assert lines[1:] == ["registered and active 3", "waiting for activation 1", "registered, not active 1", "revoked on both sides 2",
                         "issued, not yet seen 1", "void or revoked, never seen 1", "clean: the ledgers and AWS IoT agree"]


@pytest.mark.parametrize("changes, unknown, counts, status, verdict", [
    ({}, 0, {}, 0, "clean"),
    ({"E-THERE": "REVOKED"}, 0, {"active": 2, "revoked-there": 1}, 1, "differences"),
    ({"E-REVOKED": "ACTIVE"}, 0, {"revoked": 1, "live": 1}, 1, "differences"),
    ({"E-REVOKED": "PENDING_ACTIVATION", "E-GONE": "INACTIVE"}, 0, {"revoked": 1, "live": 2, "gone": 0}, 1, "differences"),
    ({}, 1, {"unknown": 1}, 3, "alarm"),
    ({"E-REVOKED": "ACTIVE"}, 2, {"revoked": 1, "live": 1, "unknown": 2}, 3, "alarm"),
    ({"E-PENDING": None, "E-INACTIVE": "REGISTER_INACTIVE"}, 0, {"pending": 0, "unseen": 2}, 0, "clean"),
])
def test_each_class(line, tmp_path, changes, unknown, counts, status, verdict):
    wanted = {"active": 3, "pending": 1, "inactive": 1, "revoked": 2, "live": 0, "revoked-there": 0, "unseen": 1, "gone": 1,
              "unknown": 0} | counts
    path = listing(line, tmp_path, changes, [secrets.token_hex(32) for _ in range(unknown)])
    summary, others = rows(reconcile(line, "--json", path, status=status))
    assert summary["verdict"] == verdict and summary["counts"] == wanted and tuple(summary["counts"]) == CLASSES
    assert summary["ledgers"][0]["station"] == "LINE" and summary["ledgers"][0]["certificates"] == len(line.ids)
    assert [ca["ca_certificate_id"] for ca in summary["cas"]] == [line.ca_id]
    shown = {name: sum(row["class"] == name for row in others) for name in CLASSES}
    assert shown == {name: 0 if name in ("active", "revoked", "gone") else count for name, count in wanted.items()}
    for row in others:
        assert row["class"] == "unknown" or line.ids[row["unit"]] == row["certificate_id"]
        assert row["class"] == "unseen" or row["registered_at"] == "2026-11-18T07:47:11Z"


def test_the_table_fits_and_says_what_to_do(line, tmp_path):
    """80 columns, whatever is wrong; each line with its remedy; no colour into a file."""
    strangers = [secrets.token_hex(32) for _ in range(5)]
    path = listing(line, tmp_path, {"E-REVOKED": "ACTIVE", line.good: "REVOKED"}, strangers)
    ca = tmp_path / "ca.json"
    ca.write_text(json.dumps({"certificateDescription": {"certificateId": line.ca_id, "status": "INACTIVE",
                                                         "autoRegistrationStatus": "ENABLE"}}))
    said = reconcile(line, path, ca, status=3).stdout
    assert max(map(len, said.splitlines())) < 80 and "\033" not in said, said
    flat = re.sub(r"\s+", " ", said)
    for words in ("E-REVOKED: --fix revokes it", f"{line.good}: revoke it here, too", "and 2 more (--csv)", "ALARM: what no ledger issued",
                  "of LINE is INACTIVE there, and 1 of its certificates were not seen yet: leave it so until the rest is settled"):
        assert words in flat, f"{words!r} is not in {said}"
    assert "activate-ca" not in flat.replace("deactivate-ca", ""), "the stranger's CA is to stay closed"


def test_csv_is_of_every_certificate(line, tmp_path):
    done = reconcile(line, "--csv", listing(line, tmp_path))
    assert "\"'-FORMULA\"" in done.stdout
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["unit"].lstrip("'"): row["certificate_id"] for row in table} == line.ids
    assert {row["class"] for row in table} == {"active", "pending", "inactive", "revoked", "unseen", "gone"}


def test_page(line, tmp_path):
    page = tmp_path / "page.html"
    reconcile(line, "--html", page, listing(line, tmp_path))
    assert page.read_text().lstrip().lower().startswith("<!doctype html")
    assert "cannot write" in reconcile(line, "--html", tmp_path / "no/page.html", tmp_path / "aws.json", status=1).stderr
    # A page that does not become whole leaves the one before, and nothing beside it.
    before = page.read_bytes()
    limited = f"ulimit -f 1; trap '' XFSZ; exec {BUILD}/imprint reconcile --html {page} {tmp_path}/aws.json"
    done = subprocess.run(["bash", "-c", limited], env=line.env, text=True, capture_output=True, timeout=2 * PATIENCE_S)
    assert done.returncode == 1 and "cannot write" in done.stderr
    assert page.read_bytes() == before and {path.name for path in tmp_path.iterdir()} == {"page.html", "aws.json"}
    # What is no file is written to, not replaced.
    os.mkfifo(tmp_path / "fifo")
    reader = subprocess.Popen(["cat", tmp_path / "fifo"], stdout=subprocess.PIPE)
    reconcile(line, "--html", tmp_path / "fifo", tmp_path / "aws.json")
    assert reader.communicate(timeout=PATIENCE_S)[0].startswith(b"<!DOCTYPE html>") and stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    # A station may call itself what it likes.
    export, other = tmp_path / "sz2.jsonl", tmp_path / "aws-sz2.json"
    subprocess.run([BUILD / "tests/bench-export", "-s", "<b>SZ2", "-n", "2", export, other], check=True, capture_output=True)
    reconcile(line, "--html", page, "--ledger", export, other, status=None)
    assert "&lt;b&gt;SZ2" in page.read_text() and "<b>SZ2" not in page.read_text()


def test_an_export_says_the_same(line, tmp_path):
    """On another PC, without a station; several documents; stdin."""
    elsewhere = dict(line.env, IMPRINT_DIR=str(tmp_path / "nothing"))
    path = listing(line, tmp_path, form=lambda object: json.dumps(object, indent=4) + "\n")
    here = reconcile(line, "--csv", path).stdout
    assert reconcile(line, "--csv", "--ledger", line.export, path, env=elsewhere).stdout == here
    assert reconcile(line, "--csv", "--ledger", line.export, "-", env=elsewhere, input=path.read_text()).stdout == here
    both = listing(line, tmp_path, {unit: None for unit in line.there}, name="none.json").read_text() + path.read_text()
    assert reconcile(line, "--csv", "--ledger", line.export, "-", env=elsewhere, input=both).stdout == here
    refused(reconcile(line, path, env=elsewhere, status=1), "--ledger")


def test_several_stations(line, tmp_path):
    """Another station's ledger beside this one, and a listing for each: the sums; without that ledger its certificates are an alarm."""
    export, other = tmp_path / "sz2.jsonl", tmp_path / "aws-sz2.json"
    made = subprocess.run([BUILD / "tests/bench-export", "-s", "SZ2", "-n", "50", export, other], check=True, capture_output=True)
    theirs, first = json.loads(made.stdout), listing(line, tmp_path)
    ours, _ = rows(reconcile(line, "--json", first))
    both, _ = rows(reconcile(line, "--json", "--ledger", line.export, "--ledger", export, first, other, status=3 if theirs["unknown"] else 1))
    assert [ledger["station"] for ledger in both["ledgers"]] == ["LINE", "SZ2"]
    assert both["counts"] == {name: ours["counts"][name] + theirs[name] for name in CLASSES}
    alone, _ = rows(reconcile(line, "--json", "--ledger", line.export, first, other, status=3))
    assert alone["counts"]["unknown"] == both["listed"] - ours["listed"] > theirs["unknown"]


def test_the_listing_of_another_ca(line, tmp_path):
    path = listing(line, tmp_path, {unit: None for unit in line.there}, [secrets.token_hex(32) for _ in range(20)])
    done = reconcile(line, path, status=3)
    assert "it may be the listing of another CA" in done.stdout and str(path) in done.stdout


def test_a_closed_ca(line, tmp_path):
    ca = tmp_path / "ca.json"
    ca.write_text(json.dumps({"certificateDescription": {"certificateArn": f"{ACCOUNT}:cacert/{line.ca_id}", "certificateId": line.ca_id,
                                                         "status": "INACTIVE", "autoRegistrationStatus": "ENABLE"}}))
    done = reconcile(line, listing(line, tmp_path), ca, status=1)
    said = " ".join(done.stdout.split())
    assert "of LINE is INACTIVE there, and 1 of its certificates were not seen yet: imprint cloud activate-ca" in said
    reconcile(line, listing(line, tmp_path, {"E-UNSEEN": "ACTIVE"}), ca)


@pytest.mark.parametrize("text, words", [
    ("", "it is empty"),
    ("certificates: []\n", "--output json"),
    ("CERTIFICATES\tarn\n", "--output json"),
    ('{"certificates":[{"certificateId":"12', "aws.json: certificate 1: byte 37: the JSON ends in the middle"),
    ('{"things":[]}', "neither what aws iot list-certificates-by-ca"),
    ('{"certificates":[],"nextMarker":"abc"}', "incomplete.*without --page-size"),
    ('{"certificates":[],"NextToken":"abc"}', "incomplete.*--max-items"),
])
def test_bad_listings(line, tmp_path, text, words):
    path = tmp_path / "aws.json"
    path.write_text(text)
    refused(reconcile(line, path, status=1), words)


def test_listings_of_different_times(line, tmp_path):
    first, second = listing(line, tmp_path), listing(line, tmp_path, {line.good: "REVOKED"}, name="later.json")
    refused(reconcile(line, first, second, status=1), "later.json: certificate 1: .*listings of different times")
    reconcile(line, first, first)




@pytest.mark.parametrize("change, status, words", [
    (lambda lines: lines.pop(5), 3, "ALARM: imprint: .*:6: entry 5: it is missing, for entry 6 follows; fetch the export again"),
    (lambda lines: lines.pop(), 3, "its tail is missing"),
    (lambda lines: lines.__setitem__(slice(6, None), [lines[6][:100]]), 3, ":7: the export was cut off in this line"),
    (lambda lines: lines.__setitem__(-1, lines[-1][:-9]), 3, "the export was cut off in this line; fetch it again"),
    (lambda lines: lines.pop(0), 1, "no export"),
    (lambda lines: lines.__setitem__(4, '{"entry":4,"' + "x" * (1 << 20)), 1, ":5: the line is too long for an export"),
    (lambda lines: lines.append(lines[3]), 3, "more after the head"),
    (lambda lines: lines.__setitem__(-1, re.sub(r'(?<="root":").', lambda m: "10"[m[0] == "1"], lines[-1])), 3, "today's head"),
    (lambda lines: lines.__setitem__(4, '{"entry":4,"leaf":"' + "00" * 32 + '"}'), 1, "filtered"),
])
def test_bad_exports(line, tmp_path, change, status, words):
    lines = line.export.read_text().splitlines()
    change(lines)
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines) + ("" if "cut off" in words else "\n"))
    refused(reconcile(line, "--ledger", path, listing(line, tmp_path), status=status), words)


def test_heads_and_twice_the_same_ledger(line, tmp_path):
    path = listing(line, tmp_path)
    done = reconcile(line, "--ledger", line.export, "--head", line.head, path)
    assert "head as mailed" in done.stdout and "NOT PROVEN" not in done.stdout
    # Without one, whoever wrote the export may have signed it, too: that is said, and changes no verdict.
    said = " ".join(reconcile(line, "--ledger", line.export, path).stdout.split())
    assert "NOT PROVEN LINE was held against no older head" in said and said.endswith("clean: the ledgers and AWS IoT agree")
    assert "NOT PROVEN" not in reconcile(line, path).stdout, "this station's own"
    refused(reconcile(line, "--ledger", line.export, "--ledger", line.export, path, status=1), "the same ledger")
    bad = tmp_path / "head.json"
    bad.write_text(re.sub(r'"size":(\d+)', lambda m: f'"size":{int(m[1]) + 1}', line.head.read_text()))
    refused(reconcile(line, "--ledger", line.export, "--head", bad, path, status=3), "ALARM: ")
    bad.write_text(line.head.read_text().replace('"ledger":"', '"ledger":"ff')[:-3])
    refused(reconcile(line, "--ledger", line.export, "--head", bad, path, status=1), "not the head of a ledger")


@pytest.mark.parametrize("words", [[], ["--aws", "x"], ["--json", "--csv", "x"], ["--yes", "x"], ["--no-such", "x"], ["\x1b[2Jx"],
                                   ["--ledger", "\x9b", "x"]])
def test_usage(line, words):
    refused(reconcile(line, *words, status=2), "imprint reconcile")


# --- AWS itself ---

class Cloud:
    def __init__(self, line, folder, changes=None):
        self.line, self.folder = line, folder
        self.account = Account(folder)
        self.account.cas[line.ca_id] = {"certificateArn": f"{ACCOUNT}:cacert/{line.ca_id}", "certificateId": line.ca_id,
                                        "status": "ACTIVE", "autoRegistrationStatus": "ENABLE", "certificatePem": "x",
                                        "creationDate": 1.7e9, "certificateMode": "DEFAULT"}
        for unit, status in (line.there | (changes or {})).items():
            self.account.add(line.ids[unit], status, ca_id=line.ca_id)
        self.server = AwsServer(self.account)

    def environment(self):
        return self.server.environment(self.folder, IMPRINT_DIR=str(self.line.dir), IMPRINT_BUILD=str(BUILD))

    def __call__(self, *words, status=0, input=None):
        self.account.calls = []
        done = reconcile(self.line, *words, status=status, env=self.environment(), input=input)
        assert self.server.refused == []
        return done

    def updates(self):
        return [call for call in self.account.calls if call.startswith("PUT")]

    def statuses(self, *units):
        return [self.account.certificates[self.line.ids[unit]]["status"] for unit in units]


@pytest.fixture
def cloud(line, tmp_path):
    it = Cloud(line, tmp_path)
    with it.server:
        yield it


def test_asks_aws(cloud, line):
    summary, _ = rows(cloud("--aws", "--json"))
    assert summary["counts"]["active"] == 3 and summary["cas"][0] | {"active": True, "registered": True} == summary["cas"][0]
    assert [call.split("?")[0] for call in cloud.account.calls] == ["GET /cacertificates", f"GET /cacertificate/{line.ca_id}", f"GET /certificates-by-ca/{line.ca_id}"]
    cloud.account.cas[line.ca_id]["autoRegistrationStatus"] = "DISABLE"
    assert "does not register by itself there" in cloud("--aws", status=1).stdout
    cloud.account.cas.clear()
    assert "is not registered there" in cloud("--aws", status=1).stdout


def test_a_ca_that_no_ledger_names(cloud, line):
    """An export that ends before the second CA says nothing of it."""
    assert "no ledger names" not in cloud("--aws").stdout
    for other in ("ab" * 32, "cd" * 32):
        cloud.account.cas[other] = {"certificateId": other, "status": "INACTIVE"}
    assert "2 CAs are registered there that no ledger names, CA abab…ab first" in cloud("--aws").stdout
    summary, _ = rows(cloud("--aws", "--json"))
    assert summary["other_cas"] == 2 and summary["other_ca"] == "ab" * 32
    cloud.account.before = lambda call: error("AccessDeniedException", status=403) if call.startswith("GET /cacertificates?") else None
    done = cloud("--aws")
    assert "iot:ListCACertificates" in done.stderr and "no ledger names" not in done.stdout


def test_a_deleted_ca_hides_nothing(cloud, line):
    """Its certificates stay registered; AWS may also say that it knows no such CA."""
    cloud.account.cas.clear()
    cloud.account.add("ab" * 32, "ACTIVE", ca_id=line.ca_id)
    summary, _ = rows(cloud("--aws", "--json", status=3))
    assert summary["counts"]["unknown"] == 1 and summary["counts"]["active"] == 3
    cloud.account.before = lambda call: error("ResourceNotFoundException", status=404) if "certificates-by-ca" in call else None
    summary, _ = rows(cloud("--aws", "--json", status=1))
    assert summary["listed"] == 0 and summary["cas"][0]["registered"] is False
    cloud.account.cas[line.ca_id] = {"certificateId": line.ca_id, "status": "ACTIVE", "autoRegistrationStatus": "ENABLE"}
    refused(cloud("--aws", status=1), "ResourceNotFound")


def test_all_pages(cloud, line):
    for number in range(2 * PAGE):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id, created=2e9)
    summary, others = rows(cloud("--aws", "--json", status=3))
    assert summary["counts"]["unknown"] == 2 * PAGE and summary["listed"] == 2 * PAGE + len(line.there)
    assert all(row["ca_certificate_id"] == line.ca_id and row["after_head"] for row in others if row["class"] == "unknown")


def test_connection_lost_in_the_middle(cloud, line):
    """The second page never comes whole: a sentence, no report; then it comes again, and all is there."""
    for number in range(2 * PAGE):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id, created=2e9)
    cloud.account.before = lambda call: error("AccessDeniedException", "not authorized", 403) if "marker=" in call else None
    refused(cloud("--aws", status=1), "AccessDenied|not authorized")
    lost = []
    cloud.account.before = lambda call: None
    cloud.account.after = lambda call: {"cut": 300} if "marker=" in call and not lost.append(call) and len(lost) == 1 else {}
    summary, _ = rows(cloud("--aws", "--json", status=3))
    assert len(lost) > 1 and summary["listed"] == 2 * PAGE + len(line.there)


def test_the_aws_command(cloud, line, tmp_path):
    """What the real tool prints of all pages, and of one."""
    for number in range(PAGE):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
    aws = ["/usr/bin/aws", "--endpoint-url", cloud.server.url, "iot", "list-certificates-by-ca", "--ca-certificate-id", line.ca_id]
    for options, status in ((["--output", "json"], 3), (["--output", "json", "--page-size", "5"], 1), (["--output", "yaml"], 1)):
        printed = subprocess.run([*aws, *options], env=cloud.environment(), capture_output=True, text=True, check=True, timeout=PATIENCE_S)
        done = cloud("-", "--json", input=printed.stdout, status=status)
        if status == 3:
            assert rows(done)[0]["counts"] | {"unknown": PAGE, "active": 3} == rows(done)[0]["counts"]
        else:
            refused(done, "incomplete|--output json")


# --- --fix ---

def test_fix(line, tmp_path):
    """Shown, asked, done; the unknown one stays as it is; a second time there is nothing to do."""
    it = Cloud(line, tmp_path, {line.live: "ACTIVE", "E-REVOKED": "PENDING_ACTIVATION", "E-THERE": "REVOKED"})
    unknown = secrets.token_hex(32)
    it.account.add(unknown, "ACTIVE", ca_id=line.ca_id)
    with it.server:
        done = it("--aws", "--fix", status=1)
        assert "--yes" in done.stderr and line.live in done.stderr and not it.updates()
        done = it("--aws", "--fix", "--yes", status=3)
        assert "revoked 2\n" in done.stderr
        assert sorted(it.updates()) == sorted(f"PUT /certificates/{line.ids[unit]}?newStatus=REVOKED" for unit in (line.live, "E-REVOKED"))
        assert it.account.certificates[unknown]["status"] == "ACTIVE"
        assert "nothing to revoke" in it("--aws", "--fix", "--yes", status=3).stderr and not it.updates()


def test_fix_from_an_old_listing(line, tmp_path):
    """Each is looked at first; one that was revoked meanwhile is not touched, one that fails does not stop the rest."""
    it = Cloud(line, tmp_path, {line.live: "ACTIVE", "E-REVOKED": "REVOKED"})
    it.account.add(line.ids["E-GONE"], "ACTIVE", ca_id=line.ca_id)
    path = listing(line, tmp_path, {line.live: "ACTIVE", "E-REVOKED": "ACTIVE", "E-GONE": "ACTIVE"})
    refusing = [True]
    it.account.before = lambda call: error("CertificateStateException", "not now", 406) \
        if call.startswith("PUT") and line.ids[line.live] in call and refusing else None
    with it.server:
        done = it(path, "--fix", "--yes", status=1)
        assert "revoked 1, were revoked or deleted meanwhile 1, failed 1: run it again" in done.stderr and f"unit {line.live}: " in done.stderr
        assert it.statuses(line.live, "E-GONE") == ["ACTIVE", "REVOKED"]
        refusing.clear()
        del it.account.certificates[line.ids["E-REVOKED"]]
        done = it(path, "--fix", "--yes")
        assert "revoked 1, were revoked or deleted meanwhile 2\n" in done.stderr
        assert it.statuses(line.live, "E-GONE") == ["REVOKED", "REVOKED"]


@pytest.mark.parametrize("answer, revoked", [("yes", True), ("y", False)])
def test_fix_asks(line, tmp_path, answer, revoked):
    it = Cloud(line, tmp_path, {line.live: "ACTIVE"})
    with it.server:
        main, side = pty.openpty()
        child = subprocess.Popen([BUILD / "imprint", "reconcile", "--aws", "--fix"], env=it.environment(), stdin=side, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(side)
        os.write(main, f"{answer}\n".encode())
        out, told = child.communicate(timeout=PATIENCE_S)
        os.close(main)
    assert "REVOKED HERE, LIVE THERE" in out and "Type yes" in told
    assert child.returncode == (0 if revoked else 1), told
    assert it.statuses(line.live) == ["REVOKED" if revoked else "ACTIVE"]
    assert revoked or "nothing was revoked" in told


# --- last, for the ledger has one more then ---

def test_the_line_goes_on_meanwhile(cloud, line, tmp_path):
    """What is issued, and connects, while AWS is asked is no stranger; what nobody issued still is one."""
    requests, issued = Requests(tmp_path), []

    def issue(call):
        if "certificates-by-ca" in call and not issued:
            path = tmp_path / "request.csr"
            path.write_bytes(make_request(requests.key()))
            line.imprint("issue", "--unit=E-MEANWHILE", "--csr", path)
            issued.extend(row["certificate_id"] for row in line.ledger_list() if row["unit"] == "E-MEANWHILE")
            cloud.account.add(issued[0], "ACTIVE", ca_id=line.ca_id, created=2e9)
    cloud.account.before = issue
    done = cloud("--aws", "--json")
    summary, others = rows(done)
    assert len(issued) == 1 and done.stderr == "imprint: left out until the next time, issued and registered while AWS was asked: 1\n"
    assert summary["listed"] == len(line.there) and summary["counts"]["unknown"] == 0 and issued[0] not in str(others)
    cloud.account.before = lambda call: None
    cloud.account.add("ab" * 32, "ACTIVE", ca_id=line.ca_id, created=2e9)
    done = cloud("--aws", "--json", status=3)
    assert done.stderr == "" and rows(done)[0]["counts"] | {"unknown": 1, "active": 4} == rows(done)[0]["counts"]
