"""imprint cloud: every subcommand against an account of AWS IoT that checks each signature twice."""
import json
import os
import pty
import re
import shlex
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from aws_account import Account
from aws_server import Answer, AwsServer, error
from rehearsal import Rehearsal
from signer_client import PATIENCE_S
from sigv4 import Keys
from station import BUILD, LONG, documented
from tools import Requests, certificate_id, der_of, make_request, openssl, pem

ODD_TOKEN = "FwoGZXIvYXdzE/+=:@%&!" * 8 + "=="


@pytest.fixture(scope="module")
def line(module_station):
    s = module_station("--boards", "2")
    s.imprint("start")
    s.imprint("wait", "--outcome", "PASS", "--timeout", PATIENCE_S)
    s.ca = der_of(s.imprint("ca", "show").stdout)
    s.ca_id = certificate_id(s.ca)
    return s


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    return Requests(tmp_path_factory.mktemp("requests"))


class Cloud:
    """An account, its server, and the command as people type it."""

    def __init__(self, line, folder, keys=None):
        self.line, self.folder = line, folder
        self.account = Account(folder)
        self.server = AwsServer(self.account, keys)

    def environment(self):
        return self.server.environment(self.folder, IMPRINT_DIR=str(self.line.dir))

    def __call__(self, *words, ok=True, input=None, env=None, folder=None, cwd=None):
        env = dict(self.environment(), IMPRINT_DIR=str(folder or self.line.dir), **(env or {}))
        done = subprocess.run([BUILD / "imprint", *map(str, words)], env=env, text=True, capture_output=True, input=input or "",
                              timeout=2 * PATIENCE_S, cwd=cwd or self.folder)
        assert self.server.refused == []
        assert not ok or done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, **options):
        return [documented(json.loads(text)) for text in self("cloud", *words, "--json", **options).stdout.splitlines()]

    def calls(self, *words, **options):
        """The finished command, and what it asked."""
        self.account.calls = []
        return self("cloud", *words, **options), self.account.calls


@pytest.fixture
def cloud(line, tmp_path):
    it = Cloud(line, tmp_path)
    with it.server:
        yield it


def table(text):
    """{"status": "ACTIVE", …}"""
    return {row[:19].strip(): row[19:].strip() for row in text.splitlines()}


def sentence(done, *words, status=1):
    assert done.returncode == status, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.startswith("imprint: ") and "\x1b" not in done.stderr
    for word in words:
        assert re.search(word, done.stderr), f"{word!r} is not in: {done.stderr}"


def installed(line, number=0):
    return [row for row in line.ledger_list() if row["state"] == "installed"][number]


def issued(line, requests, unit):
    path = requests.folder / f"{unit}.csr"
    path.write_bytes(make_request(requests.key()))
    line.imprint("issue", "--unit", unit, "--csr", path)
    return next(row for row in line.ledger_list() if row["unit"] == unit)


# --- the CA ---

def test_register_ca(cloud, line):
    done, calls = cloud.calls("register-ca")
    assert [call.split("?")[0] for call in calls] == [
        f"GET /cacertificate/{line.ca_id}", "GET /registrationcode", "POST /cacertificate", f"GET /cacertificate/{line.ca_id}"]
    shown = table(done.stdout)
    assert shown["CA certificate"] == line.ca_id
    assert shown["status"].split() == ["ACTIVE", "done", "now"] and shown["auto-registration"].split() == ["ENABLE", "done", "now"]
    assert shown["mode"] == "DEFAULT" and shown["region"].startswith(cloud.server.keys.region)
    assert cloud.account.cas[line.ca_id]["certificateMode"] == "DEFAULT"
    # Again: one look, nothing signed, nothing changed.
    done, calls = cloud.calls("register-ca")
    assert calls == [f"GET /cacertificate/{line.ca_id}"]
    assert table(done.stdout)["status"].split() == ["ACTIVE", "so", "already"]
    # Only what differs.
    cloud.account.cas[line.ca_id]["autoRegistrationStatus"] = "DISABLE"
    answer, = cloud.json("register-ca")
    assert answer["done"] == ["auto_registration"] and answer["auto_registration"] == "ENABLE" and answer["status"] == "ACTIVE"
    assert cloud.account.calls[-2] == f"PUT /cacertificate/{line.ca_id}?newAutoRegistrationStatus=ENABLE"


def test_register_ca_quietly(cloud, line):
    answer, = cloud.json("register-ca", "--inactive", "--no-auto-registration")
    assert (answer["status"], answer["auto_registration"], answer["certificate_mode"]) == ("INACTIVE", "DISABLE", "DEFAULT")
    assert answer["done"] == ["registered", "status", "auto_registration"]
    assert cloud.json("register-ca")[0]["done"] == ["status", "auto_registration"]


