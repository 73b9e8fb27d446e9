"""A slow token: as many signatures at a time as it has sessions, and nobody waits for a batch. The faulty module holds the
signatures and notes when each began and ended: nothing here depends on how fast this machine is."""
import pytest
from faulty import spoil
from station import wait_until
from test_faults import nests_of, run_all, wait_runs

HELD = "delay 600000"  # until the script changes; 10 s of it are a hung token


@pytest.mark.parametrize("sessions", [8, 1])
def test_signatures_at_a_time(station, sessions):
    s = spoil(station("--boards", 16), sessions)
    s.forget()
    s.script(f"C_Sign always {HELD}")
    s.imprint("start")
    wait_until(lambda: (s.signing() or [0])[-1] == sessions, what=f"{sessions} signatures under way")
    s.script("C_Sign always delay 20")
    wait_runs(s, 16)
    assert {run["outcome"] for run in s.json("runs")} == {"PASS"}
    assert len(s.seen("end")) == 16 and max(s.signing()) == sessions


def test_a_late_board_waits_for_nobody(station):
    """One signature is held; the boards that come later pass before it ends."""
    s = spoil(station("--boards", 4), 2)
    s.forget()
    s.script(f"C_Sign 1 {HELD}")
    s.imprint("start", "A1")
    wait_until(lambda: s.seen("begin"), what="the signature of A1")
    late = run_all(s, "A2", "A3", "A4")
    assert {run["outcome"] for run in late.values()} == {"PASS"} and nests_of(s)["A1"]["state"] == "running"
    assert s.signing()[-1] == 1, "the signature of A1 has ended"
    s.script()
    wait_runs(s, 4)
    assert {run["outcome"] for run in s.json("runs")} == {"PASS"}
