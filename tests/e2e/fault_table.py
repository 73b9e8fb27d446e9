"""The fault table: what can go wrong around a line, how each fault is made here, and what must be seen. A row is a check of
its own, which test_fault_table.py runs, or the name of the test that makes that fault elsewhere (fault_rows.py); docs/faults.md
is printed from it (tests/faults)."""
import contextlib
import functools
import json
import mmap
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from fault_rows import AGAIN, ELSEWHERE, NOTHING_WRITTEN, Row, alternatives
from faulty import EXIT_PIN, FIU, MODULE, Clock, Supervisor, fill
from station import BUILD, PATIENCE_S, ROOT, wait_until
from test_faults import nests_of, run_all, wait_runs
from tools import Requests

PAGE = ROOT / "docs/faults.md"
LOST = "token lost, boards wait"
HUNG = "the token does not come back from a call, the signer ends"

ROWS = []


def row(group, name, made, seen, then, *arguments):
    """Adds the function below as the check of a row; it is called with the station and the arguments."""
    def add(check):
        ROWS.append(Row(group, name, made, seen, then, functools.partial(check, *arguments)))
        return check
    return add


# --- what the checks share ---

PATIENT = {f"{step}_ms": 120_000 for step in ("identify", "certificate", "prove")}  # a slow machine's signer starts slowly


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
    """The same, and the block runs while the token signs for every board; it must be quick: 10 s of it are a hung token."""
    signing = len(s.seen("begin")) + len(s.boards())
    with panel_under_way(s, "C_Sign always delay 600000"):
        wait_until(lambda: len(s.seen("begin")) == signing, what="the signatures under way")
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
    start = len(s.log("signer"))
    with logged(s, "token is back"), panel_under_way(s, *AWAY):
        status_says(s, LOST, "no token is present")
        wait_until(lambda: "token cannot be reopened" in s.log("signer")[start:], what="the first try to open it")
        s.script()


@row("token", "token away for long", "the same, and `timeouts.certificate_ms` is 2400",
     "outcome ERROR, code token: … waits, the token is lost", "nothing counts against the boards; they pass when run again")
def token_away_for_long(s):
    s.set_timeouts(certificate_ms=2400)  # the last try comes after 1500 and has the rest
    new_boards(s)
    s.script(*AWAY)
    runs = run_all(s)
    assert {run["outcome"] for run in runs.values()} == {"ERROR"} and "token" in {run["code"] for run in runs.values()}, runs
    s.set_timeouts(**PATIENT)


@row("token", "token not there at the start", "`C_GetSlotList always fail CKR_TOKEN_NOT_PRESENT`, and a restart",
     f"`imprint status`: {LOST}: … no token is present", "the signer serves; the line resumes when the token is there")
def token_not_there_at_start(s):
    s.kill("signer", signal.SIGTERM)
    s.script("C_GetSlotList always fail CKR_TOKEN_NOT_PRESENT")
    s.start("signer")
    status_says(s, LOST)
    with logged(s, "token is back"):
        s.script()


@row("token", "module not there", "`token: module:` names a file that is not there, and a start",
     "signer cannot serve: … cannot load the PKCS#11 module (…): install it, or correct token.module in signer.yaml", "exit 1")
def module_not_there(s):
    s.kill("signer", signal.SIGTERM)
    right = f"  module: {MODULE}"
    s.change_settings("^  module: .*$", f"{right}.gone")
    code, line = s.start_refused()
    assert code == 1, line
    s.change_settings("^  module: .*$", right)
    s.start("signer")


