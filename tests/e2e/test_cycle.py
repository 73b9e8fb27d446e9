"""The panel cycle, real daemons and the virtual jig: what an operator does, and every way in which the jig stops."""
import os
import random
import re
import signal
import socket
import time

import pytest
from audit import audit
from fault_rows import of_run, saw
from jig_station import JigStation
from station import LONG, PATIENCE_S, wait_until

NESTS = 4
BAUD = 19200  # a run takes some seconds: long enough to meet it under way
CYCLES = 1000 if LONG else 50


@pytest.fixture(scope="module")
def slow(module_station):
    """Boards at a baud rate: their runs take a while."""
    return JigStation(module_station("--boards", NESTS, "--baud", BAUD, "--jig", "--jig-options", "--speed 4"))


@pytest.fixture(scope="module")
def quick(module_station):
    return JigStation(module_station("--boards", NESTS, "--jig", "--jig-options", "--speed 20"))


def under_way(jig):
    """All runs have their certificate and write it now."""
    def there():
        rows = jig.status()[1].values()
        return all(row["state"] == "running" and row["step"] == "install" for row in rows)
    wait_until(there, what="runs under way")


def outcomes(jig):
    return {name: row["outcome"] for name, row in jig.status()[1].items()}


def held(s):
    """What boards of this station hold, as audit wants it."""
    return {row["certificate_id"]: row["unit"] for row in s.ledger_list() if row["state"] == "installed"}


# --- what an operator does ---

@pytest.mark.sanitizers
def test_panel_by_the_button(quick):
    jig = quick
    assert jig.station()["next"] == "load" or jig.do("lid open")
    jig.load()
    assert jig.station()["next"] == "start" and jig.state()["power"] == []
    jig.do("press start")
    row = jig.wait("unload")
    assert row["next"] == "unload" and row["cycle_ms"] > 0
    assert set(outcomes(jig).values()) == {"PASS"}
    state = jig.check()
    assert state["lamp_pass"] == jig.nests() and state["lamp_fail"] == [] and state["power"] == []
    assert not state["clamp"] and not state["lid_lock"] and state["power_ons"] >= NESTS
    runs = jig.s.json("runs")[-NESTS:]
    assert {run["unit"] for run in runs} == set(jig.s.boards().values())
    jig.do("lid open", "board all out")
    jig.wait_next("load")
    wait_until(lambda: jig.state()["lamp_pass"] == [], what="dark lamps")


def test_same_boards_are_noticed(quick):
    jig = quick
    jig.load()
    jig.start()
    assert jig.s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S).returncode == 0
    assert jig.station()["phase"] == "unload"  # wait returns when the boards can be taken out
    ons = jig.state()["power_ons"]
    refused = jig.s.imprint("start", check=False)
    assert refused.returncode == 1 and "have run" in refused.stderr
    jig.do("press start")
    jig.wait_next("same-boards")
    assert jig.state()["power_ons"] == ons
    jig.do("lid open")
    jig.wait_next("unload")


def test_failed_board_is_marked_until_taken_out(quick):
    """Re-seated it may run again, and the others are left."""
    jig = quick
    jig.load()
    jig.s.rig("fault A2 flash-weak")
    jig.start()
    assert jig.s.imprint("wait", "--timeout", PATIENCE_S, check=False).returncode == 1
    jig.wait("unload")
    assert jig.marked() == ["A2"] and jig.state()["lamp_fail"] == ["A2"]
    assert jig.station()["next"] in ("reseat", "unload-failed") and jig.station()["next_nests"] == ["A2"]
    runs = len(jig.s.json("runs"))
    jig.do("lid open", "board A2 out")
    wait_until(lambda: jig.marked() == [], what="the mark to go")
    jig.s.rig("fault A2 none")
    jig.do("board A2 in", "lid close")
    row = jig.wait("ready")
    assert row["next"] == "start" and row["next_nests"] == ["A2"]
    jig.do("press start")
    jig.wait("unload")
    assert set(outcomes(jig).values()) == {"PASS"}
    assert [run["nest"] for run in jig.s.json("runs")[runs:]] == ["A2"]
    jig.check()


def test_refused_starts(quick):
    """The daemon may look between two commands: none of them leaves the way free for one that is still to come."""
    jig = quick
    ons = jig.state()["power_ons"]
    jig.do("lid open", "board all out")
    for commands, next_, words in [
        ([], "load", "no nest has a board"),
        (["board all in"], "close-lid", "the lid is open"),
        (["mode manual", "lid close"], "start", "manual"),
        (["air off", "mode auto"], "start", "air"),
    ]:
        jig.do(*commands)
        jig.wait_next(next_)

        def refused():
            said = jig.s.imprint("start", check=False)
            assert said.returncode == 1, "a cycle began"
            return words in said.stderr
        wait_until(refused, what=f"a refusal with \"{words}\"")
    jig.do("air on", "lid open", "board all out")
    assert jig.state()["power_ons"] == ons


