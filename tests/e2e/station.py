"""A whole station in one folder, for the tests: tests/line brings it up, and this drives it.

	with Station(folder) as s:              # ends what runs, even when the test fails
		s.up("--boards", "4")
		s.imprint("start"); s.imprint("wait", "--outcome", "PASS")
		s.ledger_list()                     # one dict an issuance
		s.kill_signer(); s.start("signer")  # SIGKILL, and up again

The programs come from $IMPRINT_BUILD (default build/dev). Long campaigns run with IMPRINT_LONG=1."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from signer_client import PATIENCE_S, Signer

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("IMPRINT_BUILD") or ROOT / "build/dev").resolve()
LONG = bool(os.environ.get("IMPRINT_LONG"))
PROGRAMS = {"signer": BUILD / "imprint-signer", "station": BUILD / "imprint-station", "boards": BUILD / "tests/rig-boards",
            "jig": BUILD / "tests/rig-jig"}


def documented(row):
    """The row of --json, each of whose keys stands in imprint(1)."""
    page = (ROOT / "docs/man/imprint.1").read_text()
    unknown = [key for key in row if not re.search(rf"\b{key}\b", page)]
    assert not unknown, f"imprint(1) has no keys {unknown}"
    return row


def wait_until(condition, timeout_s=PATIENCE_S, what="the state"):
    """Asks again until the condition is true, and returns what it said."""
    deadline = time.monotonic() + timeout_s
    while True:
        said = condition()
        if said:
            return said
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_s} s"
        time.sleep(0.005)


HELD = []  # the sockets of free_port()


def free_port(wanted=0):
    """The port that is wanted, if nobody has it, else another one. It is held until this process ends: who names it may listen there
    (with SO_REUSEADDR, as servers do), and the kernel gives it to nobody who takes any."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", wanted))
    except OSError:
        probe.close()
        return free_port()
    HELD.append(probe)
    return probe.getsockname()[1]


def rig_send(folder, *commands):
    """Says the commands to what serves that folder; the last one's answer."""
    answer = "ok"
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(PATIENCE_S)
        try:
            control.connect(f"/proc/self/fd/{at}/control")
        finally:
            os.close(at)
        for command in commands:
            control.send(command.encode())
            answer = control.recv(65536).decode()
            assert answer.startswith("ok"), f"rig: {command}: {answer}"
    return answer[3:]


