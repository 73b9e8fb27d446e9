"""The fault table: what can go wrong around a line, how each fault is made here, and what must be seen. A row is a check of
its own, which test_fault_table.py runs, or the name of the test that makes that fault elsewhere; docs/faults.md is printed
from it (tests/faults)."""
import contextlib
import functools
import os
import random
import signal
import socket
import subprocess
import time
from collections import namedtuple

import pytest
from faulty import EXIT_PIN, FIU, Clock, Supervisor, fill
from station import PATIENCE_S, ROOT, wait_until
from test_faults import run_all, wait_runs
from tools import Requests

PAGE = ROOT / "docs/faults.md"
LOST = "token lost, boards wait"
HUNG = "the token does not come back from a call, the signer ends"

Row = namedtuple("Row", "group name made seen then check")
ROWS = []


def row(group, name, made, seen, then, *arguments):
    """Adds the function below as the check of a row; it is called with the station and the arguments."""
    def add(check):
        ROWS.append(Row(group, name, made, seen, then, functools.partial(check, *arguments)))
        return check
    return add


def elsewhere(group, name, made, seen, then, test):
    ROWS.append(Row(group, name, made, seen, then, test))


# --- what the checks share ---


def new_boards(s):
    for nest in s.boards():
        s.rig(f"remove {nest}", f"insert {nest}")


def panel(s):
    """New boards, and all of them pass."""
    new_boards(s)
    runs = run_all(s)
    assert {run["outcome"] for run in runs.values()} == {"PASS"}, runs
    return runs


@contextlib.contextmanager
def panel_under_way(s, *rules):
    """New boards that pass, and between start and end the block's doing. The rules are there from the start: a panel is quick."""
    new_boards(s)
    if rules:
        s.script(*rules)
    before = len(s.json("runs"))
    s.imprint("start")
    yield
    wait_runs(s, before + len(s.boards()))
    runs = s.json("runs")[before:]
    assert {run["outcome"] for run in runs} == {"PASS"}, f"{runs}\n{s.logs()}"


@contextlib.contextmanager
def logged(s, *words, name="signer"):
    """The block makes the daemon say these words."""
    start = len(s.log(name))
    yield
    wait_until(lambda: all(word in s.log(name)[start:] for word in words) or None, what=f"{words} in the log of the {name}")


@contextlib.contextmanager
def panel_signing(s):
    """The same, and the block runs while the token signs; it must be quick: 10 s of it are a hung token."""
    before = len(s.seen("begin"))
    with panel_under_way(s, "C_Sign always delay 600000"):
        wait_until(lambda: len(s.seen("begin")) > before, what="a signature under way")
        yield
        s.script()


def works_again(s):
    """Nobody's hand was needed: the next panel passes, and the ledger is true."""
    s.script()
    panel(s)
    assert not [issuance for issuance in s.ledger_list() if issuance["state"] == "reserved"]
    s.imprint("ledger", "verify")


def status_says(s, *words):
    def look():
        text = s.imprint("status", check=False).stdout
        return all(word in text for word in words)
    wait_until(look, what=f"{words} in the status")


# --- token ---

GOES_ON = "boards wait; the token is closed and opened again; they pass"


def answered(rules, words, s):
    with logged(s, LOST, *words, "token is back"):
        s.script(*rules)
        panel(s)


def answers(name, code, meaning, function="C_Sign"):
    rules = [f"{function} 1 fail {code}"]
    row("token", name, f"`{rules[0]}`", f"{LOST}: … {meaning}", GOES_ON, rules, [meaning])(answered)


answers("device error", "CKR_DEVICE_ERROR", "device error")
answers("session closed by the token", "CKR_SESSION_HANDLE_INVALID", "the token has closed the session")
answers("key gone for a moment", "CKR_OBJECT_HANDLE_INVALID", "the key is gone from the token")
answers("login ended by the token", "CKR_USER_NOT_LOGGED_IN", "the token has ended the login")
answers("token pulled and put back", "CKR_DEVICE_REMOVED", "the token was removed")
answers("an answer that means nothing", "CKR_GENERAL_ERROR", "the token answers CKR 0x5", "C_SignInit")


