"""Who may ask what: every request of the signer and of the station with every user, by real users of the kernel.

The expectation is the design's, written by hand: the station asks for certificates and says what became of them; orders, void,
revoke, verification certificate and the clock are the supervisor's; who may read, reads; and uid 0 is nobody special."""
import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
from signer_client import DONE, REFUSED, STATION, SUPERVISOR, READER, TYPES, Signer
from station import BUILD, PATIENCE_S, wait_until
from tools import Requests

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it becomes other users, which only root may")

STATION_UID, SUPERVISOR_UID, READER_UID, SUPERVISOR_GID, READER_GID = 61001, 61002, 61004, 61003, 61005
# name: (uid, gid, further groups, what it is)
PEERS = {
    "the station's user": (STATION_UID, STATION_UID, [], STATION),
    "the supervisor": (SUPERVISOR_UID, SUPERVISOR_UID, [], SUPERVISOR),
    "a supervisor by primary group": (61013, SUPERVISOR_GID, [], SUPERVISOR),
    "a supervisor by another group": (61014, 61014, [61099, SUPERVISOR_GID], SUPERVISOR),
    "the reader": (READER_UID, READER_UID, [], READER),
    "a reader by group": (61015, 61015, [READER_GID], READER),
    "the station's user in the supervisor's group": (STATION_UID, STATION_UID, [SUPERVISOR_GID], STATION),
    "a stranger": (61009, 61009, [61010], None),
    "a stranger with the supervisor's uid as gid": (61011, SUPERVISOR_UID, [], None),
    "root": (0, 0, [], None),
}
ALL = {STATION, SUPERVISOR, READER}
ALLOWED = {
    "status": ALL, "orders": ALL, "issuances": ALL, "find": ALL, "certificate": ALL, "head": ALL, "ca": ALL,
    "issue": {STATION, SUPERVISOR}, "installed": {STATION},
    "order open": {SUPERVISOR}, "order units": {SUPERVISOR}, "order quantity": {SUPERVISOR}, "order use": {SUPERVISOR},
    "order close": {SUPERVISOR}, "void": {SUPERVISOR}, "revoke": {SUPERVISOR}, "verification-cert": {SUPERVISOR},
    "accept-time": {SUPERVISOR}, "backup": {SUPERVISOR},
    "entries": {SUPERVISOR, READER}, "crl": {SUPERVISOR, READER},
}


def access(*, training=False, station=STATION_UID, supervisor=SUPERVISOR_UID):
    return (f'access:\n  station: ["{station}"]\n  supervisor: ["{supervisor}", "@{SUPERVISOR_GID}"]\n'
            f'  reader: ["{READER_UID}", "@{READER_GID}"]\n' + ("  training: yes\n" if training else ""))


def set_access(s, text):
    path = s.dir / "etc/signer.yaml"
    changed, count = re.subn(r"^access:.*?(?=^\w)", text, path.read_text(), flags=re.M | re.S)
    assert count == 1
    path.write_text(changed)


def open_folders(s):
    """So that the file system refuses nobody: it is the daemons' turn."""
    for folder in (s.dir, s.dir / "run", s.dir / "run/signer", s.dir / "run/station"):
        if folder.exists():
            folder.chmod(0o755)
    (s.dir / "run/signer/signer.sock").chmod(0o666)


@pytest.fixture(scope="module")
def line(module_station):
    s = module_station("--boards", "2")
    s.kill("signer", 15)
    set_access(s, access())
    start_signer(s)
    return s


def start_signer(s):
    """Root may connect, but asks nothing: the signer would not answer."""
    s.start("signer", ready=False)
    wait_until(lambda: can_connect(s), what="the signer")
    open_folders(s)


def can_connect(s):
    try:
        Signer(s.dir / "run/signer").socket.close()
    except OSError:
        return False
    return True


def as_user(peer, work):
    """Does the work in a child process that has become that user; returns what it returned (as JSON can say it)."""
    uid, gid, groups, _ = peer
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            with os.fdopen(writing, "w") as out:
                json.dump(work(), out)
            code = 0
        except BaseException as error:  # noqa: BLE001: nothing of pytest may run in the child
            os.write(2, repr(error).encode())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, "the child failed; see stderr"
    return json.loads(text)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """For each request something that makes sense, but changes nothing that the next one needs."""
    csr = Requests(tmp_path_factory.mktemp("csr")).new()
    nothing = "NONE-SUCH"
    return {
        "status": {}, "head": {}, "ca": {}, "crl": {}, "backup": {}, "entries": {}, "orders": {}, "issuances": {},
        "find": {"after_text": nothing}, "certificate": {"certificate_id": bytes(32)},
        "issue": {"unit": "PERM-1", "source": 1, "nest": "A1", "operator": "test", "csr": csr},
        "installed": {"certificate_id": bytes(32), "unit": "PERM-1", "evidence": 1},
        "order open": {"order": "PERM", "product": "demo", "quantity": 5},
        "order units": {"order": nothing, "list": b"U-1\n"}, "order quantity": {"order": nothing, "quantity": 5},
        "order use": {"order": "DEMO"}, "order close": {"order": nothing}, "void": {"unit": nothing, "reason": "test"},
        "revoke": {"unit": nothing, "reason": "test"}, "verification-cert": {"code": "0123456789abcdef" * 4},
        "accept-time": {"reason": "test"},
    }


