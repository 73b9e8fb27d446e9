"""imprint cloud: one certificate at AWS, and the list of them."""
import re
import subprocess

from aws_server import Answer, error
from cloud import cloud, installed, issued, line, requests, sentence, table  # noqa: F401
from signer_client import PATIENCE_S
from station import BUILD
from terminal import on_terminal


# --- certificates ---

def test_register_a_unit(cloud, line, requests):
    row = issued(line, requests, "C-0001")
    id = row["certificate_id"]
    sentence(cloud("cloud", "register", "C-0001", ok=False), "CertificateStateException")
    cloud("cloud", "register-ca")
    done, calls = cloud.calls("register", "C-0001")
    assert done.stdout == f"unit C-0001, {id[:8]}…: ACTIVE now, not registered before\n"
    assert calls == ["POST /certificate/register"]
    assert cloud.account.certificates[id]["caCertificateId"] == line.ca_id
    assert "ACTIVE already" in cloud("cloud", "register", "C-0001").stdout
    assert cloud.json("register", "C-0001", "--inactive") == [
        {"certificate_id": id, "unit": "C-0001", "status": "INACTIVE", "before": "ACTIVE"}]
    # It connected before: only the status is left to change.
    cloud.account.certificates[id]["status"] = "PENDING_ACTIVATION"
    assert cloud.json("register", "C-0001")[0]["before"] == "PENDING_ACTIVATION"
    assert cloud.account.certificates[id]["status"] == "ACTIVE"
    shown = table(cloud("cloud", "describe", "C-0001").stdout)
    assert shown["unit"] == "C-0001" and shown["in the ledger"] == "issued" and shown["status"] == "ACTIVE"
    answer, = cloud.json("describe", "--certificate-id", id.upper())
    assert (answer["unit"], answer["state"], answer["ca_certificate_id"]) == ("C-0001", "issued", line.ca_id)
    # Void here: not registered, not activated, still shown.
    line.imprint("void", "C-0001", "--reason", "a test")
    for words in (["register", "C-0001"], ["activate", "C-0001"], ["activate", "--certificate-id", id]):
        done, calls = cloud.calls(*words, ok=False)
        sentence(done, "void", "a test")
        assert calls == []
    assert table(cloud("cloud", "describe", "C-0001").stdout)["in the ledger"] == "void"
    # Another one came: that is meant.
    issued(line, requests, "C-0001")
    again = [row["certificate_id"] for row in line.ledger_list() if row["unit"] == "C-0001"]
    assert len(again) == 2
    cloud("cloud", "register", "C-0001")
    assert set(cloud.account.certificates) == set(again)
    done, calls = cloud.calls("revoke", "C-0001")
    assert calls == [f"GET /certificates/{again[1]}", f"PUT /certificates/{again[1]}?newStatus=REVOKED"]
    assert "imprint void C-0001 --reason TEXT" in done.stderr
    line.imprint("void", "C-0001", "--reason", "a test")
    done = cloud("cloud", "describe", "C-0001")
    assert f"none of the 2 certificates of unit C-0001 is in force; the latest is meant, {again[1][:8]}…, void" in done.stderr
    assert table(done.stdout)["certificate id"] == again[1]


def test_register_a_unit_as_another(cloud, line):
    unit = next(row["unit"] for row in line.ledger_list() if row["state"] == "installed")
    cloud.account.before = lambda call: Answer({"certificateId": "ab" * 32}) if call.startswith("POST /certificate") else None
    done = cloud("cloud", "register", unit, ok=False)
    assert done.returncode == 1 and "instead of" in done.stderr


