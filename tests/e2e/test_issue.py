"""imprint issue: requests of other people's tools pass, and what is malformed is refused with a reason and signed by nobody."""
import hashlib
import re
import secrets
import subprocess

import der
import pytest
from signer_client import ISSUED, PATIENCE_S, REFUSED, encode
from tools import Requests, certificate_id, der_of, make_request, openssl, pem, serial_of, text_of, verify

KINDS = ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"]
CERTTOOL = {
    "ec-p256": ["--key-type", "ecdsa", "--curve", "secp256r1"], "ec-p384": ["--key-type", "ecdsa", "--curve", "secp384r1"],
    "rsa-2048": ["--key-type", "rsa", "--bits", "2048"],
}
LABEL = "CERTIFICATE REQUEST"


@pytest.fixture(scope="module")
def line(module_station):
    s = module_station("--boards", "0")
    s.ca = der_of(s.imprint("ca", "show").stdout)
    s.signer_pid = s.pid("signer")
    s.units = 0
    return s


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


@pytest.fixture(scope="module")
def keys(requests):
    """One key of each kind, for all tests of this file."""
    return {kind: requests.key(kind) for kind in [*KINDS, "rsa-1024", "ec-p521", "ed25519"]}


@pytest.fixture(autouse=True)
def alive_and_silent(line):
    """After each test: the same signer process, and a ledger that verifies."""
    yield
    assert line.pid("signer") == line.signer_pid, line.log("signer")[-3000:]


def new_unit(line):
    line.units += 1
    return f"I-{line.units:04}"


def issue(line, request, tmp_path, unit=None, options=(), check=True):
    """Through the command: the certificate's DER, or the finished process if it was not to be checked."""
    path = tmp_path / f"{secrets.token_hex(4)}.csr"
    path.write_bytes(request) if isinstance(request, bytes) else path.write_text(request)
    done = line.imprint("issue", "--unit", unit or new_unit(line), "--csr", path, *options, check=check)
    return der_of(done.stdout) if check else done


