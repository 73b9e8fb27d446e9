"""Unit ids from the order's list: who gets which, and that none is given twice."""
import threading

import pytest
from signer_client import PATIENCE_S, SOURCE_LIST
from test_kill import NO_PTRACE, Strace
from test_rules import PRODUCT, issued, refused
from tools import Requests, openssl


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


@pytest.fixture
def listing(station):
    """listing(boards): a station whose product takes its unit ids from the list of the order."""
    def bring_up(boards):
        s = station("--boards", boards)
        text = PRODUCT.format(ou="List", rekey="never").replace("source: board", "source: list")
        text = text.replace("unit: board", "unit: list\n  prove: no")
        (s.dir / "etc/products/demo.yaml").write_text(text)
        return s
    return bring_up


def open_list(s, name, units, quantity=1000):
    path = s.dir / f"{name}.txt"
    path.write_text("".join(f"{unit}\n" for unit in units))
    s.imprint("order", "open", name, "--product", "demo", "--quantity", quantity, "--units", path)


def of_nests(s):
    return {row["nest"]: (row["outcome"], row["unit"], row["code"]) for row in s.json("status") if row["type"] == "nest"}


def run_panel(s):
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S, check=False)
    return of_nests(s)


def test_boards_take_their_units_from_the_list(listing):
    """Each board has the next free id, none has two, none is given twice; the same board again is the same unit."""
    s, units = listing(8), [f"L-{number:04}" for number in range(6)]
    open_list(s, "LIST", units)
    first = run_panel(s)
    passed = {nest: unit for nest, (outcome, unit, _) in first.items() if outcome == "PASS"}
    assert sorted(passed.values()) == units
    assert {row[2] for row in first.values() if row[0] != "PASS"} == {"order-unit"}
    assert all(b"CN=" + unit.encode() in subject_of(s.dump(board)) for board, unit in
               ((s.boards()[nest], unit) for nest, unit in passed.items()))
    again = run_panel(s)
    assert {nest: row[1] for nest, row in again.items() if row[0] == "PASS"} == passed
    assert len(s.ledger_list()) == s.order("LIST")["used"] == 6
    # The next order's list begins with an id that was given already: it is passed over.
    open_list(s, "MORE", ["L-0003", "L-0006", "L-0007"])
    last = run_panel(s)
    assert {nest: row[1] for nest, row in last.items() if nest in passed} == passed
    assert sorted(row[1] for nest, row in last.items() if nest not in passed) == ["L-0006", "L-0007"]
    s.imprint("ledger", "verify")


def subject_of(der):
    return openssl("x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253", data=der)


def test_many_at_once_from_one_list(listing, requests):
    """Sixteen callers, one list: every id once. Then a key that comes again, whoever asks, is the unit that it was."""
    s, units = listing(0), [f"L-{number:04}" for number in range(64)]
    open_list(s, "LIST", units)
    csrs, given = [requests.new() for _ in units], {}

    def ask(mine):
        with s.signer() as signer:
            for csr in mine:
                given[csr] = issued(signer.issue("", csr, source=SOURCE_LIST)).issuance["unit"]

    callers = [threading.Thread(target=ask, args=(csrs[number::16],)) for number in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(given.values()) == units
    with s.signer() as signer:
        assert "every unit id" in refused(signer.issue("", requests.new(), source=SOURCE_LIST), "order-unit")
        s.imprint("order", "close", "LIST")
        for csr in csrs[:3]:
            assert issued(signer.issue("", csr, source=SOURCE_LIST)).issuance["unit"] == given[csr]
        s.imprint("void", given[csrs[0]], "--reason", "scrapped")
        # What was issued once is given to no other board; its own has it again.
        open_list(s, "NEXT", [given[csrs[0]], "L-0900"])
        assert issued(signer.issue("", requests.new(), source=SOURCE_LIST)).issuance["unit"] == "L-0900"
        assert issued(signer.issue("", csrs[0], source=SOURCE_LIST)).issuance["unit"] == given[csrs[0]]
        # No list, or another source than the product's: nothing is guessed.
        s.imprint("order", "use", "DEMO")
        assert "--units FILE" in refused(signer.issue("", requests.new(), source=SOURCE_LIST), "order-unit")
        refused(signer.issue("", requests.new()), "request")
    s.imprint("ledger", "verify")


@pytest.mark.skipif(bool(NO_PTRACE), reason=str(NO_PTRACE))
def test_a_unit_that_got_no_certificate_stays_free(listing, requests):
    """The signer dies between reservation and certificate: the id that was reserved is the next one's."""
    s = listing(0)
    open_list(s, "LIST", ["L-0001", "L-0002"])
    trace = Strace(s, s.pid("signer"), "fdatasync", 1)
    with s.signer() as signer, pytest.raises(ConnectionError):
        signer.issue("", requests.new(), source=SOURCE_LIST)
    s.wait_end("signer")
    trace.end()
    s.start("signer")
    assert [(row["unit"], row["state"]) for row in s.ledger_list()] == [("L-0001", "void")]
    with s.signer() as signer:
        for unit in ("L-0001", "L-0002"):
            assert issued(signer.issue("", requests.new(), source=SOURCE_LIST)).issuance["unit"] == unit
    s.imprint("ledger", "verify")
