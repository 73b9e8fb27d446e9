"""Power cuts at chosen system calls: strace stops a program as it makes its N-th one, and the disk under it is cut. For the
ceremony, whose keys cannot be had twice; for the start of the signer, at which the token writes its own files; and for a
signer that is killed first and cut later."""
import random
import subprocess
import threading

import pytest
from audit import audit
from csr import new_csr
from disk import Disk, why_not
from signer_client import ISSUED
from station import BUILD, LONG, PATIENCE_S, PROGRAMS, Station, wait_until
from test_kill import KINDS, NO_PTRACE, Strace
from test_power import dice

WHY_NOT = why_not() or NO_PTRACE
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=str(WHY_NOT))

DISKS = ["ext4", "xfs"]
CALLS = ["write", "pwrite64", "ftruncate", "rename,renameat2", "fsync", "fdatasync"]
STEP = {"write": 20, "pwrite64": 20, "ftruncate": 20, "fsync": 2, "fdatasync": 2}  # the short form takes some of many
POINTS_MAX = 1000
INIT = ["init", "--station", "CUT"]
CREATE = ["ca", "create", "--subject", "O=Example,CN=Example CUT CA"]
PRODUCT = """certificate:
  subject: "CN={unit}"
  validity: 365 days
  keys: [ec-p256]
  unit:
    pattern: "^[A-Za-z0-9-]{4,32}$"
    source: board
  files:
    - { name: certificate, content: [certificate], encoding: der }
board:
  driver: prov
  files:
    - { name: certificate, target: certificate }
"""


@pytest.fixture
def bare(scratch):
    """bare(kind): a folder for a station, with all that it keeps on a disk that can be cut; and the disk"""
    ended = []

    def make(kind):
        folder = scratch / f"points-{random.getrandbits(32):08x}"
        s, disk = Station(folder), Disk(folder / "disk", kind)
        disk.__enter__()
        ended.append((s, disk))
        for name in ("etc", "lib"):
            (disk.path / name).mkdir()
            (folder / name).symlink_to(disk.path / name)
        for name in ("log", "run"):
            (folder / name).mkdir()
        subprocess.run(["sync", "-f", disk.path], check=True)
        return s, disk

    yield make
    for s, disk in ended:
        try:
            s.down()
        finally:
            disk.__exit__()


class Stopped:
    """A program under strace that stops at its N-th such call; `finished` if it ends, or answers, before."""

    def __init__(self, s, command, calls, number, answers=lambda: False):
        trace = s.dir / "stopped"
        trace.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["strace", "-D", "-f", "-qq", "-o", trace, "-e", f"trace={calls}", "-e", f"inject={calls}:signal=STOP:when={number}",
             *command], env=s.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        self.finished = False

        def over():
            if trace.exists() and "stopped by SIGSTOP" in trace.read_text():
                return True
            self.finished = self.process.poll() is not None or bool(answers())
            return self.finished

        wait_until(over, what=f"call {number} of {calls}")

    def end(self):
        self.process.kill()
        return self.process.communicate(timeout=PATIENCE_S)


def cut_at_every_call(s, disk, log_too, command, prepare, check, answers=lambda: False, steps=STEP):
    """Cuts at each call until the command gets done before; `check(done, output, where)` after each. How many cuts."""
    cuts = {}
    for calls in CALLS:
        cuts[calls] = 0
        for number in range(1, POINTS_MAX, 1 if LONG else steps.get(calls, 1)):
            prepare()
            stopped = Stopped(s, command, calls, number, answers)
            disk.cut(log_too())
            output = "".join(stopped.end())
            assert not stopped.finished or stopped.process.returncode in (0, -9), f"{calls} {number}: {output}"
            disk.back()
            check(stopped.finished, output, f"{calls} {number}")
            if stopped.finished:
                break
            cuts[calls] += 1
    return cuts


def coin(*what):
    numbers = dice(*what)
    return lambda: numbers.random() < 0.5


def wipe(disk):
    subprocess.run(["rm", "-rf", "--", *(disk.path / name for name in ("etc", "lib"))], check=True)
    for name in ("etc", "lib"):
        (disk.path / name).mkdir()
    subprocess.run(["sync", "-f", disk.path], check=True)


def check_signer(s):
    """imprint-signer --check: what it says, "" if all is well"""
    done = subprocess.run([PROGRAMS["signer"], "--check"], env=s.env, capture_output=True, text=True, timeout=PATIENCE_S)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def issue_one(s, order="CUT"):
    """The station works: a certificate comes out."""
    (s.dir / "etc/products/demo.yaml").write_text(PRODUCT)
    subprocess.run(["sync", s.dir / "etc/products/demo.yaml", s.dir / "etc/products"], check=True)
    s.start("signer")
    if not any(row["order"] == order for row in s.json("order", "list")):
        s.imprint("order", "open", order, "--product", "demo", "--quantity", "1000")
    with s.signer() as signer:
        unit = f"C-{random.getrandbits(40):010x}"
        answer = signer.issue(unit, new_csr())
        assert answer.type == ISSUED, answer.text
    return answer.issuance["certificate_id"].hex(), unit


@pytest.mark.parametrize("kind", DISKS)
def test_init_is_cut(bare, kind):
    """Whatever is left of a first set-up, a second one completes it."""
    s, disk = bare(kind)
    toss = coin("init", kind)

    def check(finished, output, where):
        again = s.imprint(*INIT, check=False)
        assert again.returncode == 0 or "set up already" in again.stderr, f"{where}: {again.stderr}"
        assert not finished or "set up already" in again.stderr, f"{where}: it said done, and is not: {output}"
        s.imprint(*CREATE)
        assert audit(s, dict([issue_one(s)]), "CUT") == [], where
        s.kill_signer()

    cuts = cut_at_every_call(s, disk, toss, [BUILD / "imprint", *INIT], lambda: wipe(disk), check)
    print(f"\n{kind}: {sum(cuts.values())} cuts of imprint init: {cuts}")
    assert cuts["fsync"] > 3


