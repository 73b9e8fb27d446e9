"""A station process that was taken over: it speaks to the signer with words of its own, and tries for more than it may."""
import array
import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import struct
import subprocess

import pytest
from faulty import spoil
from signer_client import ISSUED, REFUSED, encode
from station import BUILD, PATIENCE_S, ROOT, wait_until
from tools import Requests

STRANGER = 61031
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="it becomes other users, which only root may")


@pytest.fixture(scope="module")
def line(module_station):
    return module_station("--boards", 1)


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


@pytest.fixture
def signer(line):
    """A connection; at the end the signer is the same as before, and the ledger verifies."""
    before = line.pid("signer")
    with line.signer() as connection:
        yield connection
    assert line.pid("signer") == before
    line.imprint("ledger", "verify")


def unit_id():
    return f"A-{secrets.token_hex(4)}"


@pytest.mark.parametrize("name", ["two\nlines", "\x85", "\x9b31m"], ids=ascii)
def test_an_operators_name_does_not_end_the_signer(signer, requests, name):
    """Not even in an alarm, which must be written."""
    csr = requests.new()
    assert signer.issue(unit_id(), csr).type == ISSUED
    answer = signer.issue(unit_id(), csr, operator=name)
    assert (answer.type, answer.refusal) == (REFUSED, "request"), answer.text
    assert signer.issue(unit_id(), csr).refusal == "key-other-unit"


def test_names_write_no_keys_into_the_log(line, signer):
    answer = signer.issue('X" code=token reason="the token is lost', b"", nest='A1" code=token')
    assert answer.type == REFUSED
    last = [row for row in line.log("signer").splitlines() if row.startswith("<5>refused")][-1]
    facts = dict(word.partition("=")[::2] for word in shlex.split(last)[1:])
    assert set(facts) == {"request", "nest", "unit", "code", "reason"} and facts["code"] != "token", last


def test_it_may_take_any_open_order_and_say_any_operator(line, signer, requests):
    """The claims that are warnings: the signer knows of boards and people what the station says."""
    order = f"SIDE-{secrets.token_hex(2)}"
    line.imprint("order", "open", order, "--product", "demo", "--quantity", "1")
    line.imprint("order", "use", "DEMO")
    unit = unit_id()
    answer = signer.issue(unit, requests.new(), order=order, operator="somebody else")
    assert answer.type == ISSUED
    row = line.json("ledger", "show", unit)[0]
    assert (row["order"], row["operator"]) == (order, "somebody else")
    assert signer.issue(unit_id(), requests.new(), order=order).refusal == "order-quota"


def test_who_has_no_badge_may_say_any_name(line):
    """The claim that is a warning; a badge says more: test_shift.py::test_badges."""
    line.imprint("start", "--operator", "Somebody")
    line.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    assert line.json("runs")[-1]["operator"] == "Somebody"


def test_it_writes_into_no_terminal(line):
    """Nor does what it wrote into its record of runs, which others read with their own rights."""
    path = line.dir / "lib/station/runs.jsonl"
    forged = json.loads(path.read_text().splitlines()[-1])
    forged.update({key: value + "\x1b[2J\x9b31m" for key, value in forged.items() if isinstance(value, str)}, run=forged["run"] + 1)
    with open(path, "a") as file:
        file.write(json.dumps(forged) + "\n")
    for key in ("outcome", "started_at", "ended_at", "shift", "mode"):  # once more as one that counts
        forged[key] = forged[key].partition("\x1b")[0]
    with open(path, "a") as file:
        file.write(json.dumps(forged | {"run": forged["run"] + 1}) + "\n")
    for words in (["runs"], ["runs", "--json"], ["report", "--shift", forged["shift"]]):
        said = line.imprint(*words).stdout
        assert "[2J" in said and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), words


def full_and_lingering(seconds):
    """A TCP connection whose closing takes that long: the other side takes nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = socket.create_connection(listener.getsockname())
        receiver, _ = listener.accept()
    sender.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sender.send(bytes(65536))
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    return sender, receiver


@pytest.mark.parametrize("daemon", ["signer", "station"])
def test_a_descriptor_holds_a_daemon_up_and_no_more(line, signer, daemon):
    """The claim that is a warning: what is passed must be closed, and closing may take its time."""
    sender, receiver = full_and_lingering(2)
    before = line.pid(daemon)
    folder = os.open(line.dir / "run" / daemon, os.O_RDONLY | os.O_DIRECTORY)
    with receiver, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hostile:
        hostile.connect(f"/proc/self/fd/{folder}/{daemon}.sock")
        hostile.sendmsg([encode("status")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sender.fileno()]))])
        sender.close()
        os.close(folder)
        line.imprint("status")
        assert signer.ask("status").status["token_ok"] == 1
    assert line.pid(daemon) == before


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="systemd-tmpfiles is not installed")
def test_strangers_reach_no_socket(tmp_path):
    """As an installed station has its folders: for that of the signer see the mode of its socket, in tests/package/steps."""
    (tmp_path / "etc").mkdir()
    for program, name in (("systemd-sysusers", "imprint.sysusers"), ("systemd-tmpfiles", "imprint.tmpfiles")):
        subprocess.run([program, f"--root={tmp_path}", *(["--create"] if "tmpfiles" in program else []), "-"], check=True,
                       capture_output=True, input=(ROOT / "systemd" / name).read_bytes())
    status = (tmp_path / "run/imprint/station").stat()
    groups = dict(row.split(":")[0:3:2] for row in (tmp_path / "etc/group").read_text().splitlines())
    assert status.st_mode & 0o777 == 0o750 and status.st_gid == int(groups["imprint"])
    socket_unit = (ROOT / "systemd/imprint-signer.socket").read_text()
    assert "\nSocketMode=0660\n" in socket_unit and "\nSocketGroup=imprint\n" in socket_unit


def test_a_module_of_the_token_is_kept_in(line, requests):
    """Code inside the signer: no network, no other program, no look into other processes."""
    s = spoil(line)
    s.script("C_Sign 1 escape")
    with s.signer() as signer:
        assert signer.issue(unit_id(), requests.new()).type == ISSUED
    assert s.seen("tried")
    assert [word for word in ("network", "program", "tracing") if s.seen(word)] == []


@NEEDS_ROOT
def test_its_own_user_cannot_look_into_the_signer(station, tmp_path):
    """The signer of a user of its own; another process of that user is kept out, as it is not dumpable."""
    s = station("--boards", 0)
    s.kill("signer", signal.SIGTERM)
    for path in (s.dir.parent, s.dir.parent.parent):
        path.chmod(path.stat().st_mode | 0o011)
    for path in [s.dir, *s.dir.rglob("*")]:
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    program = shutil.copy2(BUILD / "imprint-signer", s.dir)
    with open(s.dir / "log/signer", "a") as log:
        child = subprocess.Popen([program], env=s.env, stderr=log, user=STRANGER, group=STRANGER, extra_groups=[], cwd="/")
    try:
        wait_until(lambda: child.poll() is not None or "signer ready" in s.log("signer").splitlines()[-1], what="the signer")
        assert child.poll() is None, s.log("signer")
        for name in ("mem", "environ", "maps", "fd/0"):
            done = subprocess.run(["head", "-c1", f"/proc/{child.pid}/{name}"], user=STRANGER, group=STRANGER, extra_groups=[],
                                  capture_output=True)
            assert b"Permission denied" in done.stderr, name
    finally:
        child.terminate()
        child.wait(PATIENCE_S)