AWAY = ["C_Sign always fail CKR_TOKEN_NOT_PRESENT", "C_OpenSession always fail CKR_TOKEN_NOT_PRESENT"]


@row("token", "token away for a while", "`C_Sign always`, `C_OpenSession always fail CKR_TOKEN_NOT_PRESENT`",
     f"`imprint status`: {LOST}: … no token is present",
     "boards wait, for `timeouts.certificate_ms` at most; the line resumes when it is back")
def token_away(s):
    with logged(s, "token cannot be reopened", "token is back"), panel_under_way(s, *AWAY):
        status_says(s, LOST, "no token is present")
        s.script()


@row("token", "token away for long", "the same, and `timeouts.certificate_ms` is 2000",
     "outcome ERROR, code token: … waits, the token is lost", "nothing counts against the boards; they pass when run again")
def token_away_for_long(s):
    s.set_timeouts(certificate_ms=2000)
    new_boards(s)
    s.script(*AWAY)
    runs = run_all(s)
    assert {run["outcome"] for run in runs.values()} == {"ERROR"} and "token" in {run["code"] for run in runs.values()}, runs
    s.set_timeouts()


@row("token", "token not there at the start", "`C_GetSlotList always fail CKR_TOKEN_NOT_PRESENT`, and a restart",
     f"the signer serves; `imprint status`: {LOST}", "the line resumes when it is there")
def token_not_there_at_start(s):
    s.kill("signer", signal.SIGTERM)
    s.script("C_GetSlotList always fail CKR_TOKEN_NOT_PRESENT")
    s.start("signer")
    status_says(s, LOST)
    with logged(s, "token is back"):
        s.script()


@row("token", "no session left", "`C_OpenSession 1 fail CKR_SESSION_COUNT`, and a restart",
     f"{LOST}: … the token allows no more sessions: lower token.sessions in signer.yaml", "the line resumes when one is free")
def no_session_left(s):
    s.kill("signer", signal.SIGTERM)
    s.script("C_OpenSession 1 fail CKR_SESSION_COUNT")
    with logged(s, LOST, "lower token.sessions", "token is back"):
        s.start("signer")


@row("token", "files of the software token gone", "the folder of the SoftHSM token is renamed, and back",
     f"{LOST}: …", "the line resumes when it is back")
def token_files_gone(s):
    tokens = next((s.dir / "lib/signer/token/tokens").iterdir())
    aside = s.dir / "token.aside"
    with logged(s, "token is back"):
        tokens.rename(aside)
        with panel_under_way(s):
            status_says(s, LOST)
            aside.rename(tokens)


@row("token", "signature wrong", "`C_Sign 1 wrong`: one bit of the signature is flipped",
     f"{LOST}: the token's signature does not verify with the CA's public key",
     "it is destroyed, its issuance void; " + GOES_ON)
def signature_wrong(s):
    void = len([1 for issuance in s.ledger_list() if issuance["state"] == "void"])
    answered(["C_Sign 1 wrong"], ["does not verify"], s)
    assert len([1 for issuance in s.ledger_list() if issuance["state"] == "void"]) == void + 1


@row("token", "signature wrong each time", "`C_Sign always wrong`",
     "token cannot be reopened: … it signs, but the signature does not verify",
     "no certificate leaves; the line resumes when it signs well")
def signature_always_wrong(s):
    words = "token cannot be reopened", "it signs, but the signature does not verify", "token is back"
    with logged(s, *words), panel_under_way(s, "C_Sign always wrong"):
        status_says(s, LOST, "does not verify")
        s.script()


@row("token", "signature that hangs", "`C_Sign 1 hang`", HUNG,
     "after 10 s the signer ends and is started again; the boards that waited go on and pass")
def signature_hangs(s):
    s.set_timeouts(certificate_ms=120_000)  # a slow machine's signer starts slowly
    with logged(s, HUNG, "reservations voided"), Supervisor(s, s.script) as supervisor, panel_under_way(s, "C_Sign 1 hang"):
        pass
    assert supervisor.restarts == 1
    s.set_timeouts()


