"""The virtual jig and its driver, for the tests.

	with Jig(folder, "A1,A2") as jig:       # rig-jig; a breach of the interlocks fails the test at the end
		jig("lid close"); jig.state()["power"]
		with Drive(jig.map, "A1,A2") as drive:  # rig-drive: fixtures/ without a station
			drive("want clamp power=A1"); drive.see()["powered"]"""
import json
import subprocess
from pathlib import Path

from station import BUILD, PATIENCE_S, rig_send, wait_until


class JigControl:
    """A virtual jig that runs, by the control socket in its folder; rig-jig --help and tests/rig/jig_control.h list the commands."""

    def __init__(self, folder):
        self.dir = Path(folder)

    def do(self, *commands):
        """One after the other; the last one's answer."""
        return rig_send(self.dir, *commands)

    def state(self):
        return json.loads(self.do("state"))

    def pass_requests(self, count=20):
        """Until the host has asked so many more times: what it was about to do, it has done."""
        before = self.state()["requests"]
        wait_until(lambda: self.state()["requests"] >= before + count, what=f"{count} requests")


class Jig(JigControl):
    def __init__(self, folder, nests, *options, may_breach=False):
        super().__init__(folder)
        self.may_breach = may_breach
        self.map = self.dir / "map.yaml"
        self.process = subprocess.Popen([BUILD / "tests/rig-jig", "--dir", self.dir, "--nests", nests, "--speed", "20",
                                         *map(str, options)], stdout=subprocess.PIPE, text=True)
        wait_until((self.dir / "ready").exists, what="rig-jig")

    def __call__(self, command):
        return self.do(command)

    def wait(self, **wanted):
        """Until the state has these values."""
        return wait_until(lambda: all((now := self.state())[key] == value for key, value in wanted.items()) and now,
                          what=f"{wanted} of the jig")

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.end()
        if kind is None and not self.may_breach:
            breaches = self.dir / "breaches"
            assert code == 0, breaches.read_text() if breaches.exists() else f"rig-jig ended with {code}"


class Drive:
    def __init__(self, map_file, nests):
        self.process = subprocess.Popen([BUILD / "tests/rig-drive", map_file, nests], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip()

    def __call__(self, command):
        answer = self.ask(command)
        assert answer == "ok", f"{command}: {answer}"

    def see(self):
        return json.loads(self.ask("see"))

    def wait(self, **wanted):
        """Until the image has these values."""
        def seen():
            nonlocal now
            now = self.see()
            return all(now[key] == value for key, value in wanted.items())
        now = None
        try:
            wait_until(seen, what=f"{wanted} of the image")
        except AssertionError as late:
            raise AssertionError(f"{late}: {now}") from None
        return now

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0
