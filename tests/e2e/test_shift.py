"""The shift's work: counters, retests, stops, modes, badges and labels, with real daemons that are killed in between.

What limits or counts comes from the record of runs: each test ends the station with SIGKILL where that could be forgotten."""
import json
import re
from datetime import datetime, timedelta

import pytest
from station import wait_until
from test_faults import nests_of, one_run, run_all, wait_runs

BADGES = {"SUP-0001": ("Lee", "supervisor"), "TEC-0001": ("Kim", "technician"), "OPR-0001": ("Wang", "operator")}


@pytest.fixture
def shift(station):
    """shift("retest: {tries: 2}", "--boards", 2): a station with that setting, and three badges."""
    def bring_up(setting, *options):
        s = station("--setting", setting, "--setting", far_from_its_end(), *options)
        for badge, (person, role) in BADGES.items():
            s.imprint("badge", "enrol", badge, "--person", person, "--role", role)
        return s
    return bring_up


def far_from_its_end():
    """A shift that began half a day ago: no test sees its end, which would empty the counters and log people out."""
    return f'shifts: ["{datetime.now() - timedelta(hours=12):%H:%M}"]'


def of_station(s):
    return next(row for row in s.json("status") if row["type"] == "station")


def counters(s):
    row = of_station(s)
    return {key: row[key] for key in ("shift", "lot", "last")}


def kill_and_start(s):
    s.kill("station")
    s.start("station")


def reseat(s, nest, unit="", into=None):
    s.rig(f"remove {nest}")
    wait_until(lambda: nests_of(s)[nest]["state"] in ("empty", "stopped"), what=f"{nest} without a board")
    s.rig(f"insert {into or nest} {unit}")
    wait_until(lambda: nests_of(s)[into or nest]["state"] != "empty", what=f"the board in {into or nest}")


