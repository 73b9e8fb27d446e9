"""imprint doctor: each mis-set-up has its row, and the row says what to do; the bundle for support holds no secret."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tarfile
from contextlib import closing, contextmanager

import pytest

from faulty import FAKETIME
from station import BUILD, PATIENCE_S, ROOT, wait_until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
ROW = re.compile(r"^(ok  |WARN|FAIL)  (\S+) +(.*)$", re.M)
NEAR_END_DAYS = 179


@pytest.fixture(scope="module")
def set_up(module_station):
    """A station whose daemons do not run, as it is set up: files are changed, and put back."""
    s = module_station("--boards", 2)
    s.kill("station", signal.SIGTERM)
    s.kill("signer", signal.SIGTERM)
    shutil.copytree(s.dir / "etc", s.dir / "etc.good")
    shutil.copytree(s.dir / "lib", s.dir / "lib.good")
    return s


def put_back(s):
    for folder in ("etc", "lib"):
        shutil.rmtree(s.dir / folder)
        shutil.copytree(s.dir / f"{folder}.good", s.dir / folder)


def rows_of(s, env=None):
    """[(level, subject, sentence)]; every line but the last is one, and the last counts them, as the exit status does."""
    done = s.imprint("doctor", check=False, env=env)
    rows = [(level.strip(), subject, text) for level, subject, text in ROW.findall(done.stdout)]
    counts = {level: sum(row[0] == level for row in rows) for level in ("ok", "WARN", "FAIL")}
    assert done.stdout.splitlines()[-1] == f"{counts['ok']} ok, {counts['WARN']} to look at, {counts['FAIL']} wrong", done.stdout
    assert len(done.stdout.splitlines()) == len(rows) + 1, f"{done.stdout}{done.stderr}"
    assert done.returncode == (1 if counts["FAIL"] else 0) and not done.stderr, done.stderr
    return rows


# --- what may be wrong ---

def change(path, pattern, text):
    old = path.read_text()
    new, count = re.subn(pattern, text, old, count=1, flags=re.M)
    assert count == 1, f"{pattern} is not in {path}"
    path.write_text(new)


def settings(pattern, text, name="signer.yaml"):
    return lambda s: change(s.dir / "etc" / name, pattern, text)


def mode(path, bits):
    return lambda s: (s.dir / path).chmod(bits)


def content(path, text):
    return lambda s: (s.dir / path).write_text(text)


def gone(path):
    return lambda s: (s.dir / path).unlink()


def ports(first, second):
    """The nests' ports; "DIR" stands for the station's folder."""
    def wrong(s):
        for nest, port in (("A1", first), ("A2", second)):
            change(s.dir / "etc/station.yaml", f'name: {nest}, port: "[^"]*"', f'name: {nest}, port: "{port}"'.replace("DIR", str(s.dir)))
        (s.dir / "etc/twin").symlink_to("/dev/tty0")
    return wrong


def ledger(statement):
    """Past what keeps entries from being changed."""
    def wrong(s):
        with closing(sqlite3.connect(s.dir / "lib/signer/ledger.db")) as db:
            for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                db.execute(f"DROP TRIGGER {name}")
            db.execute(statement)
            db.commit()
    return wrong


def ca_of_days(days):
    return lambda s: s.imprint("ca", "create", "--subject", "CN=Short", "--days", days)


# name: (what is done, level, subject, what the sentence must say)
WRONG = {
    "signer.yaml may be written by the group": (mode("etc/signer.yaml", 0o664), "FAIL", "files", "chmod go-w .*signer.yaml"),
    "signer.yaml may be written by all": (mode("etc/signer.yaml", 0o646), "FAIL", "files", "chmod go-w .*signer.yaml"),
    "station.yaml may be written by all": (mode("etc/station.yaml", 0o666), "FAIL", "files", "chmod go-w .*station.yaml"),
    "a product may be written by all": (mode("etc/products/demo.yaml", 0o666), "FAIL", "files", "chmod go-w .*demo.yaml"),
    "products may be put there by all": (mode("etc/products", 0o777), "FAIL", "files", "chmod go-w .*products"),
    "etc may be written by all": (mode("etc", 0o777), "FAIL", "files", "chmod go-w .*etc"),
    "the signer's folder is open": (mode("lib/signer", 0o755), "FAIL", "files", "chmod g-w,o-rwx .*lib/signer"),
    "the station's folder is open": (mode("lib/station", 0o755), "FAIL", "files", "chmod g-w,o-rwx .*lib/station"),
    "the token's folder is open": (mode("lib/signer/token/tokens", 0o755), "FAIL", "files", "chmod .*token"),
    "no signer.yaml": (gone("etc/signer.yaml"), "FAIL", "settings", "signer.yaml.*imprint init makes it"),
    "no station.yaml": (gone("etc/station.yaml"), "FAIL", "settings", "station.yaml.*examples of imprint-doc"),
    "unknown key": (settings("^  label:", "  lable:"), "FAIL", "settings", "signer.yaml:6:3: .*label"),
    "a user that is none": (settings("^  supervisor:.*", '  supervisor: ["nobody-here"]'), "FAIL", "settings", "nobody-here"),
    "PIN file missing": (gone("etc/token-pin"), "FAIL", "PIN", "token-pin: No such file"),
    "PIN file empty": (content("etc/token-pin", ""), "FAIL", "PIN", "one line"),
    "PIN file open": (mode("etc/token-pin", 0o644), "FAIL", "PIN", "chmod 600"),
    "PIN wrong": (content("etc/token-pin", "123456"), "FAIL", "token", "PIN"),
    "token label wrong": (settings("^  label:.*", "  label: imprint-ELSE"), "FAIL", "token", "no token named imprint-ELSE.*token.label"),
    "module missing": (settings("^  module:.*", "  module: /nonexistent.so"), "FAIL", "token", "/nonexistent.so"),
    "module is none": (settings("^  module:.*", "  module: /etc/passwd"), "FAIL", "token", "/etc/passwd"),
    "no product": (gone("etc/products/demo.yaml"), "WARN", "product", "imprint product check"),
    "product broken for the signer": (settings("^  subject:", "  subjekt:", "products/demo.yaml"), "FAIL", "product", "demo.yaml:2:3"),
    "product broken for the station": (settings("^  driver: prov", "  driver: telepathy", "products/demo.yaml"), "FAIL", "product",
                                       "prov"),
    "no ledger": (gone("lib/signer/ledger.db"), "FAIL", "ledger", "there is no ledger.*imprint ca create.*restore"),
    "the ledger's end is not its tree's": (ledger("UPDATE entries SET data = x'00' WHERE number = 2"), "FAIL", "ledger", "backup"),
    "the ledger lost its last entry": (ledger("DELETE FROM entries WHERE number = (SELECT max(number) FROM entries)"), "FAIL", "ledger",
                                       "backup"),
    "CA near its end": (ca_of_days(NEAR_END_DAYS), "WARN", "CA", "ends .*imprint ca create"),
    "no line at a nest": (ports("/dev/nonexistent", "/dev/tty0"), "WARN", "port", "nest A1: no line at /dev/nonexistent"),
    "a line twice": (ports("/dev/tty0", "DIR/etc/twin"), "FAIL", "port", "A1 and A2 have the same line"),
    "a port twice": (ports("/dev/tty0", "/dev/tty0"), "FAIL", "settings", "port"),
    "a nest twice": (settings("name: A2", "name: A1", "station.yaml"), "FAIL", "settings", "A1"),
    "names without udev's rules": (ports("/dev/imprint/A1", "/dev/imprint/A2"), "FAIL", "udev", "imprint nest learn"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_its_row(set_up, name):
    do, level, subject, sentence = WRONG[name]
    try:
        do(set_up)
        rows = rows_of(set_up)
    finally:
        put_back(set_up)
    found = [text for row_level, row_subject, text in rows if (row_level, row_subject) == (level, subject)]
    assert any(re.search(sentence, text) for text in found), "\n".join(" ".join(row) for row in rows)


def test_all_is_well(set_up):
    """Nothing runs: that is said; whatever was looked at is well, and is left as it was."""
    before = {path: path.stat().st_mtime_ns for path in (set_up.dir / "lib/signer").rglob("*.db")}
    rows = rows_of(set_up)
    assert {row[:2] for row in rows} >= {("ok", subject) for subject in
                                         ("settings", "files", "product", "ledger", "clock", "CA", "PIN", "token", "keys", "disk")}
    assert [row[1] for row in rows if row[0] == "FAIL"] == ["signer"]  # the station's: nobody answers it
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_the_signer_says_that_the_ca_ends(set_up):
    """Once a day, in its log; nothing pauses for it."""
    try:
        ca_of_days(NEAR_END_DAYS)(set_up)
        set_up.start("signer")
        wait_until(lambda: re.search("the CA ends soon days=17[89]$", set_up.log("signer"), re.M), what="the warning")
        with set_up.signer() as signer:
            assert signer.ask("status").status["trouble"] == ""
    finally:
        set_up.kill("signer", signal.SIGTERM)
        put_back(set_up)


def test_a_refused_pin_is_not_tried_again(set_up):
    try:
        content("etc/token-pin", "123456")(set_up)
        rows_of(set_up)
        assert any("no PIN is tried twice" in row[2] for row in rows_of(set_up) if row[1] == "token")
    finally:
        put_back(set_up)


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="libfaketime is not installed; run tests/setup --tests")
@pytest.mark.parametrize("moved, level, subject, sentence", [
    ("-1d", "FAIL", "clock", "imprint ledger accept-time"),
    ("+60d", "FAIL", "clock", "30 days after"),
    ("+4000d", "FAIL", "CA", "ended"),
])
def test_the_clock_is_wrong(set_up, moved, level, subject, sentence):
    rows = rows_of(set_up, {"LD_PRELOAD": FAKETIME, "FAKETIME": moved, "DONT_FAKE_MONOTONIC": "1"})
    assert any(row[:2] == (level, subject) and sentence in row[2] for row in rows), rows


@contextmanager
def small_disk(s, size_mb):
    """The signer's folder on a disk of that size."""
    lib = s.dir / "lib/signer"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0700", "none", lib], check=True)
    try:
        shutil.copytree(s.dir / "lib.good/signer", lib, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "-l", lib], check=True)