def test_no_order_no_cycle(station):
    jig = JigStation(station("--boards", 1, "--jig", "--jig-options", "--speed 20"))
    jig.s.imprint("order", "close", "DEMO")
    jig.do("board all in", "lid close")
    assert jig.wait("ready")["next"] == "order"
    jig.do("press start")
    wait_until(lambda: "start button refused" in jig.s.log("station"), what="the refusal")
    assert jig.s.imprint("start", check=False).returncode == 1
    assert jig.station()["phase"] == "ready" and jig.state()["power_ons"] == 0


def test_by_hand(station):
    """Only a technician sets signals, and nobody while a cycle runs."""
    jig = JigStation(station("--boards", 1, "--baud", BAUD, "--jig", "--jig-options", "--speed 20"))
    settings = jig.s.dir / "etc/station.yaml"
    text = settings.read_text()
    for access, technician in (("", False), (f"  technician: [{os.getuid()}]\n", True)):
        settings.write_text(re.sub(r"^  technician:.*\n", access, text, flags=re.M))
        jig.s.restart("station")
        jig.wait_first()
        said = jig.s.imprint("jig", "set", "buzzer", "off", check=False)
        assert technician == (said.returncode == 0) == ("may not ask" not in said.stderr), said.stderr
    jig.s.imprint("jig", "set", "buzzer", "on")
    wait_until(lambda: jig.state()["buzzer"], what="the buzzer")
    jig.load()
    jig.start()
    wait_until(lambda: not jig.state()["buzzer"], what="silence: a cycle takes all outputs back")
    refused = jig.s.imprint("jig", "set", "buzzer", "on", check=False)
    assert refused.returncode == 1 and "a cycle runs" in refused.stderr
    jig.wait("unload")
    settings = jig.s.dir / "etc/station.yaml"
    settings.write_text(re.sub(r"^  technician: .*\n", "", settings.read_text(), flags=re.M))
    jig.s.restart("station")
    refused = jig.s.imprint("jig", "set", "buzzer", "on", check=False)
    assert refused.returncode == 1 and "may not ask" in refused.stderr


# --- every way in which it stops ---

STOPS = [
    # name, what happens, the stop that is said (any of these), what mends it
    ("e-stop", ["estop press"], {"estop"}, ["estop release"]),
    ("lid opened", ["lid force"], {"lid"}, ["lid close"]),
    ("clamp lost", ["fault stuck clamped off"], {"clamp-lost"}, ["fault none"]),
    ("air lost", ["air off"], {"air", "clamp-lost"}, ["air on"]),
    ("impossible pair", ["fault stuck clamp_open on"], {"sensors", "clamp-lost"}, ["fault none"]),
    ("cable pulled", ["fault cable"], {"bus"}, ["fault none"]),
    ("controller silent", ["fault silent"], {"bus"}, ["fault none"]),
    # It lets the clamp go, too: either may be seen first.
    ("controller restarts", ["fault restart 50"], {"restarted", "bus", "read-back", "clamp-lost"}, ["fault none"]),
    ("false echo", ["fault echo", "estop press"], {"estop", "read-back"}, ["estop release", "fault none"]),
]
"""With a false echo nothing that is written happens: what needs a change is noticed by reading back."""


SANITIZED = {"e-stop", "cable pulled"}


@pytest.mark.parametrize("name, happens, stops, mends", [
    pytest.param(*row, id=row[0], marks=[pytest.mark.sanitizers] if row[0] in SANITIZED else []) for row in STOPS])
def test_stop(slow, name, happens, stops, mends):
    jig, s = slow, slow.s
    jig.load()
    boards, before = s.boards(), len(s.json("runs"))
    jig.start()
    under_way(jig)
    jig.do(*happens)
    row = jig.wait("stopped")
    ended(jig)
    stopped(jig, row, stops)
    saw(name, said_of_stop(row))
    assert set(outcomes(jig).values()) == {"ABORTED"}
    assert {run["outcome"] for run in s.json("runs")[before:]} == {"ABORTED"}
    wait_until(lambda: jig.state()["power"] == [], what="power off")
    said = s.imprint("jig", "reset", check=False)
    if name not in ("controller restarts", "clamp lost"):  # the one is back already, the other let go
        assert said.returncode == 1 and said.stderr, "a reset while its cause stands"
    mend_and_go_on(jig, mends, boards)