def pkcs11(s, *words):
    env = dict(os.environ, SOFTHSM2_CONF=str(s.dir / "lib/signer/token/softhsm2.conf"))
    pin = (s.dir / "etc/token-pin").read_text().strip()
    done = subprocess.run(["pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--token-label", "imprint-LINE", "--login",
                           "--pin", pin, *words], env=env, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


@row("token", "another key with the CA key's label and id", "`pkcs11-tool` deletes the key and makes another, and a start",
     "signer cannot serve: the CA key: the key in token … does not match its public key: it signs, but the signature does not verify; "
     "is it this station's token? Put it, or its backup, back",
     "exit 1; no certificate leaves; the line resumes when the key is back")
def another_key(s):
    if not shutil.which("pkcs11-tool"):
        pytest.skip("pkcs11-tool is not installed; run tests/setup --tests")
    folder, aside = s.dir / "lib/signer/token", s.dir / "token.aside"
    s.kill("signer", signal.SIGTERM)
    shutil.copytree(folder, aside)
    key = re.search(r"label: +imprint-ca\n +ID: +(\w+)", pkcs11(s, "--list-objects", "--type", "privkey")).group(1)
    for kind in ("privkey", "pubkey"):
        pkcs11(s, "--delete-object", "--type", kind, "--id", key)
    pkcs11(s, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "imprint-ca", "--id", key, "--usage-sign")
    code, line = s.start_refused()
    assert code == 1, line
    shutil.rmtree(folder)
    aside.rename(folder)
    s.start("signer")


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


@row("token", "signature too short", "`C_Sign 1 short`: its last byte is missing",
     f"{LOST}: the token's signature does not verify with the CA's public key", "it is destroyed, its issuance void; " + GOES_ON)
def signature_too_short(s):
    answered(["C_Sign 1 short"], ["does not verify"], s)


@row("token", "signature wrong each time", "`C_Sign always wrong`",
     "token cannot be reopened: … it signs, but the signature does not verify",
     "no certificate leaves; the line resumes when it signs well")
def signature_always_wrong(s):
    words = "token cannot be reopened", "it signs, but the signature does not verify", "token is back"
    with logged(s, *words), panel_under_way(s, "C_Sign always wrong"):
        status_says(s, LOST, "it signs, but the signature does not verify")  # so says the try to open it again
        s.script()


@row("token", "signature that hangs", "`C_Sign 1 hang`", HUNG,
     "after 3 s the screen and `imprint alarms` say that the token has been busy with one signature since then; after 10 s the signer "
     "ends and is started again; the boards that waited go on and pass")
def signature_hangs(s):
    with logged(s, HUNG, "reservations voided"), logged(s, "has been busy with one signature for", name="station"), \
            Supervisor(s, s.script) as supervisor, panel_under_way(s, "C_Sign 1 hang"):
        def looked():  # who looks has the station ask the signer
            s.imprint("status", check=False)
            return supervisor.restarts
        wait_until(looked, what="the end of the signer")
    assert supervisor.restarts == 1


@row("token", "login that hangs", "`C_Sign 1 fail CKR_DEVICE_ERROR`, `C_Login always hang`", HUNG,
     "after 10 s the signer ends and is started again; the boards that waited go on and pass")
def login_hangs(s):
    rules = "C_Sign 1 fail CKR_DEVICE_ERROR", "C_Login always hang"
    with logged(s, HUNG), Supervisor(s, s.script) as supervisor, panel_under_way(s, *rules):
        pass
    assert supervisor.restarts == 1


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
     f"token cannot be reopened: … the token refused the PIN: correct the PIN file; then: token cannot be reopened: … {BEFORE}",
     "one try; the line resumes when the file is right again")
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
     "outcome ERROR, code disk: … only … MB are free for the ledger; make room, at least 64 MB",
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


@row("disk", "disk read-only at the start", "the ledger's disk is mounted read-only, and a start",
     "signer cannot serve: opening the ledger: the disk of the ledger … is read-only: see in the PC's log (dmesg) whether it is "
     "failing, mend it or change it, and mount it for writing",
     "exit 1; it starts once the disk is mended")
def disk_read_only(s):
    with on_tmpfs(s, 96) as folder:
        s.kill("signer", signal.SIGTERM)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        code, line = s.start_refused()
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        assert code == 1, line
        s.start("signer")


@row("disk", "no inode left", "the ledger's disk has no inode left, and a start",
     "signer cannot serve: opening the ledger: … its disk has no inode left; remove files there", "exit 1; it starts once there are some")