@AS_ROOT
@pytest.mark.parametrize("size_mb, level", [(32, "FAIL"), (512, "WARN")])
def test_the_disk_is_small(set_up, size_mb, level):
    with small_disk(set_up, size_mb):
        rows = rows_of(set_up)
    assert any(row[:2] == (level, "disk") and "make room" in row[2] for row in rows), rows


@pytest.mark.parametrize("daemon, path, bits", [
    ("imprint-signer", "etc/signer.yaml", 0o666), ("imprint-signer", "etc/products/demo.yaml", 0o666),
    ("imprint-signer", "lib/signer", 0o755), ("imprint-station", "etc/station.yaml", 0o666), ("imprint-station", "lib/station", 0o755),
])
def test_a_daemon_refuses_modes_that_are_too_open(set_up, daemon, path, bits):
    try:
        mode(path, bits)(set_up)
        done = subprocess.run([BUILD / daemon], env=set_up.env, capture_output=True, text=True, timeout=PATIENCE_S)
    finally:
        put_back(set_up)
    assert done.returncode == 1 and re.search(f"chmod .*{path}", done.stderr), done.stderr


# --- a station that works ---

@pytest.fixture(scope="module")
def working(module_station):
    s = module_station("--boards", 2)
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS")
    return s


def test_a_running_signer_is_asked(working):
    rows = rows_of(working)
    assert not [row for row in rows if row[0] == "FAIL"]
    assert any(row[:2] == ("ok", "signer") and "was asked" in row[2] for row in rows)
    assert {"token", "ledger", "clock", "CA", "disk", "PIN", "ports"} <= {row[1] for row in rows if row[0] == "ok"}
    working.imprint("start")  # it has taken nothing away
    working.imprint("wait", "--outcome", "PASS")


