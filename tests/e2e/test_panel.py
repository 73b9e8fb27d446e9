"""One panel: blank boards go in, boards with an identity that can be proved come out, and the ledger knows each."""
import hashlib
import json
import os
import re
import select
import subprocess

import pytest
from station import BUILD, PATIENCE_S
from tools import certificate_id, der_of, openssl, serial_of, verify

SANITIZED = re.search(r"^IMPRINT_SANITIZE:\w+=\S", (BUILD / "CMakeCache.txt").read_text(), re.M) is not None
BOARDS = 16 if SANITIZED else 64
NESTS = [f"{chr(ord('A') + i // 8)}{i % 8 + 1}" for i in range(BOARDS)]
LEDGER_KEYS = ("station entry unit product order state certificate_serial certificate_id public_key_sha256 ca_certificate_id "
               "issued_at installed_at nest operator evidence").split()
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RESIDENT_MAX = 20_000_000


@pytest.fixture(scope="module")
def panel(module_station):
    """A panel after one `imprint start`: nothing else was done with it."""
    s = module_station("--boards", BOARDS)
    s.boards_before = s.boards()
    assert all(s.dump(unit) is None for unit in s.boards_before.values()), "the boards are not blank"
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    s.resident = {name: resident(s.pid(name)) for name in ("signer", "station")}
    s.ca = der_of(s.imprint("ca", "show").stdout)
    return s


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


@pytest.mark.sanitizers
def test_all_boards_are_installed(panel):
    rows = panel.ledger_list()
    assert len(rows) == BOARDS
    assert {row["unit"] for row in rows} == set(panel.boards_before.values())
    assert {(row["state"], row["evidence"]) for row in rows} == {("installed", "signed")}
    assert {row["nest"]: row["unit"] for row in rows} == panel.boards_before == panel.boards()


@pytest.mark.sanitizers
def test_flash_holds_what_the_product_says(panel):
    """certificate: the certificate in DER; issuer: the CA certificate in DER; and no other file."""
    ids = {row["unit"]: row["certificate_id"] for row in panel.ledger_list()}
    with panel.signer() as signer:
        for unit, wanted in ids.items():
            held = panel.dump(unit, "certificate")
            assert certificate_id(held) == wanted
            assert held == signer.ask("certificate", certificate_id=bytes.fromhex(wanted)).rows
            assert panel.dump(unit, "issuer") == panel.ca
            assert panel.dump(unit, "bundle") is None
    assert len(set(ids.values())) == BOARDS


def test_chains_verify(panel, tmp_path):
    done = verify(panel.ca, [panel.dump(unit) for unit in panel.boards_before.values()], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b": OK") == BOARDS


def test_certificate_names_its_unit_and_serial(panel):
    rows = panel.ledger_list()
    assert len({row["certificate_serial"] for row in rows}) == BOARDS
    for row in rows[:8]:
        der = panel.dump(row["unit"])
        assert serial_of(der) == row["certificate_serial"]
        subject = openssl("x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253", data=der).decode()
        assert f"CN={row['unit']}," in subject.replace("\n", ",")
        public = openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=der).decode()
        assert hashlib.sha256(der_of(public, "PUBLIC KEY")).hexdigest() == row["public_key_sha256"]


def test_evidence_can_be_checked_by_others(panel, tmp_path):
    """The proof in the export, recomputed from the bytes of the design with openssl alone."""
    issued = {row["certificate_id"]: row for row in panel.ledger_list()}
    entries = [json.loads(line) for line in panel.imprint("ledger", "export").stdout.splitlines()]
    installed = [entry for entry in entries if entry.get("type") == "installed"]
    assert len(installed) == BOARDS
    by_number = {row["entry"]: row for row in issued.values()}
    for entry in installed[:8]:
        row = by_number[entry["issuance"]]
        held = panel.dump(row["unit"])
        digests = hashlib.sha256(held).digest() + hashlib.sha256(panel.dump(row["unit"], "issuer")).digest()
        assert entry["digests"] == digests.hex()
        message = (b"imprint-prove-v1\0" + bytes.fromhex(entry["nonce"]) + hashlib.sha256(held).digest() + row["unit"].encode() + digests)
        (tmp_path / "key.pem").write_bytes(openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=held))
        (tmp_path / "signature").write_bytes(bytes.fromhex(entry["signature"]))
        said = openssl("dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", tmp_path / "signature", data=message)
        assert b"Verified OK" in said
        forged = openssl("dgst", "-sha256", "-verify", tmp_path / "key.pem", "-signature", tmp_path / "signature",
                         data=message[:-1] + bytes([message[-1] ^ 1]), check=False)
        assert forged.returncode != 0