@row("token", "login that hangs", "`C_Sign 1 fail CKR_DEVICE_ERROR`, `C_Login always hang`", HUNG,
     "after 10 s the signer ends and is started again; the boards that waited go on and pass")
def login_hangs(s):
    s.set_timeouts(certificate_ms=120_000)
    rules = "C_Sign 1 fail CKR_DEVICE_ERROR", "C_Login always hang"
    with logged(s, HUNG), Supervisor(s, s.script) as supervisor, panel_under_way(s, *rules):
        pass
    assert supervisor.restarts == 1
    s.set_timeouts()


@row("token", "slow token", "`C_Sign always delay 200`", "nothing: `token.sessions` signatures go on at the same time",
     "the boards pass, later")
def slow_token(s):
    s.forget()
    s.script("C_Sign always delay 200")
    panel(s)
    assert max(s.signing()) <= 2


# --- the PIN: its mark outlives the signer ---

BEFORE = "the token refused this PIN before, and no PIN is tried twice"
UNTIL = "exit 78, not started again; the token is not touched until the PIN file is another"


def logins(s):
    return len(s.seen("C_Login")), len(s.seen("C_Initialize"))


@contextlib.contextmanager
def pin_is(s, text):
    path = s.dir / "etc/token-pin"
    right = path.read_text()
    path.write_text(text)
    yield lambda: path.write_text(right)
    path.write_text(right)


@row("token", "PIN wrong at the start", "another PIN in the file, and two starts",
     f"the token refused the PIN: correct the PIN file; then: {BEFORE}", UNTIL)
def pin_wrong_at_start(s):
    s.kill("signer", signal.SIGTERM)
    before, _ = logins(s)
    with pin_is(s, "not-the-pin\n"):
        code, line = s.start_refused()
        assert code == EXIT_PIN and "refused the PIN" in line, line
        tried = logins(s)
        assert tried[0] == before + 1
        for _ in range(2):
            code, line = s.start_refused()
            assert code == EXIT_PIN and BEFORE in line and "pin-refused" in line, line
        assert logins(s) == tried, "the token was touched"
    s.start("signer")
    assert not (s.dir / "lib/signer/pin-refused").exists()


@row("token", "PIN changed under way", "another PIN in the file, and `C_Sign 1 fail CKR_DEVICE_ERROR`",
     f"{LOST}: … the token refused the PIN; then: {BEFORE}", "one try; the line resumes when the file is right again")
def pin_wrong_under_way(s):
    before, start = logins(s)[0], len(s.log("signer"))
    with logged(s, "refused the PIN", "token is back"), pin_is(s, "not-the-pin\n") as right:
        with panel_under_way(s, "C_Sign 1 fail CKR_DEVICE_ERROR"):
            wait_until(lambda: BEFORE in s.log("signer")[start:], what="the second look at the PIN")
            assert logins(s)[0] == before + 1
            right()


@row("token", "PIN locked", "`C_Login 1 fail CKR_PIN_LOCKED`, and two starts",
     f"the PIN is locked: unlock it with the security officer's PIN; then: {BEFORE}", UNTIL + ", or the mark is removed")
def pin_locked(s):
    s.kill("signer", signal.SIGTERM)
    s.script("C_Login 1 fail CKR_PIN_LOCKED")
    code, line = s.start_refused()
    assert code == EXIT_PIN and "the PIN is locked" in line, line
    tried = logins(s)
    code, line = s.start_refused()
    assert code == EXIT_PIN and BEFORE in line and logins(s) == tried, line
    (s.dir / "lib/signer/pin-refused").unlink()
    s.script()
    s.start("signer")


@row("token", "PIN file open to others", "its mode is 0644", "the PIN file … may be read by others: chown …; chmod 600 …",
     "exit 78; the token is not touched")
