"""fixtures/ and a module that misbehaves: no bus thread waits long for it, and what it refuses is not passed over."""
import pytest
from fault_rows import MODBUS, saw
from jig import Drive
from odd_modbus import OddModbus
from station import PATIENCE_S, wait_until

MAP = """jig:
  buses:
    - name: io
      tcp: "127.0.0.1:{port}"
      keepalive: {{ kind: traffic, clear: 40 }}
  signals:
    estop_ok: {{ table: input-register, address: 0, bit: 0 }}
    lid_closed: {{ table: input-register, address: 0, bit: 1 }}
    clamped: {{ table: input-register, address: 0, bit: 2 }}
    reset: {{ table: input-register, address: 120 }}
    clamp: {{ table: coil, address: 3 }}
    power: [{{ table: coil, address: 16 }}]
"""
WAGO = MAP.replace("kind: traffic, clear: 40", "kind: watchdog-restart, address: 200, timeout_ms: 1000")
pytestmark = pytest.mark.sanitizers
ALL_WELL = 7
CLAMP, POWER = 3, 16


@pytest.fixture
def module():
    with OddModbus() as odd:
        odd.registers[0] = ALL_WELL
        yield odd


@pytest.fixture
def drive(module, tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(MAP.format(port=module.port))
    with Drive(path, "A1") as driven:
        yield driven


def power_up(module, drive):
    drive.wait(fresh=True)
    drive("want clamp power=A1")
    drive.wait(powered=["A1"])


def test_answers_byte_by_byte(module, drive):
    """Each byte comes in time, and the whole answer takes ten seconds: that bus is lost."""
    power_up(module, drive)
    module.dribble_s = 0.04
    drive.wait(trip="bus")
    assert not drive.see()["fresh"]
    module.dribble_s = 0
    wait_until(lambda: not module.coils[POWER], what="power off")
    assert module.coils[CLAMP]


@pytest.mark.parametrize("kind", MODBUS)
def test_answers_that_are_not_for_us(module, drive, kind):
    """Not believed, whatever they say: the bus is lost, and power goes off once it is mended."""
    power_up(module, drive)
    spoil, module.spoil = module.spoil, MODBUS[kind][1]
    saw(kind, f"stop bus: {drive.wait(trip='bus')['sentence']}")
    assert not drive.see()["fresh"]
    module.spoil = spoil
    wait_until(lambda: not module.coils[POWER], what="power off")
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")


def test_watchdog_that_cannot_be_set_going(module, drive):
    """Outputs that nothing takes when the station dies are not switched."""
    drive.wait(fresh=True)
    module.refused.add((5, 40))
    module.hang_ups = 1
    assert "check the map" in drive.wait(trip="bus")["sentence"]
    drive("want clamp power=A1")
    assert drive.ask("reset").startswith("error: ")
    assert not drive.see()["fresh"] and not module.coils[POWER]
    module.refused.clear()
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")


def test_watchdog_that_cannot_be_renewed(module, drive):
    """After a trip the module's watchdog is set going again; a module that refuses is lost."""
    power_up(module, drive)
    module.registers[0] &= ~1
    drive.wait(trip="estop")
    module.registers[0] |= 1
    module.refused.add((5, 40))
    wait_until(lambda: drive.ask("reset") == "ok", what="the reset")
    drive.wait(trip="bus")


@pytest.mark.parametrize("status", [1, 2], ids=["running", "expired"])
def test_watchdog_of_another_time(module, tmp_path, status):
    """A coupler that was set going with ten seconds would hold the power for ten seconds when the station dies."""
    path = tmp_path / "map.yaml"
    path.write_text(WAGO.format(port=module.port))
    module.registers[200], module.registers[206] = 100, status
    with Drive(path, "A1") as drive:
        sentence = drive.wait(trip="bus")["sentence"]
        saw("watchdog of another time", sentence)
        assert "its watchdog runs with 10000 ms, and the map says timeout_ms: 1000" in sentence
        assert not drive.see()["fresh"]
        module.registers[200] = 10
        drive.wait(fresh=True)


def test_end_after_a_bad_cycle(module, tmp_path):
    """One lost answer at the end, and the power goes off all the same."""
    path = tmp_path / "map.yaml"
    path.write_text(MAP.format(port=module.port))
    with Drive(path, "A1") as drive:
        power_up(module, drive)
        module.hang_ups = 1
        assert module.hung_up.wait(PATIENCE_S)
    assert not module.coils[POWER] and module.coils[CLAMP]
