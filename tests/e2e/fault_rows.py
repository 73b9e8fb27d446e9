"""A row of the fault table, how a test shows that it saw what the row says, and the rows that tests elsewhere show.

	saw("mute", of_run(run))        # red unless the row's words stand there, in one line; "…" is anything

A test that a row names, and that ends without having seen that row's words, is red (conftest.py). Where nothing is to be
seen, the row says "nothing …", and the test itself shows that the line goes on."""
import re
from collections import namedtuple

Row = namedtuple("Row", "group name made seen then check")
ELSEWHERE = []
SAW = set()  # the names of rows that the test under way has seen


def elsewhere(group, name, made, seen, then, test):
    ELSEWHERE.append(Row(group, name, made, seen, then, test))


def stands_in(seen, text):
    """True if one of the texts that may be seen stands there. "; then: " is in a later line, "`COMMAND`: " where to look."""
    def pattern(line):
        words = re.sub(r"^`[^`]*`: ", "", line).split("…")
        return ".*".join(re.escape(word.strip()) for word in words)
    return any(re.search(r"[\s\S]*".join(map(pattern, one.split("; then: "))), text) for one in alternatives(seen))


def alternatives(seen):
    return (seen,) if isinstance(seen, str) else seen


def is_silent(row):
    return alternatives(row.seen)[0].startswith("nothing")


def saw(name, text):
    row = next(row for row in ELSEWHERE if row.name == name)
    assert stands_in(row.seen, text), f"{name}: {row.seen} is not in: {text}"
    SAW.add(name)


def of_run(run):
    return f"outcome {run['outcome']}, code {run['code']}: {run['text']}" if run["code"] else f"outcome {run['outcome']}: {run['text']}"


def unseen(file, *names):
    """The rows that name this test, and that it has not seen."""
    tests = {f"{file}::{name}" for name in names}
    return [row.name for row in ELSEWHERE if row.check in tests and not is_silent(row) and row.name not in SAW]


# --- signals ---

FAULTS, CYCLE = "test_faults.py::", "test_cycle.py::"
LEFT = "outcome ABORTED, code interrupted: the station ended in the middle of this run"
NOTHING_WRITTEN = f"{LEFT}, before anything was written into the board"
MAY_HOLD = f"{LEFT}: the board may hold its certificate, whole or in part"
AGAIN = "the same boards again pass, with the same certificates"

elsewhere("signal", "signer killed in a panel of 16", "SIGKILL to the signer", "nothing", "the boards that waited pass",
          FAULTS + "test_signer_killed_in_the_middle")
elsewhere("signal", "station ended under way", "SIGTERM to the station", NOTHING_WRITTEN, AGAIN,
          FAULTS + "test_station_ends_in_order")
elsewhere("signal", "station killed under way", "SIGKILL to the station", MAY_HOLD, AGAIN,
          FAULTS + "test_station_killed_in_the_middle")
elsewhere("signal", "station of a jig ended under way", "SIGTERM to the station", MAY_HOLD,
          "power goes off first; the same boards again pass", CYCLE + "test_the_daemon_ends_under_way")
elsewhere("signal", "station of a jig killed under way", "SIGKILL to the station", MAY_HOLD,
          "the jig's own watchdog takes the power; the same boards again pass", CYCLE + "test_the_daemon_is_killed_under_way")
elsewhere("signal", "killed at every system call", "SIGKILL to the signer at each call of an issuance",
          "nothing is lost, nothing twice", "the next start voids what was not signed", "test_kill.py::test_killed_at_every_call")

# --- sockets ---

elsewhere("socket", "no signer at all", "the signer is killed and stays away",
          ("outcome ERROR, code signer: the signer did not answer for … s; see its log",
           "outcome ERROR, code signer: … the signer does not run; start imprint-signer"), "the boards pass once it is back",
          FAULTS + "test_no_signer_is_an_error_of_the_station")
elsewhere("socket", "second station", "a second one is started", "another imprint-station works with this lib folder already",
          "the first goes on", FAULTS + "test_second_daemons_are_refused")
elsewhere("socket", "second signer", "a second one is started",
          "the ledger … is in use by another process: stop imprint-signer first", "the first goes on",
          FAULTS + "test_second_daemons_are_refused")
elsewhere("socket", "strangers fill the station's socket", "more callers than it has room for",
          "nothing: they make room for who may ask", "the line works", "test_permission.py::test_strangers_do_not_keep_the_others_out")

# --- disks ---

elsewhere("disk", "power cut", "the file system is shut down at random moments, and mounted again", "nothing is lost, nothing twice",
          "the line starts again", "test_power.py::test_every_certificate_in_a_board_is_in_the_ledger")
elsewhere("disk", "power cut in a start", "the same while the signer starts, SoftHSM logging in",
          "nothing, or: SoftHSM's token was cut off in a login; its copy is put back",
          "the line starts again", "test_power_points.py::test_start_is_cut")
elsewhere("disk", "ledger changed on the disk", "one byte in the database is another",
          "`imprint ledger verify`: ALARM", "exit 3; a person must restore a backup", "test_rules.py::test_changed_database_is_red")

# --- the jig's bus ---