def pin_file_open(s):
    path = s.dir / "etc/token-pin"
    s.kill("signer", signal.SIGTERM)
    tried = logins(s)[0]
    path.chmod(0o644)
    code, line = s.start_refused()
    assert code == EXIT_PIN and "may be read by others" in line and "chmod 600" in line, line
    assert logins(s)[0] == tried
    path.chmod(0o600)
    s.start("signer")


# --- disk ---


@row("disk", "ledger's disk full", "a file takes all but 40 MB of the disk",
     "outcome ERROR, code disk: only … MB are free for the ledger; make room, at least 64 MB",
     "nothing is reserved; the boards pass once there is room")
def disk_full(s):
    with on_tmpfs(s, 96) as folder, s.signer() as station:
        csr = Requests(s.dir).new()
        station.issue("DISK-1", csr)
        filler = fill(folder, 40)
        wait_until(lambda: disk_free_mb(s) < 64, what="the signer's look at the disk")
        entries = status(s)["entries"]
        new_boards(s)
        runs = run_all(s)
        for run in runs.values():
            assert (run["outcome"], run["code"]) == ("ERROR", "disk") and "make room" in run["text"], run
        assert station.issue("DISK-2", csr).refusal == "key-other-unit"
        assert status(s)["entries"] == entries, "something was reserved, or an alarm entered"
        filler.unlink()
        wait_until(lambda: disk_free_mb(s) > 64, what="the signer's look at the disk")
        works_again(s)


def status(s):
    with s.signer() as connection:
        return connection.ask("status").status


def disk_free_mb(s):
    return status(s)["disk_free_mb"]


