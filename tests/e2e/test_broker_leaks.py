"""The plugin loses nothing over thousands of refused devices, by its memory and by valgrind."""
import shutil

import pytest
from broker import ALLOW_ALL, Broker, Case, Shop, sanitizer
from station import wait_until

FIRST, MORE = 2000, 8000
GROWTH_KIB_MAX = MORE // 6  # a visit alone that is lost is 384 bytes
NEW_SHARE = 5          # one of so many: SQLite keeps the pages of their events, up to 2 MB, and that is no leak


@pytest.fixture(scope="module")
def shop(scratch):
    return Shop(scratch / "shop-of-leaks")


def refuse_all(broker, cases, count):
    """So many refusals: by all cases, and by sending no certificate."""
    first = count // (NEW_SHARE * len(cases))
    each = (count - first) // len(cases)
    for (case, outcome), knocks in zip(cases, (first, each, each, each)):
        assert case.knock("--count", knocks) == {outcome: knocks}
    since = broker.mark()
    rest = count - first - 3 * each
    assert broker.knock("-", "-", "--count", rest) == {"alert-40": rest}
    broker.wait_said("refused: no client certificate", since)


def leak_cases(broker, shop):
    new, revoked, stranger, thief = (Case(broker, shop) for _ in range(4))
    revoked.registry.add(revoked.leaf, "REVOKED", revoked.ca_id)
    stranger.device(shop.ca("/CN=never seen"))
    thief.key = shop.key()
    return [(new, "alert-46"), (revoked, "alert-46"), (stranger, "alert-46"), (thief, "alert-51")]


plain_build = pytest.mark.skipif(bool(sanitizer()), reason="the plugin was built with a sanitizer, which has its own memory")


@plain_build
def test_thousands_of_refusals_leak_nothing(scratch, shop):
    b = Broker(scratch / "broker-leak")
    try:
        cases = leak_cases(b, shop)
        refuse_all(b, cases, FIRST)
        first, files = b.usage()
        refuse_all(b, cases, MORE)
        last = wait_until(lambda: b.usage()[1] <= files and b.usage()[0], what="the end of all lines")
        assert last - first < GROWTH_KIB_MAX, f"{last - first} KiB more after {MORE} more"
    finally:
        assert b.stop() == 0


@plain_build
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_under_valgrind(scratch, shop):
    b = Broker(scratch / "broker-valgrind", wrapper=("valgrind", "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite",
                                                     "--error-exitcode=9"))
    try:
        refuse_all(b, leak_cases(b, shop), 20)
        c = Case(b, shop)
        c.registry.add(c.leaf, "ACTIVE", c.ca_id, ALLOW_ALL)
        assert c.knock("--connect", "board") == {"connack-0": 1}
    finally:
        end = b.stop()
    assert end == 0, b.log()[-4000:]
