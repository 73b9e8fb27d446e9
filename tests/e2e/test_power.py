"""Power cuts: the disk that holds ledger and token dies in the midst of work, the boards keep their flash. Every certificate
that left the signer must be in the ledger afterwards. And it must be possible to see a loss: the same harness goes red
with libeatmydata under the signer, and with a careless SQLite."""
import hashlib
import json
import os
import random
import signal
import threading
import time

import pytest
from audit import audit
from csr import new_csr
from disk import Disk, why_not
from signer_client import DONE, EVIDENCE_DIGEST, ISSUED
from station import BUILD, LONG, PATIENCE_S, Station, wait_until

pytestmark = pytest.mark.skipif(bool(why_not()), reason=str(why_not()))

KINDS = ["ext4", "xfs"]
SEED = int(os.environ.get("IMPRINT_SEED") or random.SystemRandom().randrange(1 << 32))
CUTS = 10  # of one campaign
CAMPAIGNS = range(25 if LONG else 1)
CONTROL_CUTS = 10
CLIENTS = 8
HELD_MIN, HELD_MAX = 10, 200  # certificates that leave between two cuts
BOARDS = 16
EATMYDATA = "/usr/lib/x86_64-linux-gnu/libeatmydata.so"
CONTROLS = {
    "eatmydata": {"LD_PRELOAD": EATMYDATA},
    "off": {"LD_PRELOAD": str(BUILD / "tests/librig-synchronous.so"), "RIG_SYNCHRONOUS": "OFF"},
    "normal": {"LD_PRELOAD": str(BUILD / "tests/librig-synchronous.so"), "RIG_SYNCHRONOUS": "NORMAL"},
}


@pytest.fixture
def disked(request, scratch):
    """disked(kind, …): a station whose signer's folder is a disk of its own, and the disk"""
    ended = []

    def bring_up(kind, *options):
        folder = scratch / f"power-{random.getrandbits(32):08x}"
        s, disk = Station(folder), Disk(folder / "lib/signer", kind)
        disk.__enter__()
        ended.append((s, disk))
        s.up(*options)
        return s, disk

    yield bring_up
    for s, disk in ended:
        try:
            s.down()
        finally:
            disk.__exit__()


def dice(*what):
    """Random numbers of a test's own, that can be had again with IMPRINT_SEED."""
    print(f"\nIMPRINT_SEED={SEED}")
    return random.Random(f"{SEED} {what}")


def power_cut(s, disk, log_too):
    """Disk and signer die at once, then the rest; and the disk is back. The kernel may say of an fsync under way that it went
    well though its disk is gone: the signer must not live to act on that, as it would not without power. What it sent until
    here counts."""
    os.kill(s.pid("signer"), signal.SIGSTOP)
    disk.cut(log_too)
    for name in ("station", "signer"):
        s.kill(name)
    disk.back()


class Clients:
    """Ask for certificates without a pause, and write down what they get before anything else."""

    def __init__(self, s):
        self.s, self.held, self.installed, self.open, self.count = s, {}, set(), {}, 0
        self.lock = threading.Lock()
        self.head = s.dir / "head.json"  # the last that the signer signed

    def next_unit(self):
        with self.lock:
            self.count += 1
            return f"P-{self.count:06}"

    def ask(self, signer, unit, csr):
        answer = signer.issue(unit, csr)
        assert answer.type == ISSUED, answer.text
        self.held[answer.issuance["certificate_id"].hex()] = unit
        assert hashlib.sha256(answer.files["certificate"][0]).digest() == answer.issuance["certificate_id"]
        done = signer.ask("installed", certificate_id=answer.issuance["certificate_id"], unit=unit, nest="X1",
                          evidence=EVIDENCE_DIGEST, nonce=answer.nonce)
        assert done.type == DONE, done.text
        self.installed.add(unit)

    def ask_heads(self):
        while True:
            head = self.s.imprint("ledger", "head", check=False)
            if head.returncode != 0:
                return
            self.head.write_text(head.stdout)

    def work(self):
        try:
            with self.s.signer() as signer:
                while True:
                    unit, csr = self.next_unit(), new_csr()
                    self.open[unit] = csr
                    self.ask(signer, unit, csr)
                    del self.open[unit]
        except (AssertionError, OSError):
            pass  # the power is gone; a refusal is told from that by who asks again

    def run_until(self, cut):
        """Runs them all until `cut` has been called and they see the end of the signer."""
        all_of_them = [threading.Thread(target=work, daemon=True) for work in [self.work] * CLIENTS + [self.ask_heads]]
        for one in all_of_them:
            one.start()
        cut()
        for one in all_of_them:
            one.join()

    def ask_again(self):
        """The boards that lie there without an answer are run again."""
        with self.s.signer() as signer:
            for unit, csr in self.open.items():
                self.ask(signer, unit, csr)
        self.open.clear()