def test_sni_only(cloud, line):
    answer, = cloud.json("register-ca", "--sni-only")
    assert answer["certificate_mode"] == "SNI_ONLY" and "GET /registrationcode" not in cloud.account.calls
    done = cloud("cloud", "register-ca")
    assert "mode SNI_ONLY, not DEFAULT" in done.stderr and table(done.stdout)["mode"] == "SNI_ONLY"


def test_wrong_mode_is_said(cloud, line):
    cloud("cloud", "register-ca", "--inactive")
    done, calls = cloud.calls("register-ca", "--sni-only", ok=False)
    sentence(done, "mode DEFAULT", "nothing was changed", "delete it")
    assert len(calls) == 1


def test_the_owners_pc(cloud, line, tmp_path):
    """No signer there: the CA is a file, or an id."""
    ca, none = tmp_path / "the ca.pem", tmp_path / "none"
    ca.write_text(pem(line.ca))
    sentence(cloud("cloud", "describe-ca", folder=none, ok=False), "start imprint-signer", "--ca")
    sentence(cloud("cloud", "register-ca", "--ca", line.ca_id, folder=none, ok=False), "not registered yet", "--ca FILE")
    sentence(cloud("cloud", "register-ca", "--ca", ca, folder=none, ok=False), "not registered yet", "--sni-only")
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "does not know the CA", "imprint cloud register-ca", "--region")
    assert cloud.json("register-ca", "--ca", ca, "--sni-only", folder=none)[0]["ca_certificate_id"] == line.ca_id
    for name in (line.ca_id, line.ca_id.upper(), ca):
        assert cloud.json("describe-ca", "--ca", name, folder=none)[0]["status"] == "ACTIVE"
    ca.write_bytes(line.ca)
    assert cloud.json("describe-ca", "--ca", ca, folder=none)
    ca.write_text(2 * pem(line.ca))
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "several certificates")
    sentence(cloud("cloud", "describe-ca", "--ca", "\x1b[31mred", folder=none, ok=False), r"\?\[31mred")
    ca.write_text("hello")
    sentence(cloud("cloud", "describe-ca", "--ca", ca, folder=none, ok=False), "holds no certificate")
    assert cloud.json("list", "--ca", line.ca_id, folder=none) == []


@pytest.mark.parametrize("answer", [lambda id: error("ResourceAlreadyExistsException", status=409), lambda id: Answer({"certificateId": id})])
def test_register_ca_touches_no_other(cloud, line, answer):
    """Whoever answers, that another CA is meant: it is not switched on."""
    other = "ab" * 32
    said = answer(other)
    said.body = {"certificateId": other, "resourceId": other, "message": "there"}
    cloud.account.cas[other] = {"certificateId": other, "status": "INACTIVE", "autoRegistrationStatus": "DISABLE"}
    cloud.account.before = lambda call: said if call.startswith("POST /cacertificate") else None
    done = cloud("cloud", "register-ca", ok=False)
    assert done.returncode == 1 and "instead of" in done.stderr
    assert cloud.account.cas[other]["status"] == "INACTIVE"


def test_ca_on_and_off(cloud, line):
    cloud("cloud", "register-ca")
    for words, key, value in ((["deactivate-ca"], "status", "INACTIVE"), (["activate-ca"], "status", "ACTIVE"),
                              (["auto-registration", "off"], "auto_registration", "DISABLE"),
                              (["auto-registration", "on"], "auto_registration", "ENABLE")):
        answer, = cloud.json(*words)
        assert answer[key] == value and answer["done"] == [key]
        assert cloud.json(*words)[0]["done"] == []
    assert cloud.json("describe-ca")[0]["status"] == "ACTIVE"
    done, calls = cloud.calls("revoke-ca", ok=False)
    sentence(done, "cannot revoke a CA", "deactivate-ca", "keep working")
    assert calls == []


# --- without Internet ---

def paste(cloud, text):
    """What was printed, pasted into sh on another PC."""
    return subprocess.run(["sh", "-e"], input=text, text=True, capture_output=True, timeout=4 * PATIENCE_S, cwd=cloud.folder,
                          env=dict(cloud.server.environment(cloud.folder), PATH="/usr/bin:/bin"))


