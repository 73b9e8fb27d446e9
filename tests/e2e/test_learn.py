"""imprint nest learn: lines that come into a system of files, as sysfs and udev make them; the rules that udev gets."""
import os
import re
import select
import subprocess

import pytest

from station import BUILD, PATIENCE_S

SOCKETS = {f"ttyUSB{number}": f"2.{number + 1}" for number in range(4)}


class Plugs:
    """Adapters that are plugged in and out."""

    def __init__(self, root):
        self.root = root
        for folder in ("sys/class/tty", "dev/serial/by-path"):
            (root / folder).mkdir(parents=True)

    def device(self, name):
        return self.root / f"sys/devices/pci0000:00/usb1/1-2/1-{SOCKETS[name]}"

    def by_path(self, name):
        return self.root / f"dev/serial/by-path/pci-0000:00:14.0-usb-0:{SOCKETS[name]}:1.0-port0"

    def plug(self, name):
        port = self.device(name) / f"1-{SOCKETS[name]}:1.0" / name
        port.mkdir(parents=True)
        (self.device(name) / "idVendor").write_text("0403\n")
        (self.device(name) / "idProduct").write_text("6001\n")
        (self.root / "sys/class/tty" / name).mkdir()
        (self.root / "sys/class/tty" / name / "device").symlink_to(port)
        (self.root / "dev" / name).write_text("")
        self.by_path(name).symlink_to(f"../../{name}")  # udev is the last one to know

    def unplug(self, name):
        self.by_path(name).unlink()
        subprocess.run(["rm", "-r", "--", self.root / "sys/class/tty" / name, self.device(name), self.root / "dev" / name], check=True)


class Talk:
    """The command while it runs: what it says is waited for, whatever it takes."""

    def __init__(self, plugs, rules, *options):
        self.said = ""
        self.process = subprocess.Popen([BUILD / "imprint", "nest", "learn", "--root", plugs.root, "--rules", rules, "--timeout", "50",
                                         *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def until(self, words):
        while words not in self.said:
            assert select.select([self.process.stdout], [], [], PATIENCE_S)[0], f"no \"{words}\" in:\n{self.said}"
            more = os.read(self.process.stdout.fileno(), 4096).decode()
            assert more, f"it ended without \"{words}\":\n{self.said}"
            self.said += more

    def enter(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        self.said += self.process.stdout.read().decode()
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def plugs(tmp_path):
    return Plugs(tmp_path / "root")


def rules_of(path):
    """{nest: socket}"""
    return {nest: socket for socket, nest in re.findall(
        r'^SUBSYSTEM=="tty", ENV\{ID_PATH\}=="pci-0000:00:14.0-usb-0:([0-9.]+):1.0", ATTRS\{port_number\}=="0", '
        r'SYMLINK\+="imprint/([A-Za-z0-9-]+)"$', path.read_text(), re.M)}


def test_nests_are_learnt_one_after_the_other(plugs, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text('# ours\nSUBSYSTEM=="tty", ENV{ID_PATH}=="elsewhere", SYMLINK+="imprint/B7"\n'
                     'SUBSYSTEM=="tty", ENV{ID_PATH}=="gone", SYMLINK+="imprint/B1"\n')
    for name in ("ttyUSB2", "ttyUSB3"):
        plugs.plug(name)
    with Talk(plugs, rules, "--nests", "A1,B1,B2") as talk:
        talk.until("2 lines are plugged in already")
        talk.until("plug nest A1 now")
        plugs.unplug("ttyUSB3")
        talk.until("usb 1-2.4 is out")
        plugs.plug("ttyUSB1")
        talk.until("usb 1-2.2, no board answers")
        talk.until("plug nest B1 now")
        plugs.plug("ttyUSB3")  # it was there before: now it is new
        talk.until("usb 1-2.4, no board answers")
        talk.until("plug nest B2 now")
        plugs.plug("ttyUSB0")
        assert talk.end() == 0
    assert "  - { name: B2, port: /dev/imprint/B2 }\n" in talk.said
    assert rules_of(rules) == {"A1": "2.2", "B1": "2.4", "B2": "2.1"}
    # What others wrote stays; a rule of the same nest does not.
    assert "# ours\n" in rules.read_text() and '"imprint/B7"' in rules.read_text() and '"gone"' not in rules.read_text()


def test_one_that_is_there_alone_is_taken(plugs, tmp_path):
    plugs.plug("ttyUSB0")
    with Talk(plugs, tmp_path / "rules") as talk:
        talk.until("plug nest A1 now … usb 1-2.1")
        talk.until("plug nest A2 now")
        talk.enter()
        assert talk.end() == 0
    assert rules_of(tmp_path / "rules") == {"A1": "2.1"}


def test_nothing_learnt_changes_nothing(plugs, tmp_path):
    with Talk(plugs, tmp_path / "rules") as talk:
        talk.until("plug nest A1 now")
        talk.process.stdin.close()
        assert talk.end() == 0
    assert "nothing was changed" in talk.said and not (tmp_path / "rules").exists()


@pytest.mark.parametrize("options, sentence", [
    (["--nests", "A1,A1"], "the nest A1 is named twice"),
    (["--nests", "A 1"], "no nest's name"),
    (["--nests", ""], "no nest's name"),
    (["--rules", "/nonexistent/x.rules"], "--rules FILE"),
], ids=lambda value: value if isinstance(value, str) else None)
def test_mistakes_are_said_before_any_cable_is_touched(plugs, tmp_path, options, sentence):
    with Talk(plugs, tmp_path / "rules", *options) as talk:
        assert talk.end() != 0
    assert sentence in talk.said
