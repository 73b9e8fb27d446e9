"""Boards that are processes, and their lines: emulated Cortex-M ones (a QEMU each) and virtual ones of every driver, each with its
flash in a file, all behind one bridge.

	with Fleet(folder, ["E1", "F1"], "--baud", "115200", kinds={"F1": "fs"}) as fleet:    # E1 is emulated
		fleet.port("E1")                # for etc/station.yaml
		fleet.cut("E1"); fleet.power("E1")      # kill -9, and on again
		fleet.change("E1")              # another, blank board
		fleet.flash("E1", "certificate")        # what lies in that slot, as the file has it

The firmware is built once into build/firmware; NoBoards says why where it or the emulator cannot be had."""
import os
import shutil
import subprocess

from station import BUILD, PATIENCE_S, ROOT, rig_send, wait_until

PAGE = 4096
KEY, COMMIT = 1 * PAGE, 2 * PAGE
SLOTS = {name: (3 + 5 * number) * PAGE for number, name in enumerate(("certificate", "issuer", "chain", "root", "bundle"))}
SLOT_SIZE = 5 * PAGE
FLASH_USED = 28 * PAGE
FLASH_SIZE = 16 << 20  # what the emulated machine wants
EMULATED = "emulated"
UNITS = {EMULATED: "E-{:04}", "prov": "P-{:04}", "fs": "F-{:04}", "nrf91": "3526561{:08}", "zshell": "4e52463931{:06x}"}
SEED_ADDRESS = 0x2003F000
SEED_SIZE = 64
SKIPPED = 77


class NoBoards(Exception):
    """This machine can have none."""


