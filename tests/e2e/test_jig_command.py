"""imprint jig watch and set, over a whole station with the virtual jig."""
import json
import os
import re
from pathlib import Path

import pytest
from jig import JigControl
from station import wait_until


@pytest.fixture
def jig_station(station):
    """Whoever runs the tests is technician too."""
    s = station("--boards", 4, "--jig")
    settings = Path(s.dir) / "etc/station.yaml"
    text = settings.read_text()
    if "technician:" not in text:
        settings.write_text(text.replace("access:\n", f"access:\n  technician: [{os.getuid()}]\n", 1))
        s.restart("station")
    return s


def test_watch_and_set(jig_station):
    s = jig_station

    def signal(name):
        return json.loads(s.imprint("jig", "watch", "--json", *name.split()).stdout.splitlines()[0])

    lines = wait_until(lambda: "unknown" not in (out := s.imprint("jig", "watch").stdout) and out.splitlines(), what="every signal")
    assert re.match(r"estop_ok +on +input +\d+ ms  plc input-register 0 bit 0$", lines[0])
    assert len({line.index(" ms  ") for line in lines}) == 1, "the table lines up"
    assert sum(line.startswith("power A") for line in lines) == 4
    assert s.imprint("jig", "watch", "present").stdout.count("\n") == 4
    assert s.imprint("jig", "watch", "nothing", check=False).returncode == 1

    s.imprint("jig", "set", "red", "on")
    wait_until(lambda: signal("red")["value"], what="the red lamp")
    s.imprint("jig", "set", "power", "A1", "on", check=False)  # the lid is open
    assert signal("power")["value"] is False
    for words in ("red", "maybe"), ("start", "on"), ("power", "Z9", "on"):
        assert s.imprint("jig", "set", *words, check=False).returncode != 0

    def doctor(row):
        return re.search(row, s.imprint("doctor", check=False).stdout, re.M)
    assert doctor("^ok    jig +answers$")
    JigControl(s.dir / "jig").do("estop press")
    wait_until(lambda: doctor("^WARN  jig +stopped: the e-stop is pressed"), what="the doctor's word about the jig")
