"""SMP over a console line, as any other tool speaks it: for the tests that ask a board beside the station."""
import base64
import os
import select
import struct
import time

from signer_client import PATIENCE_S


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc


def frame(message):
    """The lines of one message, 93 raw bytes each."""
    packet = struct.pack(">H", len(message) + 2) + message + struct.pack(">H", crc16(message))
    pieces = [packet[i:i + 93] for i in range(0, len(packet), 93)]
    return b"".join((b"\x04\x14" if i else b"\x06\x09") + base64.b64encode(piece) + b"\n" for i, piece in enumerate(pieces))


def unframe(wire):
    """The whole messages in what came, whatever lies between them."""
    messages, packet = [], b""
    for line in wire.split(b"\n")[:-1]:
        first, more = line.rfind(b"\x06\x09"), line.rfind(b"\x04\x14")
        if first < 0 and more < 0:
            continue
        packet = (b"" if first >= 0 else packet) + base64.b64decode(line[max(first, more) + 2:])
        if len(packet) >= 4 and len(packet) == struct.unpack(">H", packet[:2])[0] + 2 and crc16(packet[2:]) == 0:
            messages.append(packet[2:-2])
    return messages


def request(op, group, command, payload=b"\xa0", sequence=77):
    return struct.pack(">BBHHBB", 8 | op, 0, len(payload), group, sequence, command) + payload


def ask(fd, message, timeout_s=PATIENCE_S):
    """Sends a request to a line and returns what follows the header of its answer."""
    deadline, wire = time.monotonic() + timeout_s, b""
    os.write(fd, frame(message))
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.1)[0]:
            wire += os.read(fd, 4096)
        for answer in unframe(wire):
            if answer[0] == message[0] + 1 and answer[4:8] == message[4:8]:
                return answer[8:]
    raise AssertionError(f"no answer within {timeout_s} s; what came: {wire!r}")


def number(payload, key):
    """The unsigned number behind a text key, of CBOR that needs no more than that."""
    at = payload.index(bytes([0x60 + len(key)]) + key.encode()) + 1 + len(key)
    head = payload[at]
    if head < 24:
        return head
    size = {24: 1, 25: 2, 26: 4, 27: 8}[head]
    return int.from_bytes(payload[at + 1:at + 1 + size], "big")
