"""A guest with Debian's own kernel, where serial adapters are as real as the kernel's drivers: it runs our programs from
the host's file system, which it sees read-only, with Debian's udevd.

	with Guest(folder) as guest:
		guest.plug("A1")                        # an FTDI adapter in port 1 of the hub in USB port 2
		guest.far_end("A1")                     # the terminal of what is connected to it, on the host
		guest.run("imprint board list").stdout
		guest.unplug("A1")

There is one CDC-ACM line too, ACM: both its ends are in the guest, /dev/ttyACM0 and /dev/ttyGS0. The guest's own files are
below /run, and gone with it. NoGuest says why this machine can have none."""
import json
import shutil
import socket
import subprocess
import threading
import time

from station import BUILD, PATIENCE_S, ROOT, wait_until

SKIPPED = 77
HUB = "2"
PORTS = {"A1": f"{HUB}.1", "A2": f"{HUB}.2"}  # of the hub: "usb 1-2.1" is the name that the guest's kernel gives
ACM = "C1"


class NoGuest(Exception):
    """This machine can have none."""


def kernel():
    """The folder with kernel and initrd."""
    if not shutil.which("qemu-system-x86_64"):
        raise NoGuest("there is no qemu-system-x86_64; run tests/setup --tests")
    if not shutil.which("udevadm"):
        raise NoGuest("there is no udev; run tests/setup --tests")
    folder = ROOT / "build/guest"
    done = subprocess.run([ROOT / "tests/guest/build", folder], text=True, capture_output=True, timeout=1800)
    if done.returncode == SKIPPED:
        raise NoGuest(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return folder


class Guest:
    def __init__(self, folder):
        self.dir, self.kernel = folder, kernel()
        self.work = folder / "work"
        self.work.mkdir(mode=0o755, parents=True)
        self.process, self.monitor, self.line = None, None, None
        self.count, self.codes, self.told = 0, {}, threading.Condition()

    # --- up and down ---

    def __enter__(self):
        try:
            self.power()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        for end in (self.monitor, self.line):
            if end:
                end.close()

    def power(self):
        self.process = self.launch()
        self.monitor = self.connect("monitor").makefile("rw")
        json.loads(self.monitor.readline())
        self.ask("qmp_capabilities")
        self.line = self.connect("line")
        threading.Thread(target=self.listen, daemon=True).start()
        self.wait(0, PATIENCE_S)

    def launch(self):
        """What the kernel says goes to DIR/console. It ends with the test, however that ends."""
        shared = "security_model=none,multidevs=remap"
        with open(self.dir / "qemu.log", "ab") as log:
            return subprocess.Popen([
                "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg", "-smp", "1", "-m", "512", "-no-reboot",
                "-nodefaults", "-nic", "none", "-display", "none", "-kernel", self.kernel / "vmlinuz", "-initrd", self.kernel / "initrd",
                "-append", f"console=ttyS0 quiet panic=-1 reboot=t guest_init={ROOT}/tests/guest/init",
                "-virtfs", f"local,path=/,mount_tag=host,readonly=on,{shared}",
                "-virtfs", f"local,path={self.work},mount_tag=work,{shared}",
                "-serial", f"file:{self.dir}/console", "-serial", f"unix:{self.dir}/line,server=on,wait=off",
                "-qmp", f"unix:{self.dir}/monitor,server=on,wait=off",
                *[word for name in PORTS for word in ("-chardev", f"pty,id={name}")],
                "-device", "qemu-xhci,id=usb", "-device", f"usb-hub,bus=usb.0,port={HUB}",
            ], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def connect(self, name):
        end = socket.socket(socket.AF_UNIX)

        def connected():
            assert self.process.poll() is None, (self.dir / "qemu.log").read_text()
            return (self.dir / name).exists() and end.connect_ex(str(self.dir / name)) == 0
        wait_until(connected, what="QEMU")
        return end

    # --- commands ---

    def listen(self):
        for row in self.line.makefile(errors="replace"):
            number, _, code = row.strip().partition(" ")
            with self.told:
                self.codes[int(number)] = int(code)
                self.told.notify_all()

    def wait(self, number, timeout):
        deadline = time.monotonic() + timeout
        with self.told:
            while number not in self.codes and time.monotonic() < deadline and self.process.poll() is None:
                self.told.wait(0.5)
        assert number in self.codes, f"no end of command {number} in {timeout} s\n{self.said(number)}\n{self.console()[-3000:]}"
        return self.codes[number]

    def start(self, command):
        """Runs a shell command and returns its number, for end() or said()."""
        self.count += 1
        (self.work / f"{self.count}.sh").write_text(
            f"export PATH={BUILD}:{BUILD}/tests:{ROOT}/tests:$PATH IMPRINT_DIR=/run/line IMPRINT_BUILD={BUILD}\n{command}\n")
        self.line.sendall(f"{self.count}\n".encode())
        return self.count

    def said(self, number, stream="out"):
        path = self.work / f"{number}.{stream}"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self, number, check=True, timeout=PATIENCE_S):
        code = self.wait(number, timeout)
        done = subprocess.CompletedProcess(number, code, self.said(number), self.said(number, "err"))
        assert not check or code == 0, f"exit {code}: {(self.work / f'{number}.sh').read_text()}{done.stdout}{done.stderr}"
        return done

    def run(self, command, check=True, timeout=PATIENCE_S):
        """A shell command; the result has stdout, stderr and returncode."""
        return self.end(self.start(command), check, timeout)

    def console(self):
        path = self.dir / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- adapters ---

    def ask(self, command, **arguments):
        print(json.dumps({"execute": command, "arguments": arguments}), file=self.monitor, flush=True)
        for row in self.monitor:
            answer = json.loads(row)
            if "event" in answer:
                continue
            assert "return" in answer, f"{command}: {answer}"
            return answer["return"]
        raise AssertionError(f"QEMU ended\n{(self.dir / 'qemu.log').read_text()}")

    def far_end(self, name):
        return next(row["filename"].removeprefix("pty:") for row in self.ask("query-chardev") if row["label"] == name)

    def plug(self, name):
        self.ask("device_add", driver="usb-serial", id=name, bus="usb.0", port=PORTS[name], chardev=name,
                 serial=f"JIG-{name}", **{"always-plugged": True})

    def unplug(self, name):
        self.ask("device_del", id=name)