def firmware():
    """The path of the board's firmware."""
    if not shutil.which("qemu-system-arm"):
        raise NoBoards("there is no qemu-system-arm; run tests/setup --tests")
    folder = ROOT / "build/firmware"
    done = subprocess.run([ROOT / "tests/firmware/build", folder], text=True, capture_output=True, timeout=1800)
    if done.returncode == SKIPPED:
        raise NoBoards(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return folder / "board.elf"


class Fleet:
    def __init__(self, folder, names, *bridge_options, kinds=None):
        self.elf = firmware()
        self.dir = folder
        self.names = list(names)
        self.kinds = {name: EMULATED for name in self.names} | (kinds or {})
        self.made = 0
        self.units, self.boards = {}, {}  # by name: the unit id, the process
        self.bridge = None
        self.options = [str(option) for option in bridge_options]

    def __enter__(self):
        (self.dir / "units").mkdir(parents=True)
        try:
            for name in self.names:
                self.make(name)
                self.power(name)
            self.bridge = self.launch("bridge", [BUILD / "tests/rig-bridge", "--dir", self.dir, "--lines", ",".join(self.names),
                                                 *self.options])
            self.wait_power(*self.names)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.bridge:
            self.bridge.terminate()
            self.bridge.wait(PATIENCE_S)
        for name in self.names:
            self.cut(name)

    def launch(self, name, command):
        """What it says goes to a log in the fleet's folder. It ends with the test, however that ends."""
        with open(self.dir / f"{name}.log", "ab") as log:
            return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    # --- boards ---

    def make(self, name):
        """A blank board that knows its unit id, as the tester before this station leaves it."""
        self.made += 1
        unit = UNITS[self.kinds[name]].format(self.made)
        with open(self.path(unit), "wb") as flash:
            flash.write(b"IMPB" + len(unit).to_bytes(4, "big") + b"\xff" * 8 + unit.encode())
            flash.write(b"\xff" * (FLASH_USED - flash.tell()))
            if self.kinds[name] == EMULATED:
                flash.truncate(FLASH_SIZE)
        self.units[name] = unit

    def path(self, unit):
        return self.dir / "units" / f"{unit}.flash"

    def power(self, name):
        assert name not in self.boards
        (self.dir / f"{name}.uart").unlink(missing_ok=True)
        command = self.emulator(name) if self.kinds[name] == EMULATED else self.virtual(name)
        self.boards[name] = self.launch(name, command)

    def emulator(self, name):
        seed = self.dir / f"{name}.seed"
        seed.write_bytes(os.urandom(SEED_SIZE))
        return ["qemu-system-arm", "-M", "mps2-an385,memory-backend=flash",
                "-object", f"memory-backend-file,id=flash,size=16M,mem-path={self.path(self.units[name])},share=on",
                "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none",
                "-chardev", f"socket,id=uart,path={self.dir}/{name}.uart,server=on,wait=off", "-serial", "chardev:uart",
                "-device", f"loader,file={seed},addr={SEED_ADDRESS},force-raw=on", "-kernel", self.elf]

    def virtual(self, name):
        return [BUILD / "tests/rig-board", "--driver", self.driver(name), "--flash", self.path(self.units[name]),
                "--uart", self.dir / f"{name}.uart"]

    def driver(self, name):
        return "prov" if self.kinds[name] == EMULATED else self.kinds[name]

    def cut(self, name):
        """kill -9: no write that the board had not made is made."""
        board = self.boards.pop(name, None)
        if board:
            board.kill()
            board.wait()

    def change(self, name):
        self.cut(name)
        self.make(name)
        self.power(name)

    def wait_power(self, *names):
        """Until they have power and their lines are plugged in."""
        def have():
            counts = self.counts()
            return all(counts[name]["power"] and (self.dir / f"{name}.pty").exists() for name in names)
        wait_until(have, what="the boards")

    def page(self, unit, address, length):
        with open(self.path(unit), "rb") as flash:
            flash.seek(address)
            return flash.read(length)

    def key(self, unit):
        """The private key in a board's flash: the scalar."""
        page = self.page(unit, KEY, 64)
        return page[16:16 + int.from_bytes(page[4:8], "big")] if page[:4] == b"IMPK" else None

    def flash(self, unit, slot):
        """The bytes of a file in a board's flash; None if there is none."""
        content = self.page(unit, SLOTS[slot], SLOT_SIZE)
        size = int.from_bytes(content[4:8], "big")
        return content[16:16 + size] if content[:4] == b"IMPF" and size <= SLOT_SIZE - 16 else None

    def stage(self, name):
        """How far its recipe came, by what lies in the board's flash."""
        unit = self.units[name]
        content = self.page(unit, 0, FLASH_USED)
        begun = {slot: content[at:at + SLOT_SIZE].strip(b"\xff") != b"" for slot, at in SLOTS.items()}
        if content[COMMIT:COMMIT + 4] == b"IMPC":
            return "committed"
        for slot in ("root", "bundle", "issuer", "certificate"):
            if begun[slot]:
                return slot if self.flash(unit, slot) is not None else f"part of the {slot}"
        return "key" if content[KEY:KEY + 4] == b"IMPK" else "blank"

    # --- lines ---

    def port(self, name):
        return f"pty:{self.dir}/{name}.pty"

    def send(self, command):
        wait_until(lambda: (self.dir / "ready").exists() or self.bridge.poll() is not None, what="the bridge")
        return rig_send(self.dir, command)

    def counts(self):
        """{name: {what was counted: how often}}"""
        rows = (line.split() for line in self.send("list").splitlines())
        return {row[0]: {key: int(value) for key, value in (word.split("=") for word in row[1:])} for row in rows}


def add_nests(station, fleet):
    """Gives the station a nest for each board of the fleet beside those that it has, and starts it again."""
    settings = station.dir / "etc/station.yaml"
    rows = [f'  - {{ name: {name}, port: "{fleet.port(name)}", driver: {fleet.driver(name)} }}\n' for name in fleet.names]
    settings.write_text(settings.read_text() + "".join(rows))
    if station.pid("station"):
        station.restart("station")
    else:
        station.start("station")