def refused(s, *words):
    done = s.imprint(*words, check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, (words, done.stdout, done.stderr)
    return done.stderr


def alarms(s):
    return {(row["code"], row["nest"]): row for row in s.json("alarms")}


def has_alarm(s, code, nest="", active=True):
    of_station(s)  # the station asks the signer for it: else it would only now and then
    row = alarms(s).get((code, nest))
    return row is not None and row["active"] == active


# --- counters ---


def test_counters_survive_a_kill(shift):
    s = shift("takt_s: 24", "--boards", 4, "--fault", "A2=bad-csr")
    run_all(s)
    s.rig("fault A2 none")
    run_all(s, "A2")
    run_all(s, "A1")
    expected = {"good": 4, "bad": 0, "tried": 4, "first_pass": 3, "retests": 2}
    before = counters(s)
    assert before == {"shift": expected, "lot": expected, "last": expected}
    assert of_station(s)["takt_ms"] == 24000
    s.kill("station")
    with open(s.dir / "lib/station/runs.jsonl", "a") as file:
        file.write('{"run":7,"nest":"A1","unit":"T-0001","outcome":"FAIL"')  # torn by a power cut
    s.start("station")
    assert counters(s) == before
    assert "torn line cut off" in s.log("station")
    # Another order has its own count; the shift goes on.
    s.imprint("order", "open", "NEXT", "--product", "demo", "--quantity", "1")
    wait_until(lambda: of_station(s)["order"] == "NEXT", what="the next order")
    assert counters(s) == {"shift": expected, "last": expected,
                           "lot": dict.fromkeys(expected, 0)}


def test_only_fail_counts(shift):
    s = shift("", "--boards", 1)
    s.kill_signer()
    s.imprint("start", check=False)
    s.start("signer")
    s.imprint("order", "close", "DEMO")
    s.imprint("order", "open", "SMALL", "--product", "demo", "--quantity", "1")
    assert one_run(s)["outcome"] == "PASS"
    s.imprint("order", "close", "SMALL")
    s.imprint("order", "open", "LATE", "--product", "demo", "--quantity", "1")
    s.rig("fault A1 mute")
    (s.dir / "etc/products/demo.yaml").rename(s.dir / "etc/products/gone.yaml")
    assert one_run(s)["outcome"] == "ERROR"
    assert counters(s)["shift"] == {"good": 1, "bad": 0, "tried": 1, "first_pass": 1, "retests": 0}


def test_report(shift):
    s = shift("", "--boards", 2, "--fault", "A2=bad-csr")
    run_all(s)
    text = s.imprint("report").stdout
    assert "good 1  bad 1" in text and "FPY 50.0 %" in text and re.search(r"^code +csr +1 runs", text, re.M), text
    assert "asked by" not in text, text  # no person did anything that changed what followed
    rows = [line.split(",") for line in s.imprint("report", "--csv").stdout.splitlines()]
    assert rows[0][:4] == ["section", "name", "runs", "pass"] and all(len(row) == 12 for row in rows)
    assert rows[1][2:] == ["2", "1", "1", "0", "0", "1", "1", "2", "1", "0"]
    assert "no run is on record" in refused(s, "report", "--shift", "last")
    # Runs of another shift are another report.
    s.kill("station")
    path = s.dir / "lib/station/runs.jsonl"
    path.write_text(re.sub(r'"shift":"[^"]*"', '"shift":"2026-01-02T06:00:00Z"', path.read_text()))
    s.start("station")
    assert "good 0  bad 0" in s.imprint("report").stdout
    assert "good 1  bad 1" in s.imprint("report", "--shift", "last").stdout
    assert "good 1  bad 1" in s.imprint("report", "--shift", "2026-01-02T09:00:00Z").stdout
    assert counters(s)["shift"]["tried"] == 0 and counters(s)["lot"]["tried"] == 2


# --- retests ---


def test_retest_limit(shift):
    s = shift("retest: {tries: 2}", "--boards", 2, "--fault", "A1=bad-csr")
    unit = s.boards()["A1"]
    s.rig("remove A2")
    for left in (1, 0):
        assert one_run(s)["outcome"] == "FAIL"
        assert nests_of(s)["A1"]["tries_left"] == left
    runs = len(s.json("runs"))
    assert "imprint free" in refused(s, "start")
    assert len(s.json("runs")) == runs
    # Seated again, moved to another nest, after a kill: it is the same unit.
    reseat(s, "A1", unit)
    assert (one_run(s)["outcome"], one_run(s)["code"]) == ("ABORTED", "tries")
    kill_and_start(s)
    reseat(s, "A1", unit, into="A2")
    run = one_run(s, "A2")
    assert (run["outcome"], run["code"], run["unit"]) == ("ABORTED", "tries", unit)
    assert nests_of(s)["A2"]["tries_left"] == 0
    assert counters(s)["shift"] == {"good": 0, "bad": 1, "tried": 1, "first_pass": 0, "retests": 1}
    # A supervisor's badge, and no other, frees it; that holds after a kill, too.
    assert "badge of a supervisor" in refused(s, "free", "A2")
    assert "Wang is operator" in refused(s, "free", "A2", "--badge", "OPR-0001")
    assert "nobody's" in refused(s, "free", "A2", "--badge", "XXX-0001")
    s.imprint("free", "A2", "--badge", "SUP-0001")
    assert nests_of(s)["A2"]["tries_left"] == 2
    kill_and_start(s)
    assert one_run(s, "A2")["outcome"] == "PASS"
    assert re.search(r"free A2, allowed by Lee, unit " + unit, s.imprint("report").stdout)


def test_retest_limit_holds_for_arrival(shift):
    s = shift("retest: {tries: 1}", "--boards", 1, "--fault", "A1=bad-csr", "--start", "arrival")
    wait_runs(s, 1)
    unit = s.boards()["A1"]
    reseat(s, "A1", unit)
    wait_runs(s, 2)
    assert [(run["unit"], run["code"]) for run in s.json("runs")] == [(unit, "csr"), (unit, "tries")]


def test_only_after_reseating(shift):
    s = shift("retest: {tries: 5, reseat: yes}", "--boards", 1, "--fault", "A1=bad-csr")
    unit = s.boards()["A1"]
    reseat(s, "A1", unit)  # from now on the station knows that it can see a board leave
    assert one_run(s)["outcome"] == "FAIL"
    assert "put it in again" in refused(s, "start")
    reseat(s, "A1", unit)
    assert one_run(s)["outcome"] == "FAIL"
    s.rig("fault A1 none")
    reseat(s, "A1", unit)
    assert one_run(s)["outcome"] == "PASS"
    assert one_run(s)["outcome"] == "PASS"  # a board that passed may run again


def test_stop_after_fails_in_a_row(shift):
    s = shift("stop_after: 2", "--boards", 1, "--fault", "A1=bad-csr")
    for _ in range(2):
        assert run_all(s)["A1"]["outcome"] == "FAIL"
        reseat(s, "A1")
    wait_until(lambda: nests_of(s)["A1"]["state"] == "stopped", what="the stop of A1")
    wait_until(lambda: has_alarm(s, "nest-stopped", "A1"), what="the alarm of A1")
    kill_and_start(s)
    wait_until(lambda: nests_of(s)["A1"]["state"] == "stopped", what="the stop of A1 after a kill")
    assert "stopped" in refused(s, "start")
    s.imprint("free", "A1", "--badge", "SUP-0001")
    wait_until(lambda: nests_of(s)["A1"]["state"] == "ready", what="A1 free")
    wait_until(lambda: has_alarm(s, "nest-stopped", "A1", active=False), what="the end of the alarm")
    s.rig("fault A1 none")
    assert run_all(s)["A1"]["outcome"] == "PASS"


# --- modes ---


def test_dry_run_mints_nothing(shift):
    s = shift("", "--boards", 2, "--fault", "A2=bad-csr")
    with s.signer() as signer:
        before = signer.ask("status").status["entries"]
    assert "nobody's" in refused(s, "mode", "dry-run", "--badge", "NOBODY")  # though this user needs none
    s.imprint("mode", "dry-run")
    kill_and_start(s)
    assert of_station(s)["mode"] == "dry-run"
    for run in run_all(s).values():
        assert (run["outcome"], run["mode"], run["certificate_id"]) == ("PASS", "dry-run", "")
    with s.signer() as signer:
        assert signer.ask("status").status["entries"] == before
    assert s.ledger_list() == [] and s.dump(s.boards()["A1"]) is None
    assert counters(s)["shift"]["tried"] == 0
    s.imprint("mode", "normal")
    assert one_run(s)["outcome"] == "PASS" and len(s.ledger_list()) == 1


def test_golden_mode(shift):
    s = shift("golden: {units: [T-0001], every_hours: 12}", "--boards", 2)
    wait_until(lambda: has_alarm(s, "golden-due"), what="the alarm that the golden unit is due")
    runs = run_all(s)
    assert (runs["A1"]["outcome"], runs["A1"]["code"]) == ("ABORTED", "golden")
    assert runs["A2"]["outcome"] == "PASS"
    s.imprint("mode", "golden")
    runs = run_all(s)
    assert (runs["A1"]["outcome"], runs["A1"]["mode"]) == ("PASS", "golden")
    assert (runs["A2"]["outcome"], runs["A2"]["code"]) == ("ABORTED", "golden")
    assert [row["unit"] for row in s.ledger_list()] == ["T-0002"]
    assert counters(s)["shift"]["tried"] == 1
    wait_until(lambda: has_alarm(s, "golden-due", active=False), what="the end of the alarm")
    kill_and_start(s)
    s.imprint("mode", "normal")
    wait_until(lambda: of_station(s)["health"]["disk"] != "-", what="the first look")
    assert not has_alarm(s, "golden-due")


def test_modes_need_a_badge_of_who_is_no_technician(shift):
    s = shift("", "--boards", 1)
    path = s.dir / "etc/station.yaml"
    path.write_text(re.sub(r"^  technician: .*\n", "", path.read_text(), flags=re.M))
    s.restart("station")
    assert "badge of a technician" in refused(s, "mode", "dry-run")
    assert "Wang is operator" in refused(s, "mode", "dry-run", "--badge", "OPR-0001")
    s.imprint("mode", "dry-run", "--badge", "TEC-0001")
    s.imprint("mode", "normal")
    assert "golden units" in refused(s, "mode", "golden", "--badge", "SUP-0001")
    assert "may not ask for badges" in refused(s, "badge", "list")
    assert "may not ask for badge" in refused(s, "badge", "enrol", "MINE-0001", "--person", "I", "--role", "supervisor")


# --- badges ---


def test_badges(shift):
    s = shift("login: {needed: yes}", "--boards", 1)
    assert {row["badge"]: (row["person"], row["role"]) for row in s.json("badge", "list")} == BADGES
    assert "scan your badge" in refused(s, "start")
    assert "Wang is logged in: operator" in s.imprint("scan", "OPR-0001").stdout
    assert (of_station(s)["person"], of_station(s)["role"]) == ("Wang", "operator")
    assert one_run(s)["operator"] == "Wang"
    assert s.json("ledger", "show", s.boards()["A1"])[0]["operator"] == "Wang"
    assert run_all(s, "--operator", "Somebody", count=1)["A1"]["operator"] == "Wang"  # a badge says more than a word
    s.imprint("badge", "withdraw", "OPR-0001")
    assert of_station(s)["person"] == ""
    assert "was withdrawn" in refused(s, "scan", "OPR-0001")
    s.imprint("scan", "SUP-0001")
    s.imprint("logout")
    assert "scan your badge" in refused(s, "start")
    assert s.imprint("scan", "NOBODY-1", check=False).returncode == 1
    # The file is for the station alone; a torn line is healed, and what was withdrawn stays so.
    path = s.dir / "lib/station/badges.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    s.kill("station")
    with open(path, "a") as file:
        file.write('{"badge":"OPR-0001","person":"Wang","role":"supervi')
    s.start("station")
    assert {row["badge"] for row in s.json("badge", "list")} == {"SUP-0001", "TEC-0001"}
    assert "was withdrawn" in refused(s, "scan", "OPR-0001")
    s.imprint("badge", "enrol", "OPR-0001", "--person", "Chen", "--role", "operator")
    assert "Chen's already" in refused(s, "badge", "enrol", "OPR-0001", "--person", "Wang", "--role", "operator")
    for badge in ("abc", "has blank", 'quo"te', "", "é-0001"):
        assert refused(s, "badge", "enrol", badge, "--person", "X", "--role", "operator")
    for line in path.read_text().splitlines():
        assert {"badge", "person", "role", "at", "by"} == set(json.loads(line))
    # No badge is a right at the signer: this station's log never saw one leave.
    assert "SUP-0001" not in s.log("station") + s.log("signer")


# --- labels ---


def wants_labels(s):
    path = s.dir / "etc/products/demo.yaml"
    path.write_text(path.read_text().replace("  read_back: no\n", "  label: yes\n  read_back: no\n"))


def test_labels(shift):
    s = shift("", "--boards", 3)
    units = s.boards()
    assert s.imprint("scan", units["A1"], check=False).returncode == 1  # no label is wanted
    wants_labels(s)
    assert (one_run(s)["outcome"], one_run(s)["code"]) == ("ERROR", "no-label")
    # The first board that waits for one, then the next; the same again is refused by name.
    assert "for nest A1" in s.imprint("scan", units["A1"]).stdout
    assert nests_of(s)["A1"]["label"] == units["A1"]
    assert f"{units['A1']} is the board in nest A1" in refused(s, "scan", units["A1"])
    assert "for nest A2" in s.imprint("scan", "T-9999").stdout
    assert "for nest A3" in s.imprint("scan", units["A3"], "--nest", "A3").stdout
    assert "no board waits" in refused(s, "scan", "T-8888")
    runs = run_all(s)
    assert runs["A1"]["outcome"] == runs["A3"]["outcome"] == "PASS"
    assert (runs["A2"]["outcome"], runs["A2"]["code"]) == ("FAIL", "label")
    assert "T-9999" in runs["A2"]["text"] and runs["A2"]["unit"] == units["A2"]
    assert {row["unit"] for row in s.ledger_list()} == {units["A1"], units["A3"]}
    # A label serves one run, and goes with its board.
    assert nests_of(s)["A2"]["label"] == ""
    s.imprint("scan", units["A2"])
    assert one_run(s, "A2")["outcome"] == "PASS"
    s.imprint("scan", units["A2"], "--nest", "A2")
    reseat(s, "A2")
    assert nests_of(s)["A2"]["label"] == ""


# --- alarms ---


def test_alarms(shift):
    s = shift("", "--boards", 1, "--quantity", 1)
    assert one_run(s)["outcome"] == "PASS"
    wait_until(lambda: has_alarm(s, "order-used"), what="the alarm of the order")
    number = alarms(s)["order-used", ""]["number"]
    s.imprint("scan", "OPR-0001")
    s.imprint("alarms", "--acknowledge", number)
    assert alarms(s)["order-used", ""]["person"] == "Wang"
    assert "order-used" in s.imprint("alarms").stdout  # its cause stands
    assert "there is no alarm" in refused(s, "alarms", "--acknowledge", "999999")
    s.kill_signer()
    wait_until(lambda: has_alarm(s, "signer"), what="the alarm of the signer")
    assert of_station(s)["health"]["token"] == "bad"
    s.start("signer")
    wait_until(lambda: has_alarm(s, "signer", active=False), what="the end of the signer's alarm")
    s.imprint("alarms", "--acknowledge", "all")
    assert of_station(s)["alarms"] == 0
    assert re.search(r'alarm acknowledged .*person="Wang"', s.log("station"))
