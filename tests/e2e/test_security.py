"""SECURITY.md: each claim names the tests that show it, and they are there; and those that no other file has."""
import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fault_table import ROWS
from station import BUILD, PATIENCE_S, ROOT
from test_fault_table import id_of
from tools import openssl

PAGE = (ROOT / "SECURITY.md").read_text()
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
NOBODY = "65534"
REFERENCE = re.compile(r"`(test_\w+\.py)::(test_\w+)(?:\[([\w-]+)\])?`")
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
NEEDS_TOOL = pytest.mark.skipif(not shutil.which("pkcs11-tool"), reason="pkcs11-tool is not installed; run tests/setup --tests")


def claims(page):
    """[(claim, why, shown by)]: the rows of all tables."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return [row for row in rows if row[0] != "claim" and set(row[0]) != {"-"}]


def functions_of(name):
    path = ROOT / "tests/e2e" / name
    body = ast.parse(path.read_text()).body if path.exists() else []
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def is_there(file, test, row):
    """Of the fault table a row is named: the table as a whole shows no claim."""
    return test in functions_of(file) and (test != "test_row" or row in map(id_of, ROWS))


def wrong_rows(page):
    wrong = []
    for row in claims(page):
        named = REFERENCE.findall(row[2]) if len(row) == 3 else []
        if len(row) != 3 or not all(row) or not named or REFERENCE.sub("", row[2]).strip():
            wrong.append(f"not claim, why and tests: {row}")
        wrong += [f"{row[0]}: there is no {test}" for test in named if not is_there(*test)]
    return wrong


def test_each_claim_has_its_tests():
    assert len(claims(PAGE)) > 40
    assert wrong_rows(PAGE) == []


@pytest.mark.parametrize("row", ["| a | b | `test_security.py::test_of_nothing` |", "| a | b | `test_fault_table.py::test_row` |",
                                 "| a | b | `test_fault_table.py::test_row[token-nothing]` |",
                                 "| a | b |  |", "| a | b | somebody looked |",
                                 "| a | `test_security.py::test_each_claim_has_its_tests` |"])
def test_a_claim_without_a_test_is_seen(row):
    assert wrong_rows(row)


# --- what no other file shows ---


@pytest.fixture(scope="module")
def line(module_station):
    return module_station("--boards", 1)


@NEEDS_ROOT
def test_another_user_reads_nothing(line):
    """Of those folders that the station keeps open to all on the way there, none lets anybody at the signer's own files."""
    secret = [line.dir / "etc/token-pin", line.dir / "etc/token-so-pin", line.dir / "lib/signer/ledger.db", line.dir / "lib/station/badges.jsonl",
              *(line.dir / "lib/signer/token").rglob("*.object")]
    assert len(secret) > 4
    for path in secret:
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "cat", path], capture_output=True)
        assert done.returncode != 0 and b"Permission denied" in done.stderr, path
        assert path.stat().st_mode & 0o077 == 0, path  # nor the group of those who may connect