def test_print(cloud, line, tmp_path):
    odd = tmp_path / ".aws"
    odd.mkdir()
    (odd / "config").write_text("[profile o'brien $x]\n")
    where = ["--endpoint-url", cloud.server.url, "--region", cloud.server.keys.region]
    done = cloud("cloud", "register-ca", "--print", *where, input=f"{cloud.account.code}\r\n")
    assert cloud.account.calls == []
    names = re.findall(r"file://(\S+)", done.stdout)
    assert len(names) == 2 and der_of((tmp_path / names[0]).read_text()) == line.ca
    # The code is asked for after the command that shows it.
    first = done.stdout.splitlines()[1]
    assert first.startswith("aws iot get-registration-code")
    shown = paste(cloud, done.stdout)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(cloud.account.code)
    assert cloud.server.refused == []
    ca = cloud.account.cas[line.ca_id]
    assert (ca["status"], ca["autoRegistrationStatus"], ca["certificateMode"]) == ("ACTIVE", "ENABLE", "DEFAULT")
    # Never over files that are there.
    before = {name: (tmp_path / name).read_text() for name in names}
    (tmp_path / names[0]).unlink()
    done = cloud("cloud", "register-ca", "--print", "--code", cloud.account.code, ok=False)
    sentence(done, names[1], "there already")
    assert not (tmp_path / names[0]).exists() and (tmp_path / names[1]).read_text() == before[names[1]]


def test_print_quotes_for_sh(cloud, line, tmp_path):
    """Whatever a profile is called, it stays one word."""
    done = cloud("cloud", "register-ca", "--print", "--sni-only", "--inactive", "--profile", "o'brien $(x) \\", "--region", "a b")
    commands = [shlex.split(text) for text in done.stdout.splitlines() if not text.startswith("#")]
    assert len(commands) == 3
    for words in commands:
        assert words[:2] == ["aws", "iot"] and words[words.index("--profile") + 1] == "o'brien $(x) \\"
        assert words[words.index("--region") + 1] == "a b"
    assert "SNI_ONLY" in commands[0] and "--verification-certificate" not in commands[0]
    assert commands[1][-4:] == ["--new-status", "INACTIVE", "--new-auto-registration-status", "ENABLE"]


@pytest.mark.parametrize("code", ["", "\n", "nonsense\n", "ab" * 31 + "a\n", "ab" * 33 + "\n", "zz" * 32 + "\n", "x" * 5000])
def test_print_wrong_code(cloud, line, tmp_path, code):
    sentence(cloud("cloud", "register-ca", "--print", input=code, ok=False), "registration code", status=2)
    if code.strip():
        sentence(cloud("cloud", "register-ca", "--print", "--code", code.strip(), ok=False), "registration code", status=2)
    assert list(tmp_path.glob("*.pem")) == []


def test_print_wrong_options(cloud, line):
    code = cloud.account.code
    for words in (["--code", code], ["--print", "--json", "--code", code], ["--print", "--sni-only", "--code", code],
                  ["--print", "--ca", line.ca_id, "--sni-only"], ["--print", "--ca", line.ca_id]):
        sentence(cloud("cloud", "register-ca", *words, ok=False), "--", status=2)
    assert cloud.account.calls == [] and list(cloud.folder.glob("*.pem")) == []


def test_print_asks_on_a_terminal(cloud, line):
    master, slave = pty.openpty()
    env = cloud.environment()
    child = subprocess.Popen([BUILD / "imprint", "cloud", "register-ca", "--print"], env=env, stdin=slave, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, cwd=cloud.folder)
    os.close(slave)
    os.write(master, f"{cloud.account.code}\n".encode())
    out, err = child.communicate(timeout=PATIENCE_S)
    os.close(master)
    assert child.returncode == 0 and err == "The registration code that it printed: " and "register-ca-certificate" in out


# --- certificates ---

