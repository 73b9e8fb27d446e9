"""The packages: what is in them, what their units may do, and a station that is installed, killed, upgraded and purged on a
Debian with systemd (tests/package/steps). Packages and Debian are made once and kept in build/package."""
import os
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from station import BUILD, LONG, ROOT

KEPT = ROOT / "build/package"
EXPOSURE = {"imprint-signer.service": 0.5, "imprint-station.service": 1.5}  # systemd's score, at most
MAKE_S, BOOT_S = 900, 900
PACKAGES = {"imprint", "imprint-station", "imprint-screen", "imprint-cloud", "imprint-rehearsal", "imprint-doc"}


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, timeout=MAKE_S, **options)
    assert not check or done.returncode == 0, f"{command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}; run tests/setup --tests")


@pytest.fixture(scope="module")
def debian():
    """The bare Debian that the steps boot, made while the packages are built: a function that waits for it."""
    made = {}
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        yield None
        return
    thread = threading.Thread(target=lambda: made.update(done=run(ROOT / "tests/package/root", KEPT / "debian", check=False)))
    thread.start()

    def wait():
        thread.join()
        return made["done"]
    yield wait
    thread.join()


@pytest.fixture(scope="module")
def packages(debian):
    need("dpkg-buildpackage", "dh", "cmake", "ninja")
    run(ROOT / "tests/package/debs", KEPT / "debs")
    return KEPT / "debs"


@pytest.fixture(scope="module")
def installed(packages, scratch):
    """What the packages put on a disk."""
    for deb in sorted(packages.glob("*.deb")):
        run("dpkg-deb", "-x", deb, scratch / "installed")
    return scratch / "installed"


@pytest.mark.parametrize("unit", EXPOSURE)
def test_what_a_unit_may_do(unit):
    need("systemd-analyze")
    said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", ROOT / "systemd" / unit).stdout
    score = float(re.search(rf"Overall exposure level for {unit}: ([\d.]+)", said)[1])
    assert score <= EXPOSURE[unit], said
    assert "✓ PrivateNetwork=" in said


def test_units_are_sound(installed):
    need("systemd-analyze")
    units = [installed / "lib/systemd/system" / unit for unit in ("imprint-signer.socket", *EXPOSURE)]
    done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={installed}",
               *[f"/{unit.relative_to(installed)}" for unit in units])
    assert "imprint" not in done.stderr, done.stderr


def test_lintian(packages):
    need("lintian")
    done = run("lintian", "--allow-root", "--fail-on", "error,warning", *packages.glob("*.changes"), check=False)
    assert done.returncode == 0, done.stdout


def test_what_is_installed(packages, installed):
    assert {deb.name.split("_")[0] for deb in packages.glob("*.deb")} == PACKAGES
    behind = {name for source in ROOT.glob("station/command/*.c") for name in re.findall(r'\.program = "(imprint-[a-z]+)"', source.read_text())}
    assert "imprint-ca" in behind
    for program in behind | {"imprint-signer", "imprint-station", "imprint-rehearsal.so"}:
        assert (installed / "usr/libexec/imprint" / program).is_file(), f"`imprint` needs {program}: install() in CMakeLists.txt"
    function = {path.name for path in (installed / "usr/share/imprint/activation").iterdir()}
    assert function == {"activation.mjs", "index.mjs", "run.mjs", "package.json", "package-lock.json", "template.yaml"}


def test_a_program_that_is_not_there_names_its_package(tmp_path):
    """Of each package but the command's own, by a command that needs it."""
    imprint = shutil.copy(BUILD / "imprint", tmp_path)
    source = (ROOT / "station/command/command.c").read_text()
    words = {program: command for command, program in re.findall(r'\{ "([a-z -]+)",.*\.program = "(imprint-[a-z]+)"', source)}
    asked = 0
    for package in PACKAGES - {"imprint", "imprint-doc"}:
        for program in re.findall(r"^usr/libexec/imprint/(\S+)$", (ROOT / f"debian/{package}.install").read_text(), re.M):
            if program in words:
                said = run(imprint, *words[program].split(), check=False).stderr
                assert f"{program}, which is not installed here: apt install {package}\n" in said
                asked += 1
    assert asked >= 6


@contextmanager
def own_cgroup():
    """One that the machine has for itself, so that its systemd sees no other's; skips where there can be none."""
    mounts = [row.split()[4] for row in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in row]
    if not mounts:
        pytest.skip("no cgroup2 here")
    group = Path(mounts[0]) / f"imprint-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        yield group
    finally:
        for folder, *_ in os.walk(group, topdown=False):
            os.rmdir(folder)


def machine(debian, group, work, debs, *command):
    """A Debian that forgets all but /trial, with no network: it boots, or only runs the command."""
    return subprocess.Popen(
        ["systemd-nspawn", "--quiet", f"--directory={debian}", "--volatile=overlay", "--register=no", "--keep-unit", "--private-network",
         "--system-call-filter=@memlock adjtimex clock_adjtime", f"--bind={work}:/trial", f"--bind-ro={debs}:/debs", *(command or ["--boot"])],
        env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"), text=True,
        preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
        stdin=subprocess.DEVNULL, stdout=open(work / "console", "a"), stderr=subprocess.STDOUT)


def end(process, timeout_s):
    """Its exit status; it does not outlive its time."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()


def test_station_on_debian(debian, packages, scratch):
    """Installed, used, killed, upgraded, removed, purged, installed again: a table of steps."""
    if os.geteuid() != 0:
        pytest.skip("a machine in a folder needs root")
    need("systemd-nspawn", "mmdebstrap")
    made = debian()
    if made.returncode != 0:
        pytest.skip(f"no Debian to be had: {made.stderr.strip()[-200:]}")
    work = scratch / "machine"
    work.mkdir()
    shutil.copy(ROOT / "tests/package/steps", work)
    shutil.copy(BUILD / "tests/rig-boards", work)
    (work / "long").write_text("1" if LONG else "")
    with own_cgroup() as group:
        if end(machine(KEPT / "debian", group, work, packages, "/bin/true"), BOOT_S) != 0:
            pytest.skip(f"no machine can be run here: {(work / 'console').read_text().strip()[-200:]}")
        end(machine(KEPT / "debian", group, work, packages), BOOT_S)
    result = (work / "result").read_text() if (work / "result").exists() else ""
    print(f"\n{result}")
    log = (work / "log").read_text(errors="replace") if (work / "log").exists() else (work / "console").read_text()
    assert result.endswith("\nend\n") and "FAIL" not in result, f"{result}\n{log[-6000:]}"


def complete(programs, *words):
    """What bash offers for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _imprint; printf "%s\\n" "${COMPREPLY[@]}"')
    done = run("bash", "-c", script, "bash", ROOT / "systemd/imprint.bash-completion", "imprint", *words, cwd=ROOT / "systemd",
               env=dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}"))
    return done.stdout.split()


@pytest.mark.parametrize("words, offered", [
    (["ord"], ["order"]),
    (["led"], ["ledger"]),
    (["order", "op"], ["open"]),
    (["--dir", "/nowhere", "order", "cl"], ["close"]),
    (["ledger", "ex"], ["export"]),
    (["order", "open", "X", "--qu"], ["--quantity"]),
    (["start", "--nowhere"], []),
    (["issue", "61-"], ["61-imprint.rules"]),
])
def test_completion(words, offered):
    assert complete(BUILD, *words) == offered