def test_the_pin_goes_by_nobody(line):
    """Not by arguments or environment of a daemon, and no file but its own holds it: no log, no setting, no ledger."""
    line.imprint("start")
    line.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    pins = {(line.dir / "etc" / name).read_bytes().strip() for name in ("token-pin", "token-so-pin")}
    others = [path for path in line.dir.rglob("*") if path.is_file() and path.name not in ("token-pin", "token-so-pin")]
    others += [Path(f"/proc/{line.pid(daemon)}/{name}") for daemon in ("signer", "station") for name in ("cmdline", "environ")]
    assert len(pins) == 2 and len(others) > 20 and line.dir / "log/signer" in others
    assert [path for path in others if any(pin in path.read_bytes() for pin in pins)] == []


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed; run tests/setup --tests")
def test_the_pin_goes_by_nobody_at_the_set_up(tmp_path):
    env, calls = dict(os.environ, IMPRINT_DIR=str(tmp_path / "s")), tmp_path / "calls"
    for words in (["init", "--station", "SZ1"], ["ca", "create", "--subject", "CN=x"]):
        subprocess.run(["strace", "-f", "-v", "-s", "65536", "-e", "trace=execve", "-o", calls, BUILD / "imprint", *words], env=env, check=True,
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
        assert "IMPRINT_DIR=" in calls.read_text() and (tmp_path / "s/etc/token-pin").read_text().strip() not in calls.read_text()


def test_the_pins_page_is_locked_and_not_the_process(line):
    with open(f"/proc/{line.pid('signer')}/status") as status:
        locked_kb = int(re.search(r"^VmLck:\s+(\d+) kB$", status.read(), re.M)[1])
    assert 4 <= locked_kb <= 64


def test_the_signer_has_local_sockets_alone(line):
    """Every socket that it holds is of the kernel's list of local ones."""
    before = sockets_of(line.pid("signer"))
    with open("/proc/net/unix") as table:
        local = {row.split()[6] for row in table.read().splitlines()[1:]}
    lasting = before & sockets_of(line.pid("signer"))  # one that was closed meanwhile stands in no list
    assert lasting and lasting <= local


def sockets_of(pid):
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except FileNotFoundError:
            pass  # closed since
    return inodes


def pkcs11(line, *words, conf=None):
    pin = (line.dir / "etc/token-pin").read_text().strip()
    env = dict(os.environ, SOFTHSM2_CONF=str(conf or line.dir / "lib/signer/token/softhsm2.conf"))
    return subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", "imprint-LINE", "--login", "--pin", pin, *map(str, words)],
                          env=env, capture_output=True, text=True, timeout=600)


@NEEDS_TOOL
def test_the_keys_cannot_leave_the_token(line):
    listed = pkcs11(line, "--list-objects", "--type", "privkey").stdout
    access = re.findall(r"^  Access: +(.*)$", listed, re.M)
    assert len(access) == 2  # the CA's and that of the heads
    assert all(words.split(", ")[:4] == ["sensitive", "always sensitive", "never extractable", "local"] for words in access), listed
    key = re.search(r"^  ID: +(\w+)", listed, re.M).group(1)
    out = line.dir / "key.out"
    pkcs11(line, "--read-object", "--type", "privkey", "--id", key, "--output-file", out)
    assert not out.exists() or not out.read_bytes()


@NEEDS_TOOL
def test_a_stolen_disk_with_softhsm_signs(line, tmp_path):
    """The claim that is a warning: a copy of the files is a copy of the key."""
    shutil.copytree(line.dir / "lib/signer/token", tmp_path / "token")
    conf = tmp_path / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {tmp_path / 'token/tokens'}\nobjectstore.backend = file\n")
    key = re.search(r"label: +imprint-ca\n +ID: +(\w+)", pkcs11(line, "--list-objects", "--type", "privkey", conf=conf).stdout).group(1)
    (tmp_path / "data").write_bytes(b"anything")
    done = pkcs11(line, "--sign", "--mechanism", "ECDSA-SHA256", "--id", key, "--signature-format", "openssl", "--input-file",
                  tmp_path / "data", "--output-file", tmp_path / "signature", conf=conf)
    if done.returncode != 0:  # SoftHSM hashes nothing itself
        (tmp_path / "hash").write_bytes(openssl("dgst", "-sha256", "-binary", tmp_path / "data"))
        done = pkcs11(line, "--sign", "--mechanism", "ECDSA", "--id", key, "--signature-format", "openssl", "--input-file",
                      tmp_path / "hash", "--output-file", tmp_path / "signature", conf=conf)
    assert done.returncode == 0, done.stderr
    (tmp_path / "ca.pem").write_text("-----BEGIN" + line.imprint("ca", "show").stdout.partition("-----BEGIN")[2])
    (tmp_path / "ca.pub").write_bytes(openssl("x509", "-in", tmp_path / "ca.pem", "-pubkey", "-noout"))
    assert b"OK" in openssl("dgst", "-sha256", "-verify", tmp_path / "ca.pub", "-signature", tmp_path / "signature", tmp_path / "data")
