"""Writes sigv4_vectors.h: requests as botocore, out of Debian's awscli, signs them.

	/usr/bin/python3 tests/unit/sigv4_vectors.py > tests/unit/sigv4_vectors.h
"""
import datetime
import hashlib
import sys

sys.path.insert(0, "/usr/lib/python3/dist-packages/awscli")  # its botocore is inside
from botocore import auth, session  # noqa: E402, F401
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

NOW = datetime.datetime(2026, 11, 22, 12, 0, 0)
KEY = ("AKIAREHEARSALEXAMPLE", "rehearsal/secret+key/of/no/account+00000")
HOST = "http://127.0.0.1:8080"
ARN = "arn%3Aaws%3Aiot%3Aeu-central-1%3A123456789012%3Acert%2Fabc"

CASES = [  # name, service, method, target, headers, body, session token
    ("GET without anything", "execute-api", "GET", "/registrationcode", {}, "", None),
    ("scope iot", "iot", "GET", "/registrationcode", {}, "", None),
    ("another region", "iot@us-gov-west-1", "GET", "/endpoint", {}, "", None),
    ("query out of order", "execute-api", "POST", "/cacertificate?setAsActive=true&allowAutoRegistration=false",
     {"Content-Type": "application/json"}, '{"caCertificate": "x"}', None),
    ("marker with + / =", "execute-api", "GET", "/certificates?marker=%2B%2F%2BAA%3D%3D&pageSize=25", {}, "", None),
    ("same name twice", "iot", "GET", "/certificates?a=2&a=1&b=&A=3", {}, "", None),
    ("bytes above 0x7f", "iot", "GET", "/certificates?a=%C3%A9&%C3%A9=a", {}, "", None),
    ("ARN in the path", "execute-api", "POST", f"/attached-policies/{ARN}?recursive=true", {}, "", None),
    ("blank in the path", "iot", "GET", "/things/a%20b", {}, "", None),
    ("odd but unreserved", "iot", "GET", "/things/a~b-c_d.e", {}, "", None),
    ("header with blanks", "execute-api", "PUT", "/principal-policies/p", {"x-amzn-iot-principal": "  arn:aws:iot:   a  b "}, "", None),
    ("PUT with {}", "iot", "PUT", "/cacertificate/abc?newStatus=ACTIVE", {"Content-Type": "application/json"}, "{}", None),
    ("session token", "execute-api", "GET", "/registrationcode", {}, "", "FwoGZXIvYXdzEXAMPLE+/=="),
    ("body's hash in a header", "iot", "POST", "/policies/p", {"X-Amz-Content-SHA256": None}, '{"policyDocument": "{}"}', None),
    ("path with dots", "iot", "GET", "/a/./b/../c//d/", {}, "", None),
    ("only a slash", "iot", "GET", "/", {}, "", None),
    ("s3 object", "s3", "PUT", "/s3/bucket/a%20key%2B/x.json", {"Content-Type": "text/plain"}, "data", None),
    ("s3, two slashes", "s3", "GET", "/s3/bucket//a/../b", {}, "", None),
]


def c_string(text):
    out = "".join(c if 0x20 <= ord(c) < 0x7f and c not in '"\\' else "\\" + c if c in '"\\' else f"\\{ord(c):03o}" for c in text)
    return f'"{out}"'


def sign(service, method, target, headers, body, token):
    service, _, region = service.partition("@")
    headers = {name: value for name, value in headers.items()}
    if "X-Amz-Content-SHA256" in headers:
        headers["X-Amz-Content-SHA256"] = hashlib.sha256(body.encode()).hexdigest()
    request = AWSRequest(method=method, url=HOST + target, headers=headers, data=body)
    kind = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
    signer = kind(Credentials(*KEY, token), service, region or "eu-central-1")
    signer.add_auth(request)
    found = {"Host": "127.0.0.1:8080"}
    found.update(request.headers.items())
    return found


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW


auth.datetime.datetime = Frozen
print("""/* Written by sigv4_vectors.py: requests as botocore, out of Debian's awscli, signs them. */\n/* clang-format off */
#define VECTOR_TIME 1795348800
#define VECTOR_ACCESS_KEY %s
#define VECTOR_SECRET_KEY %s

static const struct vector {
	const char *name, *method, *target, *body, *token;
	struct rest_header headers[8];
} vectors[] = {""" % tuple(map(c_string, KEY)))
for name, service, method, target, headers, body, token in CASES:
    print("\t{ %s, %s, %s,\n\t  %s, %s,\n\t  {" % (c_string(name), c_string(method), c_string(target), c_string(body),
                                              c_string(token) if token else "NULL"))
    for header, value in sign(service, method, target, headers, body, token).items():
        print("\t\t  { %s, %s }," % (c_string(header), c_string(str(value))))
    print("\t  } },")
print("};")