@contextlib.contextmanager
def on_tmpfs(s, megabytes):
    """The ledger on a disk of its own, and back afterwards: what is new on it comes along."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    folder, aside = s.dir / "lib/signer", s.dir / "lib/signer.aside"
    s.kill("signer", signal.SIGTERM)
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", folder], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)
        s.start("signer")
        yield folder
        s.kill("signer", signal.SIGTERM)
        subprocess.run(["cp", "-a", f"{folder}/.", aside], check=True)
    finally:
        s.kill("signer")
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()
        aside.rename(folder)
    s.start("signer")


def spoilt_disk(failure, error, words, s):
    """Once the token signs, the call fails, until the signer is started again: the certificate's own commit."""
    s.kill("signer", signal.SIGTERM)
    prefix = s.dir / "fiu"
    s.start("signer", env={"LD_PRELOAD": f"/usr/lib/fiu/fiu_run_preload.so {FIU}", "FIU_CTRL_FIFO": str(prefix), "FIU_ENABLE": ""})
    issued = {issuance["certificate_id"] for issuance in s.ledger_list()}
    with logged(s, ENDS, "writing the ledger", words), Supervisor(s) as supervisor, panel_signing(s):
        done = subprocess.run(["fiu-ctrl", "-f", prefix, "-c", f"enable name={failure},failinfo={error}", str(s.pid("signer"))],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr + done.stdout
    assert supervisor.restarts == 1
    new = {issuance["certificate_id"] for issuance in s.ledger_list()} - issued - {None}
    assert len(new) == len(s.boards()), "a certificate whose commit failed is on record"


ENDS = "the ledger cannot be written, the signer ends"
DESTROYED = "what was not durable is destroyed with the process; it is started again; the boards that waited pass"
for name, failure, error, words in (("no room in a write", "posix/io/rw/pwrite", 28, "database or disk is full"),
                                    ("I/O error in a write", "posix/io/rw/pwrite", 5, "disk I/O error"),
                                    ("I/O error in a sync", "posix/io/sync/fdatasync", 5, "disk I/O error")):
    row("disk", name, f"libfiu: `{failure}` fails with errno {error}", f"{ENDS}: writing the ledger …: {words}", DESTROYED,
        failure, error, words)(spoilt_disk)


# --- clock ---


@contextlib.contextmanager
def fake_clock(s):
    clock = Clock(s)
    s.kill("signer", signal.SIGTERM)
    s.start("signer", env=clock.env)
    yield clock
    clock.set(0)
    s.restart("signer")


def clock_jumps(seconds, words, s):
    with fake_clock(s) as clock:
        panel(s)
        clock.set(seconds)
        new_boards(s)
        for run in run_all(s).values():
            assert (run["outcome"], run["code"]) == ("ERROR", "clock"), run
            assert all(word in run["text"] for word in words), run
        s.imprint("ledger", "accept-time", "--reason", "two\nlines", check=False)  # no entry, so nothing is accepted
        assert {run["code"] for run in run_all(s).values()} == {"clock"}
        clock.set(0)
        panel(s)


PAUSES = "issuing pauses until the clock is right again, or a supervisor accepts it"
row("clock", "clock jumps ahead", "libfaketime: 10 minutes ahead of the boot clock",
    "outcome ERROR, code clock: the clock jumped by 600 s "
    "while the signer ran", PAUSES, 600, ["the clock jumped by", "accept-time"])(clock_jumps)
row("clock", "clock goes back", "libfaketime: 10 minutes back",
    "outcome ERROR, code clock: the clock says …, but the ledger's last entry is of …",
    PAUSES, -600, ["the ledger's last entry is of", "accept-time"])(clock_jumps)


@row("clock", "clock goes back by seconds", "libfaketime: 3 s back", "nothing: the last entry's time is used", "the boards pass")
def clock_back_a_little(s):
    with fake_clock(s) as clock:
        panel(s)
        clock.set(-3)
        panel(s)


@row("clock", "clock far ahead at the start", "libfaketime: 40 days ahead, and a restart",
     "outcome ERROR, code clock: … more than 30 days after the ledger's last entry",
     "issuing pauses; `imprint ledger accept-time`, or the clock is set right")
def clock_far_ahead(s):
    with fake_clock(s) as clock:
        clock.set(40 * 86400)
        s.kill("signer", signal.SIGTERM)
        s.start("signer", env=clock.env)
        new_boards(s)
        for run in run_all(s).values():
            assert run["code"] == "clock" and "more than 30 days after" in run["text"], run


# --- socket ---


@row("socket", "signer's socket gone", "`signer.sock` is removed under way, and the signer started again",
     "nothing, or: the signer did not answer for … s",
     "the boards wait for it, and pass")
def socket_gone(s):
    (s.dir / "run/signer/signer.sock").unlink()
    new_boards(s)
    s.restart("signer")


@row("socket", "records that make no sense", "500 random records to the signer while a panel runs",
     "the callers are told: the request makes no sense",
     "the boards pass meanwhile")
def garbage(s):
    chance = random.Random(6)
    with panel_under_way(s), s.signer() as stranger:
        for _ in range(500):
            stranger.send(b"\xff" + chance.randbytes(chance.randrange(1, 2000)))
            assert "makes no sense" in stranger.receive().text


@row("socket", "flood of callers", "callers to the signer until it turns them away, while a panel runs", "a caller is turned away",
     "the boards that are connected pass; others when there is room")
def flood(s):
    with panel_under_way(s), contextlib.ExitStack() as callers:
        def one_more():
            with contextlib.suppress(OSError):  # it comes faster than it is taken
                callers.enter_context(s.signer(timeout=5))
            return "a caller is turned away" in s.log("signer")
        wait_until(one_more, what="the end of its patience")


@row("socket", "caller that takes no answers", "a caller asks for status again and again, and never reads",
     "a caller does not take its answer and is dropped", "the boards pass meanwhile")
def deaf_caller(s):
    from signer_client import encode
    with logged(s, "does not take its answer and is dropped"), panel_under_way(s), s.signer() as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        with pytest.raises(OSError):
            while True:
                deaf.send(encode("status"))


@row("socket", "strangers at the station's socket", "100 random records to the station while a panel runs", "they are hung up on",
     "the boards pass meanwhile")
def garbage_to_station(s):
    chance = random.Random(7)
    at = os.open(s.dir / "run/station", os.O_RDONLY | os.O_DIRECTORY)
    with panel_under_way(s):
        for _ in range(100):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger, contextlib.suppress(ConnectionError):
                stranger.connect(f"/proc/self/fd/{at}/station.sock")
                stranger.send(b"\xff" + chance.randbytes(chance.randrange(1, 2000)))
    os.close(at)


# --- signals ---


@contextlib.contextmanager
def stopped(s, name):
    os.kill(s.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(s.pid(name), signal.SIGCONT)


def frozen(name, s):
    with panel_signing(s), stopped(s, name):
        time.sleep(1)  # nothing can be seen of a frozen one: so long it stays so


for name in ("signer", "station"):
    row("signal", f"{name} frozen for a second", f"SIGSTOP and SIGCONT to the {name} under way", "nothing",
        "the boards wait, and pass", name)(frozen)


@row("signal", "signer ended under way", "SIGTERM to the signer; it is started again", "signer stops",
     "it finishes what it began; the boards that waited pass")
def signer_ended(s):
    with logged(s, "signer stops"), panel_signing(s):
        os.kill(s.pid("signer"), signal.SIGTERM)
        s.script()
        s.wait_end("signer")
        s.start("signer")


@row("signal", "signer killed again and again", "SIGKILL to the signer, three times in one panel",
     "nothing, or: reservations voided that were never signed",
     "the boards that waited pass")
def signer_killed(s):
    with Supervisor(s, s.script) as supervisor, panel_signing(s):
        for count in range(1, 4):
            s.kill_signer()
            wait_until(lambda: supervisor.restarts >= count and s.answers("signer"), what="the signer")


FAULTS, CYCLE = "test_faults.py::", "test_cycle.py::"
elsewhere("signal", "signer killed in a panel of 16", "SIGKILL to the signer", "nothing", "the boards that waited pass",
          FAULTS + "test_signer_killed_in_the_middle")
elsewhere("signal", "station ended under way", "SIGTERM to the station", "outcome ABORTED",
          "the same boards again pass, with the same certificates",
          FAULTS + "test_station_ends_in_order")
elsewhere("signal", "station killed under way", "SIGKILL to the station", "the runs are not on record",
          "the same boards again pass, with the same certificates",
          FAULTS + "test_station_killed_in_the_middle")
elsewhere("signal", "station of a jig ended under way", "SIGTERM to the station", "power off, outcome ABORTED",
          "the same boards again pass",
          CYCLE + "test_the_daemon_ends_under_way")
elsewhere("signal", "station of a jig killed under way", "SIGKILL to the station", "the jig's own watchdog takes the power",
          "the same boards again pass",
          CYCLE + "test_the_daemon_is_killed_under_way")
elsewhere("signal", "killed at every system call", "SIGKILL to the signer at each call of an issuance",
          "nothing is lost, nothing twice",
          "the next start voids what was not signed", "test_kill.py::test_killed_at_every_call")


# --- rows that are tests elsewhere ---

elsewhere("socket", "no signer at all", "the signer is killed and stays away", "outcome ERROR: … the signer …",
          "the boards pass once it is back",
          FAULTS + "test_no_signer_is_an_error_of_the_station")
elsewhere("socket", "second daemon", "a second signer and a second station are started", "another … runs already", "the first goes on",
          FAULTS + "test_second_daemons_are_refused")
elsewhere("socket", "strangers fill the station's socket", "more callers than it has room for", "they make room for who may ask",
          "the line works",
          "test_permission.py::test_strangers_do_not_keep_the_others_out")
elsewhere("disk", "power cut", "the file system is shut down at random moments, and mounted again", "nothing is lost, nothing twice",
          "the line starts again", "test_power.py::test_every_certificate_in_a_board_is_in_the_ledger")
elsewhere("disk", "power cut in a start", "the same while the signer starts, SoftHSM logging in",
          "at most: SoftHSM's token was cut off in a login; its copy is put back",
          "the line starts again", "test_power_points.py::test_start_is_cut")
elsewhere("disk", "ledger changed on the disk", "one byte in the database is another", "ledger verify: exit 3",
          "a person must restore a backup",
          "test_rules.py::test_changed_database_is_red")

BUS = {
    "e-stop": ("the e-stop is pressed", "stop estop"),
    "lid opened": ("the lid is forced open", "stop lid"),
    "clamp lost": ("the clamp's sensor goes out", "stop clamp-lost"),
    "air lost": ("the air is shut off", "stop air or clamp-lost"),
    "impossible pair": ("clamped and open are seen at once", "stop sensors or clamp-lost"),
    "cable pulled": ("no answer on the bus", "stop bus; every nest counts as powered"),
    "controller silent": ("the controller takes requests and says nothing", "stop bus; every nest counts as powered"),
    "controller restarts": ("the controller comes back with its outputs off", "stop restarted, bus, read-back or clamp-lost"),
    "false echo": ("the controller confirms what it does not do", "stop read-back or estop"),
}
for name, (made, seen) in BUS.items():
    elsewhere("bus", name, made, f"outcome ABORTED, {seen}", "power off first; after `imprint jig reset` the same boards pass",
              CYCLE + f"test_stop[{name}]")
elsewhere("bus", "watchdog of another time", "a WAGO coupler's watchdog was set going with another time than the map's",
          "its watchdog runs with … ms, and the map says timeout_ms: …",
          "nothing is switched until the coupler was switched off and on, or the map is mended",
          "test_jig_odd.py::test_watchdog_of_another_time")
elsewhere("bus", "answers one behind", "each answer is that of the request before", "stop bus", "no answer is taken for a fresh one",
          CYCLE + "test_answers_one_behind")

BOARD = {
    "mute": ("it says nothing", "FAIL F10"), "garbage": ("it babbles", "FAIL F11"), "reset": ("it restarts once under way",
    "FAIL F13"),
    "reset-always": ("it restarts each time", "FAIL F13"), "wrong-unit": ("its unit id is not the product's kind", "FAIL unit-text"),
    "bad-unit-text": ("its unit id is no text", "FAIL F30"), "same-key:A1": ("it has another board's key",
    "FAIL key-other-unit, an alarm"),
    "flash-weak": ("its flash keeps what it likes", "FAIL F21"), "bad-csr": ("its request's signature is wrong", "FAIL csr"),
    "swap": ("another board lies there under way", "FAIL F13, F31 or F33"), "bad-proof": ("its proof does not verify",
    "FAIL F33 or proof"),
    "unit-changed": ("its unit id changes under way", "FAIL F31"), "noise:700": ("a bit in 700 is wrong", "PASS: sent again"),
}
for kind, (made, seen) in BOARD.items():
    elsewhere("board", kind.partition(":")[0], made, f"outcome {seen}",
              "the others pass meanwhile" if "FAIL" in seen else "nothing is lost",
              FAULTS + f"test_fault[{kind}]")
elsewhere("board", "unplugged", "it is taken out under way", "outcome FAIL F12", "put in again it passes",
          FAULTS + "test_unplugged_in_the_middle")
elsewhere("board", "three bad boards of one nest", "three units in a nest fail", "the nest stops",
          "a person names the nest and starts it",
          FAULTS + "test_three_units_without_a_pass_stop_a_nest")


# --- the page ---

INTRO = """# Faults, and what must be seen

What can go wrong around a line, how the tests make it happen, what is seen, and how the line goes on. Printed by `tests/faults`
from `tests/e2e/fault_table.py`; every row runs. A rule in `code` is one of the faulty token's (`tests/rig/faulty_module.c`).

"""
GROUPS = {"token": "Token", "disk": "Disk", "clock": "Clock", "bus": "The jig's bus", "board": "Boards", "socket": "Sockets",
          "signal": "Signals"}


def page():
    parts = [INTRO.rstrip()]
    for group, title in GROUPS.items():
        parts.append(f"\n## {title}\n\n| fault | how it is made | what is seen | how it goes on |\n|---|---|---|---|")
        parts += [f"| {e.name} | {e.made} | {e.seen} | {e.then} |" for e in ROWS if e.group == group]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
