"""DER by hand, for requests that no tool would make."""
import subprocess


def tlv(tag, *content):
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def sequence(*content):
    return tlv(0x30, *content)


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bits(data):
    return tlv(3, b"\0", data)


def oid(hexadecimal):
    return tlv(6, bytes.fromhex(hexadecimal))


NULL = b"\5\0"
P256, P384, P521 = "2a8648ce3d030107", "2b81040022", "2b81040023"
EC_KEY, RSA_KEY = "2a8648ce3d0201", "2a864886f70d010101"
ECDSA_SHA256, RSA_SHA256 = "2a8648ce3d040302", "2a864886f70d01010b"
EMPTY_NAME = sequence()


def ec_spki(point, curve=P256):
    return sequence(sequence(oid(EC_KEY), oid(curve)), bits(point))


def rsa_spki(modulus, exponent):
    return sequence(sequence(oid(RSA_KEY), NULL), bits(sequence(integer(modulus), integer(exponent))))


def info(spki, version=0, name=EMPTY_NAME, attributes=b""):
    return sequence(integer(version), name, spki, tlv(0xa0, attributes))


def request(request_info, algorithm, signature):
    return sequence(request_info, algorithm, bits(signature))


def signed(request_info, key_file, algorithm=ECDSA_SHA256, digest="sha256"):
    """With a real signature by a key in a PEM file."""
    parameters = NULL if algorithm.startswith("2a864886f70d") else b""
    signature = subprocess.run(["openssl", "dgst", f"-{digest}", "-sign", key_file], input=request_info, check=True,
                               capture_output=True).stdout
    return request(request_info, sequence(oid(algorithm), parameters), signature)


def elements(data):
    """[(tag, whole, content)] of what lies side by side in data."""
    found, at = [], 0
    while at < len(data):
        size, head = data[at + 1], 2
        if size & 0x80:
            head += size & 0x7f
            size = int.from_bytes(data[at + 2:at + head], "big")
        found.append((data[at], data[at:at + head + size], data[at + head:at + head + size]))
        at += head + size
    return found


def spki_of_request(der):
    return elements(elements(elements(der)[0][2])[0][2])[2][1]