LOST_BUS = "stop bus: the jig does not answer. Check its supply and its cable, then RESET"
CLAMP_LOST = "stop clamp-lost: the clamp came loose; power is off. Check clamp and sensor, then RESET"
READ_BACK = "stop read-back: an output of the jig is not what was written. Check the module, then RESET"
ESTOP = "stop estop: the e-stop is pressed; power is off. … release it, then RESET"
RESTARTED = "stop restarted: the jig's controller restarted, or its watchdog took the outputs. Check the jig, then RESET"
BUS = {
    "e-stop": ("the e-stop is pressed", ESTOP),
    "lid opened": ("the lid is forced open", "stop lid: the lid was opened; power is off. Close it, then RESET"),
    "clamp lost": ("the clamp's sensor goes out", CLAMP_LOST),
    "air lost": ("the air is shut off", ("stop air: the air pressure fell; power is off. Restore it, then RESET", CLAMP_LOST)),
    "impossible pair": ("clamped and open are seen at once",
                        ("stop sensors: the clamp's sensors say clamped and open at once. Check them, then RESET", CLAMP_LOST)),
    "cable pulled": ("no answer on the bus", LOST_BUS),
    "controller silent": ("the controller takes requests and says nothing", LOST_BUS),
    "controller restarts": ("the controller comes back with its outputs off", (RESTARTED, LOST_BUS, READ_BACK, CLAMP_LOST)),
    "false echo": ("the controller confirms what it does not do", (READ_BACK, ESTOP)),
}
for name, (made, seen) in BUS.items():
    elsewhere("bus", name, made, seen, "power off first, the runs ABORTED; after `imprint jig reset` the same boards pass",
              CYCLE + f"test_stop[{name}]")
elsewhere("bus", "watchdog of another time", "a WAGO coupler's watchdog was set going with another time than the map's",
          "its watchdog runs with … ms, and the map says timeout_ms: …",
          "nothing is switched until the coupler was switched off and on, or the map is mended",
          "test_jig_odd.py::test_watchdog_of_another_time")
elsewhere("bus", "answers one behind", "each answer is that of the request before",
          ("stop stale: the jig's controller answers, but its heartbeat stands still", LOST_BUS, ESTOP, RESTARTED, READ_BACK),
          "the runs ABORTED: no answer is taken for a fresh one", CYCLE + "test_answers_one_behind")

READS = (1, 2, 3, 4)
MODBUS = {  # kind: how it is made, and what becomes of the transaction's number and the answer
    "answer to another request": ("a Modbus answer has the next transaction's number", lambda number, answer: (number + 1, answer)),
    "answer to another function": ("a Modbus answer names another function",
                                   lambda number, answer: (number, bytes([answer[0] ^ 7]) + answer[1:])),
    "answer that is too short": ("a Modbus answer has a byte less than was asked for", lambda number, answer: (
        number, answer[:1] + bytes([answer[1] - 1]) + answer[2:-1] if answer[0] in READS else answer)),
}
for name, (made, _) in MODBUS.items():
    elsewhere("bus", name, made, LOST_BUS, "it is not believed; power off as soon as the bus is back, and after `imprint jig reset` it goes on",
              f"test_jig_odd.py::test_answers_that_are_not_for_us[{name}]")

# --- boards ---

PASSES = "outcome PASS: installed, proved by the board's signature"
BOARD = {
    "mute": ("it says nothing", "outcome FAIL, code F10: asking who it is: no answer in … s"),
    "garbage": ("it babbles", "outcome FAIL, code F11: asking who it is: … bytes came, but no valid answer"),
    "reset": ("it restarts once under way", "outcome FAIL, code F13: … the board restarted in the middle"),
    "reset-always": ("it restarts each time", "outcome FAIL, code F13: … the board restarted in the middle"),
    "wrong-unit": ("its unit id is not the product's kind",
                   "outcome FAIL, code unit-text: the unit id … is none of the product …; check board and order"),
    "bad-unit-text": ("its unit id is no text", "outcome FAIL, code F30: asking who it is: its unit is not printable ASCII"),
    "same-key:A1": ("it has another board's key", "outcome FAIL, code key-other-unit: unit … shows the key of unit …: a copied flash "
                    "image or a broken random number generator; set both boards aside and call a supervisor"),
    "flash-weak": ("its flash keeps what it likes", "outcome FAIL, code F21: the flash did not keep the certificate (byte … differs)"),
    "bad-csr": ("its request's signature is wrong",
                "outcome FAIL, code csr: unit …: the request is refused: the CSR's signature is not by its own key"),
    "swap": ("another board lies there under way", ("outcome FAIL, code F31: … the board was … and is … now",
             "outcome FAIL, code F13: … the board restarted in the middle", "outcome FAIL, code F33: …")),
    "bad-proof": ("its proof does not verify", ("outcome FAIL, code proof: unit … does not prove that it holds its key and files: …",
                  "outcome FAIL, code F33: …")),
    "unit-changed": ("its unit id changes under way", "outcome FAIL, code F31: … the board was … and signs as …"),
    "noise:700": ("a bit in 700 is wrong", PASSES),
}
for kind, (made, seen) in BOARD.items():
    elsewhere("board", kind.partition(":")[0], made, seen, "what was disturbed is sent again" if seen == PASSES else "the others pass meanwhile",
              FAULTS + f"test_fault[{kind}]")
elsewhere("board", "unplugged", "it is taken out under way", "outcome FAIL, code F12: …", "put in again it passes",
          FAULTS + "test_unplugged_in_the_middle")
elsewhere("board", "three bad boards of one nest", "three units in a nest fail", "`imprint status`: stopped",
          "the nest waits until a person names it, and starts it", FAULTS + "test_three_units_without_a_pass_stop_a_nest")
