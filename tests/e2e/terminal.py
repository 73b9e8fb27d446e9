"""The operator's screen in a terminal (tmux), as a person or a picture sees it; and what a command shows on a terminal.

	with Terminal(station.dir, 80, 24, "--lang", "de") as t:
		t.wait("BEREIT"); t.key("Space"); t.scan("T-0001"); print(t.text())"""
import fcntl
import os
import pty
import select
import shlex
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path

from station import BUILD, PATIENCE_S


def on_terminal(command, stream="stdout", columns=80, **more):
    """Runs it with that stream on a terminal; what the terminal showed, all of it, and what its other stream said."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    streams = {"stdin": subprocess.DEVNULL, "stdout": tempfile.TemporaryFile(), "stderr": tempfile.TemporaryFile(), stream: slave}
    shown = b""
    with subprocess.Popen(command, **streams, **more) as child:
        os.close(slave)
        try:
            while select.select([master], [], [], PATIENCE_S)[0]:
                shown += os.read(master, 4096)  # a piece: the kernel passes them on in its own time
        except OSError:  # nobody has the other end any more
            os.close(master)
        child.wait(PATIENCE_S)
    assert child.returncode == 0, shown
    other = streams["stderr" if stream == "stdout" else "stdout"]
    other.seek(0)
    return shown.decode(), other.read().decode()


class Terminal:
    def __init__(self, folder, columns, rows, *options, term="tmux-256color", before="", after=""):
        """Runs `imprint ui` of the station in `folder`; shell commands may stand before and after it."""
        self.folder = tempfile.TemporaryDirectory(prefix="imprint-tmux.")
        self.socket = f"{self.folder.name}/tmux"
        self.columns, self.rows = columns, rows
        environment = f"LC_ALL=C.UTF-8 TZ=UTC TERM={term} IMPRINT_DIR={shlex.quote(str(folder))}"
        ui = shlex.join([str(BUILD / "imprint"), "ui", *options])
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "ui", "-x", str(columns), "-y", str(rows),
                  f"{before} env {environment} {ui}; {after}", ";", "set", "-g", "status", "off")

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"tmux {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=PATIENCE_S)
        self.folder.cleanup()

    def key(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def scan(self, text):
        """As a scanner does it: one burst, CR behind it."""
        self.type(text + "\r")

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def text(self):
        return self.tmux("capture-pane", "-p")

    def cells(self):
        """With colours; -N keeps the blanks at the end of a line, which may be coloured."""
        return self.tmux("capture-pane", "-e", "-N", "-p")

    def wait(self, *texts, gone=()):
        """Until all of the texts are on the screen, and none of `gone`; returns the screen."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            shown = self.text()
            if all(text in shown for text in texts) and not any(text in shown for text in gone):
                return shown
            assert time.monotonic() < deadline, f"{texts} did not come (or {gone} did not go):\n{shown}"
            time.sleep(0.05)

    def pid(self):
        """Of the screen's own process, or None."""
        shell = int(self.tmux("display-message", "-p", "#{pane_pid}"))
        for pid in self.children(shell):
            if self.name(pid) == "imprint-ui":
                return pid
        return shell if self.name(shell) == "imprint-ui" else None

    @staticmethod
    def children(pid):
        try:
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    @staticmethod
    def name(pid):
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            return ""