def plant(s):
    """Where a secret may lie: a badge, remarks in settings, the words for the token's module, files beside."""
    s.imprint("badge", "enrol", "CANARY-BADGE", "--person", "Wang", "--role", "supervisor")
    s.imprint("scan", "CANARY-BADGE")
    for name in ("signer.yaml", "station.yaml", "products/demo.yaml"):
        with open(s.dir / "etc" / name, "a") as file:
            file.write("# the PIN is CANARY\n")
    settings = s.dir / "etc/signer.yaml"
    settings.write_text(re.sub(r"^  # init_args:.*$", "  init_args:\n    pin=CANARY\n    CANARY", settings.read_text(), flags=re.M))
    for path in ("etc/token-pin.old", "etc/products/key.pem", "lib/station/notes", "lib/signer/notes"):
        (s.dir / path).write_text("CANARY\n-----BEGIN PRIVATE KEY-----\n")


def unpack(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers() if member.isfile()}


def test_a_bundle_holds_no_secret(working, tmp_path):
    path = tmp_path / "support.tar.gz"
    plant(working)
    secret = {"IMPRINT_PIN": "CANARY", "HTTPS_PROXY": "http://user:CANARY@proxy", "AWS_SECRET_ACCESS_KEY": "CANARY"}
    said = working.imprint("doctor", "--bundle", path, env={"TMPDIR": str(tmp_path), **secret}).stdout
    files = unpack(path)
    everything = b"".join(files.values())
    assert path.stat().st_mode & 0o777 == 0o600 and f"{len(files)} files" in said
    assert {"imprint-support/" + name for name in
            ("doctor.txt", "signer.yaml", "station.yaml", "products-demo.yaml", "status.jsonl", "runs.jsonl", "ledger-head.txt")} <= set(files)
    assert b"wrong" in files["imprint-support/doctor.txt"] and b'"outcome":"PASS"' in files["imprint-support/runs.jsonl"]
    for secret in ("token-pin", "token-so-pin"):
        assert (working.dir / "etc" / secret).read_bytes().strip() not in everything
    assert b"CANARY" not in everything
    assert b"PRIVATE KEY" not in everything and b"CERTIFICATE" not in everything
    for der in (working.dump(unit) for unit in working.boards().values()):
        assert der not in everything
    units = [unit.encode() for unit in working.boards().values()]
    assert not any(unit in everything for unit in units)
    assert os.listdir(tmp_path) == ["support.tar.gz"]
    # Never over a file; with --units the ids are there.
    assert working.imprint("doctor", "--bundle", path, check=False).returncode == 1 and unpack(path) == files
    working.imprint("doctor", "--bundle", tmp_path / "units.tar.gz", "--units")
    assert all(unit in b"".join(unpack(tmp_path / "units.tar.gz").values()) for unit in units)