def ended(jig):
    """The runs are, and their boards are marked."""
    wait_until(lambda: jig.marked() == jig.nests(), what="marks on all boards")


def stopped(jig, row, stops):
    """It says what happened, which boards are unknown, and how to go on."""
    assert row["stop"] in stops, row
    assert len(row["stop_text"]) > 20 and row["next"] in ("reset", "jig"), row
    assert row["next_nests"] == jig.nests(), row
    if row["next"] == "jig":
        assert row["powered"] == jig.nests(), "with the bus lost every nest counts as powered"
    text = jig.s.imprint("status").stdout
    assert row["stop_text"] in text and "unknown: A1 A2 A3 A4" in text and "next " in text


def said_of_stop(row):
    return f"stop {row['stop']}: {row['stop_text']}"


def mend_and_go_on(jig, mends, boards):
    """The same boards, without being touched: the same units, and the ledger is true."""
    jig.do(*mends)
    if jig.station()["phase"] == "stopped":
        jig.reset()
    row = jig.wait("unload", "ready")
    assert row["stop"] == "" and row["powered"] == [] and row["next"] == "start", row
    jig.do("press start")
    jig.wait("clamp", "running")
    jig.wait("unload")
    assert set(outcomes(jig).values()) == {"PASS"}
    assert jig.s.boards() == boards
    rows = {row["unit"]: row["state"] for row in jig.s.ledger_list()}
    assert {rows[unit] for unit in boards.values()} == {"installed"}
    assert audit(jig.s, held(jig.s)) == []
    jig.check()


def test_no_pass_without_a_witness(slow):
    """The bus is lost while the last steps run: the recipes come to their good end, and nobody can say that the jig held."""
    jig, s = slow, slow.s
    jig.load()
    boards = s.boards()
    jig.start()
    under_way(jig)
    signer = s.pid("signer")
    os.kill(signer, signal.SIGSTOP)  # no recipe comes to its end while there is a witness
    try:
        wait_until(lambda: all(row["step"] == "installed" for row in jig.status()[1].values()), what="the last steps")
        jig.do("fault cable")
    finally:
        os.kill(signer, signal.SIGCONT)
    jig.wait("stopped")
    ended(jig)
    assert set(outcomes(jig).values()) == {"ABORTED"}
    rows = {row["unit"]: row["state"] for row in s.ledger_list()}
    assert "installed" in {rows[unit] for unit in boards.values()}, "no recipe came to its end"
    mend_and_go_on(jig, ["fault none"], boards)


def test_clamp_timeout(quick):
    jig = quick
    jig.load()
    runs, ons = len(jig.s.json("runs")), jig.state()["power_ons"]
    jig.do("fault clamp", "press start")
    row = jig.wait("stopped")
    assert row["stop"] == "clamp-timeout" and row["next"] == "reset" and row["next_nests"] == []
    assert jig.s.imprint("wait", "--timeout", 20, check=False).returncode == 1
    assert jig.state()["power_ons"] == ons and len(jig.s.json("runs")) == runs
    jig.do("fault none")
    jig.reset()
    jig.wait("ready")
    jig.start()
    jig.wait("unload")
    jig.check()


def test_stuck_start_button(quick):
    """No cycle begins by it, and after some seconds it is a stop."""
    jig = quick
    jig.calm()
    jig.change(*jig.nests())
    runs = len(jig.s.json("runs"))
    jig.do("hold start")
    wait_until(lambda: jig.station()["stop_text"], what="the refusal")
    jig.do("lid close")
    jig.wait_next("release-start")
    row = jig.wait("stopped")
    assert row["stop"] == "start-stuck" and "start button" in row["stop_text"]
    assert jig.s.imprint("jig", "reset", check=False).returncode == 1
    assert jig.s.imprint("start", check=False).returncode == 1
    jig.do("release start")
    jig.reset()
    jig.wait("ready")
    assert len(jig.s.json("runs")) == runs
    jig.do("press start")
    jig.wait("unload")
    assert set(outcomes(jig).values()) == {"PASS"}


