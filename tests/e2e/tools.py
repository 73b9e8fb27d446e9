"""Keys, requests and certificates as other people's tools make and read them."""
import hashlib
import os
import re
import subprocess

NEW_KEY = {
    "ec-p256": ("EC", "ec_paramgen_curve:P-256"), "ec-p384": ("EC", "ec_paramgen_curve:P-384"),
    "ec-p521": ("EC", "ec_paramgen_curve:P-521"), "rsa-1024": ("RSA", "rsa_keygen_bits:1024"),
    "rsa-2048": ("RSA", "rsa_keygen_bits:2048"), "rsa-3072": ("RSA", "rsa_keygen_bits:3072"),
    "rsa-4096": ("RSA", "rsa_keygen_bits:4096"), "ed25519": ("ED25519", None),
}


def openssl(*args, data=b"", check=True, env=None):
    done = subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, timeout=600, env=dict(os.environ, **(env or {})))
    assert not check or done.returncode == 0, f"openssl {args[0]}: {done.stderr.decode()}"
    return done.stdout if check else done


def make_key(path, kind="ec-p256"):
    algorithm, option = NEW_KEY[kind]
    openssl("genpkey", "-algorithm", algorithm, *(["-pkeyopt", option] if option else []), "-out", path)
    return path


def make_request(key, *options, subject="/CN=anything"):
    """A request in DER by `openssl req`."""
    return openssl("req", "-new", "-key", key, "-subj", subject, "-outform", "DER", *options)


class Requests:
    """New keys and their requests, as many as asked for."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def key(self, kind="ec-p256"):
        self.count += 1
        return make_key(self.folder / f"{self.count}.key", kind)

    def new(self, kind="ec-p256"):
        return make_request(self.key(kind))


def pem(der, label="CERTIFICATE"):
    import base64
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def der_of(text, label="CERTIFICATE"):
    """The first PEM block of that label."""
    import base64
    block = re.search(f"-----BEGIN {label}-----(.*?)-----END {label}-----", text, re.S)
    assert block, f"no {label} in:\n{text}"
    return base64.b64decode(block.group(1))


def certificate_id(der):
    return hashlib.sha256(der).hexdigest()


def text_of(der):
    return openssl("x509", "-inform", "DER", "-noout", "-text", "-nameopt", "RFC2253", data=der).decode()


def serial_of(der):
    """Lower-case hex, as the ledger writes it."""
    return openssl("x509", "-inform", "DER", "-noout", "-serial", data=der).decode().strip().split("=")[1].lower()


def verify(ca_der, ders, folder, *options):
    """openssl verify -x509_strict over all of them; the finished process."""
    ca = folder / "verify-ca.pem"
    ca.write_text(pem(ca_der))
    files = []
    for number, der in enumerate(ders):
        files.append(folder / f"verify-{number}.pem")
        files[-1].write_text(pem(der))
    return openssl("verify", "-x509_strict", "-CAfile", ca, *options, *files, check=False)
