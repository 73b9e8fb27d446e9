"""An account of AWS IoT in memory: what the commands on CA and certificates need of it, with AWS's states and errors."""
import json
import secrets
import time
import urllib.parse

from aws_server import Answer
from tools import certificate_id, der_of, openssl, pem

ACCOUNT = "arn:aws:iot:eu-central-1:123456789012"
STATES = {"ACTIVE", "INACTIVE", "REVOKED"}


class Refused(Exception):
    def __init__(self, status, code, message="no", **more):
        super().__init__(code)
        self.answer = (status, code, {"message": message, **more})


class Account:
    """The function that AwsServer asks. `calls` has every call: "PUT /cacertificate/ID?…"; `before` may answer in its place."""

    def __init__(self, folder, endpoint="localhost"):
        self.folder, self.endpoint = folder, endpoint
        self.code = secrets.token_hex(32)
        self.cas, self.certificates, self.calls = {}, {}, []
        self.before = lambda call: None
        self.after = lambda call: {}  # changes to the answer, which has had its effect by then

    def __call__(self, request, _):
        call = f"{request.method} {request.target}"
        self.calls.append(call)
        return self.before(call) or Answer(**dict(zip(("status", "error", "body"), self.answer(request))), **self.after(call))

    def answer(self, request):
        path, _, query = request.target.partition("?")
        method, body = request.method, request.body
        words = [urllib.parse.unquote(word) for word in path.split("/")[1:]]
        function = getattr(self, "_".join([method.lower(), words[0].replace("-", "_")]), None)
        if not function:
            return 404, "ResourceNotFoundException", {"message": f"no such call: {method} {path}"}
        try:
            return 200, "", function(words[1:], dict(urllib.parse.parse_qsl(query)), json.loads(body) if body else {})
        except Refused as refused:
            return refused.answer

    # --- the CA ---

    def get_registrationcode(self, *_):
        return {"registrationCode": self.code}

    def check_verification(self, ca, text):
        if not text:
            raise Refused(400, "InvalidRequestException", "no verification certificate")
        files = [self.folder / "ca.pem", self.folder / "verification.pem"]
        files[0].write_text(ca)
        files[1].write_text(text)
        if openssl("verify", "-partial_chain", "-CAfile", *files, check=False).returncode:
            raise Refused(400, "CertificateValidationException", "not signed by the CA")
        subject = openssl("x509", "-in", files[1], "-noout", "-subject", "-nameopt", "multiline").decode()
        if self.code not in subject:
            raise Refused(400, "RegistrationCodeValidationException", "the code is another one")

    def post_cacertificate(self, _, query, body):
        ca, mode = body["caCertificate"], body.get("certificateMode", "DEFAULT")
        id = certificate_id(der_of(ca))
        if id in self.cas:
            raise Refused(409, "ResourceAlreadyExistsException", resourceId=id, resourceArn=f"{ACCOUNT}:cacert/{id}")
        if mode == "DEFAULT":
            self.check_verification(ca, body.get("verificationCertificate"))
        elif body.get("verificationCertificate"):
            raise Refused(400, "InvalidRequestException", "SNI_ONLY takes no verification certificate")
        self.cas[id] = {
            "certificateArn": f"{ACCOUNT}:cacert/{id}", "certificateId": id, "certificatePem": ca, "ownedBy": "123456789012",
            "status": "ACTIVE" if query.get("setAsActive") == "true" else "INACTIVE", "certificateMode": mode,
            "autoRegistrationStatus": "ENABLE" if query.get("allowAutoRegistration") == "true" else "DISABLE",
            "creationDate": time.time(), "lastModifiedDate": time.time(), "customerVersion": 1, "generationId": "g",
            "validity": {"notBefore": 1.7e9, "notAfter": 2.0e9}}
        return {"certificateArn": f"{ACCOUNT}:cacert/{id}", "certificateId": id}

    def found(self, table, id):
        if id not in table:
            raise Refused(404, "ResourceNotFoundException", "it is not there")
        return table[id]

    def get_cacertificate(self, words, *_):
        return {"certificateDescription": self.found(self.cas, words[0]), "registrationConfig": {}}

    def get_cacertificates(self, *_):
        return {"certificates": [{"certificateArn": f"{ACCOUNT}:cacert/{id}", "certificateId": id, "status": row["status"],
                                  "creationDate": row.get("creationDate", 1.7e9)} for id, row in self.cas.items()], "nextMarker": None}

    def put_cacertificate(self, words, query, _):
        ca = self.found(self.cas, words[0])
        if query.get("newStatus", "ACTIVE") not in STATES or query.get("newAutoRegistrationStatus", "ENABLE") not in ("ENABLE", "DISABLE"):
            raise Refused(400, "InvalidRequestException")
        ca["status"] = query.get("newStatus", ca["status"])
        ca["autoRegistrationStatus"] = query.get("newAutoRegistrationStatus", ca["autoRegistrationStatus"])
        return {}

    # --- certificates ---

    def add(self, id, status, text="", ca_id="ef" * 32, created=None):
        self.certificates[id] = {
            "certificateArn": f"{ACCOUNT}:cert/{id}", "certificateId": id, "caCertificateId": ca_id, "status": status,
            "certificatePem": text or pem(b"x"), "ownedBy": "123456789012", "creationDate": created or time.time(),
            "lastModifiedDate": created or time.time(), "certificateMode": "DEFAULT"}

    def post_certificate(self, words, _, body):
        text = body["certificatePem"]
        id = certificate_id(der_of(text))
        if words != ["register"]:
            raise Refused(404, "ResourceNotFoundException")
        if id in self.certificates:
            raise Refused(409, "ResourceAlreadyExistsException", resourceId=id, resourceArn=f"{ACCOUNT}:cert/{id}")
        ca_id = certificate_id(der_of(body["caCertificatePem"])) if "caCertificatePem" in body else next(iter(self.cas), "")
        if self.cas.get(ca_id, {}).get("status") != "ACTIVE":
            raise Refused(406, "CertificateStateException", "no ACTIVE CA for this certificate")
        self.add(id, body.get("status", "INACTIVE"), text, ca_id)
        return {"certificateArn": f"{ACCOUNT}:cert/{id}", "certificateId": id}

    def get_certificates(self, words, *_):
        return {"certificateDescription": self.found(self.certificates, words[0])}

    def put_certificates(self, words, query, _):
        certificate = self.found(self.certificates, words[0])
        if query.get("newStatus") not in STATES:
            raise Refused(400, "InvalidRequestException")
        certificate["status"] = query["newStatus"]
        return {}

    def get_certificates_by_ca(self, words, query, _):
        rows = sorted((row for row in self.certificates.values() if row["caCertificateId"] == words[0]),
                      key=lambda row: row["creationDate"], reverse=query.get("isAscendingOrder") != "true")
        at, size = int(query.get("marker", "0=").rstrip("=")), min(int(query.get("pageSize", 25)), 250)
        shown = ("certificateArn", "certificateId", "status", "certificateMode", "creationDate")
        return {"certificates": [{key: row[key] for key in shown} for row in rows[at:at + size]],
                "nextMarker": f"{at + size}=" if at + size < len(rows) else None}

    # --- the endpoint ---

    def get_endpoint(self, _, query, __):
        if query.get("endpointType") != "iot:Data-ATS":
            raise Refused(400, "InvalidRequestException")
        return {"endpointAddress": self.endpoint}
