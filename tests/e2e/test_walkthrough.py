"""AWS's own walkthrough of just-in-time registration, typed as it is printed, with the real aws, openssl and mosquitto_pub, against
the rehearsal. Nothing is changed but HOME, and what stands in <…>."""
import json
import re
import shutil
import time

import pytest
from rehearsal import EVENTS, Rehearsal, accepted
from station import free_port, wait_until
from tools import certificate_id, der_of

MAKE_CA = """\
openssl genrsa -out sampleCACertificate.key 2048
openssl req -x509 -new -nodes -key sampleCACertificate.key -sha256 -days 365 -out sampleCACertificate.pem"""
GET_CODE = "aws iot get-registration-code"
MAKE_VERIFICATION = """\
openssl genrsa -out privateKeyVerification.key 2048
openssl req -new -key privateKeyVerification.key -out privateKeyVerification.csr"""
SIGN_VERIFICATION = ("openssl x509 -req -in privateKeyVerification.csr -CA sampleCACertificate.pem -CAkey sampleCACertificate.key "
                     "-CAcreateserial -out privateKeyVerification.crt -days 365 -sha256")
REGISTER = ("aws iot register-ca-certificate --ca-certificate file://sampleCACertificate.pem "
            "--verification-certificate file://privateKeyVerification.crt")
DESCRIBE = "aws iot describe-ca-certificate --certificate-id <certificateId>"
ACTIVATE = "aws iot update-ca-certificate --certificate-id <certificateId> --new-status ACTIVE"
ENABLE = "aws iot update-ca-certificate --certificate-id <caCertificateId> --new-auto-registration-status ENABLE"
MAKE_DEVICE = """\
openssl genrsa -out deviceCert.key 2048
openssl req -new -key deviceCert.key -out deviceCert.csr"""
SIGN_DEVICE = """\
openssl x509 -req -in deviceCert.csr -CA sampleCACertificate.pem -CAkey sampleCACertificate.key -CAcreateserial -out deviceCert.crt -days 365 -sha256
cat deviceCert.crt sampleCACertificate.pem > deviceCertAndCACert.crt"""
ENDPOINT = "aws iot describe-endpoint"
CONNECT = ('mosquitto_pub --cafile root.cert --cert deviceCertAndCACert.crt --key deviceCert.key -h <endpoint> -p 8883 -q 1 -t  foo/bar '
           '-i  anyclientID --tls-version tlsv1.2 -m "Hello" -d')
DEACTIVATE = "aws iot update-ca-certificate --certificate-id <certificateId> --new-status INACTIVE"
REVOKE = "aws iot update-certificate --certificate-id <certificateId> --new-status REVOKED"
LIST = "aws iot list-certificates-by-ca --ca-certificate-id <caCertificateId>"

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iot:Connect", "iot:Publish"], "Resource": "*"}]}
RULE = {"sql": "SELECT * FROM '$aws/events/certificates/registered/+'", "description": "activates", "awsIotSqlVersion": "2016-03-23",
        "actions": [{"lambda": {"functionArn": "arn:aws:lambda:us-east-1:123456789012:function:activate"}}]}


class Walk:
    """Somebody in a folder, who types."""

    def __init__(self, cloud, folder):
        self.cloud, self.folder = cloud, folder
        shutil.copy(cloud.client["root_cert"], folder / "root.cert")
        (folder / "policy.json").write_text(json.dumps(POLICY))
        (folder / "rule.json").write_text(json.dumps(RULE))

    def type(self, command, stdin="", check=True, **placeholders):
        for name, value in placeholders.items():
            command = command.replace(f"<{name}>", value)
        assert "<" not in command, command
        return self.cloud.shell(command, self.folder, stdin, check)

    def ask(self, command, **placeholders):
        return json.loads(self.type(command, **placeholders).stdout)

    def describe(self):
        return self.ask(DESCRIBE, certificateId=self.ca)["certificateDescription"]

    def statuses(self):
        """{certificate id: status}, as the list shows them."""
        return {row["certificateId"]: row["status"] for row in self.ask(LIST, caCertificateId=self.ca)["certificates"]}

    def status(self):
        return self.statuses()[self.id_of("deviceCert.crt")]

    def id_of(self, file):
        return certificate_id(der_of((self.folder / file).read_text()))

    def make_ca(self, *options):
        """Everything up to the registered CA."""
        self.type(MAKE_CA, stdin=prompts("Walkthrough CA"))
        code = self.ask(GET_CODE)["registrationCode"]
        assert re.fullmatch("[0-9a-f]{64}", code)
        self.type(MAKE_VERIFICATION, stdin=prompts(code) + "\n\n")
        self.type(SIGN_VERIFICATION)
        answer = self.ask(" ".join((REGISTER, *options)))
        self.ca = answer["certificateId"]
        assert self.ca == self.id_of("sampleCACertificate.pem")
        arn = re.fullmatch(f"arn:aws:iot:([a-z0-9-]+):([0-9]{{12}}):cacert/{self.ca}", answer["certificateArn"])
        self.region, self.account = arn.groups()

    def make_device(self, device="deviceCert"):
        self.type(MAKE_DEVICE.replace("deviceCert", device), stdin=prompts(device) + "\n\n")
        self.type(SIGN_DEVICE.replace("deviceCert", device))

    def connect(self, device="deviceCert"):
        """The finished mosquitto_pub; on 8883, or where the rehearsal listens instead."""
        command = CONNECT.replace("deviceCert", device).replace("-p 8883", f"-p {self.cloud.port}")
        return self.type(command, check=False, endpoint=self.endpoint)

    def activate(self, device="deviceCert"):
        """What the function of the walkthrough does, by hand."""
        certificate = f"arn:aws:iot:{self.region}:{self.account}:cert/{self.id_of(device + '.crt')}"
        self.type("aws iot create-policy --policy-name Walk --policy-document file://policy.json")
        self.type(f"aws iot attach-principal-policy --policy-name Walk --principal {certificate}")
        self.type(f"aws iot update-certificate --certificate-id {self.id_of(device + '.crt')} --new-status ACTIVE")