def ask_all(s, arguments, names):
    """{request: None if it was allowed, else the refusal and its sentence}, on one connection for each."""
    said = {}
    for name in names:
        with tempfile.TemporaryFile() as file, Signer(s.dir / "run/signer") as signer:
            answer = signer.ask(name, pass_fd=file.fileno() if name in ("crl", "backup") else -1, **arguments[name])
            refused = answer.type == REFUSED and answer.refusal == "permission"
            said[name] = answer.text if refused else None
    return said


def test_the_table_knows_every_request():
    assert set(ALLOWED) == set(TYPES)
    text = (BUILD.parents[1] / "hsm/api/request.h")
    if text.exists():
        names = re.search(r"enum request_type \{(.*?)\}", text.read_text(), re.S).group(1)
        assert len(re.findall(r"^\s*REQUEST_\w+", names, re.M)) == len(ALLOWED) + 1  # and the count


@pytest.mark.parametrize("peer", PEERS)
def test_every_request(line, arguments, peer):
    role = PEERS[peer][3]
    expected = {name for name, roles in ALLOWED.items() if role in roles}
    # First all that must be refused: it leaves no trace in the ledger.
    refused = sorted(set(ALLOWED) - expected)
    before = size_of(line)
    said = as_user(PEERS[peer], lambda: ask_all(line, arguments, refused))
    assert {name for name, text in said.items() if text is None} == set(), f"{peer} may do what it may not"
    assert all(name in text for name, text in said.items()), said
    assert size_of(line) == before
    said = as_user(PEERS[peer], lambda: ask_all(line, arguments, sorted(expected)))
    assert {name: text for name, text in said.items() if text is not None} == {}, f"{peer} may not do what it may"


def size_of(s):
    def ask():
        with Signer(s.dir / "run/signer") as signer:
            return signer.ask("status").status["entries"]
    return as_user(PEERS["the reader"], ask)


def test_commands_of_the_stations_user(line):
    """As they are typed: refused with a sentence, exit 1."""
    for words in (["order", "open", "MINE", "--product", "demo", "--quantity", "5"], ["order", "quantity", "DEMO", "5"],
                  ["order", "use", "DEMO"], ["order", "close", "DEMO"], ["void", "T-0001", "--reason", "x"],
                  ["revoke", "T-0001", "--reason", "x"], ["ca", "verification-cert", "0123456789abcdef" * 4],
                  ["ledger", "accept-time", "--reason", "x"]):
        done = run_as(line, PEERS["the station's user"], *words)
        assert done.returncode == 1 and done.stdout == "", words
        assert len(done.stderr.splitlines()) == 1 and "may not" in done.stderr, done.stderr
    assert run_as(line, PEERS["the station's user"], "order", "list").returncode == 0
    assert run_as(line, PEERS["root"], "order", "list").returncode == 1


def programs_for_all(s):
    """The checkout may lie where only its owner may go: the commands are copied to where everybody may."""
    folder = s.dir / "programs"
    if not folder.exists():
        folder.mkdir()
        for name in ("imprint", "imprint-ca", "imprint-ledger"):
            shutil.copy2(BUILD / name, folder)
    return folder


def run_as(s, peer, *words):
    uid, gid, groups, _ = peer
    return subprocess.run([programs_for_all(s) / "imprint", *words], env=s.env, user=uid, group=gid, extra_groups=groups, cwd="/",
                          capture_output=True, text=True, timeout=PATIENCE_S)


def test_refusals_are_logged(line):
    assert run_as(line, PEERS["a stranger"], "void", "NONE", "--reason", "x").returncode == 1
    assert re.search(r"^<4>permission refused .*61009.* request=\"void\"", line.log("signer"), re.M)


def test_a_peer_is_who_it_was_when_it_connected(line, arguments):
    """A descriptor that a supervisor hands to a stranger speaks for the supervisor no more than the kernel says."""
    def become_later():
        with Signer(line.dir / "run/signer") as signer:
            os.setgroups([])
            os.setgid(SUPERVISOR_UID)
            os.setuid(SUPERVISOR_UID)
            return signer.ask("void", unit="NONE", reason="x").refusal
    assert as_user((0, 0, [], None), become_later) == "permission"


