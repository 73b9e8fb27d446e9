"""Boards of every driver, each a process with its flash in a file, emulated Cortex-M3 ones with real firmware among them, on lines
that may be bad."""
import collections
import random
import subprocess
import time

import pytest
from drivers import EVIDENCE, KINDS, PRODUCT, as_der, wrong_in_flash
from fleet import COMMIT, EMULATED, Fleet, NoBoards, add_nests
from station import BUILD, LONG, PATIENCE_S, wait_until
from tools import der_of, verify

# How many boards of each kind: 8 emulated ones and 8 virtual ones on one panel, and as many of each on bad days.
PANEL = {EMULATED: 8} | {kind: 2 for kind in KINDS}
EACH = {kind: 2 for kind in (EMULATED, *KINDS)}
ROUNDS = 25 if LONG else 1  # of power cuts: twice as many for each kind
ROUNDS_MAX = 10  # on a machine on which stages pass unseen
# What lies in flash, as a recipe goes on. Some stage of the first six is waited for, and then a moment more, until the power goes.
STAGES = ["blank", "key", *(f"{part}{slot}" for slot in ("certificate", "issuer", "bundle", "root") for part in ("part of the ", "")),
          "committed"]
WANTED = STAGES[:6]
MOMENT_S = 0.3
NOISE = {
    "flipped bits, lost lines, stalls": (20 if LONG else 1, "--flip", 2000, "--lose-lines", 100, "--stall", 30, "--stall-ms", 200),
    "lost and doubled bytes, unplugged": (4 if LONG else 1, "--drop", 3000, "--duplicate", 3000, "--hang-up", 150),
}
# All that a run may take: the sum of the steps' default timeouts (station/settings.h), and a while for the rest.
RUN_MAX_MS = 20_000 + 3_000 + 20_000 + 20_000 + 20_000 + 5_000 + 3_000 + 20_000 + 5_000 + 60_000


@pytest.fixture
def fleet(station, tmp_path):
    """fleet({kind: count}, bridge options…): a station with nests for that many boards of each kind."""
    up = []

    def bring_up(counts, *options):
        product = tmp_path / "product.yaml"
        product.write_text(PRODUCT)
        s = station("--boards", 0, "--product", product)
        kinds = {f"{kind[0].upper()}{number + 1}": kind for kind, count in counts.items() for number in range(count)}
        try:
            up.append(Fleet(s.dir / "fleet", kinds, *options, kinds=kinds).__enter__())
        except NoBoards as reason:
            pytest.skip(str(reason))
        add_nests(s, up[-1])
        return s, up[-1]

    try:
        yield bring_up
    finally:
        for one in up:
            one.__exit__()


def check_installed(s, f, boards):
    """{nest: unit}: each unit has one certificate that is not void, and its flash holds that, its issuer and its key."""
    issuer = der_of(s.imprint("ca", "show").stdout)
    rows = s.ledger_list()
    for nest, unit in boards.items():
        driver = f.driver(nest)
        valid = [row for row in rows if row["unit"] == unit and row["state"] != "void"]
        assert [(row["state"], row["evidence"]) for row in valid] == [("installed", EVIDENCE[driver])], (nest, valid)
        wrong = wrong_in_flash(driver, lambda slot: f.flash(unit, slot), f.key(unit), f.page(unit, COMMIT, 8), valid[0], issuer)
        assert not wrong, (nest, unit, wrong)


@pytest.mark.sanitizers
def test_mixed_panel(fleet, tmp_path):
    """Eight emulated and eight virtual boards of four drivers, one `imprint start`."""
    s, f = fleet(PANEL)
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    check_installed(s, f, f.units)
    rows = s.ledger_list()
    assert {row["nest"]: row["unit"] for row in rows} == f.units and len(rows) == sum(PANEL.values())
    done = verify(der_of(s.imprint("ca", "show").stdout), [as_der(f.flash(unit, "certificate")) for unit in f.units.values()], tmp_path)
    assert done.stdout.count(b": OK") == len(rows), done.stderr
    s.imprint("ledger", "verify")


def ended(s, nests, began):
    """Waits until one more run in each nest than `began` counts is on record, and the nest, a moment later, says that it ended;
    {nest: that run}."""
    def all_of_them():
        last = {run["nest"]: run for run in s.json("runs")[began:]}
        running = {row["nest"] for row in s.json("status") if row["type"] == "nest" and row["state"] == "running"}
        return set(nests) <= set(last) and not running & set(nests) and last
    return wait_until(all_of_them, what=f"the end of {nests}")


def run_all(s, f):
    f.wait_power(*f.names)
    began = len(s.json("runs"))
    s.imprint("start", *f.names)
    return ended(s, f.names, began)


def change_all(f):
    for nest in f.names:
        f.change(nest)