def test_register_a_unit(cloud, line, requests):
    row = issued(line, requests, "C-0001")
    id = row["certificate_id"]
    sentence(cloud("cloud", "register", "C-0001", ok=False), "CertificateStateException")
    cloud("cloud", "register-ca")
    done, calls = cloud.calls("register", "C-0001")
    assert done.stdout == f"unit C-0001, {id[:8]}…: ACTIVE now, not registered before\n"
    assert calls == ["POST /certificate/register"]
    assert cloud.account.certificates[id]["caCertificateId"] == line.ca_id
    assert "ACTIVE already" in cloud("cloud", "register", "C-0001").stdout
    assert cloud.json("register", "C-0001", "--inactive") == [
        {"certificate_id": id, "unit": "C-0001", "status": "INACTIVE", "before": "ACTIVE"}]
    # It connected before: only the status is left to change.
    cloud.account.certificates[id]["status"] = "PENDING_ACTIVATION"
    assert cloud.json("register", "C-0001")[0]["before"] == "PENDING_ACTIVATION"
    assert cloud.account.certificates[id]["status"] == "ACTIVE"
    shown = table(cloud("cloud", "describe", "C-0001").stdout)
    assert shown["unit"] == "C-0001" and shown["in the ledger"] == "issued" and shown["status"] == "ACTIVE"
    answer, = cloud.json("describe", "--certificate-id", id.upper())
    assert (answer["unit"], answer["state"], answer["ca_certificate_id"]) == ("C-0001", "issued", line.ca_id)
    # Void here: not registered, not activated, still shown.
    line.imprint("void", "C-0001", "--reason", "a test")
    for words in (["register", "C-0001"], ["activate", "C-0001"], ["activate", "--certificate-id", id]):
        done, calls = cloud.calls(*words, ok=False)
        sentence(done, "void", "a test")
        assert calls == []
    assert table(cloud("cloud", "describe", "C-0001").stdout)["in the ledger"] == "void"
    # Another one came: that is meant.
    issued(line, requests, "C-0001")
    again = [row["certificate_id"] for row in line.ledger_list() if row["unit"] == "C-0001"]
    assert len(again) == 2
    cloud("cloud", "register", "C-0001")
    assert set(cloud.account.certificates) == set(again)
    done, calls = cloud.calls("revoke", "C-0001")
    assert calls == [f"GET /certificates/{again[1]}", f"PUT /certificates/{again[1]}?newStatus=REVOKED"]
    assert "imprint void C-0001 --reason TEXT" in done.stderr
    line.imprint("void", "C-0001", "--reason", "a test")
    done = cloud("cloud", "describe", "C-0001")
    assert f"none of the 2 certificates of unit C-0001 is in force; the latest is meant, {again[1][:8]}…, void" in done.stderr
    assert table(done.stdout)["certificate id"] == again[1]


def test_register_a_unit_as_another(cloud, line):
    unit = next(row["unit"] for row in line.ledger_list() if row["state"] == "installed")
    cloud.account.before = lambda call: Answer({"certificateId": "ab" * 32}) if call.startswith("POST /certificate") else None
    done = cloud("cloud", "register", unit, ok=False)
    assert done.returncode == 1 and "instead of" in done.stderr


def test_status_of_a_certificate(cloud, line):
    row = installed(line)
    id, unit = row["certificate_id"], row["unit"]
    for word in ("activate", "describe"):
        sentence(cloud("cloud", word, unit, ok=False), "does not know it", f"imprint cloud register {unit}")
    assert cloud.json("revoke", unit) == [{"certificate_id": id, "unit": unit, "status": None, "before": None}]
    done = cloud("cloud", "revoke", unit)  # it never connected
    assert "AWS does not know it" in done.stdout and f"imprint revoke {unit} --reason TEXT" in done.stderr
    cloud.account.add(id, "PENDING_ACTIVATION")
    for target in ([unit], ["--certificate-id", id]):
        assert cloud("cloud", "activate", *target).stdout.startswith(f"unit {unit}, {id[:8]}…: ACTIVE ")
        assert cloud("cloud", "deactivate", *target).stdout.endswith("INACTIVE now, ACTIVE before\n")
    done, calls = cloud.calls("deactivate", unit)
    assert done.stdout.endswith("INACTIVE already\n") and len(calls) == 1
    done = cloud("cloud", "revoke", unit)
    assert done.stdout.endswith("REVOKED now, INACTIVE before\n")
    assert "the ledger was not told" in done.stderr and f"imprint revoke {unit} --reason TEXT" in done.stderr
    done, calls = cloud.calls("revoke", unit)
    assert done.stdout.endswith("REVOKED already\n") and len(calls) == 1
    for word in ("activate", "deactivate", "register"):
        done = cloud("cloud", word, unit, ok=False)
        sentence(done, "REVOKED", "for good")
    assert cloud.account.certificates[id]["status"] == "REVOKED"


def test_a_certificate_of_nobody(cloud, line, tmp_path):
    """Not in this ledger: AWS decides alone, as on the owner's PC."""
    id = "ab" * 32
    sentence(cloud("cloud", "revoke", "--certificate-id", id, ok=False), "ResourceNotFound")
    cloud.account.add(id, "ACTIVE")
    assert cloud("cloud", "revoke", "--certificate-id", id).stdout == "the certificate, abababab…: REVOKED now, ACTIVE before\n"
    assert cloud.json("describe", "--certificate-id", id, folder=tmp_path / "none")[0]["state"] is None
    sentence(cloud("cloud", "describe", "NOBODY-1", ok=False), "NOBODY-1", "ledger list")
    for unit in ("", "x" * 65):  # and never the latest of all units
        sentence(cloud("cloud", "revoke", unit, ok=False), "unit id", status=2)
    sentence(cloud("cloud", "describe", "X", folder=tmp_path / "none", ok=False), "start imprint-signer")