def prompts(common_name):
    """Answers to what `openssl req` asks for: Enter for all but the common name."""
    return f"\n\n\n\n\n{common_name}\n\n"


def check_event(event, walk, before_ms):
    assert set(event) == {"certificateId", "caCertificateId", "timestamp", "certificateStatus", "awsAccountId",
                          "certificateRegistrationTimestamp"}
    assert event["certificateId"] == walk.id_of("deviceCert.crt") and event["caCertificateId"] == walk.ca
    assert event["certificateStatus"] == "PENDING_ACTIVATION" and event["awsAccountId"] == walk.account
    assert isinstance(event["timestamp"], int) and before_ms <= event["timestamp"] <= time.time() * 1000
    registered = event["certificateRegistrationTimestamp"]
    assert registered is None or before_ms <= int(registered) <= event["timestamp"] and isinstance(registered, str)


@pytest.fixture
def walk(request, scratch):
    """walk("--refusal", "connect"): a rehearsal, and somebody who types."""
    folder = scratch / f"walk-{request.node.name}"
    (folder / "desk").mkdir(parents=True)
    up = []

    def bring_up(*options, port=0):
        up.append(Rehearsal(folder / "cloud", *options, port=port).__enter__())
        return Walk(up[0], folder / "desk")

    yield bring_up
    for cloud in up:
        cloud.__exit__()


def test_walkthrough(walk):
    """Every step, in its order."""
    walk = walk(port=free_port(8883))
    walk.make_ca()
    again = walk.type(REGISTER, check=False)
    assert again.returncode == 254
    assert "An error occurred (ResourceAlreadyExistsException) when calling the RegisterCACertificate operation" in again.stderr
    ca = walk.describe()
    assert (ca["status"], ca["autoRegistrationStatus"]) == ("INACTIVE", "DISABLE")
    walk.type(ACTIVATE, certificateId=walk.ca)
    walk.type(ENABLE, caCertificateId=walk.ca)
    ca = walk.describe()
    assert (ca["status"], ca["autoRegistrationStatus"]) == ("ACTIVE", "ENABLE")
    walk.type("aws iot create-topic-rule --rule-name Activate --topic-rule-payload file://rule.json")
    walk.make_device()
    walk.endpoint = walk.ask(ENDPOINT)["endpointAddress"]
    with walk.cloud.listen(EVENTS, "foo/bar") as account:
        first_connection(walk, account, "A TLS error occurred")
        walk.activate()
        assert walk.status() == "ACTIVE"
        assert accepted(walk.connect())
        wait_until(lambda: account.said("Hello"), what="the message of the device")
        the_end_of_a_ca(walk)
        assert len(account.events()) == 2, "AWS publishes for pending certificates only"


def first_connection(walk, account, refusal):
    """It is registered and refused, and the account hears of it, each time."""
    begin = int(time.time() * 1000)
    for count in 1, 2:
        done = walk.connect()
        assert not accepted(done) and refusal in done.stdout + done.stderr, done.stdout + done.stderr
        check_event(account.wait_event(count), walk, begin)
    first, second = account.events()
    assert int(second["certificateRegistrationTimestamp"]) <= first["timestamp"] <= second["timestamp"]
    assert walk.status() == "PENDING_ACTIVATION"


def the_end_of_a_ca(walk):
    """Its devices stay, new ones stay out; and a revoked one."""
    walk.type(DEACTIVATE, certificateId=walk.ca)
    assert walk.describe()["status"] == "INACTIVE"
    assert accepted(walk.connect()), "an INACTIVE CA concerns new certificates only"
    walk.make_device("newCert")
    assert not accepted(walk.connect("newCert"))
    walk.type(REVOKE, certificateId=walk.id_of("deviceCert.crt"))
    assert not accepted(walk.connect())
    assert walk.statuses() == {walk.id_of("deviceCert.crt"): "REVOKED"}


def test_closed_at_connect(walk):
    """As AWS does it today: the handshake succeeds, and the connection is closed without a word. One command registers the CA."""
    walk = walk("--refusal", "connect")
    walk.make_ca("--set-as-active", "--allow-auto-registration")
    walk.make_device()
    walk.endpoint = walk.ask(ENDPOINT)["endpointAddress"]
    with walk.cloud.listen(EVENTS) as account:
        first_connection(walk, account, "The connection was lost")
    walk.activate()
    assert accepted(walk.connect())
