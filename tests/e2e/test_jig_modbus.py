"""fixtures/ against a Modbus server that is not libmodbus, over TCP and over RTU between two ptys."""
import json
import os
import pty
import subprocess
import sys
import threading
import tty
from pathlib import Path

import pytest
from jig import Drive
from station import free_port, wait_until

pytest.importorskip("pymodbus", reason="python3-pymodbus is not installed")
pytest.importorskip("serial_asyncio", reason="python3-serial-asyncio is not installed")

MAP = """jig:
  buses:
    - name: io
      {line}
      keepalive: {{ kind: counter, address: 9 }}
  signals:
    estop_ok: {{ table: discrete-input, address: 0 }}
    lid_closed: {{ table: discrete-input, address: 1 }}
    clamped: {{ table: discrete-input, address: 2 }}
    present: [{{ table: discrete-input, address: 8 }}]
    clamp: {{ table: coil, address: 3 }}
    red: {{ table: coil, address: 4, inverted: yes }}
    power: [{{ table: coil, address: 16 }}]
"""
NESTS = "A1,A2,A3"


class Other:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, Path(__file__).parent / "other_modbus.py", *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip()

    def coils(self, first, count):
        return json.loads(self(f"coils {first} {count}"))

    def end(self):
        self.process.kill()
        self.process.wait(30)


@pytest.fixture
def wire():
    """Two ptys, joined; the names of their far ends."""
    pairs = [pty.openpty(), pty.openpty()]
    for _, slave in pairs:
        tty.setraw(slave)

    def pump(source, target):
        try:
            while data := os.read(source, 512):
                os.write(target, data)
        except OSError:
            pass  # the test has ended
    for source, target in (pairs[0][0], pairs[1][0]), (pairs[1][0], pairs[0][0]):
        threading.Thread(target=pump, args=(source, target), daemon=True).start()
    yield [os.ttyname(slave) for _, slave in pairs]
    for pair in pairs:
        for fd in reversed(pair):
            os.close(fd)


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_other_server(kind, wire, scratch):
    where = str(free_port()) if kind == "tcp" else wire[0]
    other = Other(kind, where)
    line = f'tcp: "127.0.0.1:{where}"' if kind == "tcp" else f"rtu: {{ port: {wire[1]}, baud: 19200 }}"
    map_file = scratch / f"other-{kind}.yaml"
    map_file.write_text(MAP.format(line=line))
    try:
        for number in 0, 1, 8, 10:  # e-stop, lid, A1, A3
            assert other(f"di {number} 1") == "ok"
        with Drive(map_file, NESTS) as drive:
            wait_until(lambda: drive.ask("reset") == "ok", what="the first answer")  # it may come up after us
            drive.wait(fresh=True, trip="", estop_ok=True, lid_closed=True, clamped=False, present=["A1", "A3"])
            drive("want clamp power=A1,A2,A3 red")
            wait_until(lambda: other.coils(3, 2) == [1, 0], what="the clamp, and red inverted")
            assert other.coils(16, 3) == [0, 0, 0], "no power before the clamp is there"
            other("di 2 1")
            drive.wait(clamped=True, powered=["A1", "A3"])
            assert other.coils(16, 3) == [1, 0, 1]
            first = other("registers 9 1")
            wait_until(lambda: other("registers 9 1") != first, what="the counter")
            other("di 1 0")
            drive.wait(trip="lid", powered=[])
            assert other.coils(16, 3) == [0, 0, 0] and other.coils(3, 1) == [1]
            other("di 1 1")
            drive.wait(lid_closed=True)
            drive("reset")
            other.end()
            assert drive.wait(trip="bus")["powered"] == ["A1", "A2", "A3"]
    finally:
        other.end()
