"""Boards, lines and people that misbehave: each gets its outcome, its reason and its remedy; nobody else notices."""
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from fault_rows import BOARD, MAY_HOLD, NOTHING_WRITTEN, of_run, saw
from station import BUILD, PATIENCE_S, Station, wait_until
from terminal import Terminal

pytestmark = pytest.mark.sanitizers
NESTS = [f"{row}{column}" for row in "AB" for column in range(1, 9)]


def nests_of(s):
    return {row["nest"]: row for row in s.json("status") if row["type"] == "nest"}


def wait_runs(s, count):
    """Until so many runs are on record, and their nests, a moment later, say that they ended."""
    def ended():
        runs = s.json("runs")
        return len(runs) >= count and not {run["nest"] for run in runs} & {
            nest for nest, row in nests_of(s).items() if row["state"] == "running"}

    wait_until(ended, what=f"{count} runs")


def run_all(s, *names, count=None):
    """Starts all nests (or those named) and waits until their runs are on record: {nest: its newest run}."""
    before = len(s.json("runs"))
    s.imprint("start", *names)
    count = count or len(names) or len(s.boards())
    wait_runs(s, before + count)
    return {run["nest"]: run for run in s.json("runs")[before:]}


def one_run(s, nest="A1"):
    return run_all(s, nest)[nest]


def state_of(s, unit):
    rows = [row["state"] for row in s.ledger_list() if row["unit"] == unit]
    return rows[-1] if rows else None


# --- three bad boards among sixteen ---


def test_three_bad_boards_among_sixteen(station):
    """Mute, babbling and resetting: these three FAIL; the others pass, and wait for none of them."""
    bad = {"A3": ("mute", "F10"), "A6": ("garbage", "F11"), "B2": ("reset-always", "F13")}
    s = station("--boards", 16, "--baud", 115200,
                *(word for nest, (kind, _) in bad.items() for word in ("--fault", f"{nest}={kind}")))
    runs = run_all(s)
    for nest, (kind, code) in bad.items():
        assert (runs[nest]["outcome"], runs[nest]["code"]) == ("FAIL", code), f"{kind}: {runs[nest]}"
    good = {nest for nest in NESTS if nest not in bad}
    assert [runs[nest]["outcome"] for nest in good] == ["PASS"] * 13
    rows = s.ledger_list()
    assert sum(row["state"] == "installed" for row in rows) == 13
    assert {row["nest"] for row in rows if row["state"] != "installed"} <= {"B2"}
    s.imprint("ledger", "verify")
    # A board that says nothing costs its own nest's time, and that alone: all the others end while it is waited for.
    s.hold("A3")
    s.imprint("start")
    wait_until(lambda: good <= {run["nest"] for run in s.json("runs")[16:] if run["outcome"] == "PASS"}, what="the good ones")
    assert running(s, "A3", "identify")
    s.imprint("abort")


# --- each kind of fault ---

# kind: outcome, codes, what the sentence must name, and what the ledger says of the unit at the end
KINDS = {
    "none": ("PASS", {""}, "", "installed"),
    "boot-log": ("PASS", {""}, "", "installed"),
    "slow:19200": ("PASS", {""}, "", "installed"),
    "noise:700": ("PASS", {""}, "", "installed"),
    "mute": ("FAIL", {"F10"}, "answer", None),
    "garbage": ("FAIL", {"F11"}, "", None),
    "reset": ("FAIL", {"F13"}, "restart", "issued"),
    "reset-always": ("FAIL", {"F13"}, "restart", "issued"),
    "wrong-unit": ("FAIL", {"unit-text"}, "unit", None),
    "bad-unit-text": ("FAIL", {"F30"}, "unit", None),
    "same-key:A1": ("FAIL", {"key-other-unit"}, "key", None),
    "flash-weak": ("FAIL", {"F21"}, "", "issued"),
    "bad-csr": ("FAIL", {"csr"}, "signature", None),
    "swap": ("FAIL", {"F13", "F31", "F33"}, "", "issued"),
    "bad-proof": ("FAIL", {"F33", "proof"}, "", "issued"),
    "unit-changed": ("FAIL", {"F31"}, "the board was", "issued"),
}


@pytest.fixture(scope="module")
def faulty(module_station):
    """One nest for each kind, all at once; A1 is the good one whose key is copied."""
    s = module_station("--boards", len(KINDS))
    for kind, nest in zip(KINDS, NESTS):
        if kind not in ("none", "same-key:A1"):
            s.rig(f"fault {nest} {kind}")
    s.units = s.boards()
    s.results = run_all(s, *(nest for kind, nest in zip(KINDS, NESTS) if kind != "same-key:A1"))
    copied = NESTS[list(KINDS).index("same-key:A1")]
    s.rig(f"fault {copied} same-key:A1")
    s.results.update(run_all(s, copied))
    s.nests = nests_of(s)
    return s


