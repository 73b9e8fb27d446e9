"""botocore's client of the rehearsal, whose model of AWS IoT judges every answer and every error; and certificates for it."""
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from signer_client import PATIENCE_S
from station import BUILD, documented
from tools import openssl

sys.path.insert(0, "/usr/lib/python3/dist-packages/awscli")  # Debian's botocore is inside
import botocore.session  # noqa: E402
from botocore.config import Config  # noqa: E402
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
    cloud = Cloud(tempfile.mkdtemp(prefix="rehearsal.", dir=scratch))
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