def cut_some_time(s, f, chance):
    """Starts all nests and cuts each board's power a moment after its flash was seen to be so far; for half of them it comes back
    at once, for the others when the run is over. {nest: the run that this hit}, and how far each board had come."""
    stages, off = {}, set(chance.sample(f.names, len(f.names) // 2))
    wanted, due = {nest: STAGES.index(chance.choice(WANTED)) for nest in f.names}, {}
    f.wait_power(*f.names)
    began = len(s.json("runs"))
    started = subprocess.Popen([BUILD / "imprint", "start", *f.names], env=s.env)

    def all_cut():
        for nest in f.names:
            if nest not in due and STAGES.index(f.stage(nest)) >= wanted[nest]:
                due[nest] = time.monotonic() + chance.uniform(0, MOMENT_S)
            if nest in stages or time.monotonic() < due.get(nest, float("inf")):
                continue
            f.cut(nest)
            stages[nest] = f.stage(nest)
            if nest not in off:
                f.power(nest)
        return len(stages) == len(f.names)

    wait_until(all_cut, what="the stages")
    assert started.wait(PATIENCE_S) == 0
    runs = ended(s, f.names, began)
    for nest in off:
        f.power(nest)
    return runs, stages


def check_again(f, first, again):
    """A modem that was installed is not asked for its request again: that would cost its key."""
    for nest, run in again.items():
        kept = f.driver(nest) == "nrf91" and first[nest]["outcome"] == "PASS"
        wanted = ("FAIL", "unit-installed") if kept else ("PASS", "")
        assert (run["outcome"], run["code"]) == wanted, (first[nest], run)


def test_power_cuts(fleet):
    """kill -9 of a board at a random moment of its recipe, power again, run again: installed, with one certificate."""
    s, f = fleet(EACH, "--baud", 115200)
    chance = random.Random(20261122)
    hit, outcomes, boards = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter), []
    midst = set()
    while len(boards) < ROUNDS or (len(midst) < 2 and len(boards) < ROUNDS_MAX):
        if boards:
            change_all(f)
        first, stages = cut_some_time(s, f, chance)
        for nest, run in first.items():
            assert run["outcome"] in ("PASS", "FAIL"), run
            hit[f.kinds[nest]][stages[nest]] += 1
            outcomes[f.kinds[nest]][run["outcome"] + run["code"]] += 1
        check_again(f, first, run_all(s, f))
        check_installed(s, f, f.units)
        boards.append(dict(f.units))
        midst |= set(stages.values()) - {"blank", "committed"}
    for kind in EACH:
        print(f"{kind}: what lay in flash when the power went: {dict(hit[kind])}; how that run ended: {dict(outcomes[kind])}")
    assert len(midst) >= 2, hit
    for one in boards:
        check_installed(s, f, one)
    print(f"void: {collections.Counter(f.kinds[row['nest']] for row in s.ledger_list() if row['state'] == 'void')}")
    assert s.order()["used"] == sum(len(one) for one in boards) == len(boards) * len(f.names)
    s.imprint("ledger", "verify")


@pytest.mark.parametrize("kind", NOISE)
def test_noise(fleet, kind):
    """On a bad line each run ends in time, with an outcome that has a name; and no PASS with a wrong flash."""
    rounds, *options = NOISE[kind]
    s, f = fleet(EACH, "--baud", 115200, *options)
    outcomes, longest = collections.defaultdict(collections.Counter), collections.Counter()
    for number in range(rounds):
        if number:
            change_all(f)
        runs = run_all(s, f)
        for nest, run in runs.items():
            board = f.kinds[nest]
            outcomes[board]["PASS" if run["outcome"] == "PASS" else f"{run['code']} in {run['step']}"] += 1
            assert run["outcome"] == "PASS" or run["outcome"] in ("FAIL", "ERROR") and run["code"], run
            assert run["duration_ms"] < RUN_MAX_MS, run
            longest[board] = max(longest[board], run["duration_ms"])
            if run["outcome"] != "PASS":
                print(f"{board}: {run['text']}")
        check_installed(s, f, {nest: run["unit"] for nest, run in runs.items() if run["outcome"] == "PASS"})
    noise = collections.Counter()
    for counts in f.counts().values():
        noise.update({name: counts[name] for name in ("flip", "drop", "duplicate", "lose_line", "stall", "hang_up")})
    for board in EACH:
        print(f"{board}: {dict(outcomes[board])}, longest {longest[board]} ms")
    print(f"{kind}, {rounds * len(f.names)} cycles: {dict(noise)}")
    assert sum(noise.values()) > 0 and sum(count["PASS"] for count in outcomes.values()) > 0, (noise, outcomes)
    s.imprint("ledger", "verify")
