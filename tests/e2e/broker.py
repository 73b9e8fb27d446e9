"""A real mosquitto with the rehearsal's plugin, its registry, and devices with certificates that `openssl` made."""
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from der import elements
from station import BUILD, PATIENCE_S, free_port, wait_until
from tools import certificate_id, der_of, make_key, openssl

PLUGIN = BUILD / "imprint-rehearsal.so"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
YEAR_MS = 365 * 86400 * 1000


def name_of(der, which):
    """The DER of the subject or of the issuer."""
    fields = elements(elements(elements(der)[0][2])[0][2])
    start = 1 if fields[0][0] == 0xa0 else 0
    return fields[start + {"issuer": 2, "subject": 4}[which]][1]


RSA_KEYS = 6  # take long to make: these go round


class Shop:
    """Makes keys and certificates."""

    def __init__(self, folder):
        self.dir, self.count, self.rsa = Path(folder), 0, []
        self.dir.mkdir(exist_ok=True)

    def path(self, kind):
        self.count += 1
        return self.dir / f"{self.count}.{kind}"

    def key(self, kind="ec-p256"):
        if kind != "rsa-2048":
            return make_key(self.path("key"), kind)
        self.rsa.append(make_key(self.path("key"), kind) if len(self.rsa) < RSA_KEYS else self.rsa.pop(0))
        return self.rsa[-1]

    def ca(self, subject="/O=Brand/CN=CA", kind="ec-p256", key=None, parent=None):
        key = key or self.key(kind)
        cert = self.path("pem")
        if parent is None:
            openssl("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", "30", "-out", cert)
            return cert, key
        extensions = self.path("ext")
        extensions.write_text("basicConstraints=critical,CA:TRUE\n")
        return self.leaf(parent, key=key, subject=subject, options=("-extfile", extensions)), key

    def leaf(self, ca, key=None, subject="/CN=board", kind="ec-p256", digest="sha256", dates=None, options=()):
        """An X.509 v1 certificate, as the walkthrough makes it, unless options say otherwise."""
        key, cert = key or self.key(kind), self.path("pem")
        request = openssl("req", "-new", "-key", key, "-subj", subject)
        if dates is None:
            openssl("x509", "-req", "-CA", ca[0], "-CAkey", ca[1], "-set_serial", str(self.count + 1000), f"-{digest}", "-days", "30",
                    *options, "-out", cert, data=request)
            return cert
        # `openssl x509` of Debian 12 sets no dates; `openssl ca` does.
        folder = self.path("ca")
        folder.mkdir()
        (folder / "index.txt").write_text("")
        (folder / "request").write_bytes(request)
        (folder / "conf").write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\npolicy=p\n"
                                     f"default_md={digest}\nrand_serial=yes\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", folder / "conf", "-cert", ca[0], "-keyfile", ca[1], "-in", folder / "request",
                "-startdate", dates[0], "-enddate", dates[1], "-out", cert)
        return cert

    def chain(self, *certs):
        path = self.path("chain")
        path.write_text("".join(cert.read_text() for cert in certs))
        return path


def id_of(cert):
    return certificate_id(der_of(Path(cert).read_text()))