@contextlib.contextmanager
def all_places_taken(s, name, uid):
    """One user has connected until it is turned away."""
    folder = os.open(s.dir / "run" / name, os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.ExitStack() as callers:
        callers.callback(os.close, folder)
        os.seteuid(uid)
        try:
            while not re.search(r"caller (is )?turned away", s.log(name)):
                caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
                try:
                    caller.connect(f"/proc/self/fd/{folder}/{name}.sock")
                except BlockingIOError:  # more wait to be taken than the kernel lets wait
                    caller.close()
                    time.sleep(0.005)
                else:
                    last = callers.enter_context(caller)
        finally:
            os.seteuid(0)
        wait_turned_away(last)
        yield


def wait_turned_away(last):
    """Whoever called before the last one was heard, too: there is room among those that wait."""
    assert select.select([last], [], [], PATIENCE_S)[0] and last.recv(1) == b"", "it was not turned away"


def test_a_station_does_not_keep_the_supervisor_out(line):
    """With as many connections as it likes; the supervisor must get in to close its orders."""
    with all_places_taken(line, "signer", STATION_UID):
        done = run_as(line, PEERS["the supervisor"], "order", "list")
        assert done.returncode == 0, done.stderr


def try_start(s):
    done = subprocess.run([BUILD / "imprint-signer"], env=s.env, capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, done.stderr


def test_one_user_for_both_is_training_only(station):
    s = station("--boards", "0")
    s.kill("signer", 15)
    set_access(s, access(supervisor=STATION_UID))
    code, said = try_start(s)
    assert code == 1 and re.search(r"signer\.yaml:\d+:\d+: .*training", said), said
    set_access(s, access(supervisor=STATION_UID, training=True))
    start_signer(s)
    # Only now may one user do both.
    with_both = as_user((STATION_UID, STATION_UID, [], None), lambda: ask_one(s, "order use", order="DEMO"))
    assert with_both == DONE


def ask_one(s, name, **values):
    with Signer(s.dir / "run/signer") as signer:
        return signer.ask(name, **values).type


def test_nobody_may_be_unknown(station):
    """A name that this machine does not have is a mistake with its place, not an open door."""
    s = station("--boards", "0")
    s.kill("signer", 15)
    set_access(s, access(supervisor="nobody-has-this-name"))
    code, said = try_start(s)
    assert code == 1 and re.search(r"signer\.yaml:\d+:\d+: .*nobody-has-this-name", said), said


# --- the station's own socket ---

OPERATOR = (61021, 61021, [], None)
STATION_READER = (61022, 61022, [], None)
STRANGER = (61023, 61023, [], None)
TECHNICIAN = (61024, 61024, [], None)
READS = {"status", "runs", "wait", "alarms"}
WORKS = READS | {"start", "abort", "scan", "logout", "mode", "free", "acknowledge", "reset"}


@pytest.fixture(scope="module")
def desk(module_station):
    s = module_station("--boards", "1")
    path = s.dir / "etc/station.yaml"
    path.write_text(re.sub(r"^access:\n  operator:.*\n  technician:.*$", f"access:\n  operator: [{OPERATOR[0]}]\n"
                           f"  technician: [{TECHNICIAN[0]}]\n  reader: [{STATION_READER[0]}]",
                           path.read_text(), flags=re.M))
    s.kill("station", 15)
    s.start("station", ready=False)
    open_folders(s)
    wait_until(lambda: run_as(s, OPERATOR, "status").returncode == 0, what="the station")
    return s


@pytest.mark.parametrize("name, peer, may", [
    ("an operator", OPERATOR, WORKS),
    ("a technician", TECHNICIAN, WORKS | {"badges", "badge", "set"}),
    ("a reader", STATION_READER, READS),
    ("a stranger", STRANGER, set()),
    ("root", (0, 0, [], None), set()),
], ids=lambda value: value if isinstance(value, str) else "")
def test_station_socket(desk, name, peer, may):
    words = {"status": ["status"], "runs": ["runs"], "start": ["start"], "abort": ["abort"],
             "wait": ["wait", "--outcome", "PASS", "--timeout", "0"], "alarms": ["alarms"], "scan": ["scan", "nobodys"],
             "logout": ["logout"], "mode": ["mode", "normal"], "free": ["free", "A1"],
             "acknowledge": ["alarms", "--acknowledge", "all"], "badges": ["badge", "list"],
             "badge": ["badge", "withdraw", "nobodys"], "reset": ["jig", "reset"], "set": ["jig", "set", "buzzer", "off"]}
    for what, command in words.items():
        done = run_as(desk, peer, *command)
        refused = "may not" in done.stderr
        assert refused == (what not in may), f"{name}: {what}: {done.stderr}"
        assert not refused or done.returncode == 1


def test_an_operator_does_not_keep_the_others_out(desk):
    with all_places_taken(desk, "station", OPERATOR[0]):
        done = run_as(desk, TECHNICIAN, "badge", "list")
        assert done.returncode == 0, done.stderr


def test_strangers_do_not_keep_the_others_out(desk):
    """The socket has room for so many callers: who may ask nothing makes room."""
    folder = os.open(desk.dir / "run/station", os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.ExitStack() as callers:
        callers.callback(os.close, folder)
        for _ in range(200):
            caller = callers.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            caller.connect(f"/proc/self/fd/{folder}/station.sock")  # as root, who is nobody here
        wait_turned_away(caller)
        done = run_as(desk, OPERATOR, "abort")
        assert done.returncode == 0, done.stderr
