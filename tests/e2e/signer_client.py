"""A second reading of the signer's protocol (hsm/api/request.h), to ask what the commands never would.

One SEQPACKET record each way: u8 version, u8 type, fields; integers big endian, text with u16 and bytes with u32 length."""
import array
import os
import socket
import struct

PATIENCE_S = 300  # for what must come: no sound machine takes that long, however slow and busy
VERSION = 1
STATION, SUPERVISOR, READER = "station", "supervisor", "reader"

TYPES = {
    "status": 1, "issue": 2, "installed": 3, "order open": 4, "order units": 5, "order quantity": 6, "order use": 7,
    "order close": 8, "orders": 9, "void": 10, "revoke": 11, "issuances": 12, "find": 13, "certificate": 14, "entries": 15,
    "head": 16, "ca": 17, "crl": 18, "backup": 19, "verification-cert": 20, "accept-time": 21,
}
FIELDS = {
    "status": "", "issue": "order:t unit:t source:n nest:t operator:t csr:b",
    "installed": "certificate_id:h unit:t nest:t operator:t evidence:n nonce:h signature:b",
    "order open": "order:t product:t quantity:n until:n units:n pattern:t list:b",
    "order units": "order:t list:b", "order quantity": "order:t quantity:n", "order use": "order:t",
    "order close": "order:t", "orders": "after_text:t order:t", "void": "unit:t reason:t",
    "revoke": "unit:t certificate_id:h reason:t", "issuances": "after:n order:t unit:t since:n", "find": "after_text:t",
    "certificate": "certificate_id:h", "entries": "after:n", "head": "", "ca": "", "crl": "", "backup": "",
    "verification-cert": "code:t", "accept-time": "reason:t",
}
DONE, REFUSED, ISSUED, ROWS, BLOB, HEAD, CA, STATUS = range(128, 136)
SOURCE_BOARD, SOURCE_FILE, SOURCE_LABEL, SOURCE_LIST = 1, 2, 3, 4
EVIDENCE_DIGEST, EVIDENCE_READ_BACK, EVIDENCE_SIGNED = 1, 2, 3
REFUSALS = ["permission", "request", "csr", "key-type", "unit-text", "unit-other-key", "unit-installed", "key-other-unit",
            "key-revoked", "rekey-limit", "order-none", "order-unknown", "order-exists", "order-closed", "order-late", "order-unit",
            "order-quota", "product", "unknown", "state", "nonce", "proof", "clock", "disk", "token", "ca", "failed"]
RECORD_MAX = 65536


def encode(name, **values):
    record = bytearray([VERSION, TYPES[name]])
    for field in FIELDS[name].split():
        key, kind = field.split(":")
        value = values.pop(key, None)
        if kind == "t":
            text = (value or "").encode()
            record += struct.pack(">H", len(text)) + text
        elif kind == "n":
            record += struct.pack(">Q", value or 0)
        elif kind == "h":
            record += value or bytes(32)
        else:
            record += struct.pack(">I", len(value or b"")) + (value or b"")
    assert not values, f"{name} has no field {list(values)}"
    return bytes(record)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "the record is too short"
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def text(self):
        return self.take(self.number(2)).decode()

    def bytes(self):
        return self.take(self.number(4))

    def left(self):
        return len(self.data) - self.at


def read_issuance(r):
    i = {"id": r.number(8), "issued_entry": r.number(8), "state": ["", "reserved", "issued", "installed", "void", "revoked"][
        r.number(1)], "evidence": r.number(1), "unit_source": r.number(1), "rekeyed": r.number(1)}
    for key in ("order", "product", "unit", "nest", "operator", "reason"):
        i[key] = r.text()
    i["serial"] = r.take(r.number(1))
    for key in ("certificate_id", "key_sha256", "ca_id"):
        i[key] = r.take(32)
    for key in ("reserved_at", "issued_at", "installed_at", "ended_at"):
        i[key] = r.number(8)
    return i


class Answer:
    """type; text and refusal (its name, or None); and what the type brings"""

    def __init__(self, record):
        r = Reader(record)
        assert r.number(1) == VERSION
        self.type, self.text, self.refusal, self.rows = r.number(1), "", None, b""
        if self.type == DONE:
            self.text = r.text()
        elif self.type == REFUSED:
            code = r.number(8)
            self.text = r.text()
            self.refusal = REFUSALS[code - 100] if 100 <= code < 100 + len(REFUSALS) else code
        elif self.type == ISSUED:
            self.again, self.nonce, self.issuance = r.number(8), r.take(32), read_issuance(r)
            self.files = {}
            for _ in range(r.number(1)):
                name = r.text()
                self.files[name] = (r.bytes(), r.take(32))
        elif self.type == ROWS:
            self.more, self.rows = r.number(8), r.bytes()
        elif self.type in (BLOB, HEAD):
            self.rows = r.bytes()
        elif self.type == CA:
            self.text, self.rows = r.text(), r.bytes()
        elif self.type == STATUS:
            self.status = {key: r.text() for key in ("station", "ca_subject", "order", "product", "trouble")}
            self.status.update({key: r.number(8) for key in ("ca_ends", "entries", "quantity", "used", "token_ok",
                                                            "disk_free_mb", "training", "signing_s")})
        else:
            raise AssertionError(f"no such answer: {self.type}")
        assert r.left() == 0, f"{r.left()} bytes left over in an answer of type {self.type}"

    def issuances(self):
        r = Reader(self.rows)
        found = []
        while r.left():
            found.append(read_issuance(r))
        return found


class Signer:
    """One connection. A long path is reached through /proc/self/fd, as the programs do."""

    def __init__(self, run_dir, timeout=PATIENCE_S):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        directory = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.socket.connect(f"/proc/self/fd/{directory}/signer.sock")
        finally:
            os.close(directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, record, pass_fd=-1):
        beside = []
        if pass_fd >= 0:
            beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pass_fd]))]
        self.socket.sendmsg([record], beside)

    def receive(self):
        record = self.socket.recv(RECORD_MAX)
        if not record:
            raise ConnectionError("the signer hung up")
        return Answer(record)

    def ask(self, name, pass_fd=-1, **values):
        self.send(encode(name, **values), pass_fd)
        return self.receive()

    def issue(self, unit, csr, order="", source=SOURCE_BOARD, nest="X1", operator="test"):
        return self.ask("issue", order=order, unit=unit, source=source, nest=nest, operator=operator, csr=csr)

    def issuances(self, order="", unit=""):
        after, found = 0, []
        while True:
            answer = self.ask("issuances", after=after, order=order, unit=unit)
            assert answer.type == ROWS, answer.text
            rows = answer.issuances()
            found += rows
            if not answer.more:
                return found
            after = rows[-1]["id"]
