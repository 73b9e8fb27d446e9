"""Two verifiers of AWS Signature Version 4 that know nothing of each other: one computes with botocore's own signer (Debian's
awscli), one follows the published specification. Each says None, or why the request is refused."""
import calendar
import hashlib
import hmac
import re
import sys
import time
import warnings
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

sys.path.append("/usr/lib/python3/dist-packages/awscli")

with warnings.catch_warnings(action="ignore"):
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\S+?)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
                           r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")
SKEW_S = 300


@dataclass
class Keys:
    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    token: str = ""
    region: str = "eu-central-1"
    services: tuple = ("iot", "execute-api", "s3")


@dataclass
class Request:
    """As it came over the wire: target and headers are not decoded."""
    method: str
    target: str
    headers: list
    body: bytes
    refused: dict = field(default_factory=dict)  # verifier -> why

    def header(self, name, default=None):
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]


def by_botocore(request, keys):
    match = AUTHORIZATION.fullmatch(request.header("Authorization", ""))
    if not match:
        return "no Authorization of Signature Version 4"
    _, _, region, service, signed, signature = match.groups()
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(keys.access_key, keys.secret_key), service, region)
    headers = {name: request.header(name) for name in signed.split(";")}
    if None in headers.values():
        return "a signed header was not sent"
    ours = AWSRequest(request.method, f"http://{request.header('Host')}{request.target}", headers=headers, data=request.body)
    ours.context["timestamp"] = request.header("X-Amz-Date")
    if service == "s3":  # the payload's hash is computed anew
        auth._modify_request_before_signing(ours)
        if ours.headers["X-Amz-Content-SHA256"] != request.header("x-amz-content-sha256"):
            return "x-amz-content-sha256 is not the body's"
    computed = auth.signature(auth.string_to_sign(ours, auth.canonical_request(ours)), ours)
    return None if computed == signature else "botocore computes another signature"


# --- the specification: "Signature Version 4 signing process", AWS General Reference

def encode(data):
    """UriEncode(): everything but unreserved characters, upper-case hex."""
    return "".join(chr(b) if chr(b).isascii() and (chr(b).isalnum() or chr(b) in "-._~") else f"%{b:02X}" for b in data)


def canonical_path(path, service):
    """Each segment encoded once as it should have been sent, and once more for all services but S3."""
    segments = [encode(unquote_to_bytes(segment)) for segment in path.split("/")]
    return "/".join(segments if service == "s3" else [encode(segment.encode()) for segment in segments])


def canonical_query(query):
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join(f"{name}={value}" for name, value in sorted(
        (encode(unquote_to_bytes(name)), encode(unquote_to_bytes(value))) for name, _, value in pairs))


def canonical_request(request, service, signed):
    lines = [request.method, canonical_path(request.path, service), canonical_query(request.query)]
    for name in signed:
        values = [" ".join(value.split()) for key, value in request.headers if key.lower() == name]
        lines.append(f"{name}:{','.join(values)}")
    return "\n".join([*lines, "", ";".join(signed), hashlib.sha256(request.body).hexdigest()])


def signing_key(secret, *scope):
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def wrong_headers(request, signed):
    """What AWS wants signed, and what may be sent once only."""
    names = [name.lower() for name, _ in request.headers]
    must = {"host"} | {name for name in names if name.startswith("x-amz-") or name == "content-type"}
    for name in sorted(must - set(signed)):
        return f"{name} is not signed"
    for name in signed:
        if names.count(name) != 1:
            return f"{name} is signed and sent {names.count(name)} times"
    return "the signed headers are not sorted" if signed != sorted(signed) else None


def wrong_time(stamp, day):
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or stamp[:8] != day:
        return "X-Amz-Date and scope do not fit together"
    away_s = abs(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.time())
    return f"signed {away_s:.0f} s away from now" if away_s > SKEW_S else None


def by_specification(request, keys):
    match = AUTHORIZATION.fullmatch(request.header("Authorization", ""))
    if not match:
        return "no Authorization of Signature Version 4"
    access_key, day, region, service, names, signature = match.groups()
    signed, stamp = names.split(";"), request.header("X-Amz-Date", "")
    if access_key != keys.access_key or region != keys.region or service not in keys.services:
        return f"another scope: {access_key}/{region}/{service}"
    if request.header("X-Amz-Security-Token", "") != keys.token:
        return "another session token"
    hashed = request.header("x-amz-content-sha256", hashlib.sha256(request.body).hexdigest() if service != "s3" else "missing")
    if hashed != hashlib.sha256(request.body).hexdigest():
        return "x-amz-content-sha256 is not the body's"
    digest = hashlib.sha256(canonical_request(request, service, signed).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/{service}/aws4_request", digest])
    computed = hmac.new(signing_key(keys.secret_key, day, region, service, "aws4_request"), text.encode(), hashlib.sha256).hexdigest()
    wrong = wrong_headers(request, signed) or wrong_time(stamp, day)
    return wrong or (None if computed == signature else "the specification computes another signature")


VERIFIERS = {"botocore": by_botocore, "specification": by_specification}


def verify(request, keys):
    """{verifier: why} of those that refuse it."""
    said = {name: verifier(request, keys) for name, verifier in VERIFIERS.items()}
    return {name: why for name, why in said.items() if why}