@pytest.mark.parametrize("kind", KINDS)
def test_fault(faulty, kind):
    outcome, codes, word, state = KINDS[kind]
    nest = NESTS[list(KINDS).index(kind)]
    run, shown, unit = faulty.results[nest], faulty.nests[nest], faulty.units[nest]
    assert run["outcome"] == outcome and run["code"] in codes, run
    assert (shown["outcome"], shown["code"], shown["text"]) == (outcome, run["code"], run["text"])
    assert word in run["text"], run["text"]
    if kind in BOARD:
        saw(kind.partition(":")[0], of_run(run))
    assert state_of(faulty, unit) == state
    if outcome == "PASS":
        assert shown["remedy"] == "" and shown["evidence"] == "signed"
        return
    # The nest, the unit where there is one to know, and what to do now.
    assert len(shown["remedy"].split()) >= 4 and shown["remedy"].endswith((".", "TEXT"))
    if kind in ("reset", "reset-always", "flash-weak", "bad-csr", "swap", "bad-proof", "unit-changed", "same-key:A1"):
        assert run["unit"] == unit
    assert run["certificate_id"] == "" or state is not None
    text = faulty.imprint("status", nest).stdout
    for expected in (nest, outcome, run["code"], shown["remedy"], run["unit"] or "-"):
        assert expected in text, text


def test_what_failed_left_no_trace_of_being_installed(faulty):
    assert sum(row["state"] == "installed" for row in faulty.ledger_list()) == sum(row[0] == "PASS" for row in KINDS.values())
    faulty.imprint("ledger", "verify")


def test_text_of_a_board_is_printable(faulty):
    """A unit id with control characters reaches neither terminal nor record."""
    for text in (faulty.imprint("status").stdout, faulty.imprint("runs").stdout, faulty.log("station")):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)


def test_board_that_reset_once_passes_the_next_time(station):
    s = station("--boards", 1, "--fault", "A1=reset")
    first = one_run(s)
    assert (first["outcome"], first["code"]) == ("FAIL", "F13")
    again = one_run(s)
    assert again["outcome"] == "PASS" and again["try"] == 2
    assert len(s.ledger_list()) == 1 and s.ledger_list()[0]["state"] == "installed"


# --- nests ---


def test_three_units_without_a_pass_stop_a_nest(station):
    s = station("--boards", 2, "--fault", "A1=flash-weak")
    units = []
    for _ in range(3):
        assert nests_of(s)["A1"]["state"] != "stopped"
        run = one_run_of_all(s)
        assert run["outcome"] == "FAIL"
        units.append(run["unit"])
        s.rig("remove A1")
        s.rig("insert A1")
    assert len(set(units)) == 3
    wait_until(lambda: nests_of(s)["A1"]["state"] == "stopped", what="the stop of A1")
    # The other nest goes on; this one waits for somebody who names it.
    runs = len(s.json("runs"))
    done = run_all(s, count=1)
    assert list(done) == ["A2"] and len(s.json("runs")) == runs + 1
    saw("three bad boards of one nest", s.imprint("status", "A1").stdout)
    s.rig("fault A1 none")
    assert one_run(s, "A1")["outcome"] == "PASS"
    assert nests_of(s)["A1"]["state"] != "stopped"


def one_run_of_all(s):
    return run_all(s)["A1"]


def test_the_same_unit_thrice_does_not_stop_a_nest(station):
    s = station("--boards", 1, "--fault", "A1=flash-weak")
    for _ in range(4):
        assert run_all(s)["A1"]["outcome"] == "FAIL"
    assert nests_of(s)["A1"]["state"] != "stopped"


def running(s, nest, *steps):
    row = nests_of(s)[nest]
    return row["state"] == "running" and (not steps or row["step"] in steps)


def start_held(s, *nests):
    s.imprint("start")
    wait_until(lambda: all(running(s, nest, "identify") for nest in nests), what="all running")


def test_unplugged_in_the_middle(station):
    s = station("--boards", 2, "--fault", "A1=slow:2400")  # seconds from the first byte to the last
    unit = s.boards()["A1"]
    s.imprint("start")
    wait_until(lambda: s.dump(unit), what="the first bytes in the flash of A1")
    s.rig("remove A1")
    wait_runs(s, 2)
    runs = {run["nest"]: run for run in s.json("runs")}
    assert (runs["A1"]["outcome"], runs["A1"]["code"]) == ("FAIL", "F12") and runs["A1"]["unit"] == unit
    saw("unplugged", of_run(runs["A1"]))
    assert runs["A2"]["outcome"] == "PASS"
    assert state_of(s, unit) == "issued"
    s.imprint("start", "A1", check=False)
    assert len(s.json("runs")) == 2, "an empty nest was run"
    s.rig("fault A1 none", f"insert A1 {unit}")
    wait_until(lambda: nests_of(s)["A1"]["state"] != "empty", what="the board")
    again = one_run(s, "A1")
    assert again["outcome"] == "PASS" and again["unit"] == unit
    assert len(s.ledger_list()) == 2


