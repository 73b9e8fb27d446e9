"""What people type, and what they typed into a settings file: an answer, or one sentence that says what to do."""
import fcntl
import os
import re
import select
import subprocess

import pytest
from signer_client import DONE, encode
from station import BUILD, PATIENCE_S, wait_until
from terminal import on_terminal

# Every subcommand of the design that this version has, with arguments that are enough to be run.
COMMANDS = {
    "init": ["--station", "X"], "ca create": ["--subject", "CN=x"], "ca import": ["x.pem"], "ca show": [],
    "ca verification-cert": ["0123456789abcdef" * 4], "ca crl": [], "product check": ["x.yaml"],
    "order open": ["X", "--product", "demo", "--quantity", "1"], "order use": ["X"], "order close": ["X"], "order show": ["X"],
    "order list": [], "issue": ["--unit", "X-01", "--csr", "/dev/null"], "status": [], "watch": [], "start": [], "abort": [],
    "wait": ["--outcome", "PASS"], "ledger list": [], "ledger show": ["X"], "ledger export": [], "ledger head": [],
    "ledger verify": [], "ledger backup": ["/nonexistent/x"], "ledger accept-time": ["--reason", "x"], "runs": [],
    "void": ["X", "--reason", "x"], "revoke": ["X", "--reason", "x"], "board list": [],
    "product root": ["x"], "cloud register-ca": [], "cloud describe-ca": [], "cloud activate-ca": [], "cloud deactivate-ca": [],
    "cloud auto-registration": ["on"], "cloud revoke-ca": [], "cloud endpoint": [], "cloud list": [], "cloud register": ["X"],
    "cloud describe": ["X"], "cloud activate": ["X"], "cloud deactivate": ["X"], "cloud revoke": ["X"],
}
OF_THE_SIGNER = {"ca show", "ca verification-cert", "ca crl", "order open", "order use", "order close", "order show", "order list",
                 "ledger list", "ledger show", "ledger export", "ledger head", "ledger verify", "ledger accept-time", "void",
                 "revoke", "cloud register-ca", "cloud describe-ca", "cloud auto-registration", "cloud list", "cloud register",
                 "cloud revoke"}
OF_THE_STATION = {"status", "watch", "start", "abort", "wait", "runs"}


def run(*words, folder="/nonexistent"):
    return subprocess.run([BUILD / "imprint", *words], env={"IMPRINT_DIR": str(folder), "PATH": "/usr/bin:/bin"}, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)


def one_sentence(done, *words):
    assert done.stdout == "", done.stdout
    assert done.stderr.startswith("imprint"), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.sanitizers
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each(command):
    done = run(*command.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("Usage: imprint")


@pytest.mark.parametrize("words", [["--help"], ["help"], ["help", "status"], ["help", "order"], ["help", "order", "open"],
                                   ["order", "--help"], ["ledger", "--help"], ["ca", "--help"]], ids=" ".join)
def test_help(words):
    done = run(*words)
    assert done.returncode == 0 and done.stderr == "" and len(done.stdout.splitlines()) >= 3


def test_help_names_every_command():
    text = run("help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", text, re.M), f"{command} is not in imprint help"
        group, *rest = command.split()
        for words in ([group, "--help"], ["help", group]) if rest else ():
            assert re.search(rf"^  {command}\b", run(*words).stdout, re.M), f"{command} is not in imprint {' '.join(words)}"


@pytest.mark.parametrize("words", [["ledger"], ["ledger", "nonsense"], ["ca"], ["ca", "nonsense"], ["order", "nonsense"]], ids=" ".join)
def test_a_group_says_where_its_commands_are(words):
    done = run(*words)
    assert done.returncode == 2
    one_sentence(done, f"imprint help {words[0]}")


def test_help_shows_the_options_of_one_command():
    assert "--since" in run("ledger", "list", "--help").stdout and "--csr" not in run("ledger", "list", "--help").stdout
    assert run("issue", "--help").stdout.startswith("Usage: imprint issue [OPTION...] --unit ID --csr FILE\n")


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["--nonsense"], ["status", "--nonsense"], ["order"], ["ledger"], ["ledger", "nonsense"], ["order", "nonsense"],
    ["order", "open"], ["order", "open", "X"], ["order", "open", "X", "--product", "p", "--quantity", "many"],
    ["order", "open", "X", "--product", "p", "--quantity", "0"], ["order", "use"], ["order", "use", "A", "B"], ["void", "X"],
    ["revoke", "--reason", "x"], ["revoke", "X", "--certificate-id", "00", "--reason", "x"],
    ["revoke", "--certificate-id", "xyz", "--reason", "x"], ["revoke", "X", "--reason", "x", "--region", "y"], ["issue"],
    ["issue", "--unit", "X"], ["ca", "verification-cert"],
    ["ca", "nonsense"], ["product", "check"], ["wait", "--outcome", "WELL"], ["wait", "--outcome", "PASS", "--timeout", "soon"],
    ["status", "A1", "A2"], ["ledger", "show"], ["ledger", "export", "--format", "xml"], ["init"], ["ca", "create"],
    ["cloud"], ["cloud", "revoke"], ["cloud", "revoke", "X", "--certificate-id", "00"], ["cloud", "revoke", "--certificate-id", "xyz"],
    ["cloud", "list", "X"], ["cloud", "register"], ["cloud", "auto-registration"], ["cloud", "auto-registration", "yes"],
    ["cloud", "describe-ca", "--print"], ["product", "root"],
], ids=" ".join)
def test_wrong_usage(words):
    done = run(*words)
    assert done.returncode == 2, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr or not words