def no_inode_left(s):
    with on_tmpfs(s, 96) as folder:
        s.kill("signer", signal.SIGTERM)
        used = os.statvfs(folder)
        subprocess.run(["mount", "-o", f"remount,nr_inodes={used.f_files - used.f_ffree}", folder], check=True)
        code, line = s.start_refused()
        subprocess.run(["mount", "-o", "remount,nr_inodes=1000", folder], check=True)
        assert code == 1, line
        s.start("signer")


@row("disk", "station's disk full", "a file takes all of the disk of the record of runs",
     "run not recorded: the run is not on record: cannot write the record of runs: its disk is full, make room there",
     "nothing is signed; the boards pass once there is room")
def station_disk_full(s):
    with on_tmpfs(s, 4, "station") as folder:
        filler = fill(folder, 0)

        def nothing_fits():  # a line or two may, in the page that is begun
            entries = status(s)["entries"]
            new_boards(s)
            s.imprint("start")
            wait_until(lambda: all(row["state"] == "done" for row in nests_of(s).values()), what="the end of the runs")
            return {row["code"] for row in nests_of(s).values()} == {"record"} and status(s)["entries"] == entries
        wait_until(nothing_fits, what="the end of the room")
        filler.unlink()
        works_again(s)


LACKS = "runs that were left in their middle are not on record: cannot write the record of runs: its disk is full, make room there"


@row("disk", "station's disk full at its start", "SIGKILL to the station while the token signs, a file that takes all of its disk, and a start",
     f"alarm raised: {LACKS}; then: alarm over: {LACKS}",
     "it starts, says of each board what is known, and starts no run; the record is made whole as soon as there is room")
def station_disk_full_at_start(s):
    with on_tmpfs(s, 4, "station") as folder:
        boards, before = signing_boards(s), len(s.json("runs"))
        s.kill("station")
        s.script()
        fill_page(folder / "runs.jsonl")
        filler = fill(folder, 0)
        s.start("station")
        assert {name: nest["text"] for name, nest in nests_of(s).items()} == dict.fromkeys(boards, NOTHING_WRITTEN.partition(": ")[2])
        status_says(s, LACKS)
        started = s.imprint("start", check=False)
        assert started.returncode == 1 and f"nothing was started: {LACKS}" in started.stderr, started
        assert len(s.json("runs")) == before
        filler.unlink()
        wait_runs(s, before + len(boards))
        assert {run["nest"]: (run["unit"], run["code"]) for run in s.json("runs")[before:]} == {
            nest: (unit, "interrupted") for nest, unit in boards.items()}
        wait_until(lambda: LACKS not in s.imprint("status").stdout, what="the end of that trouble")
        numbers = {run["nest"]: run["run"] for run in s.json("runs")[before:]}
        wait_until(lambda: {name: nest["run"] for name, nest in nests_of(s).items()} == numbers, what="the numbers of these runs")
        run_all(s)


def fill_page(path):
    """A line that nobody knows, to the end of the file's last page: in what is left of it a record or two would fit."""
    free = -path.stat().st_size % mmap.PAGESIZE + mmap.PAGESIZE
    with open(path, "a") as file:
        file.write(json.dumps({"act": "x" * (free - len('{"act": ""}\n'))}) + "\n")