def check_certificate(line, certificate, unit, tmp_path):
    """What the product of tests/line says, and nothing that came with the request."""
    text = text_of(certificate)
    assert f"Subject: CN={unit},OU=Demo,O=Example" in text
    assert "Issuer: CN=Example LINE CA,O=Example" in text
    assert f"URI:urn:imprint:demo:{unit}\n" in text
    assert re.search(r"Key Usage: critical\n +Digital Signature\n", text)
    assert re.search(r"Extended Key Usage:.*\n +TLS Web Client Authentication\n", text)
    assert "Not After : Dec 31 23:59:59 9999 GMT" in text and b"\x18\x0f99991231235959Z" in certificate
    assert "CA:TRUE" not in text and "Certificate Sign" not in text
    assert "Version: 3" in text
    serial = serial_of(certificate)
    prefix = re.search(r'serial_prefix: "?([0-9a-f]+)', (line.dir / "etc/signer.yaml").read_text()).group(1)
    assert serial.startswith(prefix) and len(serial) >= 16 and len(serial) <= 40
    done = verify(line.ca, [certificate], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_request(line, keys, tmp_path, kind):
    unit = new_unit(line)
    request = make_request(keys[kind])
    certificate = issue(line, request, tmp_path, unit)
    check_certificate(line, certificate, unit, tmp_path)
    row = line.ledger_list()[-1]
    spki = der.spki_of_request(request)
    assert (row["unit"], row["state"], row["certificate_id"]) == (unit, "issued", certificate_id(certificate))
    assert row["public_key_sha256"] == hashlib.sha256(spki).hexdigest()
    assert spki in certificate, "the key in the certificate is not the request's, byte for byte"


@pytest.mark.parametrize("kind", CERTTOOL)
def test_certtool_request(line, tmp_path, kind):
    key, template, request = (tmp_path / name for name in ("key.pem", "template", "request.pem"))
    template.write_text('cn = "something"\norganization = "somebody"\ndns_name = "evil.example"\nca\ncert_signing_key\n')
    subprocess.run(["certtool", "--generate-privkey", *CERTTOOL[kind], "--outfile", key], check=True, capture_output=True)
    subprocess.run(["certtool", "--generate-request", "--load-privkey", key, "--template", template, "--outfile", request], check=True,
                   capture_output=True)
    unit = new_unit(line)
    certificate = issue(line, request.read_text(), tmp_path, unit)
    check_certificate(line, certificate, unit, tmp_path)
    assert b"evil" not in certificate and b"somebody" not in certificate


@pytest.mark.parametrize("name, options, change", [
    ("SHA-384", ["-sha384"], None),
    ("SHA-512", ["-sha512"], None),
    ("asks to be a CA", ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"], None),
    ("asks for other names", ["-addext", "subjectAltName=DNS:evil.example"], None),
    ("PEM", [], lambda data: pem(data, LABEL)),
    ("PEM of old", [], lambda data: pem(data, "NEW " + LABEL)),
    ("PEM with text in front", [], lambda data: "Certificate Request:\n  Data: …\n" + pem(data, LABEL)),
    ("PEM with CR LF", [], lambda data: pem(data, LABEL).replace("\n", "\r\n")),
], ids=lambda value: value if isinstance(value, str) else "")
def test_requests_that_pass(line, requests, tmp_path, name, options, change):
    request = make_request(requests.key(), *options)
    unit = new_unit(line)
    certificate = issue(line, change(request) if change else request, tmp_path, unit)
    check_certificate(line, certificate, unit, tmp_path)
    assert b"evil" not in certificate


def test_out_file_and_der_of_a_key_that_came_before(line, requests, tmp_path):
    request, unit, out = requests.new(), new_unit(line), tmp_path / "out.pem"
    issue(line, request, tmp_path, unit, ["--out", out], check=False)
    assert issue(line, request, tmp_path, unit) == der_of(out.read_text())
    assert sum(row["unit"] == unit for row in line.ledger_list()) == 1


@pytest.mark.parametrize("kind", ["ec-p384", "rsa-2048"])
def test_other_ca_keys(station, requests, tmp_path, kind):
    s = station("--boards", "2", "--key", kind)
    s.ca = der_of(s.imprint("ca", "show").stdout)
    certificate = issue(s, requests.new(), tmp_path, "OTHER-CA")
    check_certificate(s, certificate, "OTHER-CA", tmp_path)
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    done = verify(s.ca, [s.dump(unit) for unit in s.boards().values()], tmp_path)
    assert done.returncode == 0, done.stderr
    s.imprint("ledger", "verify")


# --- what is refused ---


def refused(line, signer, request, codes=("csr",)):
    """No certificate, a reason in words, and the signer goes on. The unit stays free."""
    answer = signer.issue("MUTANT-1", request)
    assert answer.type == REFUSED, f"signed: {request.hex()}"
    assert answer.refusal in codes, f"{answer.refusal}: {answer.text}"
    assert "MUTANT-1" in answer.text and len(answer.text) > 20
    return answer.text


@pytest.fixture
def signer(line):
    """A connection; at the end the ledger has as many certificates as before."""
    before = len(line.ledger_list())
    with line.signer() as connection:
        yield connection
    assert len(line.ledger_list()) == before


def mutate(line, signer, request, mutants):
    """All are refused, and the request that they were made from is not the reason."""
    count = 0
    for mutant in mutants:
        refused(line, signer, mutant, ("csr", "key-type"))
        count += 1
    assert openssl("req", "-inform", "DER", "-noout", "-verify", data=request, check=False).returncode == 0
    return count


@pytest.mark.parametrize("kind", ["ec-p256", "ec-p384", "rsa-2048"])
def test_truncated_at_every_byte(line, signer, keys, kind):
    request = make_request(keys[kind])
    assert mutate(line, signer, request, (request[:n] for n in range(len(request)))) == len(request)


def test_every_bit_flipped(line, signer, keys):
    request = make_request(keys["ec-p256"])
    count = mutate(line, signer, request, (flip(request, at, bit) for at in range(len(request)) for bit in range(8)))
    assert count == 8 * len(request)


@pytest.mark.parametrize("kind", ["ec-p384", "rsa-2048", "rsa-4096"])
def test_one_bit_flipped_in_every_byte(line, signer, keys, kind):
    request = make_request(keys[kind])
    assert mutate(line, signer, request, (flip(request, at, at % 8) for at in range(len(request)))) == len(request)


def flip(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


@pytest.mark.parametrize("tail", [b"\0", b"\0\0", b"\n", b"\x30\x00", b"\xff" * 100], ids=lambda tail: tail.hex()[:8])
def test_trailing_bytes(line, signer, keys, tail):
    refused(line, signer, make_request(keys["ec-p256"]) + tail)


P256_PRIME = 2 ** 256 - 2 ** 224 + 2 ** 192 + 2 ** 96 - 1


def hand_made(line, keys, spki, algorithm=der.ECDSA_SHA256):
    """A request that is right in all but its key; the signature is somebody's."""
    return der.signed(der.info(spki), keys["ec-p256"], algorithm)


def point_of(keys):
    return der.elements(der.elements(der.spki_of_request(make_request(keys["ec-p256"])))[0][2])[1][2][1:]


@pytest.mark.parametrize("name, change", [
    ("infinity, one byte", lambda point: b"\0"),
    ("infinity, as zeros", lambda point: b"\4" + bytes(64)),
    ("infinity, empty", lambda point: b""),
    ("off the curve", lambda point: point[:-1] + bytes([point[-1] ^ 1])),
    ("too short", lambda point: point[:-1]),
    ("too long", lambda point: point + b"\0"),
    ("compressed", lambda point: bytes([2 + (point[-1] & 1)]) + point[1:33]),
    ("hybrid", lambda point: bytes([6 + (point[-1] & 1)]) + point[1:]),
    ("unknown form", lambda point: b"\5" + point[1:]),
    ("coordinate not below the prime", lambda point: b"\4" + P256_PRIME.to_bytes(32, "big") + point[33:]),
    ("coordinate of ones", lambda point: b"\4" + b"\xff" * 64),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_points(line, signer, keys, name, change):
    point = point_of(keys)
    assert len(point) == 65 and point[0] == 4
    text = refused(line, signer, hand_made(line, keys, der.ec_spki(change(point))))
    if name in ("infinity, one byte", "off the curve", "compressed"):
        assert re.search("infinity|curve|point|uncompressed", text), text


def test_wrong_points_are_wrong_for_the_point_alone(line, requests):
    """The same by hand with the right point is signed: so the tests above can fail."""
    key = requests.key()
    spki = der.spki_of_request(make_request(key))
    with line.signer() as connection:
        answer = connection.issue(new_unit(line), der.signed(der.info(spki), key))
    assert answer.type == ISSUED, answer.text


@pytest.mark.parametrize("name, kind, options", [
    ("MD5", "rsa-2048", ["-md5"]),
    ("SHA-1 with RSA", "rsa-2048", ["-sha1"]),
    ("SHA-1 with EC", "ec-p256", ["-sha1"]),
    ("SHA-224", "ec-p256", ["-sha224"]),
    ("RSA-1024", "rsa-1024", []),
    ("P-521", "ec-p521", []),
    ("Ed25519", "ed25519", []),
    ("far too long", "ec-p256", ["-addext", "nsComment=" + "x" * 4096]),
], ids=lambda value: value if isinstance(value, str) and not value.startswith(("ec-", "rsa-", "ed")) else "")
def test_weak_or_foreign_requests(line, signer, keys, name, kind, options):
    request = make_request(keys[kind], *options)
    if len(request) > 4096:
        answer = signer.issue("MUTANT-1", request)
        assert answer.type == REFUSED and answer.text
    else:
        assert len(refused(line, signer, request)) > 40


@pytest.fixture(scope="module")
def explicit_key(requests):
    """A P-256 key whose file, and whose request, spells the curve out."""
    path = requests.folder / "explicit.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit", "-out", path)
    return path


def test_explicit_curve(line, signer, explicit_key):
    refused(line, signer, make_request(explicit_key))


def pkcs1_padded(message, size):
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    return b"\0\1" + b"\xff" * (size - 3 - len(digest_info)) + b"\0" + digest_info


def modulus_of(key):
    return int(openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1], 16)


def test_rsa_exponent_one(line, signer, keys):
    """With e = 1 anybody can make a signature that verifies: it is its own padding."""
    info = der.info(der.rsa_spki(modulus_of(keys["rsa-2048"]), 1))
    request = der.request(info, der.sequence(der.oid(der.RSA_SHA256), der.NULL), pkcs1_padded(info, 256))
    assert re.search("exponent", refused(line, signer, request))


@pytest.mark.parametrize("name, change", [
    ("exponent 0", lambda n: (n, 0)),
    ("exponent 2", lambda n: (n, 2)),
    ("exponent 65536", lambda n: (n, 65536)),
    ("exponent as long as the modulus", lambda n: (n, n - 2)),
    ("modulus 0", lambda n: (0, 65537)),
    ("modulus 1", lambda n: (1, 65537)),
    ("even modulus", lambda n: (n - 1, 65537)),
    ("modulus of 2047 bits", lambda n: (n >> 1 | 1, 65537)),
    ("modulus of 16384 bits", lambda n: (n ** 8 | 1, 65537)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_rsa_keys(line, signer, keys, name, change):
    modulus, exponent = change(modulus_of(keys["rsa-2048"]))
    info = der.info(der.rsa_spki(modulus, exponent))
    refused(line, signer, der.signed(info, keys["rsa-2048"], der.RSA_SHA256))


@pytest.mark.parametrize("name, make", [
    ("empty", lambda info, spki, key: b""),
    ("zeros", lambda info, spki, key: bytes(4096)),
    ("a certificate's worth of noise", lambda info, spki, key: hashlib.shake_256(b"noise").digest(400)),
    ("version 1", lambda info, spki, key: der.signed(der.info(spki, version=1), key)),
    ("no key", lambda info, spki, key: der.signed(der.info(b""), key)),
    ("two keys", lambda info, spki, key: der.signed(der.info(spki + spki), key)),
    ("bytes behind the key inside", lambda info, spki, key: der.signed(der.info(spki + b"\5\0"), key)),
    ("no attributes", lambda info, spki, key: der.signed(der.sequence(der.integer(0), der.EMPTY_NAME, spki), key)),
    ("attributes that are none", lambda info, spki, key: der.signed(der.info(spki, attributes=b"\2\1\0"), key)),
    ("a subject that is none", lambda info, spki, key: der.signed(der.info(spki, name=der.sequence(b"\2\1\0")), key)),
    ("signature of another key type", lambda info, spki, key: der.signed(info, key, der.RSA_SHA256)),
    ("signature empty", lambda info, spki, key: der.request(info, der.sequence(der.oid(der.ECDSA_SHA256)), b"")),
    ("signature r = s = 0", lambda info, spki, key: der.request(
        info, der.sequence(der.oid(der.ECDSA_SHA256)), der.sequence(der.integer(0), der.integer(0)))),
    ("signature r = s = 1", lambda info, spki, key: der.request(
        info, der.sequence(der.oid(der.ECDSA_SHA256)), der.sequence(der.integer(1), der.integer(1)))),
    ("length not as short as can be", lambda info, spki, key: long_length(der.signed(info, key))),
    ("indefinite length", lambda info, spki, key: b"\x30\x80" + b"".join(
        whole for _, whole, _ in der.elements(der.elements(der.signed(info, key))[0][2])) + b"\0\0"),
    ("curve P-384 with a point of P-256", lambda info, spki, key: der.signed(
        der.info(der.ec_spki(der.elements(der.elements(spki)[0][2])[1][2][1:], der.P384)), key)),
    ("a curve that nobody has", lambda info, spki, key: der.signed(
        der.info(der.ec_spki(der.elements(der.elements(spki)[0][2])[1][2][1:], "2a0304")), key)),
    ("a length inside not as short as can be", lambda info, spki, key: with_attribute(spki, key, b"\x04\x81\x01x")),
    ("indefinite length inside", lambda info, spki, key: with_attribute(spki, key, b"\x24\x80\x04\x01x\0\0")),
    ("string in pieces", lambda info, spki, key: with_attribute(spki, key, b"\x24\x03\x04\x01x")),
    ("true that is not FF", lambda info, spki, key: with_attribute(spki, key, b"\1\1\1")),
    ("number not as short as can be", lambda info, spki, key: with_attribute(spki, key, b"\2\2\0\1")),
    ("nested 1000 deep", lambda info, spki, key: nested(1000)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_malformed(line, signer, keys, name, make):
    spki = der.spki_of_request(make_request(keys["ec-p256"]))
    refused(line, signer, make(der.info(spki), spki, keys["ec-p256"]), ("csr", "key-type"))


EXTENSION_REQUEST = "2a864886f70d01090e"


def with_attribute(spki, key, value):
    """Signed with an attribute whose value is this."""
    return der.signed(der.info(spki, attributes=der.sequence(der.oid(EXTENSION_REQUEST), der.tlv(0x31, value))), key)


def test_an_attribute_is_no_harm(line, requests):
    """So that the malformed ones above are refused for what is malformed."""
    key = requests.key()
    with line.signer() as connection:
        answer = connection.issue(new_unit(line), with_attribute(der.spki_of_request(make_request(key)), key, b"\x04\x01x"))
    assert answer.type == ISSUED, answer.text


def long_length(request):
    content = der.elements(request)[0][2]
    return b"\x30\x83" + len(content).to_bytes(3, "big") + content


def nested(depth):
    data = b""
    for _ in range(depth):
        data = der.sequence(data)
        if len(data) > 4000:
            break
    return data


def test_key_of_another(line, signer, keys, requests):
    """Somebody else's public key, signed with one's own: no proof of possession."""
    victim = der.spki_of_request(make_request(keys["ec-p256"]))
    assert re.search("signature|possess", refused(line, signer, der.signed(der.info(victim), requests.key())))


def test_a_megabyte_of_zeros(line, signer, tmp_path):
    done = issue(line, bytes(1 << 20), tmp_path, "MUTANT-1", check=False)
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1, done
    # Through the socket it cannot be sent; the most that can is refused too.
    with pytest.raises(OSError):
        signer.send(encode("issue", unit="MUTANT-1", source=1, csr=bytes(1 << 20)))
    answer = signer.ask("issue", unit="MUTANT-1", source=1, csr=bytes(60000))
    assert answer.type == REFUSED and answer.text


@pytest.mark.parametrize("name, make", [
    ("no file", None),
    ("an empty file", lambda request: b""),
    ("cut off", lambda request: request[:-1]),
    ("trailing bytes", lambda request: request + b"\0"),
    ("PEM cut off", lambda request: pem(request, LABEL)[:200]),
    ("PEM of a certificate", lambda request: pem(request)),
    ("text", lambda request: "hello\n"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_command_refuses(line, keys, tmp_path, name, make):
    """One sentence on stderr, nothing on stdout, exit 1."""
    request = make_request(keys["ec-p256"])
    if make:
        done = issue(line, make(request), tmp_path, "MUTANT-1", check=False)
    else:
        done = line.imprint("issue", "--unit", "MUTANT-1", "--csr", tmp_path / "none.csr", check=False)
    assert done.returncode == 1
    assert done.stdout == "" and done.stderr.startswith("imprint: ") and len(done.stderr.splitlines()) == 1


def test_records_that_make_no_sense(line, keys):
    """The protocol itself, bent: each is answered or hung up on, and the next caller is served."""
    record = encode("issue", unit="MUTANT-1", source=1, csr=make_request(keys["ec-p256"]))
    before = len(line.ledger_list())
    bent = [record[:n] for n in range(1, 40)] + [record + b"\0", b"\0", b"\1", b"\1\0", b"\1\xff", b"\2" + record[1:], b"\1\x80\0\0",
                                                 record[:2] + b"\xff\xff" + record[4:], bytes(65000)]
    for bad in bent:
        with line.signer() as connection:
            connection.send(bad)
            try:
                assert connection.receive().type == REFUSED
            except ConnectionError:
                pass
    with line.signer() as connection:
        assert connection.ask("status").status["entries"] > 0
    assert len(line.ledger_list()) == before


def test_ledger_is_clean(line):
    line.imprint("ledger", "verify")