@pytest.mark.parametrize("kind", DISKS)
def test_create_is_cut(bare, kind):
    """Either there is a CA, with its key; or there is none, and a second create makes one."""
    s, disk = bare(kind)
    toss = coin("create", kind)

    def prepare():
        wipe(disk)
        s.imprint(*INIT)

    def check(finished, output, where):
        trouble = check_signer(s)
        assert not trouble or "no CA certificate yet" in trouble or "there is no ledger" in trouble, f"{where}: {trouble}"
        assert not (finished and trouble), f"{where}: it said done, and is not: {output}"
        if trouble:
            s.imprint(*CREATE)
        assert audit(s, dict([issue_one(s)]), "CUT") == [], where
        s.kill_signer()

    cuts = cut_at_every_call(s, disk, toss, [BUILD / "imprint", *CREATE], prepare, check)
    print(f"\n{kind}: {sum(cuts.values())} cuts of imprint ca create: {cuts}")
    assert cuts["fsync"] > 3 and cuts["fdatasync"]


@pytest.mark.parametrize("kind", DISKS)
def test_start_is_cut(bare, kind):
    """SoftHSM writes at each login, and syncs nothing: that must not cost the CA its key."""
    s, disk = bare(kind)
    s.imprint(*INIT)
    s.imprint(*CREATE)
    held = dict([issue_one(s)])
    s.kill_signer()

    def check(finished, output, where):
        held.update([issue_one(s)])
        assert audit(s, held, "CUT") == [], where
        s.kill_signer()

    # With the log of the file system kept, a file may be empty on the disk that was full in memory: the worse of the two.
    for log_too in (False, True) if LONG else (False,):
        cuts = cut_at_every_call(s, disk, lambda: log_too, [PROGRAMS["signer"]], lambda: None, check,
                                 lambda: s.answers("signer"), {})
        print(f"\n{kind}: {sum(cuts.values())} cuts of a start: {cuts}")
        assert cuts["write"] > 1 and cuts["ftruncate"] > 1


def issue_into(s, unit, csr, held):
    """Asks for a certificate, and holds it if it comes."""
    try:
        with s.signer() as signer:
            answer = signer.issue(unit, csr)
        assert answer.type == ISSUED, answer.text
        held[answer.issuance["certificate_id"].hex()] = unit
        return answer
    except ConnectionError:
        return None


def cut_issuance(s, disk, calls, number, held, log_too):
    """Stops the signer as it has made its N-th such call of an issuance, and cuts. False if it never got that far."""
    unit, csr = f"P-{random.getrandbits(40):010x}", new_csr()
    trace = Strace(s, s.pid("signer"), calls, number, how="STOP")
    client = threading.Thread(target=issue_into, args=(s, unit, csr, held))
    client.start()
    wait_until(lambda: trace.stopped() or not client.is_alive(), what=f"call {number} of {calls}")
    # The client of a stopped signer may have its answer before strace has written of the stop.
    stopped = trace.stopped() or not s.answers("signer")
    disk.cut(log_too)
    s.kill_signer()
    client.join()
    trace.end()
    disk.back()
    s.start("signer")
    assert audit(s, held, "CUT") == [], f"cut after {calls} {number}"
    assert issue_into(s, unit, csr, held)
    assert audit(s, held, "CUT") == [], f"cut after {calls} {number}, and asked again"
    return stopped


@pytest.mark.parametrize("kind", DISKS)
def test_issuance_is_cut(bare, kind):
    """At whichever call the power goes: what has left by then is in the ledger, and the unit gets its one certificate."""
    s, disk = bare(kind)
    s.imprint(*INIT)
    s.imprint(*CREATE)
    held, toss, cuts = dict([issue_one(s)]), coin("issue", kind), {}
    for calls in KINDS:
        cuts[calls] = 0
        for number in range(1, POINTS_MAX, 1 if LONG or calls != "pwrite64" else 4):
            if not cut_issuance(s, disk, calls, number, held, toss()):
                break
            cuts[calls] += 1
    print(f"\n{kind}: {sum(cuts.values())} cuts of an issuance: {cuts}")
    assert cuts["fdatasync"] > 1 and cuts["pwrite64"] > 1 and cuts["sendmsg"]


@pytest.mark.parametrize("kind", DISKS)
def test_killed_and_then_cut(bare, kind):
    """A signer is killed as it syncs a certificate's entry. The next one finds the entry in the kernel's memory, not yet on the
    disk: before it gives that certificate to anybody, it must get it there."""
    s, disk = bare(kind)
    s.imprint(*INIT)
    s.imprint(*CREATE)
    held, again = dict([issue_one(s)]), 0
    for number in (1, 2, 3, 4) * (5 if LONG else 1):
        s.restart("signer", 9)
        unit, csr = f"K-{random.getrandbits(40):010x}", new_csr()
        trace = Strace(s, s.pid("signer"), "fdatasync", number)
        if issue_into(s, unit, csr, held):
            s.kill_signer()
        s.wait_end("signer")
        trace.end()
        s.start("signer")
        again += issue_into(s, unit, csr, held).again
        disk.cut()
        s.kill_signer()
        disk.back()
        s.start("signer")
        assert audit(s, held, "CUT") == [], f"killed at fdatasync {number}"
    assert again, "the entry was never found: this tested nothing"
