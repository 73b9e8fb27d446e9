"""Boards with real firmware: the agent on an emulated Cortex-M3, its flash in a file, on a line that may be bad."""
import collections
import random
import subprocess
import time

import pytest
from fleet import Fleet, NoBoards, add_nests
from station import BUILD, LONG
from tools import certificate_id, der_of, verify

BOARDS = 8
NESTS = [f"E{number + 1}" for number in range(BOARDS)]
KILLS = 50 if LONG else 10
MOMENTS_S = (0.0, 0.8)  # of a recipe that takes 0.4 to 0.7 s at 115200 baud
CYCLES = 200 if LONG else 20
NOISE = {
    "flipped bits, lost lines, stalls": (CYCLES, "--flip", 2000, "--lose-lines", 100, "--stall", 30, "--stall-ms", 200),
    "lost and doubled bytes, unplugged": (40 if LONG else 8, "--drop", 3000, "--duplicate", 3000, "--hang-up", 150),
}
# All that a run may take: the sum of the steps' default timeouts (station/settings.h), and a second for the rest.
RUN_MAX_MS = 20_000 + 3_000 + 20_000 + 20_000 + 20_000 + 5_000 + 3_000 + 20_000 + 5_000 + 1_000


@pytest.fixture
def fleet(station):
    """fleet(virtual boards, bridge options…): a station with that many virtual boards, and eight emulated ones."""
    up = []

    def bring_up(virtual, *options):
        s = station("--boards", virtual)
        try:
            up.append(Fleet(s.dir / "emulated", NESTS, *options).__enter__())
        except NoBoards as reason:
            pytest.skip(str(reason))
        add_nests(s, up[-1])
        return s, up[-1]

    try:
        yield bring_up
    finally:
        for one in up:
            one.__exit__()


def check_installed(s, fleet, units):
    """Each unit has one certificate that is not void, and its flash holds that and the issuer."""
    issuer = der_of(s.imprint("ca", "show").stdout)
    rows = s.ledger_list()
    for unit in units:
        valid = [row for row in rows if row["unit"] == unit and row["state"] != "void"]
        assert [(row["state"], row["evidence"]) for row in valid] == [("installed", "signed")], valid
        assert certificate_id(fleet.flash(unit, "certificate")) == valid[0]["certificate_id"]
        assert fleet.flash(unit, "issuer") == issuer


def test_mixed_panel(fleet, tmp_path):
    """Eight emulated and eight virtual boards, one `imprint start`."""
    s, f = fleet(8)
    virtual = s.boards()
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", 60)
    check_installed(s, f, f.units.values())
    rows = s.ledger_list()
    assert {row["nest"]: row["unit"] for row in rows} == virtual | f.units
    assert {(row["state"], row["evidence"]) for row in rows} == {("installed", "signed")}
    done = verify(der_of(s.imprint("ca", "show").stdout), [f.flash(unit, "certificate") for unit in f.units.values()], tmp_path)
    assert done.stdout.count(b": OK") == BOARDS, done.stderr
    s.imprint("ledger", "verify")


def ended(s, nests, began, timeout_s=RUN_MAX_MS / 1000 + 5):
    """Waits for the end of one more run in each nest than `began` counts; {nest: that run}."""
    deadline = time.monotonic() + timeout_s
    while True:
        last = {run["nest"]: run for run in s.json("runs")[began:]}
        if set(nests) <= set(last):
            return last
        assert time.monotonic() < deadline, f"still running after {timeout_s} s: {set(nests) - set(last)}"
        time.sleep(0.1)


def batches(count):
    """Lists of nests, together that many."""
    return [NESTS[:min(BOARDS, count - done)] for done in range(0, count, BOARDS)]


def cut_some_time(s, f, nests, chance):
    """Starts the nests and cuts each board's power at a moment of its own; {nest: the run that this hit}, and how far
    each board had come."""
    stages = collections.Counter()
    began = len(s.json("runs"))
    started = subprocess.Popen([BUILD / "imprint", "start", *nests], env=s.env)
    begin = time.monotonic()
    for moment, nest in sorted((chance.uniform(*MOMENTS_S), nest) for nest in nests):
        time.sleep(max(0, begin + moment - time.monotonic()))
        f.cut(nest)
        stages[f.stage(nest)] += 1
        f.power(nest)
    assert started.wait(20) == 0
    return ended(s, nests, began), stages


def test_power_cuts(fleet):
    """kill -9 of a board at a random moment of its recipe, power again, run again: installed, with one certificate."""
    s, f = fleet(0, "--baud", 115200)
    chance = random.Random(20261122)
    hit, units = collections.Counter(), []
    for nests in batches(KILLS):
        for nest in nests if units else []:
            f.change(nest)
        f.wait_power(*nests)
        first, stages = cut_some_time(s, f, nests, chance)
        hit.update(stages)
        assert all(run["outcome"] in ("PASS", "FAIL") for run in first.values()), first
        f.wait_power(*nests)
        began = len(s.json("runs"))
        s.imprint("start", *nests)
        again = ended(s, nests, began)
        assert {run["outcome"] for run in again.values()} == {"PASS"}, again
        units += [f.units[nest] for nest in nests]
        check_installed(s, f, [f.units[nest] for nest in nests])
    print(f"what lay in flash when the power went: {dict(hit)}")
    assert len(set(hit) - {"blank", "committed"}) >= 2, hit
    check_installed(s, f, units)
    assert s.order()["used"] == len(units) == KILLS
    s.imprint("ledger", "verify")


@pytest.mark.parametrize("kind", NOISE)
def test_noise(fleet, kind):
    """On a bad line each run ends in time, with an outcome that has a name; and no PASS with a wrong flash."""
    cycles, *options = NOISE[kind]
    s, f = fleet(0, "--baud", 115200, *options)
    outcomes, passed, longest = collections.Counter(), 0, 0
    for number, nests in enumerate(batches(cycles)):
        for nest in nests if number else []:
            f.change(nest)
        f.wait_power(*nests)
        began = len(s.json("runs"))
        s.imprint("start", *nests)
        runs = ended(s, nests, began)
        for nest, run in runs.items():
            outcomes["PASS" if run["outcome"] == "PASS" else f"{run['code']} in {run['step']}"] += 1
            assert run["outcome"] == "PASS" or run["outcome"] in ("FAIL", "ERROR") and run["code"], run
            assert run["duration_ms"] < RUN_MAX_MS, run
            longest = max(longest, run["duration_ms"])
        good = [run["unit"] for run in runs.values() if run["outcome"] == "PASS"]
        check_installed(s, f, good)
        passed += len(good)
    noise = collections.Counter()
    for counts in f.counts().values():
        noise.update({name: counts[name] for name in ("flip", "drop", "duplicate", "lose_line", "stall", "hang_up")})
    print(f"{kind}, {cycles} cycles: {dict(outcomes)}, longest {longest} ms; {dict(noise)}")
    assert sum(noise.values()) > 0 and passed > 0, (noise, outcomes)
    s.imprint("ledger", "verify")
