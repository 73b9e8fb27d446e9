"""The drivers, one product for boards of each of them, and what must lie in their flash in the end."""
from tools import certificate_id, der_of, openssl, pem

KINDS = ("prov", "fs", "nrf91", "zshell")
PRODUCT = """
certificate:
  subject: "O=Example,OU=Drivers,CN={unit}"
  validity: no-well-defined-expiration
  keys: [ec-p256]
  unit: { pattern: "^[A-Za-z0-9-]{4,36}$", source: board }
  rekey: before_installed
  files:
    - { name: certificate, content: [certificate], encoding: der }
    - { name: issuer, content: [issuer], encoding: der }
    - { name: text, content: [certificate], encoding: pem-crlf }
    - { name: root, content: [issuer], encoding: pem }
board:
  driver: prov
  files:
    - { name: certificate, target: certificate }
    - { name: issuer, target: issuer }
    - { name: text, target: bundle }
    - { name: root, target: root }
  others:
    - driver: fs
      fs: { csr: /lfs1/csr.der, unit: /lfs1/unit }
      without: [text, root]
      files:
        - { name: certificate, target: /lfs1/credentials/certificate.der }
        - { name: issuer, target: /lfs1/credentials/issuer.der }
    - driver: nrf91
      nrf91: { sec_tag: 42 }
      without: [certificate, issuer]
      read_back: yes
      files:
        - { name: text, target: certificate }
        - { name: root, target: ca }
    - driver: zshell
      zshell: { sec_tag: 42 }
      without: [text, root]
      files:
        - { name: certificate, target: certificate }
        - { name: issuer, target: ca }
"""
EVIDENCE = {"prov": "signed", "fs": "digest", "nrf91": "read-back", "zshell": "digest"}
SEC_TAG = b"IMPT" + (42).to_bytes(4, "big")


def crlf(der):
    return pem(der).replace("\n", "\r\n").encode()


# By driver: slot of the flash: its bytes, from certificate and issuer in DER.
FILES = {
    "prov": {"certificate": lambda c, i: c, "issuer": lambda c, i: i, "bundle": lambda c, i: crlf(c), "root": lambda c, i: pem(i).encode()},
    "fs": {"certificate": lambda c, i: c, "issuer": lambda c, i: i},
    "nrf91": {"certificate": lambda c, i: crlf(c), "root": lambda c, i: pem(i).encode()},
    "zshell": {"certificate": lambda c, i: c, "root": lambda c, i: i},
}


def as_der(data):
    """A certificate out of a flash; None if there is none."""
    return der_of(data.decode()) if data and data.startswith(b"-----BEGIN") else data


def private_key(scalar):
    """A private key on P-256 as SEC 1 has it, DER; the public one is left out."""
    return b"\x30\x31\x02\x01\x01\x04\x20" + scalar + b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"


def public_of_key(scalar):
    """The public key to a private one on P-256, DER."""
    return openssl("ec", "-inform", "DER", "-pubout", "-outform", "DER", data=private_key(scalar))


def public_of_certificate(der):
    return der_of(openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=der).decode(), "PUBLIC KEY")


def wrong_in_flash(driver, flash, key, tag, row, issuer):
    """What of a board's flash is not what its installed row in the ledger says: a list of words. `flash(slot)` gives the bytes of
    a slot or None; `key` is its private key, `tag` the first bytes of its page of state."""
    certificate = as_der(flash("certificate"))
    if not certificate or certificate_id(certificate) != row["certificate_id"]:
        return ["certificate"]
    wrong = [slot for slot, content in FILES[driver].items() if flash(slot) != content(certificate, issuer)]
    if public_of_key(key) != public_of_certificate(certificate):
        wrong.append("key")
    if driver in ("nrf91", "zshell") and tag != SEC_TAG:
        wrong.append("sec_tag")
    return wrong
