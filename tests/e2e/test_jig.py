"""fixtures/ against the virtual jig, which judges: whatever happens, power goes off, and stays off until RESET."""
import os
import signal
import time

import pytest
from jig import Drive, Jig
from station import LONG, PATIENCE_S, wait_until

NESTS = "A1,A2,B1"
ALL = NESTS.split(",")
LINES = {
    "tcp": [],
    "rtu": ["--line", "rtu"],
    "bits": ["--map", "bits"],
    "both": ["--line", "both"],
}
# What is done, which trip it is, what takes its cause back. With the bus lost the jig's own watchdog takes the power.
TRIPS = {
    "e-stop": ("estop press", "estop", "estop release"),
    "lid opened": ("lid force", "lid", "lid close"),
    "clamp lost": ("fault stuck clamped off", "clamp-lost", "fault none"),
    "air lost": ("air off", "air", "air on"),
    "impossible pair": ("fault stuck clamp_open on", "sensors", "fault none"),
    "cable pulled": ("fault cable", "bus", "fault none"),
    "silent": ("fault silent", "bus", "fault none"),
    "late": ("fault late 400", "bus", "fault none"),
    "gone": ("fault restart 600000", "bus", "fault none"),
    "restarted": ("fault restart 1", "restarted", "fault none"),
    "heartbeat stands still": ("fault freeze", "stale", "fault none"),
    "false echo": ("fault echo", "read-back", "fault none"),
    "one behind": ("fault behind", "bus", "fault none"),
}
ROWS = [("tcp", name) for name in TRIPS] + [("rtu", "late"), ("rtu", "one behind"), ("rtu", "cable pulled"), ("rtu", "false echo")] + [
    ("bits", "lid opened"), ("bits", "restarted"), ("bits", "false echo"), ("both", "e-stop"), ("both", "lid opened"), ("both", "silent")]


@pytest.fixture(scope="module")
def rigs(scratch):
    """rigs(line): a virtual jig and its driver; the same for all tests that name this line."""
    up = {}

    def rig(line):
        if line not in up:
            jig = Jig(scratch / f"jig-{line}", NESTS, *LINES[line])
            up[line] = (jig, Drive(jig.map, NESTS))
        return up[line]

    yield rig
    for jig, drive in up.values():
        with jig, drive:
            pass


def power_up(jig, drive, nests="A1,B1"):
    """However often it takes: where this machine stands still for a second, jig and driver rightly give each other up."""
    for well in "fault none", "estop release", "air on", "lid close", "board all in":
        jig(well)
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")
    drive("want")
    drive.wait(powered=[])
    wanted = nests.split(",")

    def has_power():
        if drive.see()["trip"]:
            drive.ask("reset")
            drive("want")
        drive(f"want clamp lid_lock power={nests}")
        now = drive.see()
        return now["fresh"] and now["clamped"] and not now["trip"] and now["powered"] == jig.state()["power"] == wanted
    wait_until(has_power, what=f"power for {nests}")


@pytest.mark.sanitizers
@pytest.mark.parametrize("line, name", ROWS, ids=[f"{line}-{name.replace(' ', '-')}" for line, name in ROWS])
def test_trips(rigs, line, name):
    jig, drive = rigs(line)
    cause, trip, remedy = TRIPS[name]
    power_up(jig, drive)
    if trip == "read-back":  # something must be written for it to be seen
        jig(cause)
        drive("want clamp lid_lock busy power=A1,B1")
    else:
        jig(cause)
    said = drive.wait(trip=trip)
    assert "RESET" in said["sentence"]
    if trip == "bus":
        assert not said["fresh"] and not any(said[key] for key in ("estop_ok", "lid_closed", "clamped", "present"))
        if line == "both":  # the other one is lost a little later, and no reset may come before that
            said = drive.wait(powered=ALL)
        assert said["powered"] == ALL, "with the bus lost all may be powered"
    if name != "gone":
        jig.wait(power=[])  # by the power-off frame, or by the watchdog
    if trip not in ("restarted", "clamp-lost", "read-back"):
        assert drive.ask("reset").startswith("error: "), "its cause stands"
    jig(remedy)
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")
    drive.wait(fresh=True, trip="", powered=[])
    drive("want clamp lid_lock power=A1,B1")  # the old wish does not bring it back
    jig.pass_requests()
    assert jig.state()["power"] == []
    power_up(jig, drive)
    assert jig.state()["breaches"] == 0


