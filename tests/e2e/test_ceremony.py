"""imprint-ca: the first set-up, the CA key, the CA certificate; with the real programs and a throw-away SoftHSM."""
import fcntl
import os
import re
import shutil
import sqlite3
import stat
import subprocess

import pytest

from station import BUILD
from tools import certificate_id, der_of, make_key, openssl, pem

PROGRAM = BUILD / "imprint-ca"
SUBJECT = "O=Brand\\, Inc.,CN=Brand SZ1 CA 1"
LEDGER, CA_KEY, CA = 1, 2, 3  # entry types


def cbor(data, at=0):
    """One item of the deterministic CBOR that entries are made of: (value, where it ends)."""
    major, number = data[at] >> 5, data[at] & 31
    at += 1
    if number >= 24:
        size = 1 << number - 24
        number, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major == 0:
        return number, at
    if major in (2, 3):
        return data[at:at + number] if major == 2 else data[at:at + number].decode(), at + number
    assert major == 4
    items = []
    for _ in range(number):
        item, at = cbor(data, at)
        items.append(item)
    return items, at


class Site:
    def __init__(self, folder):
        self.dir, self.env = folder, dict(os.environ, IMPRINT_DIR=str(folder))
        self.env.pop("SOFTHSM2_CONF", None)

    def run(self, *args, code=0, strace=()):
        done = subprocess.run([*strace, PROGRAM, *map(str, args)], env=self.env, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=600)
        assert code is None or done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def init(self):
        self.run("init", "--station", "SZ1")
        return self

    def entries(self):
        """[(type, fields)] of the ledger."""
        path = self.dir / "lib/signer/ledger.db"
        if not path.exists():
            return []
        with sqlite3.connect(path) as db:
            rows = [cbor(row[0])[0] for row in db.execute("SELECT data FROM entries ORDER BY number")]
        assert [row[3] for row in rows] == list(range(1, len(rows) + 1))
        return [(row[5], row[6:]) for row in rows]

    def types(self):
        return [kind for kind, _ in self.entries()]

    def request(self, *options):
        """A further key's CSR: its file."""
        path = self.dir / "ca.csr"
        self.run("create", "--subject", SUBJECT, "--csr", path, *options)
        return path


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "station")


@pytest.fixture
def root(tmp_path):
    """An offline root: sign(csr) gives the CA's certificate as a file."""
    key, certificate = make_key(tmp_path / "root.key"), tmp_path / "root.pem"
    openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=Root", "-days", "3650", "-out", certificate)

    def sign(csr, extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n", days=3650,
             out="ca.pem"):
        (tmp_path / "ext").write_text(extensions + "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        openssl("x509", "-req", "-in", csr, "-CA", certificate, "-CAkey", key, "-CAcreateserial", "-days", days,
                "-extfile", tmp_path / "ext", "-out", tmp_path / out)
        return tmp_path / out
    sign.certificate = certificate
    return sign


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# --- init ---

def test_init_makes_token_pin_and_settings(site):
    done = site.run("init", "--station", "SZ1")
    assert done.stdout.startswith("Token imprint-SZ1 made by SoftHSM (a file on this disk, not hardware).")
    assert done.stdout.endswith("Next: imprint ca create\n")
    assert mode(site.dir / "etc/token-pin") == 0o600 and mode(site.dir / "etc/token-so-pin") == 0o600
    assert mode(site.dir / "lib/signer") == 0o700 and mode(site.dir / "etc/signer.yaml") == 0o644
    assert re.fullmatch("[0-9A-Za-z]{16,}", (site.dir / "etc/token-pin").read_text())
    assert (site.dir / "etc/products").is_dir()
    assert re.search('^serial_prefix: "[0-7][0-9a-f]{3}"', (site.dir / "etc/signer.yaml").read_text(), re.M)
    assert site.types() == []


def test_init_twice_is_refused_and_changes_nothing(site):
    site.init()
    before = {p: p.read_bytes() for p in site.dir.rglob("*") if p.is_file()}
    assert "set up already" in site.run("init", "--station", "SZ2", code=1).stderr
    assert {p: p.read_bytes() for p in site.dir.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("args", [(), ("--station", ""), ("--station", "A B"), ("--station", "x" * 25),
                                  ("--station", "SZ1", "more"), ("--station", "SZ1", "--token", "hard"),
                                  ("--station", "SZ1", "--token", "pkcs11:token=T"),
                                  ("--station", "SZ1", "--token", "pkcs11:token=T?pin-value=1234"),
                                  ("--station", "SZ1", "--module", "/nowhere.so"), ("--wrong",)])
def test_init_typed_wrong_is_usage(site, args):
    done = site.run("init", *args, code=2)
    assert done.stderr and not (site.dir / "etc/signer.yaml").exists()


@pytest.mark.parametrize("args", [("--help",), ("init", "--help"), ("create", "--help"), ("import", "--help"), ("--version",)])
def test_help(site, args):
    assert site.run(*args).stdout
    assert not site.dir.exists()


@pytest.mark.parametrize("args", [(), ("destroy",)])
def test_no_such_command(site, args):
    site.run(*args, code=2)


def softhsm(folder):
    """A token that somebody else made: its URI and environment."""
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    env = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "my token", "--pin", "1234", "--so-pin", "5678"],
                   env=dict(os.environ, **env), check=True, capture_output=True)
    return "pkcs11:token=my%20token?module-path=/usr/lib/softhsm/libsofthsm2.so", env