class Registry:
    """The registry's file, as the REST server would write it."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)

    def add_ca(self, cert, status="ACTIVE", auto="ENABLE", mode="DEFAULT"):
        text = Path(cert).read_text()
        now = int(time.time() * 1000)
        self.db.execute("INSERT INTO ca (id, pem, subject, status, auto_registration, mode, created, modified, not_before, not_after)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (id_of(cert), text, name_of(der_of(text), "subject"), status, auto, mode, now, now, now, now + YEAR_MS))
        return id_of(cert)

    def set_ca(self, ca_id, **columns):
        for column, value in columns.items():
            self.db.execute(f"UPDATE ca SET {column} = ? WHERE id = ?", (value, ca_id))

    def add(self, cert, status, ca_id="", policy=None, mode="DEFAULT"):
        now = int(time.time() * 1000)
        self.db.execute("INSERT INTO certificate (id, ca_id, pem, status, mode, created, modified, not_before, not_after)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (id_of(cert), ca_id, Path(cert).read_text(), status, mode, now, now, now, now + YEAR_MS))
        if policy:
            self.attach(cert, policy)
        return id_of(cert)

    def attach(self, cert, document):
        name = f"policy-{id_of(cert)[:16]}-{time.monotonic_ns()}"
        account, region = (self.db.execute("SELECT value FROM setting WHERE name = ?", (n,)).fetchone()[0] for n in ("account", "region"))
        self.db.execute("INSERT INTO policy (name, document, created) VALUES (?, ?, 0)", (name, json.dumps(document)))
        self.db.execute("INSERT INTO attached (policy, target) VALUES (?, ?)", (name, f"arn:aws:iot:{region}:{account}:cert/{id_of(cert)}"))

    def set_status(self, cert, status):
        self.db.execute("UPDATE certificate SET status = ? WHERE id = ?", (status, id_of(cert)))

    def status(self, cert):
        row = self.db.execute("SELECT status, ca_id FROM certificate WHERE id = ?", (id_of(cert),)).fetchone()
        return row and row[0]

    def events(self, cert):
        rows = self.db.execute("SELECT payload FROM event ORDER BY number").fetchall()
        return [one for one in (json.loads(payload) for payload, in rows) if one["certificateId"] == id_of(cert)]


def sanitizer():
    """What must be loaded before a plugin that was built with a sanitizer: {} if it was not."""
    said = subprocess.run(["ldd", PLUGIN], capture_output=True, text=True, check=True).stdout
    found = re.search(r"lib[at]san\.so\S* => (\S+)", said)
    return {"LD_PRELOAD": found.group(1)} if found else {}


class Broker:
    """mosquitto with the plugin: a TLS port for devices, a plain one for engineers."""

    def __init__(self, folder, wrapper=(), **options):
        self.dir = Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port, self.plain = free_port(), free_port()
        self.log_file = self.dir / "log"
        shop = Shop(self.dir / "own")
        root = shop.ca("/CN=rehearsal root")
        names = shop.path("ext")
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        key = shop.key()
        self.root, cert = root[0], shop.leaf(root, key=key, subject="/CN=localhost", options=("-extfile", names))
        lines = ["persistence false", "allow_anonymous true", "user root", "log_dest stderr", "log_type error", "log_type warning",
                 "log_type notice", "log_type information", f"plugin {PLUGIN}", f"plugin_opt_registry {self.dir}/registry.db",
                 *(f"plugin_opt_{name} {value}" for name, value in options.items()),
                 f"listener {self.port} 127.0.0.1", f"certfile {cert}", f"keyfile {key}", "require_certificate true",
                 f"listener {self.plain} 127.0.0.1"]
        (self.dir / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*wrapper, "mosquitto", "-c", self.dir / "mosquitto.conf"], stderr=log, stdout=log,
                                            env={**os.environ, **sanitizer()})
        try:
            wait_until(self.is_ready, what="mosquitto")
            self.registry = Registry(self.dir / "registry.db")
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.plain)) == 0

    def stop(self, by=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(by)
            try:
                return self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def log(self):
        return self.log_file.read_text(errors="replace")

    def mark(self):
        """From here on: for said()."""
        return len(self.log())

    def said(self, text, since=0):
        """The whole lines that hold it."""
        return [line for line in self.log()[since:].split("\n")[:-1] if text in line]

    def wait_said(self, text, since=0):
        return wait_until(lambda: self.said(text, since), what=f"the line {text!r}")

    def knock(self, chain, key, *options):
        """{outcome: count} of rig-handshake."""
        done = subprocess.run([BUILD / "tests/rig-handshake", *map(str, options), str(self.port), chain, key], capture_output=True,
                              text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return {name: int(count) for name, count in (line.split() for line in done.stdout.splitlines())}

    def usage(self):
        """Resident KiB, and open descriptors."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]), len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Case:
    """A registered CA of its own, and what one device shows."""
    number = 0

    def __init__(self, broker, shop, kind="ec-p256", register=True, **ca):
        Case.number += 1
        self.broker, self.shop, self.registry, self.kind = broker, shop, broker.registry, kind
        self.subject = f"/O=Brand/CN=CA {Case.number}"
        self.ca = shop.ca(self.subject, kind)
        self.ca_id = self.registry.add_ca(self.ca[0], **ca) if register else None
        self.options = []
        self.device(self.ca)

    def device(self, ca, kind=None, **leaf):
        self.key = self.shop.key(kind or self.kind)
        self.leaf = self.shop.leaf(ca, key=self.key, subject=f"/CN=board {Case.number}", **leaf)
        self.chain = [self.leaf, ca[0]]
        return self

    def knock(self, *options):
        return self.broker.knock(self.shop.chain(*self.chain), self.key, *self.options, *options)

    def refused(self, phrase, *options, outcome="alert-46", shown=None):
        since = self.broker.mark()
        answer = self.knock(*options)
        # In TLS 1.3 an alert comes when the client has gone on already: the line's end may come first.
        assert answer in ([{outcome: 1}, {"reset": 1}, {"closed": 1}] if "1.3" in options else [{outcome: 1}])
        line = self.broker.wait_said("refused: ", since)[0]
        assert f"refused: {phrase} certificate={id_of(shown or self.leaf)[:16]}" in line
        return line
