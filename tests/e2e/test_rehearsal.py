"""The rehearsal's control plane: `imprint rehearsal`, asked by the real aws and by botocore, the code inside it, whose model of AWS IoT
judges every answer and every error."""
import datetime
import http.client
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from signer_client import PATIENCE_S
from station import BUILD, LONG, documented, wait_until
from tools import openssl

sys.path.insert(0, "/usr/lib/python3/dist-packages/awscli")  # Debian's botocore is inside
import botocore.session  # noqa: E402
from botocore.auth import SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from botocore.validate import ParamValidator  # noqa: E402

ACCOUNT, REGION = "123456789012", "eu-central-1"
EVENT_TOPIC = "$aws/events/certificates/registered/"
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}


# --- the rehearsal ---

def imprint(*words, env=()):
    return subprocess.run([BUILD / "imprint", "rehearsal", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE_S, env={**ENVIRONMENT, **dict(env)})


UP = []  # every folder in which one was brought up


@pytest.fixture(scope="module", autouse=True)
def end_all():
    yield
    for folder in UP:
        imprint("down", folder)
    for folder in UP:
        assert "Sanitizer" not in log(folder)


def up(folder, *options):
    UP.append(folder)
    done = imprint("up", folder, "--mqtt-port", 0, "--json", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return documented(json.loads(done.stdout))


def log(folder):
    return (Path(folder) / "log").read_text()


class Cloud:
    """botocore's client of one rehearsal. What it answers must be what the model of the service says."""

    def __init__(self, folder, *options):
        self.folder, self.state = folder, up(folder, *options)
        self.client = self.new_client()
        self.model = self.client.meta.service_model

    def new_client(self, key="AKIAREHEARSALEXAMPLE", secret="rehearsal/secret+key/of/no/account+00000", token=None):
        return botocore.session.Session().create_client(
            "iot", region_name=REGION, endpoint_url=self.state["rest_url"], aws_access_key_id=key, aws_secret_access_key=secret,
            aws_session_token=token, config=Config(retries={"max_attempts": 1}))

    def down(self):
        assert imprint("down", self.folder).returncode == 0

    def __call__(self, method, **arguments):
        """The answer, or the code of the error."""
        operation = self.model.operation_model("".join(word.title() for word in method.split("_")).replace("Ca", "CA").replace("CAte", "Cate"))
        try:
            answer = getattr(self.client, method)(**arguments)
        except ClientError as error:
            self.error = error.response
            code = error.response["Error"]["Code"]
            assert code in [shape.name for shape in operation.error_shapes], f"{method}: AWS names no {code}"
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status_of(operation, code)
            assert error.response["Error"]["Message"]
            return code
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        if operation.output_shape:
            report = ParamValidator().validate(answer, operation.output_shape)
            assert not report.has_errors(), report.generate_report()
            check(answer, operation.output_shape)
        return answer


def status_of(operation, code):
    shape = next(shape for shape in operation.error_shapes if shape.name == code)
    return shape.metadata.get("error", {}).get("httpStatusCode")


def check(value, shape):
    """The words and patterns of the model, which botocore itself does not look at."""
    if shape.type_name == "structure":
        for name, member in value.items():
            check(member, shape.members[name])
    elif shape.type_name == "list":
        for member in value:
            check(member, shape.member)
    elif shape.type_name == "string":
        assert not shape.enum or value in shape.enum, f"{shape.name}: {value}"
        pattern = shape.metadata.get("pattern")
        assert not pattern or re.fullmatch(pattern, value), f"{shape.name}: {value}"


@pytest.fixture(scope="module")
def cloud(scratch):
    """One for all tests that make names of their own."""
    cloud = Cloud(scratch / "rehearsal")
    yield cloud
    cloud.down()


# --- certificates ---

def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def day(days):
    return datetime.datetime.utcnow() + datetime.timedelta(days=days)


class Issuer:
    """A CA; issue() is a certificate of its own in PEM."""

    def __init__(self, subject, ca=True, key=None, days=(-1, 30), hash_with=hashes.SHA256()):
        self.subject, self.key = name(subject), key or ec.generate_private_key(ec.SECP256R1())
        self.pem = certificate(self.subject, self.key.public_key(), self.subject, self.key, days, ca, hash_with)
        self.id = identity(self.pem)

    def issue(self, subject, days=(-1, 30), key=None, hash_with=hashes.SHA256()):
        key = key or ec.generate_private_key(ec.SECP256R1())
        return certificate(name(subject), key.public_key(), self.subject, self.key, days, None, hash_with)


def certificate(subject, public_key, issuer, key, days, ca, hash_with):
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
               .serial_number(x509.random_serial_number()).not_valid_before(day(days[0])).not_valid_after(day(days[1])))
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    signed = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hash_with)
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def identity(pem):
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()


def version_1(issuer, subject, folder):
    """As the walkthrough's `openssl x509 -req` makes it: without extensions."""
    (folder / "ca.pem").write_text(issuer.pem)
    (folder / "ca.key").write_bytes(issuer.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                             serialization.NoEncryption()))
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "1.key", "-subj", f"/C=AU/ST=Some-State/CN={subject}",
            "-out", folder / "1.csr")
    pem = openssl("x509", "-req", "-in", folder / "1.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
                  "-days", "365", "-sha256").decode()
    assert x509.load_pem_x509_certificate(pem.encode()).version == x509.Version.v1
    return pem