def test_board_that_leaves(rigs):
    """It loses its own power alone, without a trip; and has it again only when it was wished for anew."""
    jig, drive = rigs("tcp")
    power_up(jig, drive, "A1,A2")
    jig("board A2 out")
    assert drive.wait(powered=["A1"])["trip"] == ""
    jig("board A2 in")
    drive.wait(present=ALL)
    drive("want clamp power=A1,A2")
    assert drive.wait(powered=["A1"])["trip"] == ""
    drive("want clamp power=A1")
    drive("want clamp power=A1,A2")
    drive.wait(powered=["A1", "A2"])


def test_interlocks_hold_in_commissioning(rigs):
    jig, drive = rigs("tcp")
    drive("want")
    drive.wait(powered=[], trip="")
    jig("lid force")
    drive.wait(lid_closed=False)
    drive("hold power A1=on")
    drive("hold clamp=on")
    drive("hold red=on")
    jig.wait(red=True)
    jig.pass_requests()
    jig.wait(power=[], clamp=False)
    assert drive.ask("hold start=on").startswith("error: start is an input")
    assert drive.ask("hold power Z9=on").startswith("error: the jig has no signal")
    drive("release")
    jig.wait(red=False)


def test_nothing_unclamps_under_power(rigs):
    jig, drive = rigs("tcp")
    power_up(jig, drive)
    drive("want power=A1,B1")  # the clamp is not wanted any more, the power is
    jig.pass_requests()
    assert (now := jig.state())["clamp"] and now["power"] == ["A1", "B1"] and now["lid_locked"]
    drive("want")
    jig.wait(clamp=False, power=[], clamp_open=True, lid_locked=False)


@pytest.mark.parametrize("line", ["bits", "tcp"])
def test_host_that_hangs(rigs, line):
    """The watchdog takes the power; a host that wakes up does not simply bring it back."""
    jig, drive = rigs(line)
    power_up(jig, drive)
    drive.process.send_signal(signal.SIGSTOP)
    try:
        jig.wait(power=[], watchdog="expired")
    finally:
        drive.process.send_signal(signal.SIGCONT)
    drive.wait(trip="restarted")
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")
    power_up(jig, drive)


def test_late_answers_are_never_fresh(scratch):
    """On a line without numbers, from the first request on."""
    with Jig(scratch / "jig-behind", NESTS, "--line", "rtu") as jig:
        jig("fault behind")
        with Drive(jig.map, NESTS) as drive:
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                assert not drive.see()["fresh"]
            drive.wait(trip="bus")


def test_line_is_held_alone(scratch):
    with Jig(scratch / "jig-alone", NESTS, "--line", "rtu") as jig, Drive(jig.map, NESTS) as drive:
        drive.wait(fresh=True)
        with Drive(jig.map, NESTS) as second:
            assert "another program holds" in second.wait(trip="bus")["sentence"]
        assert drive.see()["fresh"]


def test_end_takes_the_power(scratch):
    with Jig(scratch / "jig-end", NESTS, "--watchdog", 60_000) as jig:
        with Drive(jig.map, NESTS) as drive:
            power_up(jig, drive)
        now = jig.state()
        assert now["power"] == [] and now["clamp"] and now["watchdog"] == "running"
        with Drive(jig.map, NESTS) as drive:  # and the clamp stays until somebody wants it open
            drive.wait(fresh=True, clamp_on=True)
            drive("want")
            jig.wait(clamp=False)


def test_idle_jig_costs_little(scratch):
    with Jig(scratch / "jig-idle", NESTS) as jig, Drive(jig.map, NESTS) as drive:
        drive.wait(fresh=True)
        seconds = 20 if LONG else 3

        def cpu_s():
            fields = open(f"/proc/{drive.process.pid}/stat").read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        before = cpu_s()
        time.sleep(seconds)
        assert cpu_s() - before < 0.05 * seconds + 0.02  # the clock ticks are coarse


def test_the_judge_sees_a_breach(scratch):
    """A host without interlocks: power with the lid open."""
    client = pytest.importorskip("pymodbus.client").ModbusTcpClient
    with Jig(scratch / "jig-breach", NESTS, may_breach=True) as jig:
        host = client("127.0.0.1", port=int(jig.map.read_text().split("127.0.0.1:")[1].split('"')[0]))
        assert host.connect()
        deadline, counter = time.monotonic() + PATIENCE_S, 0
        while not jig.state()["breaches"]:
            assert time.monotonic() < deadline
            counter += 1
            host.write_registers(0, [0, counter, 1])
            time.sleep(0.02)
        host.close()
        assert jig.end() == 3
        assert (jig.dir / "breaches").read_text().startswith("A1 had power for ")