def test_init_with_a_token_that_is_there(site, tmp_path):
    uri, env = softhsm(tmp_path / "hsm")
    site.env.update(env)
    pin = tmp_path / "pin"
    pin.write_text("1234\n")
    pin.chmod(0o644)
    assert "chmod 600" in site.run("init", "--station", "SZ1", "--token", uri, "--pin-file", pin, code=1).stderr
    pin.chmod(0o600)
    pin.write_text("4321\n")
    assert "refused the PIN" in site.run("init", "--station", "SZ1", "--token", uri, "--pin-file", pin, code=1).stderr
    assert not (site.dir / "etc/signer.yaml").exists()
    pin.write_text("1234\n")
    site.run("init", "--station", "SZ1", "--token", uri, "--pin-file", pin)
    del site.env["SOFTHSM2_CONF"]  # signer.yaml knows it from here on
    site.run("create", "--subject", SUBJECT)
    assert site.types() == [LEDGER, CA_KEY, CA]


# --- create ---

@pytest.mark.parametrize("kind", ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"])
def test_create_self_signed(site, tmp_path, kind):
    done = site.init().run("create", "--subject", SUBJECT, "--key", kind, "--days", "100")
    (_, ledger), (_, key), (_, ca) = site.entries()
    assert ledger[0] == "SZ1" and key[0] == SUBJECT and ca[1] == b""
    der = ca[0]
    accepted = re.search(r"^CA accepted, ends (\d{4}-\d\d-\d\d), AWS id ([0-9a-f]{4})…([0-9a-f]{2})$", done.stdout, re.M)
    assert accepted and certificate_id(der).startswith(accepted[2]) and certificate_id(der).endswith(accepted[3])
    path = tmp_path / "ca.pem"
    path.write_text(pem(der))
    openssl("verify", "-x509_strict", "-check_ss_sig", "-CAfile", path, path)
    text = openssl("x509", "-in", path, "-noout", "-text", "-nameopt", "RFC2253,-dn_rev").decode()
    assert "Subject: O=Brand\\, Inc.,CN=Brand SZ1 CA 1" in text
    assert "CA:TRUE" in text and "Certificate Sign, CRL Sign" in text
    assert openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-in", path, "-noout", "-pubkey")) == key[1]


def test_create_before_init(site):
    assert "imprint init first" in site.run("create", "--subject", SUBJECT, code=1).stderr


@pytest.mark.parametrize("args", [(), ("--subject", "CN"), ("--subject", "CN=a+O=b"), ("--subject", "C=DEU"),
                                  ("--subject", SUBJECT, "--key", "dsa"), ("--subject", SUBJECT, "--days", "0"),
                                  ("--subject", SUBJECT, "--days", "1x"), ("--subject", SUBJECT, "--days", "36501"),
                                  ("--subject", SUBJECT, "--days", "9", "--csr", "/tmp/x"),
                                  ("--subject", SUBJECT, "--csr", "/nowhere/ca.csr"), ("--subject", SUBJECT, "more")])
def test_create_typed_wrong_is_usage(site, args):
    site.init().run("create", *args, code=2)
    assert site.types() == []


def test_refused_while_the_signer_runs(site, root):
    site.init().run("create", "--subject", SUBJECT)
    with open(site.dir / "lib/signer/ledger.db.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        csr = site.dir / "ca.csr"
        assert "stop the signer first: systemctl stop imprint-signer.socket" in \
            site.run("create", "--subject", SUBJECT, "--csr", csr, code=1).stderr
        assert not csr.exists()
        assert "stop the signer first" in site.run("import", root.certificate, code=1).stderr
    assert site.types() == [LEDGER, CA_KEY, CA]


def test_a_second_create_is_a_new_generation(site):
    site.init().run("create", "--subject", SUBJECT)
    assert "A further CA key" in site.run("create", "--subject", "CN=CA 2").stdout
    assert site.types() == [LEDGER, CA_KEY, CA, CA_KEY, CA]
    keys = [fields[1] for kind, fields in site.entries() if kind == CA_KEY]
    assert keys[0] != keys[1]


def test_the_request_asks_for_a_ca(site):
    csr = site.init().request("--key", "rsa-2048")
    text = openssl("req", "-in", csr, "-noout", "-verify", "-text").decode()
    assert "CA:TRUE" in text and "Certificate Sign" in text
    assert site.types() == [LEDGER, CA_KEY]
    assert mode(csr) & 0o044, "a request is there to be handed on"


# --- import ---

def test_import(site, root):
    ca = root(site.init().request())
    done = site.run("import", ca, root.certificate)
    der = der_of(ca.read_text())
    end = openssl("x509", "-in", ca, "-noout", "-enddate", "-dateopt", "iso_8601").decode().split("=")[1][:10]
    shown = certificate_id(der)
    assert done.stdout == f"CA accepted, ends {end}, AWS id {shown[:4]}…{shown[-2:]}\n"
    assert site.types() == [LEDGER, CA_KEY, CA]
    assert site.entries()[2][1] == [der, der_of(root.certificate.read_text())]
    assert "in use already" in site.run("import", ca, root.certificate).stdout
    assert site.types() == [LEDGER, CA_KEY, CA]


def test_import_takes_der_and_bundles(site, root, tmp_path):
    ca = root(site.init().request())
    der = tmp_path / "ca.der"
    der.write_bytes(der_of(ca.read_text()))
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("with a word before\n" + ca.read_text() + root.certificate.read_text())
    site.run("import", der, root.certificate)
    site.run("import", bundle)
    assert site.types() == [LEDGER, CA_KEY, CA]


def test_import_refuses(site, root, tmp_path):
    csr = site.init().request()
    stranger = make_key(tmp_path / "stranger.key")
    other = tmp_path / "other.csr"
    other.write_bytes(openssl("req", "-new", "-key", stranger, "-subj", "/CN=other"))
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\x30\x03\x02\x01")
    good = root(csr, out="good.pem")
    cases = [
        ("issuer of", [good]),
        ("not above the CA", [good, root.certificate, root(other, out="stranger.pem")]),
        ("no key in token", [root(other, out="stranger.pem"), root.certificate]),
        ("own certificate first", [root.certificate, good]),
        ("no key in token", [root.certificate]),
        ("CA:TRUE", [root(csr, "basicConstraints=CA:FALSE\n", out="leaf.pem"), root.certificate]),
        ("keyCertSign", [root(csr, "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n", out="usage.pem"), root.certificate]),
        ("ended", [root(csr, days=-1, out="old.pem"), root.certificate]),
        ("no certificate", [csr]),
        ("DER", [garbage]),
        ("nowhere", ["/nowhere.pem"]),
    ]
    for says, files in cases:
        done = site.run("import", *files, code=None)
        assert done.returncode == 1 and says in done.stderr, f"{says}: exit {done.returncode}: {done.stdout}{done.stderr}"
        assert len(done.stderr.splitlines()) == 1
    assert site.types() == [LEDGER, CA_KEY]
    site.run("import", good, root.certificate)


def test_import_without_key_usage_passes(site, root):
    csr = site.init().request()
    site.run("import", root(csr, "basicConstraints=CA:TRUE\n"), root.certificate)


def test_import_before_create(site, root):
    site.init()
    assert "imprint ca create first" in site.run("import", root.certificate, code=1).stderr
    site.run("import", code=2)


def test_import_of_an_older_generation(site, root, tmp_path):
    first = site.init().request()
    shutil.copy(first, tmp_path / "first.csr")
    site.request()
    site.run("import", root(tmp_path / "first.csr"), root.certificate)
    assert site.types() == [LEDGER, CA_KEY, CA_KEY, CA]


# --- broken off ---

def killed_at(site, syscall, when, *args):
    """Runs the command and kills it at its n-th such call; False if it came to its end."""
    done = site.run(*args, code=None, strace=("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={syscall}",
                                              "-e", f"inject={syscall}:signal=KILL:when={when}"))
    assert done.returncode in (0, -9, 137), f"call {when}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.returncode != 0


def restore(snapshot, folder):
    shutil.rmtree(folder, ignore_errors=True)
    if snapshot.exists():
        shutil.copytree(snapshot, folder)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("syscall,step", [("fsync", 1), ("fdatasync", 1), ("rename", 1), ("renameat2", 1), ("openat", 17),
                                          ("write", 3), ("pwrite64", 11)])
def test_killed_anywhere_it_can_be_run_again(site, tmp_path, syscall, step):
    deaths = 0
    for command in (("init", "--station", "SZ1"), ("create", "--subject", SUBJECT)):
        snapshot = tmp_path / command[0]
        if site.dir.exists():
            shutil.copytree(site.dir, snapshot)
        for when in range(1, 1000, step):
            restore(snapshot, site.dir)
            if not killed_at(site, syscall, when, *command):
                break
            deaths += 1
            again = site.run(*command, code=None)
            assert again.returncode == 0 or "set up already" in again.stderr, f"call {when}: {again.stderr}"
            kinds = site.types()  # one that died after its entries were durable has made a generation all the same
            assert kinds == [] or kinds == [LEDGER] + [CA_KEY, CA] * (len(kinds) // 2), f"call {when}: {kinds}"
        else:
            raise AssertionError("never done")
    assert deaths > 0
    assert site.types() == [LEDGER, CA_KEY, CA]


def test_nothing_secret_is_said(site):
    done = site.init().run("create", "--subject", SUBJECT)
    pin = (site.dir / "etc/token-pin").read_text().strip()
    assert pin not in done.stdout + done.stderr
    assert pin not in (site.dir / "etc/signer.yaml").read_text()