def control_env(control):
    env = CONTROLS[control]
    if not os.path.exists(env["LD_PRELOAD"]):
        pytest.skip(f"{env['LD_PRELOAD']} is not there")
    return env


def check_control(s, env, name, wrong, held, cuts):
    lost = [sentence for sentence in wrong if sentence.startswith("lost: certificate")]
    print(f"{name}: red at cut {cuts}, {len(lost)} of {len(held)} certificates lost")
    if "RIG_SYNCHRONOUS" in env:
        assert f"rig: synchronous={env['RIG_SYNCHRONOUS']}" in s.log("signer"), "the control controls nothing"
    assert lost, f"{name}: {cuts} cuts, and nothing seems lost of {len(held)} certificates: this harness is blind"


def cut_campaign(s, disk, numbers, cuts, env=None, wanted=""):
    """Cuts the power `cuts` times, or until something is wrong that begins with `wanted`: what is wrong, and what was held."""
    clients = Clients(s)
    s.restart("signer") if env is None else s.kill("signer")
    for number in range(cuts):
        if not s.pid("signer"):
            s.start("signer", env=env)

        def cut(enough=len(clients.held) + numbers.randint(HELD_MIN, HELD_MAX)):
            wait_until(lambda: len(clients.held) >= enough, what=f"{enough} certificates")
            time.sleep(numbers.uniform(0, 0.01))
            power_cut(s, disk, env is not None or numbers.random() < 0.5)

        clients.run_until(cut)
        s.start("signer", env=env)
        if env is None:
            clients.ask_again()
        wrong = audit(s, clients.held, installed=clients.installed, head=clients.head if clients.head.exists() else None)
        if any(sentence.startswith(wanted) for sentence in wrong):
            return wrong, clients.held, number + 1
    return [], clients.held, cuts


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_certificate_that_left_is_in_the_ledger(disked, kind, campaign, record_property):
    s, disk = disked(kind, "--boards", 0)
    begin = time.monotonic()
    wrong, held, cuts = cut_campaign(s, disk, dice(kind, campaign), CUTS)
    print(f"{kind}: {cuts} cuts, {len(held)} certificates left the signer, {time.monotonic() - begin:.1f} s")
    record_property("cuts", cuts)
    assert wrong == []
    assert len(held) >= HELD_MIN * CUTS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("control", CONTROLS)
def test_the_clients_see_a_loss(disked, kind, control):
    """Negative controls: with fsync turned off the ledger must lose what was sent, and the audit must say so."""
    env = control_env(control)
    s, disk = disked(kind, "--boards", 0)
    wrong, held, cuts = cut_campaign(s, disk, dice(kind, control), CONTROL_CUTS, env, "lost: certificate")
    check_control(s, env, f"{kind}, {control}", wrong, held, cuts)


