"""Boards of every driver on one station: what passes, and what never does."""
import json
import re
import subprocess
import time

import pytest
from drivers import EVIDENCE, KINDS, PRODUCT, as_der
from station import BUILD
from tools import certificate_id, der_of, verify

DEADLINE_S = 60


@pytest.fixture
def mixed(station, tmp_path):
    """mixed({"A1": fault}, count): `count` boards of each kind, in rows of eight."""
    def bring_up(count, faults=None):
        file = tmp_path / "product.yaml"
        file.write_text(PRODUCT)
        boards = count * len(KINDS)
        kinds = {f"{chr(ord('A') + i // 8)}{i % 8 + 1}": KINDS[i % len(KINDS)] for i in range(boards)}
        options = [word for nest, kind in kinds.items() if kind != "prov" for word in ("--driver", f"{nest}={kind}")]
        options += [word for nest, fault in (faults or {}).items() for word in ("--fault", f"{nest}={fault}")]
        s = station("--boards", boards, "--product", file, *options)
        s.kinds = kinds
        return s
    return bring_up


def held(s, unit):
    """The certificate in a board's flash, as DER."""
    return as_der(s.dump(unit))


def outcomes(s):
    return {row["nest"]: row for row in s.json("status") if "nest" in row}


def run_all(s, passes):
    began = time.monotonic()
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", DEADLINE_S, check=passes)
    # `wait` returns with the first that ended otherwise: the others may still work.
    while any(row["state"] == "running" for row in outcomes(s).values()):
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.02)
    return outcomes(s)


def test_one_start_installs_boards_of_every_driver(mixed, tmp_path):
    s = mixed(4)
    units = s.boards()
    run_all(s, passes=True)
    rows = {row["nest"]: row for row in s.ledger_list()}
    assert {nest: (row["unit"], row["state"], row["evidence"]) for nest, row in rows.items()} == \
        {nest: (units[nest], "installed", EVIDENCE[kind]) for nest, kind in s.kinds.items()}
    ca = der_of(s.imprint("ca", "show").stdout)
    certificates = [held(s, unit) for unit in units.values()]
    assert [certificate_id(der) for der in certificates] == [rows[nest]["certificate_id"] for nest in units]
    assert verify(ca, certificates, tmp_path).returncode == 0
    s.imprint("ledger", "verify")


def test_a_finished_board_is_run_again(mixed):
    """What can repeat its request gets the same certificate. A modem cannot: it must not lose its key."""
    s = mixed(1)
    run_all(s, passes=True)
    before = s.ledger_list()
    again = run_all(s, passes=False)
    for nest, kind in s.kinds.items():
        if kind == "nrf91":
            assert (again[nest]["outcome"], again[nest]["code"]) == ("FAIL", "unit-installed"), again[nest]
            assert "lose its key" in again[nest]["text"]
            assert "Take the board out" in again[nest]["remedy"]
        else:
            assert again[nest]["outcome"] == "PASS", again[nest]
    assert s.ledger_list() == before
    s.imprint("revoke", s.boards()["A3"], "--reason", "it shall get another one")
    assert run_all(s, passes=True)["A3"]["outcome"] == "PASS"


def test_a_modem_that_was_interrupted_gets_a_new_certificate(mixed):
    s = mixed(1, {"A3": "flash-weak"})
    run_all(s, passes=False)
    assert outcomes(s)["A3"]["code"] == "F21"
    s.rig("fault A3 none")
    assert run_all(s, passes=False)["A3"]["outcome"] == "PASS"
    states = sorted(row["state"] for row in s.ledger_list() if row["nest"] == "A3")
    assert states == ["installed", "void"]


def test_a_spoilt_csr_is_asked_for_again_where_the_wire_has_no_checksum(mixed):
    s = mixed(1, {f"A{i + 1}": "spoilt-csr" for i in range(len(KINDS))})
    rows = run_all(s, passes=False)
    assert {s.kinds[nest]: (row["outcome"], row["code"]) for nest, row in rows.items()} == \
        {"prov": ("FAIL", "csr"), "fs": ("FAIL", "csr"), "nrf91": ("PASS", ""), "zshell": ("PASS", "")}


@pytest.mark.parametrize("fault, code, text", [
    ("bad-csr", "csr", "signature"),
    ("flash-weak", "F21", "did not keep"),
    ("unit-changed", "F31", "the board was "),
    ("mute", "F10", "no answer in"),
    ("garbage", "F11", "no valid answer"),
    ("endless-line", "F11", "no valid answer"),
])
def test_a_bad_board_fails_with_every_driver(mixed, fault, code, text):
    s = mixed(1, {f"A{i + 1}": fault for i in range(len(KINDS))})
    for nest, row in run_all(s, passes=False).items():
        assert (row["outcome"], row["code"]) == ("FAIL", code), (s.kinds[nest], row)
        assert text in row["text"], (s.kinds[nest], row)
    assert not [row for row in s.ledger_list() if row["state"] == "installed"]


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1))


def test_hostile_boards_cost_one_deadline_and_no_memory(mixed):
    """And their neighbours nothing: A1 to A4 are good."""
    hostile = {"prov": ["endless-map", "nested-maps", "lying-length"], "fs": ["endless-map", "nested-maps", "lying-length"],
               "nrf91": ["endless-line", "endless-list", "lying-length"], "zshell": ["garbage", "endless-list", "lying-length"]}
    good = len(KINDS)  # the first board of each kind
    hostile = {f"{'AB'[i // 8]}{i % 8 + 1}": hostile[KINDS[i % good]][i // good - 1] for i in range(good, 4 * good)}
    s = mixed(4, hostile)
    run_all(s, passes=False)  # memory that is kept for good is there by now
    before_kb = resident(s.pid("station"))
    for _ in range(3):
        began = time.monotonic()
        rows = run_all(s, passes=False)
        assert time.monotonic() - began < 60  # a few seconds on an idle machine
    assert resident(s.pid("station")) < before_kb + 2048
    for nest, row in rows.items():
        if nest in hostile:
            assert row["outcome"] == "FAIL" and row["code"] in ("F11", "F14", "F30", "F32"), (hostile[nest], row)
        elif s.kinds[nest] != "nrf91":
            assert row["outcome"] == "PASS", row


def test_probe_names_driver_unit_and_state(mixed):
    s = mixed(1)
    s.kill("station")  # it holds no port now
    units = s.boards()
    for nest, kind in s.kinds.items():
        port = f"pty:{s.dir}/boards/{nest}.pty"
        said = json.loads(s.imprint("board", "probe", port, "--unit-file", "/lfs1/unit", "--json").stdout)
        assert (said["driver"], said["unit"]) == (kind, units[nest])
        assert said["state"]
    assert all(s.dump(unit) is None for unit in units.values())
    s.rig("fault A1 mute")
    done = s.imprint("board", "probe", f"pty:{s.dir}/boards/A1.pty", "--timeout", 300, check=False)
    assert done.returncode == 1 and "nothing answers on pty:" in done.stderr
    s.rig("fault A1 none")
    done = s.imprint("board", "probe", f"pty:{s.dir}/boards/A1.pty", "--timeout", 300, "--driver", "zshell", check=False)
    assert done.returncode == 1 and ("nothing answers" in done.stderr or "no driver understands it" in done.stderr)
    assert subprocess.run([BUILD / "imprint", "board", "probe"], capture_output=True).returncode == 2
