"""imprint cloud: the endpoint, what goes wrong, and every subcommand against an account of AWS IoT that checks each signature twice."""
import json
import re
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from aws_server import Answer, error
from cloud import Cloud, cloud, issued, line, requests, sentence, trusting  # noqa: F401
from rehearsal import Rehearsal
from signer_client import PATIENCE_S
from sigv4 import Keys
from station import BUILD, LONG, ROOT, free_port
from tools import openssl, pem

ODD_TOKEN = "FwoGZXIvYXdzE/+=:@%&!" * 8 + "=="


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
    nobody = free_port()
    done = cloud("cloud", "endpoint", "--product", "trusting", "--port", nobody, ok=False)
    sentence(done, f"localhost:{nobody}: no connection")
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


# --- the manual ---

# To these AWS gives no resource (Service Authorization Reference): a policy that names one allows nothing.
NO_RESOURCE = {"iot:GetRegistrationCode", "iot:RegisterCACertificate", "iot:RegisterCertificate", "iot:DescribeEndpoint", "iot:ListCertificatesByCA"}
FOR_THE_OWNER = {"iot:ListCACertificates"}


def test_the_rights_in_the_manual_are_those_of_the_calls():
    policy = json.loads(re.search(r"^## Rights.*?```json\n(.*?)```", (ROOT / "docs/cloud.md").read_text(), re.S | re.M).group(1))
    resources = {action: statement["Resource"] for statement in policy["Statement"]
                 for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
    called = {f"iot:{name}" for name in re.findall(r'"((?:Get|Describe|Register|Update|List)\w+)"', (ROOT / "cloud/aws/iot.c").read_text())}
    assert {action for action in resources if action.startswith("iot:")} == called - FOR_THE_OWNER and FOR_THE_OWNER < called
    assert {action for action, resource in resources.items() if resource == "*"} == NO_RESOURCE
    kinds = {action: "cacert" if "CACertificate" in action else "cert" for action in called - NO_RESOURCE - FOR_THE_OWNER}
    assert all(f":{kind}/*" in resources[action] for action, kind in kinds.items())