class Station:
    def __init__(self, folder):
        self.dir = Path(folder)
        self.env = dict(os.environ, IMPRINT_DIR=str(self.dir), IMPRINT_BUILD=str(BUILD))
        self.env.pop("LD_PRELOAD", None)
        self.children = []  # what start() started: to be reaped

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    # --- up and down ---

    def line(self, verb, *args, timeout=2 * PATIENCE_S):
        done = subprocess.run([ROOT / "tests/line", verb, self.dir, *map(str, args)], env=self.env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout)
        assert done.returncode == 0, f"tests/line {verb}: {done.stderr}\n{self.logs()}"
        return done.stdout

    def up(self, *args):
        """tests/line up, with its options; returns when the station is ready."""
        self.line("up", *args)
        return self

    def down(self):
        """Ends what runs; the folder stays."""
        for child in self.children:  # a dead child of ours would be waited for by the script
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []
        self.line("down")
        self.check_sanitizers()

    def check_sanitizers(self):
        """What a sanitizer found in a daemon stands in that one's log, and maybe nowhere else."""
        for log in sorted((self.dir / "log").glob("*")):
            text = log.read_text(errors="replace")
            found = re.search(r"(WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|runtime error: ).*", text)
            assert not found, f"{log}:\n{text[found.start():found.start() + 6000]}"

    def pid(self, name):
        """Of "signer", "station" or "boards", while it lives; else None."""
        try:
            pid = int((self.dir / "run" / f"{name}.pid").read_text())
            # A pid file may outlive its process; a zombie is no life, unless threads of it still run.
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            dead = state in "ZX" and len(os.listdir(f"/proc/{pid}/task")) == 1
        except (OSError, ValueError):
            return None
        return None if dead or self.is_another(pid, name) else pid

    @staticmethod
    def is_another(pid, name):
        try:
            return not os.readlink(f"/proc/{pid}/exe").startswith(str(PROGRAMS[name]))
        except OSError:
            return False  # it is dying just now

    def kill(self, name, number=signal.SIGKILL):
        """Sends a signal to it and waits for its end."""
        pid = self.pid(name)
        if pid:
            os.kill(pid, number)
            wait_until(lambda: self.pid(name) != pid, what=f"the end of the {name}")  # another may run in its place already
            self.reap()

    def kill_signer(self):
        self.kill("signer")

    def wait_end(self, name):
        wait_until(lambda: not self.pid(name), what=f"the end of the {name}")
        self.reap()

    def reap(self):
        self.children = [child for child in self.children if child.poll() is None]

    def start(self, name, ready=True, env=None):
        """Starts "signer", "station" or "boards" again after it ended. `env` is added to the environment."""
        assert not self.pid(name), f"the {name} runs already"
        if name == "boards":
            self.line("boards")
            return
        with open(self.dir / "log" / name, "ab") as log:
            child = subprocess.Popen([PROGRAMS[name]], env=dict(self.env, **(env or {})), stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        self.children.append(child)
        (self.dir / "run" / f"{name}.pid").write_text(f"{child.pid}\n")
        if ready:
            wait_until(lambda: self.answers(name) or self.check_alive(name, child), what=f"the {name}")

    def restart(self, name, number=signal.SIGTERM):
        self.kill(name, number)
        self.start(name)

    def check_alive(self, name, child):
        assert child.poll() is None, f"the {name} ended at its start:\n{self.log(name)[-3000:]}"

    def survives(self, name):
        """Waits until it answers, or is dead: what was done to it may take a while to show."""
        wait_until(lambda: self.answers(name) or not self.pid(name), what=f"life or death of the {name}")
        return bool(self.pid(name))

    def answers(self, name):
        """What it says, or None: it is dead or stopped, or this machine is slow."""
        if name == "station":
            return self.imprint("status", check=False).returncode == 0
        try:
            with self.signer(timeout=5) as signer:
                return signer.ask("status")
        except OSError:
            return None

    def set_timeouts(self, **timeouts):
        """Those of the station's steps, in place of any set before; the station starts again."""
        path = self.dir / "etc/station.yaml"
        settings = re.sub("^timeouts:.*\n", "", path.read_text(), flags=re.M)
        words = ", ".join(f"{key}: {value}" for key, value in timeouts.items())
        path.write_text(settings.replace("access:\n", f"timeouts: {{ {words} }}\naccess:\n") if words else settings)
        self.restart("station")

    # --- asking ---

    def imprint(self, *args, check=True, env=None, input=None, timeout=2 * PATIENCE_S):
        """The command as people type it; the result has stdout, stderr and returncode."""
        done = subprocess.run([BUILD / "imprint", *map(str, args)], env=dict(self.env, **(env or {})), text=True,
                              capture_output=True, input=input or "", timeout=timeout)
        assert not check or done.returncode == 0, \
            f"imprint {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.logs()}"
        return done

    def json(self, *args, **options):
        """A list that was asked for with --json: one dict a line."""
        return [json.loads(line) for line in self.imprint(*args, "--json", **options).stdout.splitlines()]

    def ledger_list(self):
        return self.json("ledger", "list")

    def order(self, order="DEMO"):
        """The order as `imprint order list` shows it."""
        return next(row for row in self.json("order", "list") if order in (row.get("order"), row.get("id")))

    def signer(self, timeout=PATIENCE_S):
        """A connection of the test's own to the signer's socket."""
        return Signer(self.dir / "run/signer", timeout)

    # --- boards ---

    def rig(self, *commands):
        """"insert A1", "remove A1", "fault A1 mute", "restart A1", "list": see rig-boards --help; the last one's answer"""
        return rig_send(self.dir / "boards", *commands)

    def hold(self, *nests, **timeouts):
        """Once started, these nests run until they are released: their boards say nothing, and the station's patience is long."""
        self.set_timeouts(identify_ms=600_000, **timeouts)
        self.rig(*(f"fault {nest} mute" for nest in nests))

    def release(self, *nests):
        self.rig(*(f"fault {nest} none" for nest in nests))

    def boards(self):
        """{nest: unit} of the boards that lie there"""
        rows = (line.split() for line in self.rig("list").splitlines())
        return {row[0]: row[1] for row in rows if len(row) > 1 and row[1] != "-"}

    def flash(self, unit):
        return self.dir / "boards/units" / f"{unit}.flash"

    def dump(self, unit, slot="certificate"):
        """The bytes in a slot of a board's flash; None if there are none."""
        done = subprocess.run([PROGRAMS["boards"], "--dump", self.flash(unit), slot], capture_output=True, timeout=PATIENCE_S)
        return done.stdout if done.returncode == 0 else None

    def key(self, unit):
        """The private key in a board's flash: the scalar."""
        page = self.flash(unit).read_bytes()[4096:]
        assert page[:4] == b"IMPK", f"unit {unit} has no key"
        return page[16:16 + int.from_bytes(page[4:8], "big")]

    # --- logs ---

    def log(self, name):
        path = self.dir / "log" / name
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self):
        return "\n".join(f"--- {name}\n{self.log(name)[-2000:]}" for name in ("init", "signer", "station", "jig", "boards"))
