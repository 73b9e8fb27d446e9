"""The operator's screen and people: badges, what a supervisor confirms by a second scan, alarms, the report."""
import pytest

from jig_station import JigStation
from station import wait_until
from terminal import Terminal
from test_shift import far_from_its_end


@pytest.fixture(scope="module")
def panel(module_station):
    """Four boards, one with a weak flash that may be tried once."""
    s = module_station("--boards", 4, "--fault", "A3=flash-weak", "--setting", "retest: { tries: 1, reseat: no }",
                       "--setting", far_from_its_end())
    for badge, person, role in (("B-100", "Wang", "operator"), ("B-200", "Li", "technician"), ("B-300", "Chen", "supervisor")):
        s.imprint("badge", "enrol", badge, "--person", person, "--role", role)
    return s


def test_badges_and_what_they_allow(panel):
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("4 boards are in.", "no badge")
        t.scan("B-999")
        t.wait("that is no badge, no order")
        t.scan("B-100")
        t.wait("Wang (operator)", "Hello Wang.")
        t.key("F7")
        t.wait("scan the badge that allows it")
        t.key("Escape")
        t.wait("4 boards", gone=["scan the badge"])
        t.key("F7")
        t.wait("scan the badge that allows it")
        t.scan("B-200")
        t.wait("DRY RUN")
        t.scan("IMPRINT-NORMAL")
        t.wait("4 boards", gone=["DRY RUN"])
        t.key("F11")
        t.wait("no badge", gone=["Wang"])


def test_a_language_belongs_to_a_person(panel):
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("NEXT", "no badge")
        t.scan("B-100")
        t.wait("Wang (operator)")
        t.key("F2")
        t.wait("Wang (Bediener)")
        t.scan("B-300")
        t.wait("Chen (Vorgesetzter)")
        t.key("F2", "F2", "F2")
        t.wait("Chen (supervisor)")
        t.scan("B-100")
        t.wait("Wang (Bediener)", "Hallo Wang.")
        t.scan("IMPRINT-LOGOUT")
        t.wait("kein Ausweis")


def test_no_more_tries_until_a_supervisor_says_so(panel):
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("4 boards are in.")
        t.key("Space")
        t.wait("1 of 4", "F21", "bad 1", "good 3")
        t.key("Space")
        t.wait("NO: A3 has had its tries")
        panel.rig("fault A3 none")
        t.key("F9")
        t.wait("scan the badge that allows it")
        t.scan("B-200")
        t.wait("badge of a supervisor")
        t.key("F9")
        t.wait("scan the badge that allows it")
        t.scan("B-300")
        t.wait("1 of 4", gone=["scan the badge", "badge of a supervisor"])
        t.key("Space")
        t.wait("All 4 are good.")
        t.key("F4")
        t.wait("SHIFT REPORT", "retests")
    assert [run["outcome"] for run in panel.json("runs") if run.get("nest") == "A3" and run.get("outcome")][-1] == "PASS"


def test_alarms_are_seen_and_acknowledged(panel):
    panel.kill("signer")
    with Terminal(panel.dir, 80, 24, "--lang", "en") as t:
        t.wait("The station cannot", "ledger BAD", "alarms: ", "LINE  DEMO  demo", "TEST CA")
        t.key("F3")
        t.wait("STANDS", "the signer does not run", "Start imprint-signer")
        t.key("Enter")
        t.wait("seen by", gone=["alarms: "])
        panel.start("signer")
        t.wait("All 4 are good.", "ledger ok")
    wait_until(lambda: not [a for a in panel.json("alarms") if a["code"] == "signer" and a["active"]], what="the end of the alarm")


def test_a_retest_in_the_jig(module_station):
    """What the screen says when one of two boards fails twice: nothing untrue of the other one."""
    s = module_station("--boards", 2, "--jig", "--jig-options", "--speed 20", "--fault", "A2=flash-weak",
                       "--setting", "retest: { tries: 2, reseat: yes }")
    s.imprint("badge", "enrol", "B-300", "--person", "Chen", "--role", "supervisor")
    jig = JigStation(s)
    jig.do("board all in", "lid close")
    with Terminal(s.dir, 80, 24, "--lang", "en") as t:
        t.wait("2 boards are in.", "Press START.")
        t.key("Space")
        t.wait("1 of 2", "Re-seat A2", "Try 1 of 2.")
        t.key("Space")
        t.wait("these boards have run")
        jig.do("lid open", "board A2 out")
        t.wait("The board is good.")
        jig.do("board A2 in")
        t.wait("Waiting for boards.", "Close the lid.")
        jig.do("lid close")
        t.wait("One board is in.")
        t.key("Space")
        shown = t.wait("1 of 2", "Take out A2 first", "No try is left", gone=["Try 1"])
        assert "NO:" not in shown
        t.key("F8")
        t.wait("NO: the jig is not stopped.")
        t.key("F9")
        t.wait("scan the badge that allows it")
        t.scan("B-300")
        t.wait("Re-seat A2", gone=["No try is left"])
        t.key("F2")
        t.key("Space")
        t.wait("NEIN: nichts gestartet.")