def test_status_of_a_certificate(cloud, line):
    row = installed(line)
    id, unit = row["certificate_id"], row["unit"]
    for word in ("activate", "describe"):
        sentence(cloud("cloud", word, unit, ok=False), "does not know it", f"imprint cloud register {unit}")
    assert cloud.json("revoke", unit) == [{"certificate_id": id, "unit": unit, "status": None, "before": None}]
    done = cloud("cloud", "revoke", unit)  # it never connected
    assert "AWS does not know it" in done.stdout and f"imprint revoke {unit} --reason TEXT" in done.stderr
    cloud.account.add(id, "PENDING_ACTIVATION")
    for target in ([unit], ["--certificate-id", id]):
        assert cloud("cloud", "activate", *target).stdout.startswith(f"unit {unit}, {id[:8]}…: ACTIVE ")
        assert cloud("cloud", "deactivate", *target).stdout.endswith("INACTIVE now, ACTIVE before\n")
    done, calls = cloud.calls("deactivate", unit)
    assert done.stdout.endswith("INACTIVE already\n") and len(calls) == 1
    done = cloud("cloud", "revoke", unit)
    assert done.stdout.endswith("REVOKED now, INACTIVE before\n")
    assert "the ledger was not told" in done.stderr and f"imprint revoke {unit} --reason TEXT" in done.stderr
    done, calls = cloud.calls("revoke", unit)
    assert done.stdout.endswith("REVOKED already\n") and len(calls) == 1
    for word in ("activate", "deactivate", "register"):
        done = cloud("cloud", word, unit, ok=False)
        sentence(done, "REVOKED", "for good")
    assert cloud.account.certificates[id]["status"] == "REVOKED"


def test_a_certificate_of_nobody(cloud, line, tmp_path):
    """Not in this ledger: AWS decides alone, as on the owner's PC."""
    id = "ab" * 32
    sentence(cloud("cloud", "revoke", "--certificate-id", id, ok=False), "ResourceNotFound")
    cloud.account.add(id, "ACTIVE")
    assert cloud("cloud", "revoke", "--certificate-id", id).stdout == "the certificate, abababab…: REVOKED now, ACTIVE before\n"
    assert cloud.json("describe", "--certificate-id", id, folder=tmp_path / "none")[0]["state"] is None
    sentence(cloud("cloud", "describe", "NOBODY-1", ok=False), "NOBODY-1", "ledger list")
    for unit in ("", "x" * 65):  # and never the latest of all units
        sentence(cloud("cloud", "revoke", unit, ok=False), "unit id", status=2)
    sentence(cloud("cloud", "describe", "X", folder=tmp_path / "none", ok=False), "start imprint-signer")


def test_revoke_both(cloud, line):
    row = installed(line, -1)
    id, unit = row["certificate_id"], row["unit"]
    cloud.account.add(id, "ACTIVE")
    cloud.account.before = lambda call: error("AccessDeniedException", "not you", 403) if call.startswith("PUT") else None
    done = cloud("revoke", unit, "--reason", "returned", "--cloud", "--endpoint-url", cloud.server.url, ok=False)
    sentence(done, "AccessDenied", f"the ledger has it revoked, AWS has not; run again: imprint cloud revoke {unit}\n")
    assert f"unit {unit}: revoked here" in done.stdout
    assert next(row for row in line.ledger_list() if row["unit"] == unit)["state"] == "revoked"
    cloud.account.before = lambda call: None
    done = cloud("cloud", "revoke", unit)
    assert "REVOKED now" in done.stdout and "was not told" not in done.stderr
    done = cloud("revoke", unit, "--reason", "again", "--cloud", ok=False)
    sentence(done, "revoked already", f"to revoke it there alone: imprint cloud revoke {unit}\n")


def test_revoke_both_at_once(cloud, line):
    row = installed(line)
    id, unit = row["certificate_id"], row["unit"]
    cloud.account.add(id, "ACTIVE")
    options = ["--profile", "none of this name"]
    assert cloud("revoke", "--certificate-id", id, "--reason", "x", "--cloud", *options, ok=False).returncode == 1  # passed on
    done = cloud("cloud", "revoke", "--certificate-id", id)
    assert done.stdout == f"unit {unit}, {id[:8]}…: REVOKED now, ACTIVE before\n" and done.stderr == ""


def test_revoke_both_of_nobody(cloud, line, tmp_path):
    """What is advised can work: only a ledger knows the certificate of a unit."""
    id = "ab" * 32
    for folder, words in ((line.dir, ["NOBODY-1", "ledger list"]), (tmp_path / "none", ["imprint-signer"])):
        done = cloud("revoke", "NOBODY-1", "--reason", "x", "--cloud", folder=folder, ok=False)
        sentence(done, *words)
        assert "imprint cloud" not in done.stderr
        done = cloud("revoke", "--certificate-id", id, "--reason", "x", "--cloud", folder=folder, ok=False)
        sentence(done, f"to revoke it there alone: imprint cloud revoke --certificate-id {id}\n")
    cloud.account.add(id, "ACTIVE")
    assert "REVOKED now" in cloud("cloud", "revoke", "--certificate-id", id).stdout


