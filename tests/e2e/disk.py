"""A disk whose power can be cut: a file system in a file, shut down dead by the kernel. What was not synced is gone."""
import os
import shutil
import subprocess
import time

from signer_client import PATIENCE_S

SIZES = {"ext4": 192, "xfs": 320}  # MiB: mkfs.xfs makes nothing smaller than 300
OPTIONS = {"ext4": "loop", "xfs": "loop,nouuid"}  # the dead one may still be there, with the same UUID
MAKE = {"ext4": ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"], "xfs": ["mkfs.xfs", "-q"]}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout}"


def why_not():
    """The reason why there are no such disks here, or None."""
    missing = [tool for tool in ("xfs_io", "mkfs.ext4", "mkfs.xfs", "mount") if not shutil.which(tool)]
    if missing:
        return f"not installed: {' '.join(missing)}"
    if os.geteuid() != 0:
        return "loop mounts need root"
    return None if os.path.exists("/dev/loop-control") else "no loop devices here"


class Disk:
    """with Disk(folder, "xfs") as disk: mounted at disk.path until the end, whatever happens."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        self.image = path.parent / f"{path.name}.{kind}"

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(SIZES[self.kind] << 20)
        try:
            run(*MAKE[self.kind], self.image)
            self.mount()
            self.path.chmod(0o700)  # as the signer wants its folder; a new file system's is open to all
        except BaseException:
            self.image.unlink()
            raise
        return self

    def __exit__(self, *_):
        try:
            if os.path.ismount(self.path):
                self.unmount()
        except AssertionError:
            run("umount", "-l", self.path)  # whoever is still on it: it goes when he goes
            raise
        finally:
            self.image.unlink()

    def mount(self):
        run("mount", "-o", OPTIONS[self.kind], self.image, self.path)
        # It waits for its command, so that the cut comes at the moment that was meant.
        self.switch = subprocess.Popen(["xfs_io", "-x", self.path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    def unmount(self):
        """The loop device goes with it, as soon as nobody has a copy of this mount in a namespace of his own."""
        self.switch.communicate()
        deadline = time.monotonic() + PATIENCE_S
        while subprocess.run(["umount", self.path], capture_output=True).returncode != 0:
            assert time.monotonic() < deadline, f"somebody is still on {self.path}"
            time.sleep(0.02)  # the dead are letting go of their files

    def cut(self, log_too=True):
        """Power off. The file system's log is lost with it, or had been written just before; the data that nobody synced
        is lost in both cases. A process that was in the midst of fsync may be told that all went well: stop it first."""
        self.switch.communicate("shutdown\n" if log_too else "shutdown -f\n")
        assert self.switch.returncode == 0

    def back(self):
        """Power on: the log is replayed. Nobody may be on the disk any more. A copy of it is mounted: where a mount namespace
        beside us still has the old one, to mount the same image again would give back the dead file system."""
        self.unmount()
        copy = self.image.with_suffix(".copy")
        run("cp", "--sparse=always", self.image, copy)
        copy.rename(self.image)
        self.mount()