def test_a_slip_of_the_finger():
    assert "imprint status" in run("statsu").stderr
    assert "imprint ledger" in run("leger", "list").stderr
    for words in (["register-ca"], ["register-ca", "cloud"]):
        assert "did you mean imprint cloud register-ca?" in run(*words).stderr
    one_sentence(run("cloud", "nonsense"), 'no command "cloud nonsense"', "imprint help cloud")


@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(columns):
    lines = on_terminal([BUILD / "imprint", "help"], columns=columns)[0].splitlines()
    assert max(map(len, lines)) <= columns and sum(line.startswith("  cloud ") for line in lines) > 10


@pytest.mark.parametrize("command", sorted(OF_THE_SIGNER | OF_THE_STATION))
def test_nothing_runs(command, tmp_path):
    """What to do is to start the daemon that was asked."""
    done = run(*command.split(), *COMMANDS[command], folder=tmp_path)
    assert done.returncode == 1
    one_sentence(done, "start imprint-signer" if command in OF_THE_SIGNER else "start imprint-station")


@pytest.fixture(scope="module")
def line(module_station):
    return module_station("--boards", 2, "--baud", 38400)


def test_dead_daemons_are_seen(station):
    """A socket that somebody left behind is nobody."""
    s = station("--boards", 1)
    s.kill("station")
    s.kill_signer()
    assert (s.dir / "run/signer/signer.sock").exists() and (s.dir / "run/station/station.sock").exists()
    for words, daemon in ((["order", "list"], "imprint-signer"), (["status"], "imprint-station")):
        done = s.imprint(*words, check=False)
        assert done.returncode == 1
        one_sentence(done, f"start {daemon}")
    # And the next one takes it over.
    s.start("signer")
    s.start("station")
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)


def test_dir_option(line):
    done = run("--dir", str(line.dir), "order", "list")
    assert done.returncode == 0 and "DEMO" in done.stdout
    done = run("--dir", str(line.dir), "ledger", "head")
    assert done.returncode == 0


def test_long_path(station, scratch):
    """A socket's path may be longer than the 108 bytes of sockaddr_un: it is reached through its folder."""
    from station import Station
    folder = scratch / ("x" * 120) / ("y" * 80)
    folder.mkdir(parents=True)
    with Station(folder) as s:
        s.up("--boards", "1")
        s.imprint("start")
        s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
        assert len(s.ledger_list()) == 1


@pytest.mark.parametrize("words", [
    ["order", "use", "NOWHERE"], ["order", "show", "NOWHERE"], ["start", "Z9"], ["status", "Z9"], ["abort", "Z9"],
    ["wait", "--nest", "Z9", "--outcome", "PASS"], ["ledger", "show", "NOBODY"], ["void", "NOBODY", "--reason", "x"],
    ["order", "open", "N-1", "--product", "none-such", "--quantity", "1"],
], ids=" ".join)
def test_refused(line, words):
    """Exit 1, and the sentence names what was not there."""
    done = line.imprint(*words, check=False)
    assert done.returncode == 1, f"exit {done.returncode}: {done.stdout}"
    missing = next(word for word in words if re.fullmatch("NOWHERE|Z9|NOBODY|none-such", word))
    one_sentence(done, missing)


def test_refuses_to_write_over_a_file(line, tmp_path):
    path = tmp_path / "backup"
    line.imprint("ledger", "backup", path)
    size = path.stat().st_size
    done = line.imprint("ledger", "backup", path, check=False)
    assert done.returncode == 1 and path.stat().st_size == size
    one_sentence(done, str(path))