def asked(s, record):
    """A connection to the station, which asks that."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(PATIENCE_S)
    at = os.open(s.dir / "run/station", os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{at}/station.sock")
    finally:
        os.close(at)
    connection.send(record)
    return connection


def start_by_key(jig):
    """Asks for a start, and returns when the station has read that: a WATCH behind it is answered at once."""
    start = asked(jig.s, b"\x01\x03" + bytes(6))
    with asked(jig.s, b"\x01\x02") as watch:
        watch.recv(65536)
    return start


@pytest.mark.parametrize("by", ["button", "key"])
def test_a_press_does_not_wait_for_ever(quick, by):
    """The signer is asked before a start. Where the lid was opened meanwhile, the jig does not close on the hands in it."""
    jig = quick
    jig.load()
    began = jig.s.log("station").count("cycle began")
    signer = jig.s.pid("signer")
    os.kill(signer, signal.SIGSTOP)
    try:
        start = start_by_key(jig) if by == "key" else jig.do("press start")
        jig.let_see()
        jig.do("lid open")
        jig.let_see()
        jig.do("lid close")
        jig.let_see()
    finally:
        os.kill(signer, signal.SIGCONT)
    jig.wait_next("start")
    jig.let_see()
    assert jig.s.log("station").count("cycle began") == began and jig.station()["phase"] == "ready"
    if by == "key":
        with start:
            assert b"nothing was started: the lid moved after this START; press START again" in start.recv(65536)
    else:
        assert "the lid moved after this START" in jig.s.log("station")
    jig.do("press start")
    jig.wait("unload")


def test_start_held_through_the_cycle(quick):
    """Tied down, it starts one cycle and no second one."""
    jig = quick
    jig.load()
    jig.do("hold start")
    jig.wait("unload")
    runs = len(jig.s.json("runs"))
    jig.change(*jig.nests())
    jig.do("lid close")
    jig.wait_next("release-start", "reset")
    assert len(jig.s.json("runs")) == runs and jig.state()["power"] == []
    jig.do("release start")
    if jig.station()["phase"] == "stopped":
        jig.reset()
    jig.wait_next("start")
    jig.do("press start")
    jig.wait("unload")


def test_answers_one_behind(station):
    """RTU has no transaction id: a late answer would be taken for the next one's for ever."""
    jig = JigStation(station("--boards", 2, "--baud", BAUD, "--jig", "--jig-options", "--speed 4 --line rtu"))
    jig.load()
    boards = jig.s.boards()
    jig.start()
    under_way(jig)
    jig.do("fault behind", "estop press")
    row = jig.wait("stopped")
    saw("answers one behind", said_of_stop(row))
    ended(jig)
    assert set(outcomes(jig).values()) == {"ABORTED"}
    wait_until(lambda: jig.state()["power"] == [], what="power off")
    mend_and_go_on(jig, ["estop release", "fault none"], boards)


def test_aborted_by_a_person(slow):
    jig = slow
    jig.load()
    boards = jig.s.boards()
    jig.start()
    under_way(jig)
    jig.s.imprint("abort")
    row = jig.wait("stopped")
    assert row["stop"] == "aborted"
    wait_until(lambda: jig.state()["power"] == [], what="power off")
    wait_until(lambda: set(outcomes(jig).values()) == {"ABORTED"}, what="the end of the runs")
    mend_and_go_on(jig, [], boards)


def test_board_taken_out_under_way(slow):
    """Its run is aborted and its power is off; the others go on."""
    jig = slow
    jig.load()
    jig.start()
    under_way(jig)
    jig.do("board A1 out")
    jig.wait("unload")
    assert outcomes(jig) == {"A1": "ABORTED", "A2": "PASS", "A3": "PASS", "A4": "PASS"}
    jig.check()


def what_was_left(jig, name):
    """Each nest says it as soon as the jig says that the board is there."""
    wait_until(lambda: all(row["state"] == "done" for row in jig.status()[1].values()), what="the nests' word")
    for row in jig.status()[1].values():
        saw(name, of_run(row))


def test_the_daemon_ends_under_way(slow):
    """SIGTERM: runs stop, power goes off, all within the time that systemd gives; and up again."""
    jig = slow
    jig.load()
    jig.start()
    under_way(jig)
    jig.s.kill("station", signal.SIGTERM)
    assert jig.state()["power"] == []
    jig.s.start("station")
    jig.wait_first()
    what_was_left(jig, "station of a jig ended under way")
    jig.wait("ready")
    jig.do("press start")
    jig.wait("unload")
    assert set(outcomes(jig).values()) == {"PASS"}
    assert audit(jig.s, held(jig.s)) == []