def test_revoke_both(cloud, line):
    row = installed(line, -1)
    id, unit = row["certificate_id"], row["unit"]
    cloud.account.add(id, "ACTIVE")
    cloud.account.before = lambda call: error("AccessDeniedException", "not you", 403) if call.startswith("PUT") else None
    done = cloud("revoke", unit, "--reason", "returned", "--cloud", "--endpoint-url", cloud.server.url, ok=False)
    sentence(done, "AccessDenied", f"the ledger has it revoked, AWS has not; run again: imprint cloud revoke {unit}\n")
    assert f"unit {unit}: revoked here" in done.stdout
    assert next(row for row in line.ledger_list() if row["unit"] == unit)["state"] == "revoked"
    cloud.account.before = lambda call: None
    done = cloud("cloud", "revoke", unit)
    assert "REVOKED now" in done.stdout and "was not told" not in done.stderr
    done = cloud("revoke", unit, "--reason", "again", "--cloud", ok=False)
    sentence(done, "revoked already", f"to revoke it there alone: imprint cloud revoke {unit}\n")


def test_revoke_both_at_once(cloud, line):
    row = installed(line)
    id, unit = row["certificate_id"], row["unit"]
    cloud.account.add(id, "ACTIVE")
    options = ["--profile", "none of this name"]
    assert cloud("revoke", "--certificate-id", id, "--reason", "x", "--cloud", *options, ok=False).returncode == 1  # passed on
    done = cloud("cloud", "revoke", "--certificate-id", id)
    assert done.stdout == f"unit {unit}, {id[:8]}…: REVOKED now, ACTIVE before\n" and done.stderr == ""


# --- the list ---

def test_list(cloud, line, requests):
    assert "no certificate" in cloud("cloud", "list").stdout
    row = line.ledger_list()[0]
    for number in range(600):
        cloud.account.add(f"{number:064x}", ["ACTIVE", "REVOKED"][number % 2], ca_id=line.ca_id, created=1.6e9 - number)
    cloud.account.add(row["certificate_id"], "ACTIVE", ca_id=line.ca_id, created=1.5e9)
    cloud.account.add("cd" * 32, "ACTIVE", ca_id="ef" * 32)
    rows, units = cloud.json("list"), {}
    assert len(cloud.account.calls) == 4 and len(rows) == 601
    assert [entry["certificate_id"] for entry in rows] == [row["certificate_id"]] + [f"{number:064x}" for number in reversed(range(600))]
    assert rows[0] == {"certificate_id": row["certificate_id"], "status": "ACTIVE", "registered_at": "2017-07-14T02:40:00Z",
                       "unit": row["unit"]}
    assert rows[1]["unit"] is None
    for number in range(6):
        issued(line, requests, f"L-000{number}")
    for entry in line.ledger_list():
        units[entry["certificate_id"]] = entry["unit"]
        cloud.account.add(entry["certificate_id"], "ACTIVE", ca_id=line.ca_id, created=1.5e9)
    assert {entry["certificate_id"]: entry["unit"] for entry in cloud.json("list") if entry["unit"]} == units
    lines = cloud("cloud", "list").stdout.splitlines()
    assert lines[0].split()[1:3] == ["ACTIVE", "2017-07-14T02:40:00Z"] and lines[0].split()[3] == units[lines[0].split()[0]]
    assert {re.search(r"\d{4}-\d\d-\d\dT", text).start() for text in lines} == {86}  # it lines up
    assert cloud("cloud", "list", "--ca", line.ca_id, folder=cloud.folder / "none").stdout.splitlines()[0].split()[-1].endswith("Z")


def test_list_counts_on_a_terminal(cloud, line):
    for number in range(300):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
    master, slave = pty.openpty()
    env = cloud.environment()
    done = subprocess.run([BUILD / "imprint", "cloud", "list"], env=env, stdout=subprocess.PIPE, stderr=slave, timeout=PATIENCE_S)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert len(done.stdout.splitlines()) == 300 and shown == "\r250 certificates\r300 certificates\r\n"