class Line:
    """A running line: blank boards in, start, and again."""

    def __init__(self, s):
        self.s, self.units, self.held, self.panels, self.partial = s, set(), {}, 0, 0
        self.nests = sorted(s.boards())
        self.begun = threading.Event()

    def panel(self):
        """One panel of fresh boards."""
        self.s.rig(*(f"{what} {nest}" for nest in self.nests for what in ("remove", "insert")))
        self.units |= set(self.s.boards().values())
        self.begun.set()
        self.s.imprint("start", check=False)
        self.s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False)
        self.panels += 1

    def run_until(self, cut):
        gone = threading.Event()
        self.begun.clear()

        def work():
            while not gone.is_set():
                self.panel()

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        assert self.begun.wait(PATIENCE_S)
        cut()
        gone.set()
        worker.join()

    def read_flash(self):
        """What the boards hold, before anybody writes there again: {unit: bytes} of those that hold anything."""
        found = {unit: self.s.dump(unit) for unit in self.units}
        self.units = set()
        return {unit: data for unit, data in found.items() if data}

    def passed(self):
        """The units of which the station wrote down that they passed; its own folder is not on the disk that is cut."""
        record = self.s.dir / "lib/station/runs.jsonl"
        lines = record.read_text().split("\n")[:-1] if record.exists() else []
        return {run["unit"] for run in map(json.loads, lines) if run.get("outcome") == "PASS"}

    def hold(self, flashes):
        """Certificates in boards are held; half a certificate counts as the one of the ledger that it is a half of."""
        rows = self.s.ledger_list()
        known = {row["certificate_id"] for row in rows}
        of_unit = {row["unit"]: row["certificate_id"] for row in rows if row["state"] != "void"}
        for unit, data in flashes.items():
            held = hashlib.sha256(data).hexdigest()
            if held not in known and of_unit.get(unit) and is_part(data, self.certificate(of_unit[unit])):
                self.partial += 1
                held = of_unit[unit]
            self.held[held] = unit

    def certificate(self, certificate_id):
        with self.s.signer() as signer:
            return signer.ask("certificate", certificate_id=bytes.fromhex(certificate_id)).rows

    def again(self):
        """The line starts again with no hand's help: the same boards, wherever the power left them."""
        lying = set(self.s.boards().values())
        self.s.imprint("start")
        self.s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
        self.units |= lying
        self.hold(self.read_flash())
        assert lying <= set(self.held.values())


def is_part(data, whole):
    """Flash that was being programmed: every byte is there, or still erased."""
    return len(data) == len(whole) and all(have in (byte, 0xFF) for have, byte in zip(data, whole))


def line_campaign(s, disk, numbers, cuts, env=None, wanted=""):
    """As cut_campaign, with boards instead of clients."""
    line = Line(s)
    s.restart("signer") if env is None else s.kill("signer")
    for number in range(cuts):
        if not s.pid("signer"):
            s.start("signer", env=env)
        if not s.pid("station"):
            s.start("station")

        def cut(passed=len(line.passed())):
            if env is not None:  # there must be something to lose
                wait_until(lambda: len(line.passed()) > passed, what="a board that passed")
            time.sleep(numbers.uniform(0, 0.7))
            power_cut(s, disk, env is not None or numbers.random() < 0.5)

        line.run_until(cut)
        flashes = line.read_flash()
        s.start("signer", env=env)
        line.hold(flashes)
        wrong = audit(s, line.held, installed=line.passed())
        if env is None:
            s.start("station")
            line.again()
            wrong += audit(s, line.held, installed=line.passed())
        if any(sentence.startswith(wanted) for sentence in wrong):
            return wrong, line, number + 1
    return [], line, cuts


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_certificate_in_a_board_is_in_the_ledger(disked, kind, campaign, record_property):
    s, disk = disked(kind, "--boards", BOARDS)
    begin = time.monotonic()
    wrong, line, cuts = line_campaign(s, disk, dice("line", kind, campaign), CUTS)
    print(f"{kind}: {cuts} cuts, {line.panels} panels, {len(line.held)} boards hold a certificate, {line.partial} were cut off "
          f"in the writing, {time.monotonic() - begin:.1f} s")
    record_property("cuts", cuts)
    assert wrong == []
    assert len(line.held) >= CUTS * BOARDS


@pytest.mark.parametrize("control, kind", zip(CONTROLS, ["ext4", "xfs", "ext4"]))
def test_the_line_sees_a_loss(disked, kind, control):
    env = control_env(control)
    s, disk = disked(kind, "--boards", BOARDS)
    wrong, line, cuts = line_campaign(s, disk, dice("line", kind, control), CONTROL_CUTS, env, "lost: certificate")
    check_control(s, env, f"{kind}, {control}", wrong, line.held, cuts)
