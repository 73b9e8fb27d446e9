"""The fault table, row by row (fault_table.py), and the page that is printed from it."""
import importlib
import os
import re
import signal
import socket

import pytest
from fault_rows import is_silent, of_run, stands_in
from fault_table import GROUPS, PAGE, PATIENT, ROWS, page, works_again
from faulty import FAKETIME, FIU, spoil
from station import PATIENCE_S

NEEDS = {"clock": FAKETIME, "disk": FIU, "memory": FIU}


@pytest.fixture(scope="module")
def line(module_station):
    s = spoil(module_station("--boards", 2))
    s.set_timeouts(**PATIENT)
    return s


def id_of(entry):
    return f"{entry.group}-{entry.name}".replace(" ", "-").replace("'", "")


def told(log):
    """As people say it: the phrase, and its reason."""
    return re.sub(r'^<\d>([^="\n]*?)(?: \w+=\S+)* (?:reason|text)="', r"\1: ", log, flags=re.M)


def saying(s):
    """What is logged from now on, and the runs from now on: a function that tells it."""
    starts, runs = {name: len(s.log(name)) for name in ("signer", "station")}, len(s.json("runs"))
    return lambda: "\n".join([told(s.log(name)[start:]) for name, start in starts.items()] + [of_run(run) for run in s.json("runs")[runs:]])


@pytest.mark.parametrize("entry", [entry for entry in ROWS if callable(entry.check)], ids=id_of)
def test_row(line, entry):
    need = NEEDS.get(entry.group)
    if need and not os.path.exists(need):
        pytest.skip(f"{need} is not there; run tests/setup --tests")
    if not line.pid("signer"):  # a row before was red
        line.start("signer")
    said = saying(line)
    try:
        entry.check(line)
    finally:
        line.script()
    assert is_silent(entry) or stands_in(entry.seen, said()), f"{entry.seen}\nis not in\n{said()}"
    works_again(line)


@pytest.mark.parametrize("daemon", ["signer", "station"])
def test_a_daemon_tells_systemd_that_it_lives(line, daemon):
    """It is ready once, and lives again and again: else its watchdog would end it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(line.dir / f"notify-{daemon}"))
        systemd.settimeout(PATIENCE_S)
        line.kill(daemon, signal.SIGTERM)
        line.start(daemon, env={"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "600000"})
        assert systemd.recv(4096).startswith(b"READY=1")
        for _ in range(2):
            while systemd.recv(4096) != b"WATCHDOG=1":
                pass
    line.restart(daemon)


def named_in(file):
    """{name: ids} of the tests in a file, as pytest would collect them."""
    found = {}
    for name, function in vars(importlib.import_module(file.removesuffix(".py"))).items():
        if not name.startswith("test_"):
            continue
        found[name] = set()
        for mark in getattr(function, "pytestmark", []):
            if mark.name == "parametrize":
                found[name] |= {getattr(value, "id", None) or str(value) for value in mark.args[1]}
    return found


@pytest.mark.parametrize("entry", [entry for entry in ROWS if not callable(entry.check)], ids=id_of)
def test_row_elsewhere(entry):
    """The test that a row names is there. It runs with its own file, and is red if it did not see the row's words (conftest.py)."""
    file, name, parameter = re.fullmatch(r"(\w+\.py)::(\w+)(?:\[(.*)\])?", entry.check).groups()
    tests = named_in(file)
    assert name in tests and (not parameter or parameter in tests[name]), f"{entry.check} is not there"


def test_page_is_the_table():
    assert len(ROWS) >= 40 and len({entry.name for entry in ROWS}) == len(ROWS)
    assert set(GROUPS) == {entry.group for entry in ROWS}
    assert PAGE.read_text() == page(), "run tests/faults"