def test_list_fits_a_terminal(cloud, line, requests):
    """A known unit stands for its certificate; what nobody knows is named whole, to be looked up."""
    issued(line, requests, "L-0099")
    row = next(entry for entry in line.ledger_list() if entry["unit"] == "L-0099")
    for certificate in (row["certificate_id"], "ab" * 32):
        cloud.account.add(certificate, "PENDING_ACTIVATION", ca_id=line.ca_id)
    master, slave = pty.openpty()
    done = subprocess.run([BUILD / "imprint", "cloud", "list"], env=cloud.environment(), stdout=slave, timeout=PATIENCE_S)
    os.close(slave)
    lines = os.read(master, 65536).decode().splitlines()
    os.close(master)
    assert done.returncode == 0 and max(map(len, lines)) <= 80
    assert f"{row['certificate_id'][:8]}…  L-0099" in "".join(lines) and "    " + "ab" * 32 in lines


def test_list_into_a_closed_pipe(cloud, line):
    for number in range(3000):
        cloud.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
    done = subprocess.run(f"{BUILD}/imprint cloud list | head -1 | cut -c1-64; exit ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                          env=cloud.environment(), text=True, capture_output=True, timeout=PATIENCE_S)
    sentence(done, "nobody reads the list")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "0" * 64 + "\n"


# --- the endpoint ---

class Broker:
    """Speaks TLS as AWS's broker does: who shows no certificate is not let in."""

    def __init__(self, folder, version):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "root.key",
                "-out", folder / "root.pem", "-subj", "/O=Example Trust/CN=Example Root 1")
        key, request = folder / "server.key", folder / "server.csr"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=x")
        (folder / "server.ext").write_text("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", request, "-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial",
                "-extfile", folder / "server.ext", "-out", folder / "server.pem")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem", key)
        self.context.load_verify_locations(folder / "root.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.maximum_version = version
        self.names = []
        self.context.sni_callback = lambda _, name, __: self.names.append(name)

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                connection.settimeout(PATIENCE_S)
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)
            except OSError:
                pass


def trusting(line, root):
    """The product whose boards trust that root, or none."""
    text = (line.dir / "etc/products/demo.yaml").read_text()
    if root:
        text = text.replace("  unit:\n", f"  server_root: {root}\n  unit:\n", 1)
        text = text.replace("  files:\n", "  files:\n    - { name: root, content: [server_root], encoding: der }\n", 1)
    (line.dir / "etc/products/trusting.yaml").write_text(text)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def test_endpoint(cloud, line, tmp_path, version):
    assert cloud("cloud", "endpoint").stdout == "localhost\n"
    assert cloud.json("endpoint") == [{"endpoint": "localhost"}]
    with Broker(tmp_path, version) as broker:
        ask = ["endpoint", "--product", "trusting", "--port", broker.port]
        trusting(line, tmp_path / "root.pem")
        done = cloud("cloud", *ask)
        assert done.stdout == f'localhost\nA board of trusting trusts localhost:{broker.port}: it holds the root "Example Root 1".\n'
        assert broker.names == ["localhost"]
        assert cloud.json(*ask)[0]["trusted"] is True
        # Another root.
        (tmp_path / "ca.pem").write_text(pem(line.ca))
        trusting(line, tmp_path / "ca.pem")
        done = cloud("cloud", *ask, ok=False)
        assert done.returncode == 1 and "does NOT trust" in done.stdout and "certificate" in done.stdout
        assert cloud.json(*ask, ok=False)[0]["trusted"] is False
        # Another host name than the certificate has.
        trusting(line, tmp_path / "root.pem")
        cloud.account.endpoint = "127.0.0.1"
        assert re.search("does NOT trust.*(host|address)", cloud("cloud", *ask, ok=False).stdout, re.I)
        cloud.account.endpoint = "localhost"
        trusting(line, None)
        done = cloud("cloud", *ask, ok=False)
        assert done.returncode == 1 and done.stdout == "localhost\n"
        sentence(done, "the product trusting names no server_root; add one .* products/trusting.yaml$")
        done = cloud("cloud", "endpoint", "--product", "../demo", ok=False)
        assert done.returncode == 1 and "no name of a product" in done.stderr
    for words in (["--port", "80"], ["--product", "trusting", "--port", "mqtt"], ["--product", "trusting", "--port", "70000"]):
        sentence(cloud("cloud", "endpoint", *words, ok=False), "port", status=2)
    trusting(line, tmp_path / "root.pem")
    done = cloud("cloud", *ask, ok=False)
    sentence(done, f"localhost:{broker.port}: no connection")
    assert done.stdout == "localhost\n"