def test_swapped_board_gets_nothing_of_the_first(station):
    """What lies in flash at the end is of one board or of none: no certificate of one in the other."""
    s = station("--boards", 1, "--fault", "A1=swap")
    unit = s.boards()["A1"]
    assert one_run(s)["outcome"] == "FAIL"
    other = s.boards()["A1"]
    assert other != unit
    assert state_of(s, unit) == "issued" and state_of(s, other) is None
    assert one_run(s)["outcome"] == "PASS"
    assert state_of(s, other) == "installed"
    assert f"CN={other}".encode() in subject(s.dump(other))


def subject(der):
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253"], input=der, check=True,
                          capture_output=True).stdout


# --- start, abort ---


def test_abort(station):
    s, nests = station("--boards", 3), NESTS[:3]
    s.hold(*nests)
    start_held(s, *nests)
    s.imprint("abort", "A2")
    wait_runs(s, 1)
    assert s.json("runs")[0]["nest"] == "A2" and s.json("runs")[0]["outcome"] == "ABORTED"
    s.imprint("abort")
    wait_runs(s, 3)
    assert {run["outcome"] for run in s.json("runs")} == {"ABORTED"}
    s.release(*nests)
    assert {run["outcome"] for run in run_all(s).values()} == {"PASS"}
    assert len(s.ledger_list()) == 3


def test_start_on_arrival(station):
    s = station("--boards", 2, "--start", "arrival")
    wait_runs(s, 2)
    s.rig("remove A1")
    wait_until(lambda: nests_of(s)["A1"]["state"] == "empty", what="an empty nest")
    s.rig("insert A1")
    wait_runs(s, 3)
    assert {run["outcome"] for run in s.json("runs")} == {"PASS"} and len(s.ledger_list()) == 3


# --- the station's own trouble ---


def test_signer_killed_in_the_middle(station):
    """SIGKILL, and started again: all boards end with PASS and one certificate each."""
    s = station("--boards", 16, "--baud", 38400)
    s.set_timeouts(certificate_ms=600_000)
    s.imprint("start")
    wait_until(s.ledger_list, what="the middle")
    s.kill_signer()
    s.start("signer")
    wait_runs(s, 16)
    assert {run["outcome"] for run in s.json("runs")} == {"PASS"}, s.json("runs")
    rows = s.ledger_list()
    assert len({row["unit"] for row in rows if row["state"] == "installed"}) == 16
    assert s.order()["used"] == 16
    s.imprint("ledger", "verify")


def test_no_signer_is_an_error_of_the_station(station):
    s = station("--boards", 2)
    s.hold("A1", "A2", certificate_ms=2000)
    start_held(s, "A1", "A2")
    s.kill_signer()
    s.release("A1", "A2")
    wait_runs(s, 2)
    for run in s.json("runs"):
        saw("no signer at all", of_run(run))
    done = s.imprint("start", check=False)
    assert done.returncode == 1 and "signer" in done.stderr and len(done.stderr.splitlines()) == 1
    s.start("signer")
    s.set_timeouts()
    assert {run["outcome"] for run in run_all(s).values()} == {"PASS"}


def test_no_order_is_an_error_of_the_station(station):
    s = station("--boards", 1)
    s.imprint("order", "close", "DEMO")
    done = s.imprint("start", check=False)
    assert done.returncode == 1 and "order" in done.stderr and len(done.stderr.splitlines()) == 1
    assert s.json("runs", check=False) == []


def started(program, env):
    return subprocess.run([BUILD / program], env=env, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)


def test_second_daemons_are_refused(station):
    """On the same ledger, folder or socket: a sentence, and the first goes on."""
    s = station("--boards", 1)
    for name in ("station", "signer"):
        done = started(f"imprint-{name}", s.env)
        assert done.returncode == 1, done.stderr
        saw(f"second {name}", done.stderr)
    for name in ("signer", "station"):
        assert s.pid(name)
    done = s.imprint("ca", "create", "--subject", "CN=x", check=False)
    assert done.returncode == 1 and re.search("signer|runs|another", done.stderr)
    assert one_run(s)["outcome"] == "PASS"


