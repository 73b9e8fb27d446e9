"""The fault table, row by row (fault_table.py), and the page that is printed from it."""
import importlib
import os
import re

import pytest
from fault_table import GROUPS, PAGE, ROWS, page, works_again
from faulty import FAKETIME, FIU, spoil

NEEDS = {"clock": FAKETIME, "disk": FIU}


@pytest.fixture(scope="module")
def line(module_station):
    return spoil(module_station("--boards", 2))


def id_of(entry):
    return f"{entry.group}-{entry.name}".replace(" ", "-").replace("'", "")


@pytest.mark.parametrize("entry", [entry for entry in ROWS if callable(entry.check)], ids=id_of)
def test_row(line, entry):
    need = NEEDS.get(entry.group)
    if need and not os.path.exists(need):
        pytest.skip(f"{need} is not there; run tests/setup --tests")
    if not line.pid("signer"):  # a row before was red
        line.start("signer")
    try:
        entry.check(line)
    finally:
        line.script()
    works_again(line)


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
    """The test that a row names is there; it runs with its own file."""
    file, name, parameter = re.fullmatch(r"(\w+\.py)::(\w+)(?:\[(.*)\])?", entry.check).groups()
    tests = named_in(file)
    assert name in tests and (not parameter or parameter in tests[name]), f"{entry.check} is not there"


def test_page_is_the_table():
    assert len(ROWS) >= 40 and len({id_of(entry) for entry in ROWS}) == len(ROWS)
    assert set(GROUPS) == {entry.group for entry in ROWS}
    assert PAGE.read_text() == page(), "run tests/faults"