def test_backup_is_a_whole_ledger(line, tmp_path):
    path = tmp_path / "backup"
    head = line.imprint("ledger", "backup", path).stdout
    (tmp_path / "head").write_text(head)
    line.imprint("ledger", "verify", "--head", tmp_path / "head")
    said = subprocess.run(["sqlite3", path, "pragma integrity_check"], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "ok"
    assert path.stat().st_mode & 0o077 == 0


def test_a_backup_stops_nobody(line):
    """Into a pipe that nobody empties: others are answered all the while, a second backup is refused, and then it is whole."""
    begin, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    with line.signer() as asking, line.signer() as other:
        asking.send(encode("backup"), end)
        os.close(end)
        wait_until(lambda: select.select([begin], [], [], 0)[0], what="the first bytes")
        assert other.ask("status").status["entries"] > 0
        assert "another backup" in other.ask("backup", begin).text
        with open(begin, "rb") as pipe:
            copy = pipe.read()
        assert asking.receive().type == DONE
    assert copy.startswith(b"SQLite format 3\0") and len(copy) % 4096 == 0
    assert not list((line.dir / "lib/signer").glob("*.copy*"))


# --- start and wait ---


def states(s):
    return {row["nest"]: row["state"] for row in s.json("status") if row["type"] == "nest"}


def test_start_returns_when_they_run(station):
    s = station("--boards", 3)
    s.hold("A1", "A2")
    s.rig("remove A3")
    wait_until(lambda: states(s)["A3"] == "empty", what="an empty nest")
    s.imprint("start")
    assert states(s) == {"A1": "running", "A2": "running", "A3": "empty"}
    s.release("A1", "A2")
    done = s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    assert re.search(r"^A1 +T-\d+ +PASS .* installed, proved by the board's signature$", done.stdout, re.M), done.stdout
    assert re.search(r"^A3 +empty$", done.stdout, re.M), done.stdout
    assert s.json("runs")[0]["order"] == "DEMO"
    # A finished board runs again.
    s.imprint("start", "A2")
    s.imprint("wait", "--nest", "A2", "--outcome", "PASS", "--timeout", PATIENCE_S)
    assert [run["nest"] for run in s.json("runs")][2:] == ["A2"]


def test_start_works_on_the_order_in_use(station):
    s = station("--boards", 1)
    s.imprint("order", "open", "SECOND", "--product", "demo", "--quantity", "5")
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    assert [row["order"] for row in s.ledger_list()] == ["SECOND"]
    assert s.order("SECOND")["used"] == 1 and s.order("DEMO")["used"] == 0


def test_wait(station):
    """0 when all have that outcome; 1 as soon as one ended otherwise, or when the time is up."""
    s = station("--boards", 3, "--fault", "A1=bad-unit-text")
    s.hold("A3")
    s.imprint("start")
    done = s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False)
    assert done.returncode == 1 and states(s)["A3"] == "running", "it waited for the slow one too"
    assert s.imprint("wait", "--nest", "A1", "--outcome", "FAIL").returncode == 0
    assert s.imprint("wait", "--nest", "A2", "--outcome", "PASS", "--timeout", PATIENCE_S).returncode == 0
    assert s.imprint("wait", "--nest", "A2", "--outcome", "FAIL", "--timeout", PATIENCE_S, check=False).returncode == 1
    done = s.imprint("wait", "--nest", "A3", "--outcome", "PASS", "--timeout", "0.2", check=False)
    assert done.returncode == 1 and "time" in done.stderr and states(s)["A3"] == "running"
    s.imprint("abort", "A3")
    assert s.imprint("wait", "--nest", "A3", "--outcome", "ABORTED", "--timeout", PATIENCE_S).returncode == 0
    assert s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False).returncode == 1


def test_wait_for_nothing(station):
    s = station("--boards", 1)
    done = s.imprint("wait", "--outcome", "PASS", check=False)
    assert done.returncode == 1
    one_sentence(done, "imprint start")


# --- settings ---