def register(cloud, issuer, active=True, automatic=True):
    code = cloud("get_registration_code")["registrationCode"]
    answer = cloud("register_ca_certificate", caCertificate=issuer.pem, verificationCertificate=issuer.issue(code), setAsActive=active,
                   allowAutoRegistration=automatic)
    assert answer == {"certificateArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:cacert/{issuer.id}", "certificateId": issuer.id}
    return issuer


def arn_of(certificate_id):
    return f"arn:aws:iot:{REGION}:{ACCOUNT}:cert/{certificate_id}"


# --- up and down ---

def children(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(line) for line in done.stdout.split()]


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_up_and_down(scratch):
    folder = scratch / "up down \u00e9"
    state = up(folder)
    assert {"rest_url", "mqtt_host", "mqtt_port", "root_cert", "home", "log"} <= set(state)
    again = imprint("up", folder, "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, state)
    table = imprint("up", folder)
    assert table.returncode == 0 and "runs already" in table.stdout and state["rest_url"] in table.stdout
    broker, = children(state["pid"])
    root = Path(state["root_cert"]).read_text()
    assert imprint("down", folder).returncode == 0
    assert is_gone(state["pid"]) and is_gone(broker)
    assert imprint("down", folder).returncode == 0
    assert imprint("down", scratch / "never").returncode == 0
    # What it knew stays.
    with sqlite3.connect(folder / "registry.db") as registry:
        registry.execute("INSERT INTO setting VALUES ('registration_code', ?)", ("5" * 64,))
    registry.close()
    cloud = Cloud(folder)
    assert cloud("get_registration_code")["registrationCode"] == "5" * 64
    assert Path(state["root_cert"]).read_text() == root
    # mosquitto ends with its parent, however that ends; the next `up` brings both.
    broker, = children(cloud.state["pid"])
    os.kill(cloud.state["pid"], 9)
    wait_until(lambda: is_gone(broker), what="mosquitto to end")
    state = up(folder)
    assert state["pid"] != cloud.state["pid"]
    # And the other way round: without mosquitto there is no rehearsal.
    os.kill(children(state["pid"])[0], 9)
    wait_until(lambda: is_gone(state["pid"]), what="the rehearsal to end")
    assert "mosquitto ended by itself" in log(folder)


def test_folder_must_be_ones_own(scratch):
    """Who can write into it could have files of another user written over, or his processes ended."""
    open_to_all, full = scratch / "open", scratch / "full"
    for folder in (open_to_all, full):
        folder.mkdir()
    open_to_all.chmod(0o777)
    (full / "root.pem").write_text("somebody's")
    for folder, words in ((open_to_all, "others may write into it"), (full, "other files")):
        done = imprint("up", folder, "--mqtt-port", 0)
        assert done.returncode == 1 and words in done.stderr
    assert list(open_to_all.iterdir()) == [] and [path.name for path in full.iterdir()] == ["root.pem"]
    assert (full / "root.pem").read_text() == "somebody's"
    link = scratch / "link"
    up(link)
    assert imprint("down", link).returncode == 0
    assert link.stat().st_mode & 0o77 == 0
    victim = scratch / "victim"
    victim.write_text("his own")
    (link / "home/.aws/credentials").unlink()
    (link / "home/.aws/credentials").symlink_to(victim)
    done = imprint("up", link, "--mqtt-port", 0)
    assert done.returncode == 1 and "credentials" in done.stderr and victim.read_text() == "his own"


def test_down_ends_no_other_process(scratch):
    """As after a reboot: the pid and the tick of its start are another's."""
    folder = scratch / "stale"
    up(folder)
    assert imprint("down", folder).returncode == 0
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            start = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
            (folder / "rehearsal.pid").write_text(f"{other.pid} {start}\n")
            done = imprint("down", folder)
            assert done.returncode == 0 and "No rehearsal runs" in done.stdout
            assert other.poll() is None
        finally:
            other.kill()


def test_log_is_bounded(scratch):
    folder = scratch / "flood"
    state = up(folder)
    path, old = Path(state["log"]), folder / "log.old"
    first = path.read_text()
    os.truncate(path, 40 << 20)
    wait_until(lambda: old.exists() and path.stat().st_size < 4096, what="the log to begin anew")
    assert "longer than 32 MB" in path.read_text() and old.stat().st_size == 40 << 20
    with old.open() as text:
        assert text.read(len(first)) == first
    assert imprint("down", folder).returncode == 0


@pytest.mark.parametrize("option", ["--mqtt-port", "--rest-port", "--event-port"])
def test_port_is_taken(scratch, option):
    folder = scratch / f"taken{option}"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = imprint("up", folder, "--mqtt-port", 0, option, port)
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in done.stderr and option in done.stderr
    assert not (folder / "rehearsal.pid").exists()
    left = subprocess.run(["pgrep", "-f", "--", f"taken{option}"], capture_output=True, text=True).stdout
    assert left == ""


def test_two_rehearsals_share_no_port(scratch):
    """Not even where both would be willing to: each would answer half of the calls."""
    port = up(scratch / "first")["rest_url"].rsplit(":", 1)[1]
    done = imprint("up", scratch / "second", "--mqtt-port", 0, "--rest-port", port)
    assert done.returncode == 1 and f"port {port} of 127.0.0.1 is taken" in done.stderr
    imprint("down", scratch / "first")


def test_what_up_prints_can_be_pasted(scratch):
    """The exports lead aws and imprint here, whatever the folder is called and the shell had for a real account."""
    folder = scratch / "it's a rehearsal"
    real = {"AWS_PROFILE": "production", "AWS_REGION": "us-east-1"}
    said = imprint("up", folder, "--mqtt-port", 0, env=real).stdout
    lines = [line for line in said.splitlines() if re.match("  (export|unset) ", line)]
    done = subprocess.run(["sh", "-c", "\n".join([*lines, f"{BUILD}/imprint cloud endpoint", 'echo "$HOME"'])], text=True,
                          capture_output=True, env={**ENVIRONMENT, **real}, timeout=PATIENCE_S)
    assert done.stdout.splitlines() == ["localhost", str(folder / "home")], done.stderr
    assert re.findall("AWS_[A-Z_]+", lines[0]) == ["AWS_PROFILE", "AWS_REGION"]
    down = re.search("(imprint rehearsal down .*)", said)[1]
    assert subprocess.run(["sh", "-c", f"{BUILD}/{down}"], timeout=PATIENCE_S).returncode == 0
    assert not (folder / "rehearsal.pid").exists()


def test_a_folder_of_others_stays_as_it_is(scratch):
    folder = scratch / "mine"
    folder.mkdir()
    (folder / "letter").write_text("dear")
    for words in (("up", folder, "--mqtt-port", 0), ("down", folder), ("log", folder)):
        done = imprint(*words)
        assert done.returncode == (words[0] != "down") and len((done.stdout + done.stderr).splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["letter"]


def test_wrong_usage(scratch):
    for words in [("up",), ("up", scratch, scratch), ("up", scratch / "x", "--mqtt-port", "65536"), ("up", scratch / "x", "--account", "1"),
                  ("up", scratch / "x", "--refusal", "never"), ("sideways", scratch)]:
        assert imprint(*words).returncode == 2, words
    assert not (scratch / "x").exists()
    assert imprint("log", scratch / "x").returncode == 1


def test_region_and_account_stay(scratch):
    folder = scratch / "region"
    state = up(folder, "--region", "us-east-1", "--account", "210987654321")
    assert (state["region"], state["account"]) == ("us-east-1", "210987654321")
    cloud = Cloud(folder)
    assert cloud("create_policy", policyName="p", policyDocument=ALLOW)["policyArn"] == "arn:aws:iot:us-east-1:210987654321:policy/p"
    cloud.down()
    other = imprint("up", folder, "--mqtt-port", 0, "--region", "eu-west-1")
    assert other.returncode == 1 and "us-east-1" in other.stderr
    assert not (folder / "rehearsal.pid").exists()


# --- the real aws ---

def test_real_aws(cloud):
    def aws(*words):
        return subprocess.run(["/usr/bin/aws", "iot", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, env={**ENVIRONMENT, "HOME": cloud.state["home"]})

    code = json.loads(aws("get-registration-code").stdout)["registrationCode"]
    assert code == cloud("get_registration_code")["registrationCode"] and re.fullmatch("[0-9a-f]{64}", code)
    assert json.loads(aws("describe-endpoint", "--endpoint-type", "iot:Data-ATS").stdout) == {"endpointAddress": "localhost"}
    done = aws("update-certificate", "--certificate-id", "0" * 64, "--new-status", "BOGUS")
    assert done.returncode == 254 and "(InvalidRequestException) when calling the UpdateCertificate" in done.stderr


# --- CA certificates ---

def test_registration_code(cloud):
    code = cloud("get_registration_code")["registrationCode"]
    assert cloud("get_registration_code")["registrationCode"] == code
    assert cloud("delete_registration_code") == {}
    assert cloud("delete_registration_code") == {}
    assert cloud("get_registration_code")["registrationCode"] != code


OTHER = Issuer("another CA")
RSA = rsa.generate_private_key(65537, 2048)

REFUSED = {  # the error's code, and what is otherwise: of the CA, of the verification certificate, of the call
    "no CA:TRUE": ("CertificateValidationException", {"ca": False}, {}, {}),
    "no basicConstraints": ("CertificateValidationException", {"ca": None}, {}, {}),
    "CA expired": ("CertificateValidationException", {"days": (-9, -1)}, {}, {}),
    "CA of tomorrow": ("CertificateValidationException", {"days": (1, 9)}, {}, {}),
    "RSA 1024": ("CertificateValidationException", {"key": rsa.generate_private_key(65537, 1024)}, {}, {}),
    "P-192": ("CertificateValidationException", {"key": ec.generate_private_key(ec.SECP192R1())}, {}, {}),
    "Ed25519": ("CertificateValidationException", {"key": ed25519.Ed25519PrivateKey.generate()}, {}, {}),
    "SHA-1": ("CertificateValidationException", {"key": RSA, "hash_with": hashes.SHA1()}, {}, {}),
    "another code": ("RegistrationCodeValidationException", {}, {"subject": "f" * 64}, {}),
    "code and more": ("RegistrationCodeValidationException", {}, {"subject": "CODE0"}, {}),
    "by another CA": ("CertificateValidationException", {}, {"by": OTHER}, {}),
    "verification expired": ("CertificateValidationException", {}, {"days": (-9, -1)}, {}),
    "verification of SHA-1": ("CertificateValidationException", {"key": RSA}, {"hash_with": hashes.SHA1()}, {}),
    "no verification": ("InvalidRequestException", {}, {}, {"verificationCertificate": None}),
    "SNI_ONLY with verification": ("InvalidRequestException", {}, {}, {"certificateMode": "SNI_ONLY"}),
    "no such mode": ("InvalidRequestException", {}, {}, {"certificateMode": "BOTH"}),
    "CA is no PEM": ("CertificateValidationException", {}, {}, {"caCertificate": "hello"}),
    "verification is no PEM": ("CertificateValidationException", {}, {}, {"verificationCertificate": "hello"}),
    "CA too long": ("InvalidRequestException", {}, {}, {"caCertificate": "x" * 65537}),
    "two CAs": ("CertificateValidationException", {}, {}, {"caCertificate": OTHER.pem * 2}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ca_is_refused(cloud, case):
    wanted, of_ca, of_verification, of_call = REFUSED[case]
    issuer = Issuer(f"refused: {case}", **of_ca)
    code = cloud("get_registration_code")["registrationCode"]
    subject = of_verification.pop("subject", "CODE").replace("CODE", code)
    by = of_verification.pop("by", issuer)
    call = {"caCertificate": issuer.pem, "verificationCertificate": by.issue(subject, **of_verification), **of_call}
    assert cloud("register_ca_certificate", **{key: value for key, value in call.items() if value is not None}) == wanted
    assert cloud("describe_ca_certificate", certificateId=issuer.id) == "ResourceNotFoundException"


@pytest.mark.parametrize("key", [RSA, ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())],
                         ids=["rsa", "p384", "p521"])
def test_ca_of_other_keys(cloud, key):
    register(cloud, Issuer(f"key of {key.key_size}", key=key))


def test_ca_life(cloud, tmp_path):
    issuer = Issuer("life")
    code = cloud("get_registration_code")["registrationCode"]
    call = {"caCertificate": issuer.pem, "verificationCertificate": version_1(issuer, code, tmp_path)}
    assert cloud("register_ca_certificate", **call)["certificateId"] == issuer.id
    assert cloud("register_ca_certificate", **call) == "ResourceAlreadyExistsException"
    assert cloud.error["resourceId"] == issuer.id
    assert cloud.error["resourceArn"] == f"arn:aws:iot:{REGION}:{ACCOUNT}:cacert/{issuer.id}"
    first = cloud("describe_ca_certificate", certificateId=issuer.id)["certificateDescription"]
    assert (first["status"], first["autoRegistrationStatus"], first["certificateMode"]) == ("INACTIVE", "DISABLE", "DEFAULT")
    assert (first["certificatePem"], first["ownedBy"], first["customerVersion"]) == (issuer.pem, ACCOUNT, 1)
    assert abs(first["creationDate"].timestamp() - datetime.datetime.now().timestamp()) < PATIENCE_S
    assert abs(first["validity"]["notAfter"].timestamp() - day(30).replace(tzinfo=datetime.timezone.utc).timestamp()) < PATIENCE_S
    assert cloud("update_ca_certificate", certificateId=issuer.id.upper(), newStatus="ACTIVE") == {}
    assert cloud("update_ca_certificate", certificateId=issuer.id, newAutoRegistrationStatus="ENABLE") == {}
    now = cloud("describe_ca_certificate", certificateId=issuer.id)["certificateDescription"]
    assert (now["status"], now["autoRegistrationStatus"], now["customerVersion"]) == ("ACTIVE", "ENABLE", 3)
    assert cloud("update_ca_certificate", certificateId=issuer.id, newStatus="REVOKED") == "InvalidRequestException"
    config = {"templateBody": "{}", "roleArn": "arn:aws:iam::123456789012:role/x", "templateName": "t-1"}
    assert cloud("update_ca_certificate", certificateId=issuer.id, registrationConfig=config) == {}
    assert cloud("describe_ca_certificate", certificateId=issuer.id)["registrationConfig"] == config
    assert [row["certificateId"] for row in cloud("list_ca_certificates", templateName="t-1")["certificates"]] == [issuer.id]
    assert cloud("update_ca_certificate", certificateId=issuer.id, removeAutoRegistration=True) == {}
    assert "registrationConfig" not in cloud("describe_ca_certificate", certificateId=issuer.id)
    assert cloud("delete_ca_certificate", certificateId=issuer.id) == "CertificateStateException"
    assert cloud("update_ca_certificate", certificateId=issuer.id, newStatus="INACTIVE") == {}
    assert cloud("delete_ca_certificate", certificateId=issuer.id) == {}
    assert cloud("delete_ca_certificate", certificateId=issuer.id) == "ResourceNotFoundException"
    assert cloud("update_ca_certificate", certificateId=issuer.id, newStatus="ACTIVE") == "ResourceNotFoundException"


def test_sni_only_and_ten_of_one_subject(cloud):
    for _ in range(10):
        issuer = Issuer("the same")
        assert cloud("register_ca_certificate", caCertificate=issuer.pem, certificateMode="SNI_ONLY")["certificateId"] == issuer.id
    assert cloud("describe_ca_certificate", certificateId=issuer.id)["certificateDescription"]["certificateMode"] == "SNI_ONLY"
    assert cloud("register_ca_certificate", caCertificate=Issuer("the same").pem, certificateMode="SNI_ONLY") == "LimitExceededException"


# --- certificates ---

def test_register_certificate(cloud, tmp_path):
    issuer = register(cloud, Issuer("register"), active=False)
    device = issuer.issue("device")
    call = {"certificatePem": device, "status": "ACTIVE"}
    assert cloud("register_certificate", **call) == "CertificateStateException"  # CA inactive
    cloud("update_ca_certificate", certificateId=issuer.id, newStatus="ACTIVE")
    assert cloud("register_certificate", certificatePem=device, status="PENDING_ACTIVATION") == "CertificateStateException"
    assert cloud("register_certificate", certificatePem=device, status="LOST") == "InvalidRequestException"
    assert cloud("register_certificate", **call) == {"certificateArn": arn_of(identity(device)), "certificateId": identity(device)}
    assert cloud("register_certificate", **call) == "ResourceAlreadyExistsException"
    assert cloud.error["resourceArn"] == arn_of(identity(device))
    assert cloud("register_certificate", certificatePem=OTHER.issue("device")) == "CertificateStateException"  # CA unknown
    assert cloud("register_certificate", certificatePem=issuer.issue("late", days=(-9, -1))) == "CertificateValidationException"
    forged = Issuer("register").issue("of a CA with the same name")
    assert cloud("register_certificate", certificatePem=forged) == "CertificateValidationException"
    old = version_1(issuer, "old", tmp_path)
    assert cloud("register_certificate", certificatePem=old)["certificateId"] == identity(old)
    assert cloud("describe_certificate", certificateId=identity(old))["certificateDescription"]["status"] == "INACTIVE"
    alone = OTHER.issue("alone")
    assert cloud("register_certificate_without_ca", certificatePem=alone, status="ACTIVE")["certificateId"] == identity(alone)
    described = cloud("describe_certificate", certificateId=identity(alone))["certificateDescription"]
    assert "caCertificateId" not in described and described["certificateMode"] == "SNI_ONLY"
    # A second CA with the same subject: now it must be named.
    twin = register(cloud, Issuer("register"))
    board = twin.issue("board")
    assert cloud("register_certificate", certificatePem=board) == "CertificateConflictException"
    assert cloud("register_certificate", certificatePem=board, caCertificatePem=issuer.pem) == "CertificateValidationException"
    assert cloud("register_certificate", certificatePem=board, caCertificatePem=OTHER.pem) == "CertificateStateException"
    assert cloud("register_certificate", certificatePem=board, caCertificatePem=twin.pem, status="ACTIVE")["certificateId"] == identity(board)
    assert cloud("describe_certificate", certificateId=identity(board))["certificateDescription"]["caCertificateId"] == twin.id


def test_nothing_is_made_here(cloud):
    assert cloud("create_keys_and_certificate") == "InvalidRequestException"


# --- random calls against a model ---

class Model:
    """What AWS IoT would know after the same calls."""

    def __init__(self, cloud, chance):
        self.cloud, self.chance = cloud, chance
        self.issuer = register(cloud, Issuer(f"model {chance.random()}"))
        self.pems = {identity(pem): pem for pem in (self.issuer.issue(f"board {i}") for i in range(8))}
        self.certificates, self.order = {}, []  # {id: status}, as they were created
        self.policies, self.attached = set(), []  # [(policy, id)]
        self.things, self.principals = {}, []  # {thing: attributes}
        self.mark = f"{chance.randrange(1 << 60)}-"

    def id(self):
        return self.chance.choice(list(self.pems))

    def policy(self):
        return self.mark + self.chance.choice("pqr")

    def thing(self):
        return self.mark + self.chance.choice("uvw")

    def register(self):
        key, status = self.id(), self.chance.choice(["ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION", None])
        answer = self.cloud("register_certificate", certificatePem=self.pems[key], **({"status": status} if status else {}))
        if status == "PENDING_ACTIVATION":
            return answer, "CertificateStateException"
        if key in self.certificates:
            return answer, "ResourceAlreadyExistsException"
        self.certificates[key] = status or "INACTIVE"
        self.order.append(key)
        return answer, {"certificateArn": arn_of(key), "certificateId": key}

    def update(self):
        key, status = self.id(), self.chance.choice(["ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION", "PENDING_TRANSFER", "active"])
        answer = self.cloud("update_certificate", certificateId=key, newStatus=status)
        if status not in ("ACTIVE", "INACTIVE", "REVOKED"):
            return answer, "InvalidRequestException"
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if self.certificates[key] == "REVOKED" != status:
            return answer, "CertificateStateException"
        self.certificates[key] = status
        return answer, {}

    def delete(self):
        key, force = self.id(), self.chance.random() < 0.5
        answer = self.cloud("delete_certificate", certificateId=key, forceDelete=force)
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if self.certificates[key] == "ACTIVE":
            return answer, "CertificateStateException"
        if any(key == other for _, other in self.principals) or (not force and any(key == other for _, other in self.attached)):
            return answer, "DeleteConflictException"
        del self.certificates[key]
        self.order.remove(key)
        self.attached = [pair for pair in self.attached if pair[1] != key]
        return answer, {}

    def describe(self):
        key = self.id()
        answer = self.cloud("describe_certificate", certificateId=key)
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        described = answer["certificateDescription"]
        wanted = (key, self.certificates[key], self.pems[key], self.issuer.id)
        return tuple(described[word] for word in ("certificateId", "status", "certificatePem", "caCertificateId")), wanted

    def list(self):
        size, ascending = self.chance.choice([None, 1, 2, 3, 250]), self.chance.random() < 0.5
        listed = self.pages("list_certificates_by_ca", "certificates", size, caCertificateId=self.issuer.id, ascendingOrder=ascending)
        wanted = [(key, self.certificates[key]) for key in (self.order if ascending else reversed(self.order))]
        return [(row["certificateId"], row["status"]) for row in listed], wanted

    def pages(self, method, member, size, **arguments):
        rows, marker = [], {}
        while True:
            page = self.cloud(method, **arguments, **marker, **({"pageSize": size} if size else {}))
            assert len(page[member]) <= (size or 25)
            rows += page[member]
            if "nextMarker" not in page:
                return rows
            assert len(page[member]) == (size or 25)
            marker = {"marker": page["nextMarker"]}

    def create_policy(self):
        key = self.policy()
        answer = self.cloud("create_policy", policyName=key, policyDocument=ALLOW)
        if key in self.policies:
            return answer, "ResourceAlreadyExistsException"
        self.policies.add(key)
        arn = f"arn:aws:iot:{REGION}:{ACCOUNT}:policy/{key}"
        return answer, {"policyName": key, "policyArn": arn, "policyDocument": ALLOW, "policyVersionId": "1"}

    def delete_policy(self):
        key = self.policy()
        answer = self.cloud("delete_policy", policyName=key)
        if key not in self.policies:
            return answer, "ResourceNotFoundException"
        if any(key == other for other, _ in self.attached):
            return answer, "DeleteConflictException"
        self.policies.remove(key)
        return answer, {}

    def attach(self):
        policy, key, old = self.policy(), self.id(), self.chance.random() < 0.5
        word = {"principal" if old else "target": arn_of(key)}
        answer = self.cloud("attach_principal_policy" if old else "attach_policy", policyName=policy, **word)
        if policy not in self.policies or key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if (policy, key) not in self.attached:
            self.attached.append((policy, key))
        return answer, {}

    def detach(self):
        policy, key, old = self.policy(), self.id(), self.chance.random() < 0.5
        word = {"principal" if old else "target": arn_of(key)}
        answer = self.cloud("detach_principal_policy" if old else "detach_policy", policyName=policy, **word)
        if (policy, key) in self.attached:
            self.attached.remove((policy, key))
        return answer, {}

    def list_attached(self):
        key = self.id()
        answer = self.cloud("list_attached_policies", target=arn_of(key))
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        return [row["policyName"] for row in answer["policies"]], [policy for policy, other in self.attached if other == key]

    def list_targets(self):
        policy = self.policy()
        answer = self.cloud("list_targets_for_policy", policyName=policy)
        if policy not in self.policies:
            return answer, "ResourceNotFoundException"
        return answer["targets"], [arn_of(key) for other, key in self.attached if other == policy]

    def create_thing(self):
        thing, attributes = self.thing(), self.chance.choice([{}, {"a": "1"}])
        answer = self.cloud("create_thing", thingName=thing, attributePayload={"attributes": attributes})
        if self.things.setdefault(thing, attributes) != attributes:
            return answer, "ResourceAlreadyExistsException"
        return answer["thingArn"], f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{thing}"

    def describe_thing(self):
        thing = self.thing()
        answer = self.cloud("describe_thing", thingName=thing)
        return (answer["attributes"] if isinstance(answer, dict) else answer), self.things.get(thing, "ResourceNotFoundException")

    def attach_thing(self):
        thing, key = self.thing(), self.id()
        answer = self.cloud("attach_thing_principal", thingName=thing, principal=arn_of(key))
        if thing not in self.things or key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if (thing, key) not in self.principals:
            self.principals.append((thing, key))
        return answer, {}

    def detach_thing(self):
        thing, key = self.thing(), self.id()
        answer = self.cloud("detach_thing_principal", thingName=thing, principal=arn_of(key))
        if thing not in self.things:
            return answer, "ResourceNotFoundException"
        self.principals = [pair for pair in self.principals if pair != (thing, key)]
        return answer, {}

    def list_principals(self):
        thing = self.thing()
        answer = self.cloud("list_thing_principals", thingName=thing)
        if thing not in self.things:
            return answer, "ResourceNotFoundException"
        return answer["principals"], [arn_of(key) for other, key in self.principals if other == thing]


STEPS = [word for word, method in vars(Model).items() if callable(method) and not word.startswith("_")
         and word not in ("id", "policy", "thing", "pages")]


@pytest.mark.parametrize("seed", range(40 if LONG else 4))
def test_random_calls(cloud, seed):
    chance = random.Random(seed)
    model, done = Model(cloud, chance), []
    for _ in range(600):
        word = chance.choice(STEPS + ["register", "update", "attach", "attach_thing"] * 2)
        answer, wanted = getattr(model, word)()
        done.append((word, wanted if isinstance(wanted, str) else "ok"))
        assert answer == wanted, f"seed {seed}: {word} after {done[-20:]}"
    assert len({pair for pair in done}) > 25  # it came about


def test_pages_stand_changes(cloud):
    """Between two pages rows are added and removed: nothing is missed, nothing comes twice."""
    issuer = register(cloud, Issuer("pages"))
    ids = [cloud("register_certificate", certificatePem=issuer.issue(f"{i}"))["certificateId"] for i in range(30)]
    call = {"caCertificateId": issuer.id, "ascendingOrder": True}
    page = cloud("list_certificates_by_ca", **call)
    assert [row["certificateId"] for row in page["certificates"]] == ids[:25]
    cloud("delete_certificate", certificateId=ids[24])
    cloud("delete_certificate", certificateId=ids[26])
    late = cloud("register_certificate", certificatePem=issuer.issue("late"))["certificateId"]
    rest = cloud("list_certificates_by_ca", **call, marker=page["nextMarker"])
    assert [row["certificateId"] for row in rest["certificates"]] == [ids[25], *ids[27:], late] and "nextMarker" not in rest
    assert all(row["certificateMode"] == "DEFAULT" for row in rest["certificates"])
    # A marker belongs to its list and its direction.
    assert set("+/=") <= set(page["nextMarker"])
    for wrong in ({**call, "ascendingOrder": False, "marker": page["nextMarker"]}, {**call, "marker": "AAAA"}, {**call, "pageSize": 251},
                  {**call, "marker": "!"}):
        assert cloud("list_certificates_by_ca", **wrong) == "InvalidRequestException", wrong
    assert cloud("list_ca_certificates", marker=page["nextMarker"]) == "InvalidRequestException"
    assert cloud("list_certificates_by_ca", caCertificateId="0" * 64) == {"certificates": []}


# --- policies, things, rules ---

def test_policy(cloud):
    for document in ("{}", "not JSON", ALLOW.replace("Allow", "allow"), ALLOW.replace("iot:*", "x" * 2100)):
        assert cloud("create_policy", policyName="bad", policyDocument=document) == "MalformedPolicyException"
    cloud("create_policy", policyName="good+=,.@-_", policyDocument=ALLOW)
    policy = cloud("get_policy", policyName="good+=,.@-_")
    assert (policy["policyDocument"], policy["defaultVersionId"]) == (ALLOW, "1")
    assert cloud("get_policy", policyName="none") == "ResourceNotFoundException"
    assert cloud("get_policy", policyName="a/b") == "InvalidRequestException"
    assert cloud("attach_policy", policyName="good+=,.@-_", target="arn:aws:iot:eu-central-1:1:cert/x") == "InvalidRequestException"


def test_ten_policies(cloud):
    key = cloud("register_certificate_without_ca", certificatePem=OTHER.issue("ten"))["certificateId"]
    for i in range(11):
        cloud("create_policy", policyName=f"ten{i}", policyDocument=ALLOW)
        wanted = {} if i < 10 else "LimitExceededException"
        assert cloud("attach_policy", policyName=f"ten{i}", target=arn_of(key)) == wanted
    assert cloud("attach_policy", policyName="ten3", target=arn_of(key)) == {}
    listed = cloud("list_principal_policies", principal=arn_of(key), ascendingOrder=True)["policies"]
    assert [row["policyName"] for row in listed] == [f"ten{i}" for i in range(10)]


def test_rules(cloud):
    sql = f"SELECT * FROM '{EVENT_TOPIC}+'"
    payload = {"sql": sql, "description": "JITR", "actions": [{"lambda": {"functionArn": "arn:aws:lambda:eu-central-1:1:function:f"}}],
               "ruleDisabled": True, "awsIotSqlVersion": "2016-03-23"}
    assert cloud("create_topic_rule", ruleName="jitr", topicRulePayload=payload) == {}
    assert cloud("create_topic_rule", ruleName="jitr", topicRulePayload=payload) == "ResourceAlreadyExistsException"
    assert cloud("create_topic_rule", ruleName="bad", topicRulePayload={**payload, "sql": "SELECT"}) == "SqlParseException"
    assert cloud("create_topic_rule", ruleName="b-d", topicRulePayload=payload) == "InvalidRequestException"
    rule = cloud("get_topic_rule", ruleName="jitr")["rule"]
    assert rule.pop("createdAt") and rule.pop("ruleName") == "jitr" and rule == payload
    row, = cloud("list_topic_rules")["rules"]
    assert (row["ruleName"], row["topicPattern"], row["ruleDisabled"]) == ("jitr", f"{EVENT_TOPIC}+", True)
    assert cloud("delete_topic_rule", ruleName="jitr") == {}
    assert cloud("get_topic_rule", ruleName="jitr") == "UnauthorizedException"


# --- signatures ---

def signed(cloud, method="GET", target="/registrationcode", key="AKIAREHEARSALEXAMPLE", secret="rehearsal/secret+key/of/no/account+00000",
           service="iot", token=None):
    request = AWSRequest(method=method, url=cloud.state["rest_url"] + target, headers={})
    SigV4Auth(Credentials(key, secret, token), service, REGION).add_auth(request)
    return dict(request.headers.items())


def ask(cloud, headers, method="GET", target="/registrationcode", body=None):
    connection = http.client.HTTPConnection(cloud.state["rest_url"].removeprefix("http://"), timeout=PATIENCE_S)
    try:
        connection.request(method, target, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["x-amzn-ErrorType"], answer.read()
    finally:
        connection.close()


def test_signatures(cloud):
    def verdict(headers, **request):
        return ask(cloud, headers, **request)[:2]

    good = signed(cloud)
    assert verdict(good) == (200, None)
    assert verdict(signed(cloud, service="execute-api")) == (200, None)
    assert verdict({}) == (403, "MissingAuthenticationTokenException")
    assert verdict(signed(cloud, key="AKIAOTHER")) == (403, "UnrecognizedClientException")
    assert verdict(signed(cloud, token="unexpected")) == (403, "UnrecognizedClientException")
    assert verdict(signed(cloud, service="sts")) == (403, "IncompleteSignatureException")
    assert verdict({**good, "Authorization": "AWS4-HMAC-SHA256 x"}) == (403, "IncompleteSignatureException")
    assert verdict(good, target="/endpoint") == (403, "InvalidSignatureException")
    assert "GET | /endpoint | " in log(cloud.folder)  # the canonical request, for who has to find the fault
    assert verdict(signed(cloud, secret="wrong")) == (403, "InvalidSignatureException")
    stale = {**good, "X-Amz-Date": "20200101T000000Z", "Authorization": re.sub("/[0-9]{8}/", "/20200101/", good["Authorization"])}
    status, code, body = ask(cloud, stale)
    assert (status, code) == (403, "InvalidSignatureException") and b"expired" in body
    assert verdict(signed(cloud, target="/nowhere"), target="/nowhere") == (403, "UnknownOperationException")


def test_session_token(scratch):
    cloud = Cloud(scratch / "token", "--session-token", "FwoGZXIvYXdz+/==")
    try:
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            cloud.client.get_registration_code()
        assert cloud.new_client(token="FwoGZXIvYXdz+/==").get_registration_code()["registrationCode"]
        assert "aws_session_token = FwoGZXIvYXdz+/==" in (Path(cloud.state["home"]) / ".aws/credentials").read_text()
    finally:
        cloud.down()


def test_limits(cloud):
    """Too much of anything is refused, and the next one is answered."""
    assert ask(cloud, signed(cloud), target="/" + "a" * 9000)[0] == 400
    assert ask(cloud, {**signed(cloud), **{f"X-{i}": "x" for i in range(100)}})[0] == 413
    assert ask(cloud, {**signed(cloud), "X-Long": "x" * 40000})[0] == 431
    assert ask(cloud, signed(cloud), method="POST", body=b"x" * (1 << 20) + b"x")[0] == 413
    for raw in (b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", int(cloud.state["rest_url"].rsplit(":", 1)[1])), PATIENCE_S) as line:
            line.sendall(raw)
    assert cloud("get_registration_code")


# --- --on-register ---

def announce(cloud, ca, device):
    """What the plugin does at a first connection; its own tests are elsewhere."""
    registry = sqlite3.connect(Path(cloud.folder) / "registry.db", timeout=PATIENCE_S)
    with registry:
        registry.execute("INSERT OR IGNORE INTO event (topic, payload, time, taken) VALUES (?, ?, 0, 0)",
                         (EVENT_TOPIC + ca, json.dumps({"certificateId": device})))
    registry.close()


def test_on_register(scratch):
    out = scratch / "registered"
    command = f'cat >> {out}; echo >> {out}; echo "$HOME $AWS_ENDPOINT_URL_IOT $AWS_REGION"; echo trouble >&2; exit 3'
    cloud = Cloud(scratch / "hook", "--on-register", command)

    def ran():
        return [json.loads(line)["certificateId"] for line in out.read_text().splitlines()] if out.exists() else []

    def said(text, times=1):
        wait_until(lambda: log(cloud.folder).count(text) == times, what=text)

    try:
        announce(cloud, "c" * 64, "1")
        announce(cloud, "c" * 64, "2")
        said("exit status 3", 2)
        assert ran() == ["1", "2"]
        said(f"on-register: {cloud.state['home']} {cloud.state['rest_url']} {REGION}\n", 2)
        said("on-register: trouble\n", 2)
        # With a rule, only what it selects; with a disabled one, nothing.
        action = [{"lambda": {"functionArn": "arn:aws:lambda:eu-central-1:1:function:f"}}]
        payload = {"sql": f"SELECT * FROM '{EVENT_TOPIC}{'d' * 64}'", "actions": action}
        cloud("create_topic_rule", ruleName="one", topicRulePayload=payload)
        cloud("create_topic_rule", ruleName="off", topicRulePayload={"sql": f"SELECT * FROM '{EVENT_TOPIC}+'", "actions": action,
                                                                     "ruleDisabled": True})
        announce(cloud, "c" * 64, "3")
        announce(cloud, "d" * 64, "4")
        said("exit status 3", 3)
        said("nothing is run")
        assert ran() == ["1", "2", "4"]
    finally:
        cloud.down()
    assert "the rehearsal is down" in log(cloud.folder)


def test_command_ends_with_the_rehearsal(scratch):
    cloud = Cloud(scratch / "ends", "--on-register", "echo $$ > pid; sleep 600")
    pid = scratch / "ends" / "pid"
    announce(cloud, "c" * 64, "1")
    wait_until(lambda: pid.exists() and pid.read_text().strip(), what="the command")
    cloud.down()
    wait_until(lambda: is_gone(int(pid.read_text())), what="the command to end")