# --- an installed station ---

INSTALLED = r"""
set -e
for folder in etc var; do
	mkdir -p "$T/$folder.up" "$T/$folder.work"
	mount -t overlay none -o "lowerdir=/$folder,upperdir=$T/$folder.up,workdir=$T/$folder.work" "/$folder"
done
mount -t tmpfs none /run
systemd-sysusers "$ROOT/systemd/imprint.sysusers" >&2
mount -t tmpfs none /usr/lib/softhsm
"$BUILD/imprint" init --station SZ1 2>&1 | grep 'apt install softhsm2' || echo 'not said: SoftHSM is not there'
umount /usr/lib/softhsm
"$BUILD/imprint" init --station SZ1 >&2
"$BUILD/imprint" ca create --subject CN=SZ1 >&2
mkdir -p /var/lib/imprint/station
chown imprint-station /var/lib/imprint/station
chmod 750 /var/lib/imprint/station
printf 'station: SZ1\naccess:\n  operator: ["@imprint"]\nnests:\n  - { name: A1, port: /dev/nonexistent }\n' >/etc/imprint/station.yaml
"$BUILD/imprint" doctor || true
find /var/lib/imprint /run/imprint -mindepth 2 -user root 2>/dev/null | sed 's/^/left behind: /'
wrong() { # wrong WHAT: the row that says so
	"$BUILD/imprint" doctor | grep -E "$1" || echo "not said: $1"
}
wrong '^WARN  users .*nobody is in the group imprint-supervisor'
useradd -G imprint-supervisor zhao
wrong '^WARN  users .*zhao is in the group imprint-supervisor and not in imprint'
gpasswd -d imprint-station imprint >&2
wrong '^FAIL  users .*adduser imprint-station imprint'
chown root /var/lib/imprint/signer/ledger.db
wrong '^FAIL  files .*ledger.db cannot .* chown -R imprint-signer:'
chmod 600 /etc/imprint/signer.yaml
wrong '^FAIL  settings .*signer.yaml may not be read .*chmod a\+r'
touch /var/lib/imprint/station/runs.jsonl
wrong '^FAIL  files .*runs.jsonl cannot .* chown -R imprint-station:'
sed -i /^imprint-supervisor:/d /etc/group
wrong '^FAIL  users .*there is no group imprint-supervisor'
"""


@AS_ROOT
def test_root_becomes_the_daemons_users(tmp_path):
    """On an installed station: nothing of root's is left in their folders, and what only they may read was read."""
    tools = [tool for tool in ("unshare", "systemd-sysusers") if not shutil.which(tool)]
    if tools:
        pytest.skip(f"not installed: {' '.join(tools)}")
    env = {key: value for key, value in os.environ.items() if key != "IMPRINT_DIR"}
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs none "{disk}"; {INSTALLED}'
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script], env=dict(env, T=str(disk), BUILD=str(BUILD), ROOT=str(ROOT)),
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=4 * PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {(level.strip(), subject) for level, subject, _ in ROW.findall(done.stdout)}
    assert {("ok", subject) for subject in ("users", "settings", "files", "PIN", "token", "keys", "ledger", "CA")} <= rows, done.stdout
    assert "left behind" not in done.stdout, done.stdout
    assert "not said" not in done.stdout, done.stdout