@contextlib.contextmanager
def on_tmpfs(s, megabytes, name="signer"):
    """A daemon's folder on a disk of its own, and back afterwards: what is new on it comes along."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    folder, aside = s.dir / "lib" / name, s.dir / "lib" / f"{name}.aside"
    s.kill(name, signal.SIGTERM)
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", folder], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", folder], check=True)
        s.start(name)
        yield folder
        s.kill(name, signal.SIGTERM)
        subprocess.run(["cp", "-a", f"{folder}/.", aside], check=True)
    finally:
        s.kill(name)
        wait_until(lambda: subprocess.run(["umount", folder], capture_output=True).returncode == 0, what="the end of that disk")
        folder.rmdir()
        aside.rename(folder)
    s.start(name)


def fallible(s, name):
    """Starts the daemon so that fail() reaches it."""
    s.kill(name, signal.SIGTERM)
    s.start(name, env={"LD_PRELOAD": f"/usr/lib/fiu/fiu_run_preload.so {FIU}", "FIU_CTRL_FIFO": str(s.dir / "fiu"), "FIU_ENABLE": ""})


def fail(s, name, *commands):
    done = subprocess.run(["fiu-ctrl", "-f", s.dir / "fiu", *(word for command in commands for word in ("-c", command)), str(s.pid(name))],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr + done.stdout


def spoilt_disk(failure, error, words, s):
    """Once the token signs, the call fails, until the signer is started again: the certificate's own commit."""
    fallible(s, "signer")
    issued = {issuance["certificate_id"] for issuance in s.ledger_list()}
    with logged(s, ENDS, "writing the ledger", words), Supervisor(s) as supervisor, panel_signing(s):
        fail(s, "signer", f"enable name={failure},failinfo={error}")
    assert supervisor.restarts == 1
    new = {issuance["certificate_id"] for issuance in s.ledger_list()} - issued - {None}
    assert len(new) == len(s.boards()), "a certificate whose commit failed is on record"


ENDS = "the ledger cannot be written, the signer ends"
DESTROYED = "what was not durable is destroyed with the process; it is started again; the boards that waited pass"
for name, failure, error, words in (("no room in a write", "posix/io/rw/pwrite", 28, "database or disk is full"),
                                    ("I/O error in a write", "posix/io/rw/pwrite", 5, "disk I/O error"),
                                    ("disk turned read-only", "posix/io/rw/pwrite", 30, "disk I/O error"),
                                    ("I/O error in a sync", "posix/io/sync/fdatasync", 5, "disk I/O error")):
    row("disk", name, f"libfiu: `{failure}` fails with errno {error}", f"{ENDS}: writing the ledger …: {words}", DESTROYED,
        failure, error, words)(spoilt_disk)


# --- memory ---

ALLOCATIONS = [f"libc/mm/{function}" for function in ("malloc", "calloc", "realloc")]


@row("memory", "no memory left for the station", "libfiu: each `malloc`, `calloc` and `realloc` of the station fails",
     "run not recorded: the run is not on record: no memory for a line of the record of runs: end what else takes memory on this PC",
     "nothing is signed; the boards pass once there is some")
def no_memory(s):
    fallible(s, "station")
    panel(s)  # glibc's first look for a user would not survive it
    new_boards(s)
    entries = status(s)["entries"]
    fail(s, "station", *(f"enable name={name}" for name in ALLOCATIONS))
    s.imprint("start")
    wait_until(lambda: {(row["outcome"], row["code"]) for row in nests_of(s).values()} == {("ERROR", "record")}, what="the end of the runs")
    assert status(s)["entries"] == entries
    fail(s, "station", *(f"disable name={name}" for name in ALLOCATIONS))
    works_again(s)
    s.restart("station")


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


@row("clock", "clock drifts", "libfaketime: 50 s ahead of the boot clock, then 70 s",
     "outcome ERROR, code clock: the clock jumped by … s while the signer ran", "up to a minute the boards pass; then " + PAUSES)
def clock_drifts(s):
    with fake_clock(s) as clock:
        clock.set(50)
        panel(s)
        clock.set(70)
        new_boards(s)
        assert {run["code"] for run in run_all(s).values()} == {"clock"}
    s.imprint("ledger", "accept-time", "--reason", "it is right again")  # the ledger's last entry is ahead of it


@row("clock", "clock goes back under way", "libfaketime: 10 minutes back while the token signs",
     "outcome ERROR, code clock: … the ledger's last entry is of …", "what was begun is finished; then " + PAUSES)
def clock_back_under_way(s):
    with fake_clock(s) as clock:
        with panel_signing(s):
            clock.set(-600)
        new_boards(s)
        assert {run["code"] for run in run_all(s).values()} == {"clock"}


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
     "nothing; the callers are told: the request makes no sense",
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