def second_station(s, folder):
    """Another station daemon with the same ports, which asks the same signer."""
    other = Station(folder)
    for name in ("etc", "run", "log"):
        (folder / name).mkdir()
    shutil.copy(s.dir / "etc/station.yaml", folder / "etc")
    shutil.copytree(s.dir / "etc/products", folder / "etc/products")
    (folder / "run/signer").symlink_to(s.dir / "run/signer")
    other.start("station")
    return other


def test_second_station_on_the_same_ports(station, scratch):
    s = station("--boards", 1)
    s.hold("A1")
    with second_station(s, Path(tempfile.mkdtemp(prefix="second.", dir=scratch))) as other:
        start_held(s, "A1")
        other.imprint("start", "A1", check=False)
        wait_runs(other, 1)
        run = other.json("runs")[0]
        assert run["outcome"] == "ERROR" and run["code"] == "busy", run
        assert re.search("another|in use|holds", run["text"]), run
        s.release("A1")
        wait_runs(s, 1)
        assert s.json("runs")[0]["outcome"] == "PASS"
    assert len(s.ledger_list()) == 1


def interrupted(s, nest):
    """What the nest says of the run that the station left, as of_run says it."""
    row = nests_of(s)[nest]
    assert (row["state"], row["outcome"], row["code"]) == ("done", "ABORTED", "interrupted"), row
    run = [run for run in s.json("runs") if run["nest"] == nest][-1]
    assert {key: run[key] for key in ("outcome", "code", "text", "unit")} == {key: row[key] for key in run.keys() & {
        "outcome", "code", "text", "unit"}}
    text = s.imprint("status", nest).stdout
    assert row["text"] in text and "Run the same board again" in text, text
    return of_run(row)


def test_station_ends_in_order(station):
    """SIGTERM in the middle: runs are ABORTED and on record, and nothing is lost."""
    s, nests = station("--boards", 4), NESTS[:4]
    s.hold(*nests)
    start_held(s, *nests)
    s.restart("station")
    assert [run["outcome"] for run in s.json("runs")] == ["ABORTED"] * 4
    for nest in nests:
        saw("station ended under way", interrupted(s, nest))
    asked = s.json("status")[0]
    assert (asked["next"], asked["next_nests"]) == ("again", list(nests)), asked
    assert "under-way" not in s.imprint("report").stdout, "the report lists the acts of people"
    with Terminal(s.dir, 80, 24, "--lang", "de") as screen:
        screen.wait("Für A1 A2 A3 A4 tun, was unten steht", "Die Station endete mitten", "bevor es die Station", gone=["rote Kiste"])
    # That is said until the nest runs again or its board was taken out: a start says it once more.
    s.rig("remove A2")
    wait_until(lambda: nests_of(s)["A2"]["state"] == "empty", what="an empty nest")
    s.rig("insert A2")
    s.restart("station")
    wait_until(lambda: nests_of(s)["A2"]["state"] == "ready", what="the board in A2")
    assert interrupted(s, "A1") and len(s.json("runs")) == 4
    s.release(*nests)
    assert {run["outcome"] for run in run_all(s).values()} == {"PASS"}
    assert len(s.ledger_list()) == 4 and s.order()["used"] == 4


def test_station_killed_in_the_middle(station):
    """SIGKILL: each nest says what is known of its board, and the same boards again get the same certificates."""
    s = station("--boards", 4)
    s.rig(*(f"fault {nest} slow:4800" for nest in s.boards()))  # seconds from the first byte to the last
    s.imprint("start")
    wait_until(lambda: any(map(s.dump, s.boards().values())), what="the middle")
    s.kill("station")
    ids = {row["unit"]: row["certificate_id"] for row in s.ledger_list() if row["certificate_id"]}
    assert ids
    units = s.boards()
    written = {nest for nest, unit in units.items() if s.dump(unit)}
    s.start("station")
    runs = {run["nest"]: run for run in s.json("runs")}
    assert len(runs) == 4
    for nest, run in runs.items():
        said = interrupted(s, nest)
        may_hold = said == MAY_HOLD
        if may_hold:
            saw("station killed under way", said)
        assert may_hold or said == NOTHING_WRITTEN
        assert may_hold == bool(run["certificate_id"]) and (may_hold or nest not in written)
        assert not may_hold or (run["unit"], run["certificate_id"]) == (units[nest], ids[units[nest]])
    s.rig(*(f"fault {nest} none" for nest in units))
    assert {run["outcome"] for run in run_all(s).values()} == {"PASS"}
    rows = s.ledger_list()
    assert len(rows) == 4 and all(row["certificate_id"] == ids.get(row["unit"], row["certificate_id"]) for row in rows)
    s.imprint("ledger", "verify")