STATION_YAML = {
    "unknown key": (r"^station:", "statoin:", 1, 1, "nests"),
    "unknown key in a nest": (r'port: "pty', 'prot: "pty', 7, 17, "port"),
    "unknown key at the end": (r"\Z", "extra: 1\n", None, 1, "timeouts"),
    "unknown word": (r"^start: .*", "start: sometimes", 2, 8, "arrival"),
    "not a number": (r"^access:", "baud: fast\naccess:", 3, 7, "number"),
    "out of range": (r"^access:", "timeouts:\n  csr_ms: 1\naccess:", 4, 11, "100"),
    "a name twice": (r"name: A2", "name: A1", 8, 13, "A1"),
    "a port twice": (r"A2.pty", "A1.pty", 8, None, "port"),
    "a name too long": (r"name: A1", "name: " + "A" * 17, 7, 13, "16"),
    "no list": (r"^nests:.*", "nests: 5\nx:", 6, None, "list"),
    "not YAML": (r"^start: .*", "start: [", None, None, ""),
    "no such user": (r"operator: \[0\]", "operator: [no-such-user]", 4, None, "no-such-user"),
}
SIGNER_YAML = {
    "unknown key": (r"^station:", "statoin:", 2, 1, "serial_prefix"),
    "unknown key inside": (r"^  label:", "  lable:", 6, 3, "label"),
    "negative prefix": (r"^serial_prefix:.*", 'serial_prefix: "ff"', 3, 16, "01 to 7f"),
    "prefix too long": (r"^serial_prefix:.*", 'serial_prefix: "01020304050607"', 3, 16, ""),
    "too many sessions": (r"^  sessions: \d+", "  sessions: 99", None, 13, "16"),
    "negative": (r"^  linger_ms: 2", "  linger_ms: -1", None, 14, ""),
}
PRODUCT_YAML = {
    "unknown key": (r"^  subject:", "  subjekt:", 2, 3, "subject"),
    "unknown key type": (r"^  keys:.*", "  keys: [ec-p256, ec-p999]", 5, 19, "ec-p384"),
    "may make a CA": (r"^  key_usage:.*", "  key_usage: [keyCertSign]", 6, 15, "CA"),
    "no such field": (r"CN=\{unit\}", "CN={unti}", 2, None, "unit"),
    "validity": (r"^  validity:.*", "  validity: forever", 4, None, "days"),
    "encoding": (r"encoding: der", "encoding: xml", None, None, "pem"),
    "unknown key of the board's part": (r"^  driver:", "  drivre:", None, 3, "driver"),
    "no such driver": (r"^  driver: prov", "  driver: telepathy", None, None, "prov"),
}


def broken(s, path, row):
    """The file with one thing changed; where that is, and what must be named."""
    pattern, text, line_number, column, word = row
    good = path.read_text()
    changed, count = re.subn(pattern, text, good, count=1, flags=re.M)
    assert count == 1, f"{pattern} is not in {path}"
    return good, changed, rf"{re.escape(path.name)}:{line_number or '[0-9]+'}:{column or '[0-9]+'}: ", word


@pytest.fixture(scope="module")
def quiet(module_station):
    """A station whose daemons do not run: its settings are tried."""
    s = module_station("--boards", 2)
    s.kill("station", 15)
    s.kill("signer", 15)
    return s


def check_daemon(s, program, path, row, *options):
    good, changed, place, word = broken(s, path, row)
    path.write_text(changed)
    try:
        done = subprocess.run([BUILD / program, *options], env=s.env, capture_output=True, text=True, timeout=PATIENCE_S)
    finally:
        path.write_text(good)
    assert done.returncode == 1, f"{program} took it: {done.stdout}{done.stderr}"
    said = done.stdout + done.stderr
    assert re.search(place, said), f"no {place} in {said}"
    assert word in said and len(said) > 30


@pytest.mark.parametrize("name", STATION_YAML)
def test_station_yaml(quiet, name):
    path = quiet.dir / "etc/station.yaml"
    check_daemon(quiet, "imprint-station", path, STATION_YAML[name])
    check_daemon(quiet, "imprint-station", path, STATION_YAML[name], "--check")


@pytest.mark.parametrize("name", SIGNER_YAML)
def test_signer_yaml(quiet, name):
    path = quiet.dir / "etc/signer.yaml"
    check_daemon(quiet, "imprint-signer", path, SIGNER_YAML[name])
    check_daemon(quiet, "imprint-signer", path, SIGNER_YAML[name], "--check")


@pytest.mark.parametrize("name", PRODUCT_YAML)
def test_product_yaml(quiet, name):
    path = quiet.dir / "etc/products/demo.yaml"
    check_daemon(quiet, "imprint", path, PRODUCT_YAML[name], "product", "check", str(path))


def test_good_settings_pass(quiet):
    for words in (["imprint-station", "--check"], ["imprint-signer", "--check"],
                  ["imprint", "product", "check", quiet.dir / "etc/products/demo.yaml"]):
        done = subprocess.run([BUILD / words[0], *words[1:]], env=quiet.env, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0 or words[0] == "imprint-station", f"{words}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("daemon, file", [("imprint-station", "station.yaml"), ("imprint-signer", "signer.yaml")])
def test_no_settings(tmp_path, daemon, file):
    """An empty folder: it says which file is missing."""
    done = subprocess.run([BUILD / daemon], env={"IMPRINT_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and f"etc/{file}" in done.stderr