@row("socket", "strangers at the station's socket", "100 random records to the station while a panel runs", "nothing; they are hung up on",
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


def no_descriptors(name, s):
    """Callers, until the daemon has no descriptor for one more; then one that must be answered once there are some again."""
    pid = s.pid(name)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    at = os.open(s.dir / "run" / name, os.O_RDONLY | os.O_DIRECTORY)
    with logged(s, NO_DESCRIPTOR.partition(": ")[2], name=name), contextlib.ExitStack() as callers:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (POLLED, limits[1]))

        def one_more():
            caller = callers.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            with contextlib.suppress(BlockingIOError):  # it takes none
                caller.connect(f"/proc/self/fd/{at}/{name}.sock")
            return NO_DESCRIPTOR.partition(": ")[2] in s.log(name)
        wait_until(one_more, what="the end of its descriptors")
        waits = subprocess.Popen([BUILD / "imprint", *ASKS[name]], env=s.env, stdout=subprocess.DEVNULL)
    os.close(at)
    assert waits.wait(PATIENCE_S) == 0
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


ASKS = {"signer": ("order", "list"), "station": ("status",)}
POLLED = 36  # the station polls so many; with the 24 callers of one user it wants more
NO_DESCRIPTOR = "callers wait: cannot take a caller: Too many open files"
for name in ("signer", "station"):
    row("socket", f"no descriptor left for the {name}", f"callers to a {name} that may have {POLLED}", NO_DESCRIPTOR,
        "callers wait, and are answered once there are some", name)(no_descriptors)


@row("socket", "systemd's notify socket gone", "NOTIFY_SOCKET names a socket that is not there", "nothing", "the boards pass")
def notify_gone(s):
    for name in ("signer", "station"):
        s.kill(name, signal.SIGTERM)
        s.start(name, env={"NOTIFY_SOCKET": str(s.dir / "gone"), "WATCHDOG_USEC": "1000000"})
    panel(s)


def served(path):
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    at = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    stranger.bind(f"/proc/self/fd/{at}/{path.name}")  # a long path is no limit
    stranger.listen()
    os.close(at)
    return stranger


def socket_taken(take, s):
    path = s.dir / "run/signer/signer.sock"
    s.kill("signer", signal.SIGTERM)
    path.unlink(missing_ok=True)
    taken = take(path)
    code, line = s.start_refused()
    assert code == 1 and str(path.parent) in line, line
    if taken:
        taken.close()
    path.rmdir() if path.is_dir() else path.unlink()  # it stands as it was
    s.start("signer")


NO_SOCKET = "signer.sock is no socket, and stands where one must be: move it away, then start again"
for name, made, seen, take in (
        ("folder at the socket's place", "`signer.sock` is a folder, and a start", NO_SOCKET, Path.mkdir),
        ("file at the socket's place", "`signer.sock` is a file, and a start", NO_SOCKET, Path.touch),
        ("somebody else at the socket", "another program serves `signer.sock`, and a start", "the socket signer.sock is served by another "
         "process already: stop that one (ss -xlp shows it), then start again", served)):
    row("socket", name, made, f"signer cannot serve: … {seen}", "exit 1; it is left as it is", take)(socket_taken)


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
    signer_ended_by(s, signal.SIGTERM)


def signer_ended_by(s, number):
    with logged(s, "signer stops"), panel_signing(s):
        os.kill(s.pid("signer"), number)
        s.script()
        s.wait_end("signer")
        s.start("signer")


@row("signal", "signer's terminal closed", "SIGHUP to the signer; it is started again", "signer stops",
     "it finishes what it began; the boards that waited pass")
def signer_hung_up(s):
    signer_ended_by(s, signal.SIGHUP)


@row("signal", "station's terminal closed", "SIGHUP to the station while the token signs", NOTHING_WRITTEN, AGAIN)
def station_hung_up(s):
    station_ended_by(s, lambda: s.kill("station", signal.SIGHUP))


@row("signal", "station stands still", "SIGSTOP to the station while the token signs, and SIGKILL when its watchdog's time is up",
     NOTHING_WRITTEN, AGAIN)