@contextmanager
def listener(say):
    """Takes one caller, and says that, or nothing until the end if it is None."""
    over = threading.Event()

    def serve():
        connection, _ = server.accept()
        with connection:
            if say is None:
                over.wait(PATIENCE_S)
            else:
                connection.sendall(say)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


@pytest.mark.parametrize("say, words", [
    (b"220 mail.example.com ESMTP\r\n", "does not speak TLS"), (b"", "does not speak TLS"),
    pytest.param(None, "no end of the TLS handshake", marks=pytest.mark.skipif(not LONG, reason="20 s: with --long")),
], ids=["SMTP", "hangs up", "silent"])
def test_endpoint_that_is_none(cloud, line, say, words):
    (cloud.folder / "root.pem").write_text(pem(line.ca))
    trusting(line, cloud.folder / "root.pem")
    with listener(say) as port:
        done = cloud("cloud", "endpoint", "--product", "trusting", "--port", port, ok=False)
    sentence(done, f"localhost:{port}: ", words)
    assert done.stdout == "localhost\n"


# --- what goes wrong ---

def expired(call):
    return error("ExpiredTokenException", "The security token included in the request is expired", 403)


def foreign(call):
    return Answer("<html>\x1b[31m<title>Sign in to the guest network</title></html>", 200)


