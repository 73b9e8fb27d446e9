"""A station whose token, disk, clock or signer is spoilt on purpose, and the supervisor that systemd is in a factory.

	s = spoil(station("--boards", 2))       # its signer asks the faulty module from now on
	s.script("C_Sign 1 hang")               # see tests/rig/faulty_module.c; s.script() ends it
	with Supervisor(s, s.script): …         # starts the signer again when it ended, after calling what it was given"""
import os
import re
import threading
import types
from itertools import accumulate
from pathlib import Path

from station import BUILD, PATIENCE_S

MODULE = BUILD / "tests/librig-faulty.so"
EXIT_PIN = 78  # the one exit after which nobody starts it again
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
FIU = "/usr/lib/fiu/fiu_posix_preload.so"


class Spoilt:
    """What a station can do beside, once its token is the faulty one."""

    def script(self, *rules):
        """Replaced as a whole: the module never sees half of it."""
        beside = self.dir / "faults.new"
        beside.write_text("".join(f"{rule}\n" for rule in rules))
        beside.rename(self.dir / "faults")

    def seen(self, word):
        """When the module noted that word: microseconds of the monotonic clock."""
        path = self.dir / "faults.log"
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""  # a line may be half written
        rows = (row.split() for row in whole.splitlines())
        return [int(number) for name, number in rows if name == word]

    def forget(self):
        """What the module noted until now."""
        (self.dir / "faults.log").unlink(missing_ok=True)

    def signing(self):
        """How many signatures were under way at a time, after each begin and end."""
        steps = sorted([(at, 1) for at in self.seen("begin")] + [(at, -1) for at in self.seen("end")])
        return list(accumulate(step for _, step in steps))

    def start_refused(self):
        """Starts the signer, which must end: its exit status, and the last line of its log."""
        self.start("signer", ready=False)
        child = self.children[-1]
        code = child.wait(PATIENCE_S)
        self.reap()
        return code, self.log("signer").splitlines()[-1]

    def change_settings(self, pattern, text):
        path = self.dir / "etc/signer.yaml"
        settings, count = re.subn(pattern, text, path.read_text(), flags=re.M)
        assert count == 1, pattern
        path.write_text(settings)


def spoil(s, sessions=2):
    for name, method in vars(Spoilt).items():
        if not name.startswith("__"):
            setattr(s, name, types.MethodType(method, s))
    s.script()
    s.change_settings("^  module: .*$", f"  module: {MODULE}")
    s.change_settings("^  sessions: .*$", f"  sessions: {sessions}")
    s.env["RIG_FAULTS"] = str(s.dir / "faults")
    s.restart("signer")
    return s


class Supervisor:
    """Restart=on-failure and RestartPreventExitStatus=78, for a folder that no systemd knows."""

    def __init__(self, s, between=lambda: None):
        self.s, self.between, self.restarts = s, between, 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.trouble = None

    def run(self):
        try:
            while not self.ended.wait(0.05):
                if not self.s.pid("signer"):
                    self.restarts += 1
                    self.s.reap()
                    self.between()
                    self.s.start("signer", ready=False)
        except Exception as trouble:  # it is the test's
            self.trouble = trouble

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        assert not self.trouble, self.trouble


class Clock:
    """The wall clock of the signer, and only that one: libfaketime, with the time's offset in a file."""

    def __init__(self, s):
        self.s, self.path = s, s.dir / "clock"
        self.set(0)
        self.env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        beside = self.path.with_suffix(".new")
        beside.write_text(f"{seconds:+d}s\n")
        beside.rename(self.path)


def fill(folder, leave_mb):
    """Takes the room of a disk but for that; returns the file that holds it."""
    room = os.statvfs(folder)
    path = Path(folder) / "filler"
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (leave_mb << 20))
    return path
