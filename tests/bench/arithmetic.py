"""What a unit must cost on the wire at least, counted by hand from each protocol's description, for given sizes of CSR and
files. Each driver is a list of round trips (bytes to the board, bytes from it); a file is verified by the board's digest.

CHECKS holds the same sums for a CSR of 300 bytes and files of 500 and 450 that were made independently of this program;
`check` compares. A text protocol has no checksum, so the unit id is read at the start and at the end.
"""
import math

LINE_RAW, LINE_WIRE = 93, 127  # bytes of a full line of SMP before base64, and on the wire
HEADER, FRAME = 8, 4
DIGEST = 32


def framed(payload):
    """Bytes on the wire of a message with that much CBOR."""
    full, rest = divmod(HEADER + payload + FRAME, LINE_RAW)
    return full * LINE_WIRE + ((rest + 2) // 3 * 4 + 3 if rest else 0)


def head(value):
    return 1 if value < 24 else 2 if value < 256 else 3


def number(key, value):
    return 1 + len(key) + head(value)


def string(key, size):
    return number(key, size) + size


def pieces(size, room, align=4):
    """(offset, length) of the pieces of a file; room(offset) is what fits."""
    at = 0
    while at < size:
        length = min(size - at, room(at))
        length -= length % align if at + length < size else 0
        yield at, length
        at += length


def base64(size, padded=True):
    return (size + 2) // 3 * 4 if padded else (size * 4 + 2) // 3


def pem(size):
    """A certificate as text with LF."""
    return base64(size) + math.ceil(base64(size) / 64) + len("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")


def prov(csr, files, buffer=1028):
    """The leanest private group: identify (40 bytes of answer), csr, write, digest, commit; names of two letters."""
    name, commit = 3, (39, 8)
    yield framed(1), framed(40)

    def answer(at, length):
        return 1 + number("off", at) + number("len", csr) + string("csr", length)
    for at, length in pieces(csr, lambda at: buffer - FRAME - HEADER - answer(at, 0) - 2):
        yield framed(1 + (number("off", at) if at else 0)), framed(answer(at, length))
    for size in files:
        def request(at, length):
            return 1 + name + number("off", at) + (0 if at else number("len", size)) + string("data", length)
        for at, length in pieces(size, lambda at: buffer - FRAME - HEADER - request(at, 0) - 2):
            yield framed(request(at, length)), framed(1 + number("off", at + length))
    for size in files:
        yield framed(1 + name), framed(1 + string("sha", DIGEST) + number("len", size))
    yield framed(commit[0]), framed(commit[1])


def fs(csr, files, buffer=384, unit=6, paths=(21, 21)):
    """Stock groups: os 6, the files unit and CSR, uploads, sha256 of each, reset. Maps of the answers are indefinite."""
    short = 14  # a path such as /lfs1/csr.der
    yield framed(1), framed(2 + number("buf_size", buffer) + number("buf_count", 4))
    for size in (unit, csr):
        yield framed(1 + string("name", short) + number("off", 0)), framed(2 + number("off", 0) + string("data", size) + number("len", size))
    for size, path in zip(files, paths):
        def request(at, length):
            return 1 + string("name", path) + number("off", at) + (0 if at else number("len", size)) + string("data", length)
        for at, length in pieces(size, lambda at: buffer - FRAME - HEADER - request(at, 0) - 2):
            yield framed(request(at, length)), framed(2 + number("off", at + length))
    for size, path in zip(files, paths):
        yield framed(1 + string("name", path) + string("type", 6)), framed(2 + string("type", 6) + number("len", size) + string("output", DIGEST))
    yield framed(1), framed(2)


def nrf91(csr, files, tag=8, imei=15, cose=157):
    """AT commands that end with CR, answers with CR LF: CFUN, CGSN, KEYGEN, one CMNG for each file and its list, CGSN."""
    ok = len("OK\r\n")
    unit = len("AT+CGSN\r"), imei + 2 + ok
    yield len("AT+CFUN=4\r"), ok
    yield unit
    yield len("AT%KEYGEN=,2,0\r") + tag, len('%KEYGEN: "."\r\n') + base64(csr, False) + base64(cose, False) + ok
    for size in files:
        yield len('AT%CMNG=0,,1,""\r') + tag + size, ok
    for _ in files:
        yield len("AT%CMNG=1,,1\r") + tag, len('%CMNG: ,1,""\r\n') + tag + 2 * DIGEST + ok
    yield unit


def zshell(csr, files, tag=8, unit=8, prompt=18, identified=True):
    """Shell commands that end with CR, each echoed, its answer's lines with CR LF, then a prompt (in colour): hwinfo, keygen,
    csr, 48 characters of base64 a line, add and list for each file, hwinfo."""
    def command(text, *lines, more=0):
        said = len(text) + more
        return said + 1, said + 2 + sum(len(line) + 2 for line in lines) + prompt
    sec = "9" * tag
    who = [command("hwinfo devid", f"Length: {unit}", "ID: 0x" + "f" * 2 * unit)] if identified else []
    yield from who
    yield command(f"nrf_cloud_cred keygen {sec}", f"Generated device key in sec tag {sec}")
    yield command(f"nrf_cloud_cred csr {sec}", "CSR: " + "=" * base64(csr), "CSR generation complete")
    for size in files:
        for _, length in pieces(base64(size), lambda _: 48):
            yield command("cred buf ", f"Stored {length} bytes.", more=length)
        yield command(f"cred add {sec} SERV DEFAULT bin", f"Added TLS credential of type SERVER_CERT, sectag {sec}, and length {size} bytes.",
                      "Credential buffer cleared.")
    for _ in files:
        yield command(f"cred list {sec} SERV", f"{sec},SERV,{'=' * base64(DIGEST)},0", "1 credentials found.")
    yield from who


DRIVERS = {"prov": prov, "fs": fs, "nrf91": nrf91, "zshell": zshell}
# Driver, options, files, and what was made of it elsewhere: to the board, from it, round trips; how near that must be.
CHECKS = (
    ("prov", {"buffer": 384}, (500, 450), (1660, 852, 9), 0.01),
    ("fs", {"paths": (23, 23)}, (500, 450), (1946, 915, 10), 0.01),
    ("nrf91", {}, (pem(500), pem(450)), (1548, 858, 8), 0.01),
    # Without unit id; with a longer prompt.
    ("zshell", {"identified": False, "prompt": 26}, (pem(500) + 1, pem(450) + 1), (2467, 5251, 46), 0.02),
)


def arithmetic(driver, csr, files, **options):
    """Bytes to the board, from it, and round trips."""
    trips = list(DRIVERS[driver](csr, files, **options))
    return sum(trip[0] for trip in trips), sum(trip[1] for trip in trips), len(trips)


def check():
    for driver, options, files, wanted, near in CHECKS:
        counted = arithmetic(driver, 300, files, **options)
        assert counted[2] == wanted[2] and all(abs(c - w) <= near * w for c, w in zip(counted[:2], wanted[:2])), (driver, counted, wanted)
