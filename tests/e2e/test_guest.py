"""Serial lines of a real Linux: FTDI adapters and a CDC-ACM device under Debian's kernel and udev, in a guest."""
import contextlib
import json
import random
import re
import subprocess
import time

import pytest
from guest import ACM, PORTS, Guest, NoGuest
from station import BUILD, LONG, ROOT, wait_until
from tools import certificate_id

BY_PATH = {name: f"/dev/serial/by-path/pci-0000:00:04.0-usb-0:{port}:1.0-port0" for name, port in PORTS.items()}
BY_PATH[ACM] = "/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:2.0"
USB = {name: f"1-{port}" for name, port in PORTS.items()} | {ACM: "3-1"}
FTDI = sorted(PORTS)
ACM_SOCKET = "/sys/bus/usb/devices/3-0:1.0/usb3-port1"
TIMEOUTS = "".join(f"  {step}_ms: 120000\n" for step in ("identify", "csr", "certificate", "install", "prove"))
SILENT_S = 100  # what takes longer than this has waited for the end of a step, and not for an event
CLOSING_S = 30  # what the kernel would wait at the close of a line whose far end takes no bytes
PULLS = 20 if LONG else 2


class Line:
    """A whole station in the guest: boards of the rig on the host behind two FTDI adapters, one in the guest behind ACM."""

    def __init__(self, guest):
        self.guest, self.boards = guest, guest.dir / "boards"
        self.rig, self.pulled = None, set()

    def up(self):
        for name in FTDI:
            self.guest.plug(name)
        lines = [word for name in FTDI for word in ("--line", f"{name}={self.guest.far_end(name)}")]
        with open(self.guest.dir / "rig.log", "ab") as log:
            self.rig = subprocess.Popen([BUILD / "tests/rig-boards", "--dir", self.boards, "--nests", ",".join(FTDI), *lines],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.start_gadget()
        nests = "".join(f'  - {{ name: {name}, port: "{path}" }}\n' for name, path in BY_PATH.items())
        self.guest.run("line up /run/line --boards 0", timeout=170)
        self.guest.run(f"cat >$IMPRINT_DIR/etc/station.yaml <<'EOF'\n"
                       f"station: GUEST\ntimeouts:\n{TIMEOUTS}access:\n  operator: [0]\nnests:\n{nests}EOF\n"
                       "line station /run/line", timeout=60)
        for name in BY_PATH:
            self.wait_plugged(name)

    def start_gadget(self):
        self.guest.run("mkdir -p /run/boards && rig-boards --dir /run/boards --nests C1 --line C1=/dev/ttyGS0 --unit-prefix C- --detach")

    def down(self):
        if self.rig:
            self.rig.terminate()
            self.rig.wait(10)

    def tell(self, name, command):
        """To the rig that has this board."""
        if name == ACM:
            return self.guest.run(f"rig-boards --dir /run/boards --send '{command}'").stdout
        return subprocess.run([BUILD / "tests/rig-boards", "--dir", self.boards, "--send", command], text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    def units(self):
        rows = (line.split() for name in (FTDI[0], ACM) for line in self.tell(name, "list").splitlines())
        return {row[0]: row[1] for row in rows if row}

    # --- the cable ---

    def plug(self, name):
        self.pulled.discard(name)
        if name == ACM:
            self.guest.run(f"echo 0 >{ACM_SOCKET}/disable")
        else:
            self.guest.plug(name)

    def unplug(self, name):
        self.pulled.add(name)
        if name == ACM:
            self.guest.run(f"echo 1 >{ACM_SOCKET}/disable")
        else:
            self.guest.unplug(name)

    def wait_plugged(self, name, there=True):
        """Until udev has given the line its name, or taken it away, and the station has seen that."""
        self.wait_status(name, "!" if there else "", '"state":"empty"')

    def wait_status(self, name, negation, text):
        self.guest.run(f"until {negation} imprint status {name} --json | grep -q '{text}'; do sleep 0.2; done")

    def replug(self, name):
        self.plug(name)
        self.wait_plugged(name)

    # --- the station ---

    def json(self, command):
        return [json.loads(row) for row in self.guest.run(f"imprint {command} --json").stdout.splitlines()]

    def passes(self, *names):
        for name in names:
            self.guest.run(f"imprint start {name}")
        for name in names:
            self.guest.run(f"imprint wait --nest {name} --outcome PASS --timeout 120", timeout=130)

    def last_run(self, name):
        return [run for run in self.json("runs") if run["nest"] == name][-1]

    def devices(self):
        return {row["usb"]: row["device"] for row in self.json("board list")}


@pytest.fixture(scope="module")
def whole_line(scratch):
    with contextlib.ExitStack() as stack:
        try:
            guest = stack.enter_context(Guest(scratch / "guest"))
        except NoGuest as reason:
            pytest.skip(str(reason))
        one = Line(guest)
        stack.callback(one.down)
        one.up()
        yield one


@pytest.fixture
def line(whole_line):
    """With every cable plugged in, whatever happened in the test before."""
    for name in sorted(whole_line.pulled):
        whole_line.replug(name)
    return whole_line


def test_one_start(line):
    """Two boards behind FTDI adapters and one behind CDC-ACM, all named by their sockets: one start, all installed."""
    line.guest.run("imprint start")
    line.guest.run("imprint wait --outcome PASS --timeout 150", timeout=160)
    rows = line.json("ledger list")
    assert {row["nest"]: row["unit"] for row in rows} == line.units()
    assert {(row["state"], row["evidence"]) for row in rows} == {("installed", "signed")}
    for row in rows:
        if row["nest"] in FTDI:
            flash = line.boards / "units" / f"{row['unit']}.flash"
            content = subprocess.run([BUILD / "tests/rig-boards", "--dump", flash, "certificate"], check=True, stdout=subprocess.PIPE).stdout
            assert certificate_id(content) == row["certificate_id"]


def test_board_list(line):
    """Each line by its USB socket, with the name for the settings; native ones too."""
    rows = {row["usb"]: row for row in line.json("board list") if row["usb"]}
    assert set(rows) == set(USB.values())
    for name, usb in USB.items():
        assert rows[usb]["port"] == BY_PATH[name]
        assert re.fullmatch("/dev/ttyACM0" if name == ACM else "/dev/ttyUSB[0-9]+", rows[usb]["device"])
    for name in FTDI:
        assert (rows[USB[name]]["id"], rows[USB[name]]["serial"]) == ("0403:6001", f"JIG-{name}")
    text = line.guest.run("imprint board list").stdout
    assert re.search(rf"^usb 1-2\.1 +{BY_PATH['A1']} ", text, re.M)
    assert re.search(r"^ +/dev/ttyS0 ", text, re.M)


LEARN = """
mkfifo /run/keys
imprint nest learn --nests A1,A2 --rules /run/udev/rules.d/62-imprint-nests.rules --driver prov --timeout 60000 <>/run/keys
udevadm control --reload
udevadm trigger --settle --subsystem-match=tty
readlink -f /dev/imprint/A1 /dev/imprint/A2
"""


def test_nests_are_learnt(line):
    """Each unplugged and plugged in again when it is asked for: udev then names the line after the nest."""
    line.guest.run("mkdir -p /run/udev/rules.d")
    learning = line.guest.start(LEARN)
    for name in FTDI:
        wait_until(lambda: f"plug nest {name} now" in line.guest.said(learning), 120, "the question")
        line.unplug(name)
        wait_until(lambda: f"usb {USB[name]} is out" in line.guest.said(learning), 120, "the line's end")
        line.wait_plugged(name, False)
        line.replug(name)
    said = line.guest.end(learning).stdout
    for name in FTDI:
        assert f"usb {USB[name]}, board answers (prov), unit {line.units()[name]}" in said, said
    assert said.splitlines()[-2:] == [line.devices()[USB[name]] for name in FTDI]


HELD = """
imprint board probe {port} --driver nrf91 --baud 9600 --timeout 60000 >/dev/null 2>&1 &
until [ "$(grep -c FLOCK /proc/locks)" -gt {locks} ]; do sleep 0.1; done
until stty -F {port} | grep -q 9600; do sleep 0.1; done
grep . /proc/$!/fdinfo/* | grep flags
readlink /proc/$!/fd/* >&2
cp {build}/imprint-board /run/probe
for who in root nobody; do
	setpriv --reuid $who --regid "$(stat -L -c %g {port})" --clear-groups /run/probe probe {port} --baud 57600 2>&1 && echo "NOT REFUSED"
done
stty -F {port} -a
kill $!
wait
"""


def test_udev_rules(line):
    """The package's rule keeps ModemManager off and gives the lines to the jig's group; a line gets its nest's name."""
    port = line.devices()[USB["A1"]]
    line.guest.run(f"""
        cp /etc/group /run/group && echo imprint-jig:x:990: >>/run/group && mount --bind /run/group /etc/group
        mkdir -p /run/udev/rules.d && cp {ROOT}/systemd/61-imprint.rules /run/udev/rules.d/
        id_path=$(udevadm info -q property --property=ID_PATH --value {port})
        sed -n 's/^# *\\(SUBSYSTEM.*\\)/\\1/p' {ROOT}/systemd/61-imprint.rules |
            sed "s/==\\"pci-[^\\"]*/==\\"$id_path/" >/run/udev/rules.d/62-imprint-nests.rules
        udevadm control --reload && udevadm trigger --subsystem-match=tty && udevadm settle""")
    said = line.guest.run(f"udevadm info -q property {port}; stat -c '%G %a' {port}; realpath /dev/imprint/A1").stdout
    assert "ID_MM_DEVICE_IGNORE=1\n" in said and "imprint-jig 660\n" in said and said.endswith(f"{port}\n"), said
    console = line.guest.run("stat -c %G /dev/ttyS1; udevadm info -q property /dev/ttyS1").stdout
    assert "imprint-jig" not in console and "ID_MM_DEVICE_IGNORE" not in console


@pytest.mark.parametrize("name", ["A1", ACM])
def test_line_is_held_alone(line, name):
    """No child inherits it; a second program is refused with a sentence, root too, and changes nothing on the line."""
    locks = int(line.guest.run("grep -c FLOCK /proc/locks", check=False).stdout)
    done = line.guest.run(HELD.format(port=BY_PATH[name], build=BUILD, locks=locks))
    device = line.devices()[USB[name]]
    opened = [number for number, path in enumerate(done.stderr.split()) if path == device]
    flags = re.findall(r"flags:\s*([0-7]+)", done.stdout)
    assert opened and all(int(flags[number], 8) & 0o2000000 for number in opened), done.stdout
    assert "NOT REFUSED" not in done.stdout
    assert done.stdout.count(f"{BY_PATH[name]} is held by another process: stop it, or give this nest its own port") == 2
    assert "speed 9600 baud" in done.stdout and "-hupcl" in done.stdout, done.stdout


# It has seen all when it has seen 300 baud, which nothing else asks for: FTDI's divisor, CDC's line coding.
TAP = """
cat /sys/kernel/debug/usb/usbmon/0u >/run/tap &
until readlink /proc/$!/fd/* | grep -q usbmon; do sleep 0.1; done
{command}
stty -F {port} 300
until grep -qE ' s 40 03 2710 | = 2c010000 ' /run/tap; do sleep 0.1; done
stty -F {port} 115200
kill $!
cat /run/tap
"""


def tapped(line, port, command):
    """What went over the wire as control transfers: [(request type, request, value)]"""
    text = line.guest.run(TAP.format(port=port, command=command)).stdout
    return [tuple(int(word, 16) for word in row) for row in re.findall(r" S Co:\S+ s (\w\w) (\w\w) (\w{4})", text)]


def lowered(transfers):
    """How often DTR or RTS went down: FTDI's SET_MODEM_CTRL has a mask above the levels, CDC's SET_CONTROL_LINE_STATE none."""
    return sum((kind, request) == (0x40, 0x01) and (value >> 8 & ~value & 3) != 0 or
               (kind, request) == (0x21, 0x22) and value & 3 != 3 for kind, request, value in transfers)


@pytest.mark.parametrize("name", ["A1", ACM])
def test_board_is_not_restarted(line, name):
    """DTR and RTS stay up when a line is opened, used, closed and opened again."""
    port = BY_PATH[name]
    probe = f"imprint board probe {port} --driver prov --timeout 30000 && imprint board probe {port} --driver prov --timeout 30000"
    transfers = tapped(line, port, probe)
    assert len(transfers) >= 2 and lowered(transfers) == 0, transfers
    # The tap would have seen it.
    assert lowered(tapped(line, port, f"stty -F {port} hupcl; : <{port}; stty -F {port} -hupcl")) > 0


def test_latency(line):
    """An FTDI adapter hands bytes over after 1 ms, whoever opens it, and says so."""
    line.unplug("A1")
    line.wait_plugged("A1", False)
    line.replug("A1")
    timer = f"/sys/class/tty/{line.devices()[USB['A1']].removeprefix('/dev/')}/device/latency_timer"
    line.guest.run(f"echo 16 >{timer}; chmod 666 {BY_PATH['A1']}; cp {BUILD}/imprint-board /run/probe")
    assert line.guest.run(f"cat {timer}").stdout.strip() == "16"
    transfers = tapped(line, BY_PATH["A1"], f"setpriv --reuid nobody --clear-groups /run/probe probe {BY_PATH['A1']} --driver prov --timeout 30000")
    assert (0x40, 0x09, 1) in transfers
    assert line.guest.run(f"cat {timer}").stdout.strip() == "1"


@pytest.mark.parametrize("name", ["A1", ACM])
def test_unplugged(line, name):
    """A line that goes while the station waits for the board: seen at once, named as such, and well when it comes again."""
    line.tell(name, f"fault {name} mute")
    line.guest.run(f"imprint start {name}")
    line.wait_status(name, "", '"step":"identify"')
    line.unplug(name)
    line.wait_plugged(name, False)
    run = line.last_run(name)
    assert (run["outcome"], run["code"]) == ("FAIL", "F12"), run
    assert "unplugged" in run["text"] and run["duration_ms"] < SILENT_S * 1000, run
    refused = line.guest.run(f"imprint board probe {BY_PATH[name]}", check=False)
    assert refused.returncode == 1 and f"there is no line at {BY_PATH[name]}" in refused.stderr
    line.tell(name, f"fault {name} none")
    line.replug(name)
    line.passes(name)


def test_another_number(line):
    """Adapters that come again in another order have other numbers; each nest still has its own board."""
    before, units = line.devices(), line.units()
    for name in FTDI:
        line.unplug(name)
    for name in FTDI:
        line.wait_plugged(name, False)
    for name in sorted(FTDI, key=lambda name: before[USB[name]], reverse=True):
        line.replug(name)
    after = line.devices()
    assert [after[USB[name]] for name in FTDI] == [before[USB[name]] for name in reversed(FTDI)]
    line.passes(*FTDI)
    assert {name: line.last_run(name)["unit"] for name in FTDI} == {name: units[name] for name in FTDI}


def test_hung_usb_board(line):
    """A board that takes no bytes any more does not hold its line when the station lets it go."""
    line.guest.run("kill $(cat /run/boards/ready); while [ -e /run/boards/ready ]; do sleep 0.1; done")
    line.unplug(ACM)  # its driver has room for a few packets more that nobody takes
    line.wait_plugged(ACM, False)
    line.replug(ACM)
    done = line.guest.run(f"SECONDS=0; imprint board probe {BY_PATH[ACM]} --driver prov --timeout 500; echo $SECONDS")
    line.start_gadget()
    assert "nothing answers" in done.stderr and int(done.stdout) < CLOSING_S, (done.stdout, done.stderr)
    line.passes(ACM)


def test_pulled_at_any_moment(line):
    """Unplugged somewhere in its recipe: the run has passed, or ends as unplugged; the next one installs the same certificate."""
    chance = random.Random(20261122)
    for _ in range(PULLS):
        running = line.guest.start("imprint start A2")
        time.sleep(chance.uniform(0, 1.5))
        line.unplug("A2")
        line.guest.end(running, check=False)
        line.wait_plugged("A2", False)
        run = line.last_run("A2")
        assert run["outcome"] == "PASS" or run["code"] == "F12", run
        line.replug("A2")
        line.passes("A2")
    rows = [row for row in line.json("ledger list") if row["nest"] == "A2"]
    assert [(row["unit"], row["state"]) for row in rows] == [(line.units()["A2"], "installed")]
    line.guest.run("imprint ledger verify")