def test_the_daemon_is_killed_under_way(slow):
    """The jig's watchdog takes the power."""
    jig = slow
    jig.load()
    jig.start()
    under_way(jig)
    jig.s.kill("station")
    wait_until(lambda: jig.state()["power"] == [], what="the watchdog")
    jig.s.start("station")
    wait_until(lambda: jig.station()["phase"] in ("ready", "stopped"), what="the jig")
    what_was_left(jig, "station of a jig killed under way")
    if jig.station()["phase"] == "stopped":
        jig.reset()
    jig.wait("ready")
    jig.do("press start")
    jig.wait("unload")
    assert set(outcomes(jig).values()) == {"PASS"}
    assert audit(jig.s, held(jig.s)) == []
    jig.check()


# --- whatever happens, in whatever moment ---

HAPPENINGS = [
    # what happens, what mends it
    (["estop press"], ["estop release"]),
    (["lid force"], ["lid close"]),
    (["air off"], ["air on"]),
    (["fault clamp"], ["fault none"]),
    (["fault stuck clamped off"], ["fault none"]),
    (["fault stuck clamp_open on"], ["fault none"]),
    (["fault cable"], ["fault none"]),
    (["fault silent"], ["fault none"]),
    (["fault late 400"], ["fault none"]),
    (["fault restart 50"], ["fault none"]),
    (["fault echo"], ["fault none"]),
    (["fault behind"], ["fault none"]),
    (["hold start"], ["release start"]),
    (["board A1 out"], ["board A1 in"]),
    (["abort"], []),
]


class Cycles:
    """One after the other, with something that happens in most of them."""

    def __init__(self, jig, seed):
        self.jig, self.random = jig, random.Random(seed)
        self.passed, self.stopped, self.installed = 0, 0, set()

    def happen(self, commands):
        for command in commands:
            if command == "abort":
                self.jig.s.imprint("abort")
            else:
                self.jig.do(command)

    def one(self):
        nests = self.random.sample(self.jig.all, self.random.randint(1, len(self.jig.all)))
        self.jig.calm()
        self.jig.change(*nests)
        self.jig.do("lid close")
        self.jig.wait("ready", "stopped")  # what happened before may be seen only now
        if self.random.random() < 0.5:
            self.jig.do("press start")
            self.jig.wait("clamp", "running", "release", "unload", "stopped")
        else:
            self.jig.s.imprint("start", check=self.jig.station()["phase"] != "stopped")
        if self.random.random() < 0.8:
            happens, mends = self.random.choice(HAPPENINGS)
            time.sleep(self.random.random() * 0.6)
            self.happen(happens)
            time.sleep(self.random.random() * 0.3)
            self.settle(mends)
        self.settle([])
        self.look()

    def settle(self, mends):
        """Mended, and the cycle at its end, whichever that is."""
        self.jig.do(*mends)
        if self.jig.wait("unload", "ready", "load", "stopped")["phase"] == "stopped":
            self.stopped += 1
            self.jig.calm()

    def look(self):
        """Boards that hold a certificate say so in the ledger; who passed is installed; power is off."""
        assert self.jig.state()["power"] == []
        states = {row["unit"]: row["state"] for row in self.jig.s.ledger_list()}
        for row in self.jig.status()[1].values():
            if row["outcome"] == "PASS" and row["state"] != "empty":
                assert states[row["unit"]] == "installed"
                self.installed.add(row["unit"])


def test_random_cycles(station):
    """The virtual jig is the judge: power never reaches a nest outside its interlock."""
    seed = int(os.environ.get("IMPRINT_SEED") or time.time())
    print(f"IMPRINT_SEED={seed}")
    jig = JigStation(station("--boards", NESTS, "--baud", 57600, "--jig", "--jig-options", "--speed 20"))
    jig.all = jig.nests()
    cycles = Cycles(jig, seed)
    for _ in range(CYCLES):
        cycles.one()
    state = jig.check()
    assert len(cycles.installed) > CYCLES / 2 and cycles.stopped > CYCLES / 10, (cycles.installed, cycles.stopped)
    assert audit(jig.s, held(jig.s), installed=cycles.installed) == []
    print(f"{CYCLES} cycles, {cycles.stopped} stops, {len(cycles.installed)} boards; power off after "
          f"{state['slowest_off_ms']} ms at most, {state['slowest_after_sample_ms']} ms after the sample")


def test_idle_costs_little(station):
    """64 nests and a jig, and nobody does anything. The number is printed; only a busy loop fails."""
    jig = JigStation(station("--boards", 64, "--jig"))
    pid, seconds = jig.s.pid("station"), 5

    def used():
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before = used()
    time.sleep(seconds)
    share = (used() - before) / seconds
    print(f"idle: {100 * share:.1f} % of one core")
    assert share < 0.5