@pytest.mark.parametrize("name, before, words", [
    ("expired", expired, ["no longer valid"]),
    ("foreign", foreign, ["proxy", "html"]),
    ("control characters", lambda call: error("InvalidRequestException", "a\x1b[31m\nb\u009bc"), [r"a\?\[31m\?b"]),
    ("no right", lambda call: error("AccessDeniedException", "no", 403), ["lack the right"]),
], ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("command", [["register-ca"], ["list"], ["endpoint"], ["revoke", "--certificate-id", "ab" * 32]], ids=" ".join)
def test_answers_that_are_none(cloud, line, name, before, words, command):
    cloud.account.before = before
    done = cloud("cloud", *command, ok=False)
    sentence(done, *words)
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1 and cloud.account.cas == {}


@pytest.mark.parametrize("words", [["register-ca"], ["endpoint"], ["describe", "--certificate-id", "ab" * 32]], ids=" ".join)
def test_no_credentials(line, tmp_path, words):
    env = {name: value for name, value in line.env.items() if not name.startswith("AWS_")}
    done = subprocess.run([BUILD / "imprint", "cloud", *words], env=dict(env, HOME=str(tmp_path)), text=True, capture_output=True,
                          timeout=PATIENCE_S)
    sentence(done, "no AWS credentials", "aws configure")
    assert done.stdout == ""


def test_wrong_region(cloud, line):
    """The signature is for another region than the server's: said with the region."""
    env = cloud.environment()
    done = subprocess.run([BUILD / "imprint", "cloud", "describe-ca", "--region", "xx-other-9"], env=env, text=True, capture_output=True,
                          timeout=PATIENCE_S)
    sentence(done, "InvalidSignatureException")


def test_throttled(cloud, line):
    """Patience helps: a few times, then it goes on."""
    left = [3]

    def before(call):
        left[0] -= 1
        return error("ThrottlingException", "Rate exceeded") if left[0] >= 0 else None
    cloud.account.before = before
    assert cloud.json("register-ca")[0]["done"] == ["registered", "status", "auto_registration"]
    assert len(cloud.account.calls) == 7


def test_lost_in_the_middle(cloud, line):
    """The registration was done, its answer and all that follows are lost: the next try goes on from there."""
    lost = []

    def after(call):
        if call.startswith("POST"):
            lost.append(call)
        return {"cut": 20} if lost else {}
    cloud.account.after = after
    cloud.account.before = lambda call: error("AccessDeniedException", "broken", 403) if len(lost) >= 1 else None
    done = cloud("cloud", "register-ca", ok=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("imprint: ")
    assert cloud.account.cas[line.ca_id]["status"] == "ACTIVE"
    cloud.account.before, cloud.account.after = lambda call: None, lambda call: {}
    cloud.account.cas[line.ca_id]["status"] = "INACTIVE"  # as other people's tools leave it at this point
    answer, = cloud.json("register-ca")
    assert answer["done"] == ["status"]
    assert not any("registrationcode" in call for call in cloud.account.calls[-3:])


def test_answer_lost(cloud, line):
    """Only the answer to the registration is lost: it is asked again by itself, and its own work is found."""
    cut = iter([{"cut": 20}])
    cloud.account.after = lambda call: next(cut, {}) if call.startswith("POST") else {}
    answer, = cloud.json("register-ca")
    assert answer["status"] == "ACTIVE" and len([call for call in cloud.account.calls if call.startswith("POST")]) == 2


def test_wrong_code(cloud, line):
    """A code of another account in between: the CA is not registered, and the sentence says why."""
    right, code = cloud.account.answer, cloud.account.code

    def answer(request):
        cloud.account.code = "00" * 32 if "registrationcode" in request.target else code
        return right(request)
    cloud.account.answer = answer
    sentence(cloud("cloud", "register-ca", ok=False), "RegistrationCodeValidation", "registration code")
    assert cloud.account.cas == {}


# --- every call, with odd characters ---

ROUND = [["register-ca"], ["describe-ca"], ["deactivate-ca"], ["activate-ca"], ["auto-registration", "off"], ["auto-registration", "on"],
         ["endpoint"], ["register", "{unit}"], ["describe", "{unit}"], ["deactivate", "{unit}"], ["activate", "{unit}"],
         ["revoke", "{unit}"], ["list"]]


def test_every_call_with_odd_credentials(line, requests, tmp_path):
    """A session token, and a secret with every character that an encoding could stumble over."""
    issued(line, requests, "C-0002")
    odd = Cloud(line, tmp_path, Keys(access_key="ASIAODD0000000000001", secret_key="s/+=%&?:'\"\\~*-_.0123456789abcdefgh", token=ODD_TOKEN))
    with odd.server:
        for words in ROUND:
            odd("cloud", *(word.format(unit="C-0002") for word in words))
        for number in range(260):  # a second page: its marker ends with =
            odd.account.add(f"{number:064x}", "ACTIVE", ca_id=line.ca_id)
        assert len(odd.json("list")) == 261
    assert odd.server.refused == []
    assert all(request.header("X-Amz-Security-Token") == ODD_TOKEN for request in odd.server.requests)


# --- the rehearsal ---

@pytest.fixture(scope="module")
def rehearsal(scratch):
    """What `imprint rehearsal up` says of itself."""
    with Rehearsal(scratch / "cloud-rehearsal") as one:
        yield one.client


def credentials(home):
    """Those of the rehearsal's HOME."""
    words = re.findall(r"^aws_(\w+) *= *(\S+)", Path(home, ".aws/credentials").read_text(), re.M)
    found = dict(words)
    return Keys(access_key=found["access_key_id"], secret_key=found["secret_access_key"], token=found.get("session_token", ""))


def test_pasted_into_the_rehearsal(line, rehearsal, tmp_path):
    """What --print prints, with nothing changed but HOME; and then `imprint cloud` finds what the commands did."""
    env = {"HOME": rehearsal["home"], "PATH": "/usr/bin:/bin", "IMPRINT_DIR": str(line.dir)}

    def cloud(*words, input=""):
        return subprocess.run([BUILD / "imprint", "cloud", *words], env=env, text=True, capture_output=True, input=input,
                              timeout=PATIENCE_S, cwd=tmp_path)
    code = subprocess.run(["/usr/bin/aws", "iot", "get-registration-code", "--query", "registrationCode", "--output", "text"],
                          env=env, text=True, capture_output=True, timeout=PATIENCE_S).stdout
    printed = cloud("register-ca", "--print", input=code)
    assert printed.returncode == 0, printed.stderr
    done = subprocess.run(["sh", "-e"], input=printed.stdout, env=env, text=True, capture_output=True, timeout=4 * PATIENCE_S, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = cloud("register-ca", "--json", "--endpoint-url", rehearsal["rest_url"])
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["done"] == [] and answer["ca_certificate_id"] == line.ca_id and answer["certificate_mode"] == "DEFAULT"


def test_every_call_of_the_rehearsal(line, requests, rehearsal, tmp_path):
    """The same calls, answered by the real stand-in behind the two verifiers."""
    row = issued(line, requests, "C-0003")
    it = Cloud(line, tmp_path, credentials(rehearsal["home"]))
    it.server.forward = ("127.0.0.1", int(rehearsal["rest_url"].rpartition(":")[2]))
    with it.server:
        for words in ROUND:
            it("cloud", *(word.format(unit="C-0003") for word in words))
        assert [(entry["certificate_id"], entry["status"], entry["unit"]) for entry in it.json("list")] == [
            (row["certificate_id"], "REVOKED", "C-0003")]
        sentence(it("cloud", "activate", "C-0003", ok=False), "REVOKED")
        sentence(it("cloud", "describe", "--certificate-id", "ab" * 32, ok=False), "ResourceNotFound")
        trusting(line, rehearsal["root_cert"])
        assert it.json("endpoint", "--product", "trusting", "--port", rehearsal["mqtt_port"])[0]["trusted"] is True