# --- the list ---

def test_list(cloud, line, requests):
    assert "no certificate" in cloud("cloud", "list").stdout
    row = line.ledger_list()[0]
    for number in range(600):
        cloud.account.add(f"{number:064x}", ["ACTIVE", "REVOKED"][number % 2], ca_id=line.ca_id, created=1.6e9 - number)
    cloud.account.add(row["certificate_id"], "ACTIVE", ca_id=line.ca_id, created=1.5e9)
    cloud.account.add("cd" * 32, "ACTIVE", ca_id="ef" * 32)
    rows, units = cloud.json("list"), {}
    assert len(cloud.account.calls) == 4 and len(rows) == 601
    assert [entry["certificate_id"] for entry in rows] == [row["certificate_id"]] + [f"{number:064x}" for number in reversed(range(600))]
    assert rows[0] == {"certificate_id": row["certificate_id"], "status": "ACTIVE", "registered_at": "2017-07-14T02:40:00Z",
                       "unit": row["unit"]}
    assert rows[1]["unit"] is None
    for number in range(6):
        issued(line, requests, f"L-000{number}")
    for entry in line.ledger_list():
        units[entry["certificate_id"]] = entry["unit"]
        cloud.account.add(entry["certificate_id"], "ACTIVE", ca_id=line.ca_id, created=1.5e9)
    assert {entry["certificate_id"]: entry["unit"] for entry in cloud.json("list") if entry["unit"]} == units
    lines = cloud("cloud", "list").stdout.splitlines()
    assert lines[0].split()[1:3] == ["ACTIVE", "2017-07-14T02:40:00Z"] and lines[0].split()[3] == units[lines[0].split()[0]]
    assert {re.search(r"\d{4}-\d\d-\d\dT", text).start() for text in lines} == {86}  # it lines up
    done = cloud("cloud", "list", "--ca", line.ca_id, folder=cloud.folder / "none")
    assert done.stdout.splitlines()[0].split()[-1].endswith("Z")
    assert done.stderr == "imprint: no signer runs here, so there is no ledger to name the units\n"


def test_list_counts_on_a_terminal(cloud, line):
    for number in range(300):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
    shown, rows = on_terminal([BUILD / "imprint", "cloud", "list"], "stderr", env=cloud.environment())
    assert len(rows.splitlines()) == 300 and shown == "\r250 certificates\r300 certificates\r\n"


def test_list_fits_a_terminal(cloud, line, requests):
    """A known unit stands for its certificate; what nobody knows is named whole, to be looked up."""
    issued(line, requests, "L-0099")
    row = next(entry for entry in line.ledger_list() if entry["unit"] == "L-0099")
    for certificate in (row["certificate_id"], "ab" * 32):
        cloud.account.add(certificate, "PENDING_ACTIVATION", ca_id=line.ca_id)

    def shown(*words, **more):
        lines = on_terminal([BUILD / "imprint", "cloud", "list", *words], env=cloud.environment() | more)[0].splitlines()
        assert max(map(len, lines)) <= 80
        return lines

    lines = shown()
    assert f"{row['certificate_id'][:8]}…  L-0099" in "".join(lines) and "    " + "ab" * 32 in lines
    assert "no unit is known" in lines[lines.index("    " + "ab" * 32) - 1]
    lines = shown("--ca", line.ca_id, IMPRINT_DIR=str(cloud.folder / "none"))  # no ledger, so nothing is said of units
    assert {text.strip() for text in lines[1::2]} == set(cloud.account.certificates) and "unit" not in "".join(lines)


def test_list_into_a_closed_pipe(cloud, line):
    for number in range(3000):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
    done = subprocess.run(f"{BUILD}/imprint cloud list | head -1 | cut -c1-64; exit ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                          env=cloud.environment(), text=True, capture_output=True, timeout=PATIENCE_S)
    sentence(done, "nobody reads the list")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "0" * 64 + "\n"
