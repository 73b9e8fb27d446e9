"""SIGKILL of the signer at every system call that writes: strace kills it as it enters the N-th one, for every N until
the work gets done before the kill. Then it starts again, the same request comes again, and nothing may be lost, doubled or
left over. SIGKILL loses no page cache; test_power.py is about that."""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest
from audit import audit
from csr import new_csr
from signer_client import EVIDENCE_DIGEST
from station import LONG, PATIENCE_S, PROGRAMS, wait_until

KINDS = ["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "sendmsg"]
POINTS_MAX = 5000  # a sweep that does not end is a mistake of ours
LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +([\w]+)\((?:\d+<([^>]*)>)?")


def why_not():
    """The reason why nobody can be traced here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed"
    if os.geteuid() != 0:
        return "the signer lets nobody but root trace it"
    tried = subprocess.run(["strace", "-qqq", "-o", "/dev/null", "true"], capture_output=True)
    return "strace may not trace here" if tried.returncode else None


NO_PTRACE = why_not()
pytestmark = pytest.mark.skipif(bool(NO_PTRACE), reason=str(NO_PTRACE))


class Strace:
    """strace on a running process: on all its threads, or on one; with `only`, its calls on that file. With `kind` and `number`
    it kills it as that call begins, or stops it as it ends."""

    def __init__(self, s, thread=None, kind=None, number=0, only=None, how="KILL"):
        self.path = s.dir / "strace"
        self.path.unlink(missing_ok=True)
        pid = s.pid("signer")
        inject = ["-e", f"inject={kind}:signal={how}:when={number}"] if kind else []
        self.process = subprocess.Popen(
            ["strace", "-y", "-s", "0", "-o", self.path, "-e", f"trace={','.join(KINDS)}", *inject,
             *(["-P", only] if only else []),
             *(["-p", str(thread)] if thread else ["-f", "-p", str(pid)])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # Counting begins with the attachment: nothing of the work may come before.
        count = 1 if thread else len(threads(pid))
        while count:
            line = self.process.stderr.readline()
            assert line, "strace did not attach"
            if " attached" in line:
                more = re.search(r"attached with (\d+) threads", line)
                count -= int(more.group(1)) if more else 1

    def stopped(self):
        return self.path.exists() and "stopped by SIGSTOP" in self.path.read_text()

    def end(self):
        """What was seen: [(thread, system call, file)]"""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)
        lines = self.path.read_text().splitlines()
        return [m.groups() for m in map(LINE.match, lines) if m]


def threads(pid):
    """Of a process: the loop first, then the workers."""
    return sorted((int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()), key=lambda tid: (tid != pid, tid))


class Work:
    """Requests for new units, each with a key of its own; and what came out of the signer."""

    def __init__(self, s):
        self.s, self.count, self.held = s, 0, {}

    def new(self):
        self.count += 1
        csr = self.s.dir / "unit.csr"
        csr.write_bytes(new_csr())
        return f"K-{self.count:05}", csr

    def issue(self, unit, csr, check=False):
        """imprint issue: the certificate id that it was told, or None"""
        done = self.s.imprint("issue", "--unit", unit, "--csr", csr, check=check)
        told = re.search(r"certificate id ([0-9a-f]{64})", done.stderr)
        if not told:
            return None
        earlier = [key for key, owner in self.held.items() if owner == unit]
        self.held[told.group(1)] = unit
        assert earlier in ([], [told.group(1)]), f"unit {unit} got two certificates: {earlier}, {told.group(1)}"
        return told.group(1)

    def install(self, unit, csr):
        """The other half of the life: the question, and the answer that it is installed. True if the signer said so."""
        try:
            with self.s.signer() as signer:
                issued = signer.issue(unit, csr.read_bytes())
                self.held[issued.issuance["certificate_id"].hex()] = unit
                return not signer.ask("installed", certificate_id=issued.issuance["certificate_id"], unit=unit, nest="X1",
                                      evidence=EVIDENCE_DIGEST, nonce=issued.nonce).refusal
        except (ConnectionError, BrokenPipeError):
            return False

    def rows(self, unit):
        return [row for row in self.s.ledger_list() if row["unit"] == unit]

    def check(self):
        assert audit(self.s, self.held) == []

    def check_unit(self, unit, state):
        live = [row for row in self.rows(unit) if row["state"] != "void"]
        assert [row["state"] for row in live] == [state]
        assert self.held.get(live[0]["certificate_id"]) == unit


@pytest.fixture
def work(station):
    return Work(station("--boards", 0))


def kill_at(s, action, kind, number, thread=None, only=None):
    """True if the signer was killed there; it runs again afterwards."""
    trace = Strace(s, thread, kind, number, only)
    done = action() and s.survives("signer")  # the kill may come after the answer
    trace.end()
    if done and s.survives("signer"):
        return False
    s.wait_end("signer")
    s.start("signer")
    return True


def sweep(s, thread, kind, action, settle, step=1, only=None):
    """Kills at the 1st, 2nd, 3rd … such call of a thread, until the action gets done without. How many kills that were."""
    number = 1
    while True:
        assert number < POINTS_MAX
        unit = action.prepare()
        killed = kill_at(s, lambda: action.run(unit), kind, number, thread(s), only)
        settle(unit, killed, (kind, number))
        if not killed:
            return len(range(1, number, step))
        number += step


class Issue:
    """From a CSR to a certificate: imprint issue."""
    state = "issued"

    def __init__(self, work):
        self.work, self.seen = work, Counter()

    def prepare(self):
        return self.work.new()

    def run(self, unit):
        return self.work.issue(*unit)

    def settle(self, unit, killed, where):
        rows = self.work.rows(unit[0])
        self.seen["/".join(sorted(row["state"] for row in rows)) or "nothing"] += killed
        assert self.work.issue(*unit, check=True), where
        self.work.check_unit(unit[0], self.state)
        self.work.check()


class Install(Issue):
    """From the certificate to the evidence that it is installed."""
    state = "installed"

    def prepare(self):
        unit = self.work.new()
        assert self.work.issue(*unit)
        return unit

    def run(self, unit):
        return self.work.install(*unit)

    def settle(self, unit, killed, where):
        self.seen[self.work.rows(unit[0])[0]["state"]] += killed
        assert self.work.install(*unit), where
        self.work.check_unit(unit[0], self.state)
        self.work.check()


def count_calls(s, action):
    """How often the loop, and the workers together, make each of the calls while the action gets done."""
    s.restart("signer", signal.SIGKILL)  # as in the sweep: the ledger's log is read back
    unit = action.prepare()
    trace = Strace(s)
    assert action.run(unit)
    pid = s.pid("signer")
    calls = Counter((int(thread) == pid, kind) for thread, kind, _ in trace.end())
    return {kind: calls[True, kind] for kind in KINDS}, {kind: calls[False, kind] for kind in KINDS}


def loop(s):
    return s.pid("signer")


def worker(index):
    return lambda s: threads(s.pid("signer"))[index]


@pytest.mark.parametrize("action_class", [Issue, Install], ids=["issue", "installed"])
def test_killed_at_every_call(work, action_class, record_property):
    s, action = work.s, action_class(work)
    by_loop, by_workers = count_calls(s, action)
    assert by_loop["pwrite64"] and by_loop["fdatasync"] and by_loop["sendmsg"], f"strace sees too little: {by_loop}"
    kills = {}
    for kind in KINDS:
        kills[kind] = sweep(s, loop, kind, action, action.settle)
        assert kills[kind] >= by_loop[kind], f"{kind}: {by_loop[kind]} calls, killed at {kills[kind]}"
    # Whichever worker takes a job, its word to the loop is killed once for each job.
    for kind in (kind for kind in KINDS if by_workers[kind]):
        for index in range(1, len(threads(s.pid("signer")))):
            kills[f"worker {index} {kind}"] = sweep(s, worker(index), kind, action, action.settle)
    print(f"\nkilled at {sum(kills.values())} points: {kills}\nfound after the kill: {dict(action.seen)}")
    record_property("kills", kills)
    if action_class is Issue:
        # Every state that a crash can leave was there: nothing, a reservation that is void now, a certificate.
        assert action.seen["nothing"] and action.seen["void"] and action.seen["issued"], action.seen
    else:
        assert action.seen["issued"] and action.seen["installed"], action.seen


def test_killed_with_the_answer_in_hand(work):
    """The certificate has left: from here on it must be the same one for ever."""
    for _ in range(5):
        unit = work.new()
        assert work.issue(*unit)
        work.s.kill_signer()
        work.s.start("signer")
        assert work.issue(*unit, check=True)
        work.check_unit(unit[0], "issued")
        work.check()


def test_killed_at_every_call_of_a_start(work):
    """A start has work too: it reads the ledger's log back and voids what was left reserved."""
    s, kills = work.s, Counter()
    for kind in KINDS:
        for number in range(1, POINTS_MAX):
            unit = leave_reserved(work)
            killed = not started_under_strace(s, kind, number)
            if killed:
                s.start("signer")
            assert work.rows(unit[0])[-1]["state"] == "void"
            assert work.issue(*unit, check=True)
            work.check_unit(unit[0], "issued")
            work.check()
            kills[kind] += killed
            if not killed:
                break
    print(f"\nkilled at {sum(kills.values())} points: {dict(kills)}")
    assert kills["pwrite64"] and kills["fdatasync"], "the start wrote nothing"


def fill_log(work, file):
    """Makes the ledger's log so long that the signer begins to fold it into the file: there it is killed. From then on each of
    its starts finds such a log, and its first commit tries again."""
    s = work.s
    trace = Strace(s, s.pid("signer"), "pwrite64", 1, only=file)
    try:
        with s.signer() as signer:
            for _ in range(200):
                unit, csr = work.new()
                work.held[signer.issue(unit, csr.read_bytes()).issuance["certificate_id"].hex()] = unit
            # What is killed must leave no reservation: to void it, the next start would commit, and fold the log.
            while True:
                assert not signer.ask("order use", order="DEMO").refusal
    except ConnectionError:
        s.wait_end("signer")
        trace.end()
        s.start("signer")


class UseOrder:
    """One commit and nothing else: nothing is left reserved, so the start after it commits nothing."""

    def __init__(self, work):
        self.work = work

    def prepare(self):
        return None

    def run(self, _):
        return self.work.s.imprint("order", "use", "DEMO", check=False).returncode == 0

    def settle(self, _, killed, where):
        assert audit(self.work.s, self.work.held) == [], where


def test_killed_in_a_checkpoint(work):
    """Now and then a commit folds the log into the ledger's file, page by page."""
    s, action, kills = work.s, UseOrder(work), {}
    file = s.dir / "lib/signer/ledger.db"
    # A checkpoint has as many writes as the file has pages: the short form takes some.
    for kind, step in (("pwrite64", 1 if LONG else 10), ("fdatasync", 1)):
        fill_log(work, file)
        kills[kind] = sweep(s, loop, kind, action, action.settle, step, file)
    print(f"\n{work.count} units; killed at {sum(kills.values())} points: {kills}")
    assert kills["pwrite64"] > 3 and kills["fdatasync"]


def run_board(s):
    """One run on A1: True if it passed."""
    wait = ["wait", "--outcome", "PASS", "--timeout", PATIENCE_S]
    return all(s.imprint(*words, check=False).returncode == 0 for words in (["start", "A1"], wait))


def kill_with_a_board(s, kind, number):
    """Starts a run, kills the signer in it, and brings it back while the station still waits: was it killed, did the run pass?"""
    trace, passed = Strace(s, s.pid("signer"), kind, number), []
    run = threading.Thread(target=lambda: passed.append(run_board(s)))
    run.start()
    wait_until(lambda: not s.pid("signer") or not run.is_alive(), what="kill or end")
    killed = not s.survives("signer")
    if killed:
        s.start("signer")
    run.join()
    trace.end()
    if not s.survives("signer"):
        s.start("signer")
        killed = True
    return killed, passed[0]


def test_killed_with_a_board(station):
    """The whole life of one board, from blank to installed; then the same board again."""
    work = Work(station("--boards", 1))
    s, kills, outcomes = work.s, Counter(), Counter()
    for kind in KINDS:
        # The writes into the log are many and all alike here: test_killed_at_every_call has every one of them.
        for number in range(1, POINTS_MAX, 1 if LONG or kind != "pwrite64" else 8):
            s.rig("remove A1", "insert A1")
            unit = s.boards()["A1"]
            killed, passed = kill_with_a_board(s, kind, number)
            flash = s.dump(unit)
            if flash:
                work.held[hashlib.sha256(flash).hexdigest()] = unit
            outcomes["passed in spite of it" if passed else "did not pass"] += killed
            assert run_board(s), (kind, number)
            work.held[hashlib.sha256(s.dump(unit)).hexdigest()] = unit
            work.check_unit(unit, "installed")
            work.check()
            kills[kind] += killed
            if not killed:
                break
    print(f"\nkilled at {sum(kills.values())} points: {dict(kills)}; {dict(outcomes)}")
    assert kills["fdatasync"] >= 3 and kills["sendmsg"] >= 2 and kills["pwrite64"]


def leave_reserved(work):
    """A signer that is dead, and a unit that is reserved: killed as it syncs the reservation, which the kernel has by then."""
    unit = work.new()
    trace = Strace(work.s, work.s.pid("signer"), "fdatasync", 1)
    assert work.issue(*unit) is None
    work.s.wait_end("signer")
    trace.end()
    return unit


def started_under_strace(s, kind, number):
    """True if the signer came up; it runs then, and strace has gone."""
    with open(s.dir / "log/signer", "ab") as log:
        process = subprocess.Popen(["strace", "-D", "-qq", "-o", "/dev/null", "-e", f"trace={kind}", "-e",
                                    f"inject={kind}:signal=KILL:when={number}", PROGRAMS["signer"]], env=s.env,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (s.dir / "run/signer.pid").write_text(f"{process.pid}\n")  # -D: strace is the child, the signer the parent
    wait_until(lambda: process.poll() is not None or s.answers("signer"), what="the signer")
    if process.poll() is not None:
        return False
    s.children.append(process)
    s.restart("signer")
    return True