def station_stands_still(s):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(s.dir / "notify"))
        s.kill("station", signal.SIGTERM)
        s.start("station", env={"NOTIFY_SOCKET": str(s.dir / "notify"), "WATCHDOG_USEC": "1000000"})

        def watchdog():
            systemd.settimeout(PATIENCE_S)
            while systemd.recv(4096) != b"WATCHDOG=1":
                pass
            os.kill(s.pid("station"), signal.SIGSTOP)
            systemd.settimeout(1)
            with contextlib.suppress(TimeoutError):
                while systemd.recv(4096):
                    pass
            s.kill("station")
        station_ended_by(s, watchdog)


def signing_boards(s):
    """New boards, for which the token signs until s.script()."""
    new_boards(s)
    s.forget()
    s.script("C_Sign always delay 600000")
    s.imprint("start")
    wait_until(lambda: len(s.seen("begin")) == 2, what="the signatures under way")
    return s.boards()


def station_ended_by(s, end):
    before, boards = len(s.json("runs")), signing_boards(s)
    end()
    s.script()
    s.start("station")
    assert {run["nest"]: run["unit"] for run in s.json("runs")[before:]} == boards
    run_all(s)
    assert s.boards() == boards and {run["outcome"] for run in s.json("runs")[before + 2:]} == {"PASS"}


@row("signal", "SIGPIPE", "to both daemons under way", "nothing", "the boards pass")
def pipes_broken(s):
    with panel_signing(s):
        for name in ("signer", "station"):
            os.kill(s.pid(name), signal.SIGPIPE)


@row("signal", "both killed under way", "SIGKILL to station and signer while the token signs", NOTHING_WRITTEN,
     "reservations are voided; the same boards again pass")
def both_killed(s):
    def both():
        s.kill("station")
        s.kill("signer")
        s.script()
        s.start("signer")
    station_ended_by(s, both)


@row("signal", "signer killed again and again", "SIGKILL to the signer, three times in one panel",
     "nothing, or: reservations voided that were never signed",
     "the boards that waited pass")
def signer_killed(s):
    with Supervisor(s, s.script) as supervisor, panel_signing(s):
        for count in range(1, 4):
            s.kill_signer()
            wait_until(lambda: supervisor.restarts >= count and s.answers("signer"), what="the signer")


# --- boards ---


@row("board", "unplugged while the token signs", "it is taken out before it got anything", "outcome FAIL, code F12: …",
     "the others pass; put in again it passes, with the certificate that was signed for it")
def unplugged_while_signing(s):
    new_boards(s)
    s.forget()
    unit = s.boards()["A1"]
    s.script("C_Sign always delay 600000")
    before = len(s.json("runs"))
    s.imprint("start")
    wait_until(lambda: len(s.seen("begin")) == 2, what="the signatures under way")
    s.rig("remove A1")
    s.script()
    wait_runs(s, before + 2)
    outcomes = {run["nest"]: run["outcome"] for run in s.json("runs")[before:]}
    assert outcomes == {"A1": "FAIL", "A2": "PASS"}, s.json("runs")[before:]
    s.rig(f"insert A1 {unit}")
    wait_until(lambda: s.imprint("start", "A1", check=False).returncode == 0, what="the board in A1")
    wait_runs(s, before + 3)
    assert s.json("runs")[-1]["outcome"] == "PASS" and len([1 for row in s.ledger_list() if row["unit"] == unit]) == 1


ROWS += ELSEWHERE

# --- the page ---

INTRO = """# Faults, and what must be seen

What can go wrong around a line, how the tests make it happen, what is seen, and how the line goes on. Printed by `tests/faults`
from `tests/e2e/fault_table.py`; every row runs. A rule in `code` is one of the faulty token's (`tests/rig/faulty_module.c`).

"""
GROUPS = {"token": "Token", "disk": "Disk", "memory": "Memory", "clock": "Clock", "bus": "The jig's bus", "board": "Boards", "socket": "Sockets",
          "signal": "Signals"}


def page():
    parts = [INTRO.rstrip()]
    for group, title in GROUPS.items():
        parts.append(f"\n## {title}\n\n| fault | how it is made | what is seen | how it goes on |\n|---|---|---|---|")
        parts += [f"| {e.name} | {e.made} | {'; or: '.join(alternatives(e.seen))} | {e.then} |" for e in ROWS if e.group == group]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
