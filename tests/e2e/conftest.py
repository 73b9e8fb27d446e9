"""What all the end-to-end tests share. Each owns a throw-away folder; a station that it brought up is ended with it."""
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fault_rows  # noqa: E402
from station import Station  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitizers: also run with the programs of build/asan and build/tsan")


# So that with `-n 2 --dist loadfile` both workers end together, these modules begin first: 15 to 60 s each.
LONGEST = ("test_fleet", "test_walkthrough", "test_broker", "test_broker_leaks", "test_activation")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_runtest_setup():
    fault_rows.SAW.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that the fault table names is red, too, when it did not see what the table says."""
    report = (yield).get_result()
    unseen = fault_rows.unseen(item.path.name, item.name, getattr(item, "originalname", item.name))
    if call.when == "call" and report.passed and unseen:
        report.outcome, report.longrepr = "failed", f"it did not see what the fault table says of: {', '.join(unseen)}"


@pytest.fixture(scope="session")
def scratch():
    """A folder below /tmp that other users may enter: pytest's own is for root alone."""
    folder = Path(tempfile.mkdtemp(prefix="imprint-e2e."))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def station(request, scratch):
    """station("--boards", 4): a whole station, until the test ends."""
    yield from stations(request.node.name, scratch)


@pytest.fixture(scope="module")
def module_station(request, scratch):
    """The same for all tests of a file."""
    yield from stations(Path(request.node.name).stem, scratch)


def stations(name, scratch):
    up = []

    def bring_up(*options):
        folder = tempfile.mkdtemp(prefix="".join(c if c.isalnum() else "-" for c in name)[:24] + ".", dir=scratch)
        up.append(Station(folder))
        Path(folder).chmod(0o755)
        return up[-1].up(*options)

    try:
        yield bring_up
    finally:
        with ExitStack() as all_of_them:  # one that cannot be ended keeps no other one up
            for one in up:
                all_of_them.callback(one.down)