def test_ledger_line(panel):
    rows = panel.ledger_list()
    for row in rows:
        assert [key for key in row if key in LEDGER_KEYS] == LEDGER_KEYS
        assert row["station"] == "LINE" and row["product"] == "demo" and row["order"] == "DEMO"
        assert RFC3339.fullmatch(row["issued_at"]) and RFC3339.fullmatch(row["installed_at"])
        assert row["ca_certificate_id"] == certificate_id(panel.ca)
        assert isinstance(row["entry"], int)
    assert [row["entry"] for row in rows] == sorted(row["entry"] for row in rows)
    assert rows == panel.ledger_list()


def test_runs(panel):
    runs = panel.json("runs")
    first = {}
    for run in runs:
        first.setdefault(run["nest"], run)
    assert sorted(first) == sorted(NESTS)
    for run in first.values():
        assert run["outcome"] == "PASS" and run["unit"] == panel.boards_before[run["nest"]]
        assert run["code"] == "" and run["try"] == 1 and run["operator"]
        assert RFC3339.fullmatch(run["started_at"]) and RFC3339.fullmatch(run["ended_at"])


def test_status(panel):
    nests = {row["nest"]: row for row in panel.json("status") if "nest" in row}
    assert list(nests) == NESTS
    for name, row in nests.items():
        assert row["outcome"] == "PASS" and row["unit"] == panel.boards_before[name]


def test_same_boards_again(panel):
    """The same certificates, and nothing new in the ledger."""
    rows = panel.ledger_list()
    flash = {unit: panel.dump(unit) for unit in panel.boards_before.values()}
    head = json.loads(panel.imprint("ledger", "head").stdout)
    panel.imprint("start")
    panel.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    assert panel.ledger_list() == rows
    assert {unit: panel.dump(unit) for unit in flash} == flash
    after = json.loads(panel.imprint("ledger", "head").stdout)
    assert (after["size"], after["root"]) == (head["size"], head["root"])
    assert panel.order()["used"] == BOARDS
    assert len([run for run in panel.json("runs") if run["outcome"] == "PASS"]) == 2 * BOARDS


def test_watch_shows_steps_and_bytes(station):
    """Every nest while it works, at a speed that a person could follow: which step, and bytes that grow."""
    s = station("--boards", 8, "--baud", 4800)
    watch = subprocess.Popen([BUILD / "imprint", "watch", "--json"], env=s.env, stdout=subprocess.PIPE)
    try:
        rows = lines_of(watch.stdout)
        seen = [row for row in take(rows, 9) if row["type"] == "nest"]
        assert [row["nest"] for row in seen] == NESTS[:8]
        s.imprint("start")
        ended = set()
        while len(ended) < 8:
            row = next(rows)
            if row["type"] != "nest":
                continue
            seen.append(row)
            if row["outcome"] and row["state"] != "running":
                assert row["outcome"] == "PASS"
                ended.add(row["nest"])
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()
    for nest in NESTS[:8]:
        running = [row for row in seen if row["nest"] == nest and row["state"] == "running"]
        assert len({row["step"] for row in running}) >= 3, running
        assert all(1 <= row["step_index"] <= row["step_count"] for row in running)
        assert [row["step_index"] for row in running] == sorted(row["step_index"] for row in running)
        assert all(row["bytes_done"] <= row["bytes_total"] for row in running)
        assert len({row["bytes_done"] for row in running if row["step"] == "install"}) >= 2, running


def lines_of(stream, patience_s=PATIENCE_S):
    """JSON objects as they come; a stream that falls silent is an error."""
    rest = b""
    while True:
        ready, _, _ = select.select([stream], [], [], patience_s)
        assert ready, f"nothing came within {patience_s} s"
        rest += os.read(stream.fileno(), 65536)
        *lines, rest = rest.split(b"\n")
        yield from (json.loads(line) for line in lines)


def take(rows, count):
    return [next(rows) for _ in range(count)]


@pytest.mark.sanitizers
def test_ledger_verifies(panel):
    panel.imprint("ledger", "verify")


@pytest.mark.skipif(SANITIZED, reason="sanitizers need memory of their own")
def test_memory(panel):
    assert panel.resident["signer"] < RESIDENT_MAX and panel.resident["station"] < RESIDENT_MAX, panel.resident


@pytest.mark.sanitizers
@pytest.mark.parametrize("daemon", ["signer", "station"])
def test_daemon_gave_up_its_privileges(panel, daemon):
    with open(f"/proc/{panel.pid(daemon)}/status") as status:
        said = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
    assert said["NoNewPrivs"] == "1"
    assert said["Seccomp"] == "2"
    with open(f"/proc/{panel.pid(daemon)}/limits") as limits:
        assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M)
