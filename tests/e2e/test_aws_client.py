"""cloud/aws against a server that verifies every signature twice: each call, with odd characters, and every bad answer."""
import copy
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from aws_server import Answer, AwsServer, error
from sigv4 import AUTHORIZATION, VERIFIERS, Keys
from station import BUILD, LONG, free_port
from tools import openssl

RIG = BUILD / "tests/rig-aws"
AWS = Path("/usr/bin/aws")
USAGE, INVALID, REFUSED, NOT_FOUND, TIMEOUT, _, GONE, BUSY = range(1, 9)  # enum err_code
EXISTS = 300
PATIENCE_S = 240
ID, OTHER = "c3" * 32, "d4" * 32
PEM = "-----BEGIN CERTIFICATE-----\nMIIB/+Ü=\n-----END CERTIFICATE-----\n"
KEYS = {
    "plain": Keys(),
    "token": Keys(token="IQoJb3JpZ2luX2VjE+/==//" + "aZ09+/" * 120),
    "odd": Keys(access_key="A/+=~:-_.%41@", secret_key="/+/+==//:;~%2F\"'\\&?#+", token="+/=%2B%2F~&?;:@"),
    "long": Keys(secret_key="s/" * 64, token="t" * 8192, region="ap-southeast-2"),
}


def rig(aws, home, *words, **more):
    return subprocess.run([RIG, *words], env=aws.environment(home, **more), capture_output=True, text=True, timeout=PATIENCE_S)


def listed(*names, **more):
    return {"certificates": [{"certificateArn": f"arn:aws:iot:r:1:cert/{n}", "certificateId": f"{n:064x}", "status": "ACTIVE",
                              "certificateMode": "DEFAULT", "creationDate": 1479858431.123} for n in names], **more}


def description(**more):
    return {"certificateDescription": {"certificateArn": f"arn:aws:iot:r:1:cert/{ID}", "certificateId": ID, "status": "ACTIVE",
                                       "certificatePem": "PEM\n", "creationDate": 1.479858431123E9, "generationId": None, **more}}


CA = description(autoRegistrationStatus="ENABLE", certificateMode="SNI_ONLY", validity={"notBefore": 1, "notAfter": 253402300799.5})

# words, answers, what was asked ("METHOD TARGET", body), what the rig prints
CALLS = {
    "code": (["code"], [{"registrationCode": "ab" * 32}], [("GET /registrationcode", "")], "ab" * 32 + "\n"),
    "endpoint": (["endpoint"], [{"endpointAddress": "a1b2-ats.iot.eu-central-1.amazonaws.com"}],
                 [("GET /endpoint?endpointType=iot%3AData-ATS", "")], "a1b2-ats.iot.eu-central-1.amazonaws.com\n"),
    "register-ca": (["register-ca", PEM, PEM, "active", "auto"], [{"certificateArn": "arn", "certificateId": ID}],
                    [("POST /cacertificate?allowAutoRegistration=true&setAsActive=true",
                      {"caCertificate": PEM, "verificationCertificate": PEM})], ID + "\n"),
    "register-ca-sni": (["register-ca", PEM, "", "inactive", "no-auto"], [{"certificateId": ID, "new": [1]}],
                        [("POST /cacertificate?allowAutoRegistration=false&setAsActive=false",
                          {"caCertificate": PEM, "certificateMode": "SNI_ONLY"})], ID + "\n"),
    "describe-ca": (["describe-ca", ID], [CA], [(f"GET /cacertificate/{ID}", "")],
                    f"{ID} arn:aws:iot:r:1:cert/{ID} active auto sni-only 1479858431 0 1 253402300799\nPEM\n"),
    "update-ca": (["update-ca", ID, "active", "auto"], [""],
                  [(f"PUT /cacertificate/{ID}?newAutoRegistrationStatus=ENABLE&newStatus=ACTIVE", {})], ""),
    "update-ca-one": (["update-ca", ID, "", "no-auto"], [""], [(f"PUT /cacertificate/{ID}?newAutoRegistrationStatus=DISABLE", {})], ""),
    "update-ca-other": (["update-ca", ID, "inactive", ""], ["{}"], [(f"PUT /cacertificate/{ID}?newStatus=INACTIVE", {})], ""),
    "list-empty": (["list", ID], [listed()], [(f"GET /certificates-by-ca/{ID}?isAscendingOrder=true&pageSize=250", "")], ""),
    "list": (["list", ID], [listed(1, 2, nextMarker="AAAA+bb/cc=="), listed(nextMarker="//++=="), listed(3, nextMarker=None)],
             [(f"GET /certificates-by-ca/{ID}?isAscendingOrder=true&{marker}pageSize=250", "")
              for marker in ("", "marker=AAAA%2Bbb%2Fcc%3D%3D&", "marker=%2F%2F%2B%2B%3D%3D&")],
             "".join(f"{n:064x} ACTIVE 1479858431\n" for n in (1, 2, 3))),
    "register": (["register", PEM, "", "INACTIVE"], [{"certificateId": ID}],
                 [("POST /certificate/register", {"certificatePem": PEM, "status": "INACTIVE"})], ID + "\n"),
    "register-by-ca": (["register", PEM, PEM, "ACTIVE"], [{"certificateId": ID}],
                       [("POST /certificate/register", {"certificatePem": PEM, "caCertificatePem": PEM, "status": "ACTIVE"})], ID + "\n"),
    "describe": (["describe", ID], [description(caCertificateId=OTHER, lastModifiedDate=1479858432)],
                 [(f"GET /certificates/{ID}", "")], f"{ID} arn:aws:iot:r:1:cert/{ID} {OTHER} ACTIVE 1479858431 1479858432\nPEM\n"),
    "update": (["update", ID, "REVOKED"], [""], [(f"PUT /certificates/{ID}?newStatus=REVOKED", "")], ""),
    "s3-put": (["s3-put", "my-bucket", "units/Z9._-/a.json", "{\"+/=\": \"Ü\"}"], [""],
               [("PUT /my-bucket/units/Z9._-/a.json", "{\"+/=\": \"Ü\"}")], ""),
    "s3-put-empty": (["s3-put", "my-bucket", "a", ""], [""], [("PUT /my-bucket/a", "")], ""),
    "s3-put-dots": (["s3-put", "my-bucket", "a/.././/b", "x"], [""], [("PUT /my-bucket/a/.././/b", "x")], ""),
    "s3-put-new": (["s3-put-over", "my-bucket", "a", "x", ""], [""], [("PUT /my-bucket/a", "x")], ""),
    "s3-put-over": (["s3-put-over", "my-bucket", "a", "x", '"9a0364b9e99bb480dd25e1f0284c8555-2"'], [""], [("PUT /my-bucket/a", "x")], ""),
    "s3-get": (["s3-get", "my.bucket", "a/b"], ["any bytes\n"], [("GET /my.bucket/a/b", "")], "any bytes\n"),
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_every_call(keys, tmp_path):
    for name, (words, answers, asked, printed) in CALLS.items():
        with AwsServer([Answer(answer) for answer in answers], keys) as aws:
            done = rig(aws, tmp_path, *words)
            assert (done.returncode, done.stdout, done.stderr) == (0, printed, ""), name
            assert aws.refused == [], name
            came = [(f"{r.method} {r.target}", r.body.decode() if isinstance(body, str) else json.loads(r.body))
                    for r, (_, body) in zip(aws.requests, asked, strict=True)]
            assert came == asked, name
            for request in aws.requests:
                assert request.header("Content-Length") == (None if request.method == "GET" else str(len(request.body))), name
                assert (request.header("Content-Type") is None) == (request.body == b""), name
                assert request.header("User-Agent").startswith("imprint/") and not request.header("Expect"), name


def changed(request):
    """The request with one byte changed, at each place that a signature must protect."""
    def other(**what):
        fresh = copy.deepcopy(request)
        for name, value in what.items():
            setattr(fresh, name, value)
        return fresh

    def turned(text, at):
        return text[:at] + ("1" if text[at] == "0" else "0") + text[at:][1:]

    yield "method", other(method=request.method[:-1] + "X")
    yield "path", other(target=turned(request.target, len(request.path) - 1))
    if request.query:
        yield "query name", other(target=turned(request.target, len(request.path) + 1))
        yield "query value", other(target=turned(request.target, len(request.target) - 1))
    yield "a longer body", other(body=request.body + b" ")
    if request.body:
        yield "body", other(body=bytes([request.body[0] ^ 1]) + request.body[1:])
    signed = AUTHORIZATION.fullmatch(request.header("Authorization"))[5].split(";")
    for index, (name, value) in enumerate(request.headers):
        if name.lower() in [*signed, "authorization"]:
            headers = list(request.headers)
            headers[index] = (name, turned(value, len(value) - (2 if name.lower() == "x-amz-date" else 1)))  # …00Z
            yield name.lower(), other(headers=headers)


@pytest.mark.parametrize("keys", [KEYS["token"], KEYS["odd"]], ids=["token", "odd"])
def test_every_byte_is_signed(keys, tmp_path):
    """Of each call neither verifier takes a request with one byte changed, wherever it is."""
    for name, (words, answers, asked, _) in CALLS.items():
        with AwsServer([Answer(answer) for answer in answers], keys) as aws:
            assert rig(aws, tmp_path, *words).returncode == 0 and len(aws.requests) == len(asked), name
        for request in aws.requests:
            tried = {what: {who for who, verifier in VERIFIERS.items() if verifier(wrong, keys)} for what, wrong in changed(request)}
            assert tried == dict.fromkeys(tried, set(VERIFIERS)), f"{name}: {request.method} {request.target}"
            wanted = {"method", "path", "a longer body", "host", "x-amz-date", "authorization"}
            wanted |= {"x-amz-security-token"} if keys.token else set()
            wanted |= {"query name", "query value"} if request.query else set()
            wanted |= {"body", "content-type"} if request.body else set()
            wanted |= {"x-amz-content-sha256"} if name.startswith("s3") else set()
            wanted |= {"s3-put-new": {"if-none-match"}, "s3-put-over": {"if-match"}}.get(name, set())
            assert set(tried) == wanted, name


def test_verifiers_judge_awscli_alike(tmp_path):
    """Both take what the real tool sends, and neither takes it with one byte changed."""
    commands = [["iot", "get-registration-code"],
                ["iot", "register-ca-certificate", "--ca-certificate", "a/+", "--verification-certificate", "b", "--set-as-active",
                 "--allow-auto-registration"],
                ["iot", "list-certificates-by-ca", "--ca-certificate-id", ID],
                ["iot", "update-certificate", "--certificate-id", ID, "--new-status", "REVOKED"],
                ["iot", "list-attached-policies", "--target", "arn:aws:iot:r:1:cert/" + ID],
                ["s3api", "put-object", "--bucket", "my-bucket", "--key", "a/b c", "--body", str(RIG.parent / "CTestTestfile.cmake")]]

    def answers(request, _):
        if request.target.startswith("/my-bucket"):
            return Answer("")
        return Answer(listed(1, nextMarker="A+/=") if "by-ca" in request.target and "marker" not in request.target else {})

    with AwsServer(answers, KEYS["token"]) as aws, ThreadPoolExecutor(2) as two:
        done = list(two.map(lambda words: subprocess.run([AWS, "--endpoint-url", aws.url, *words], env=aws.environment(tmp_path),
                                                         capture_output=True, text=True, timeout=PATIENCE_S), commands))
        assert [d.returncode for d in done] == [0] * len(commands), [d.stderr for d in done]
        assert aws.refused == [] and len(aws.requests) == len(commands) + 1
        wanted = next(r for r in aws.requests if r.target.startswith("/cacertificate"))
        tried = {name: {who for who, verifier in VERIFIERS.items() if verifier(request, aws.keys)} for name, request in changed(wanted)}
        wanted.headers.append(("x-amz-extra", "1"))
        assert VERIFIERS["specification"](wanted, aws.keys) == "x-amz-extra is not signed"
    assert len(tried) == 11 and tried == dict.fromkeys(tried, set(VERIFIERS))


def test_wrong_secret_is_refused(tmp_path):
    """The server's own negative control, by the client under test."""
    with AwsServer([Answer({"registrationCode": "ab" * 32})]) as aws:
        done = rig(aws, tmp_path, "code", AWS_SECRET_ACCESS_KEY=aws.keys.secret_key[:-1] + "x")
        assert [set(refused) for _, _, refused in aws.refused] == [set(VERIFIERS)]
    assert done.returncode == 1 and done.stderr.startswith(f"{REFUSED} GetRegistrationCode: ")
    assert "the secret key does not belong to access key AKIDEXAMPLE: correct AWS_ACCESS_KEY_ID in the environment" in done.stderr
    assert aws.keys.secret_key[:-1] not in done.stderr


HTML = "<!DOCTYPE html><html><body>Please sign in to the factory's network</body></html>"
XML = "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>{}</Message><RequestId>1</RequestId></Error>"
CODE = json.dumps({"registrationCode": "ab" * 32})
ODD = {"message": "\x1b[2Jevil\r\nline \u202e" + "x" * 5000}

# words, the answer (its date: away from now), code, what the sentence says. One request each: none of these is tried again.
BAD = {
    "html": (["code"], Answer(HTML), INVALID, ["GetRegistrationCode: ", "<!DOCTYPE html>", "sign-in page"]),
    "html-403": (["code"], Answer(HTML, 403), INVALID, ["status 403", "proxy"]),
    "redirect": (["code"], Answer(HTML, 302, headers={"Location": "http://127.0.0.1:1/"}), INVALID, ["status 302"]),
    "empty": (["code"], Answer(""), INVALID, ["not an answer of AWS"]),
    "truncated": (["code"], Answer(CODE[:40]), INVALID, ["breaks off after 40 bytes"]),
    "truncated-list": (["list", ID], Answer(json.dumps(listed(1, 2))[:150]), INVALID, ["breaks off after 150 bytes"]),
    "foreign-json": (["code"], Answer({"ok": True}), INVALID, ["registrationCode is missing"]),
    "foreign-array": (["code"], Answer([1, 2]), INVALID, ["lacks what was asked for"]),
    "twice": (["code"], Answer(CODE[:-1] + "," + CODE[1:]), INVALID, ["GetRegistrationCode: "]),
    "bad-code": (["code"], Answer({"registrationCode": "AB" * 32}), INVALID, ["registrationCode is not what it may be"]),
    "too-long": (["code"], Answer(" " * (1 << 20) + CODE), INVALID, ["longer than 1048576 bytes"]),
    "bad-host": (["endpoint"], Answer({"endpointAddress": "a;b"}), INVALID, ["no host name"]),
    "bad-id": (["register-ca", PEM, "", "active", "auto"], Answer({"certificateId": "../x"}), INVALID, ["certificateId is not"]),
    "bad-status": (["describe", ID], Answer(description(status="LIVE")), INVALID, ["status is not what it may be"]),
    "bad-time": (["describe", ID], Answer(description(creationDate=-1)), INVALID, ["creationDate"]),
    "bad-ca-status": (["describe-ca", ID], Answer(description(status="REVOKED")), INVALID, ["status"]),
    "control-in-pem": (["describe", ID], Answer(description(certificatePem="\x1b[2J")), INVALID, ["certificatePem"]),
    "another-one": (["describe", OTHER], Answer(description()), INVALID, ["answers about c3c3", "instead of d4d4"]),
    "another-ca": (["describe-ca", OTHER], Answer(CA), INVALID, ["answers about"]),
    "no-list": (["list", ID], Answer({"certificates": {}}), INVALID, ["no list"]),
    "251": (["list", ID], Answer(listed(*range(251))), INVALID, ["no list of at most 250"]),
    "bad-marker": (["list", ID], Answer(listed(1, nextMarker="A" * 1025)), INVALID, ["nextMarker"]),
    "not-found": (["describe", ID], error("ResourceNotFoundException", status=404), NOT_FOUND, ["404 ResourceNotFoundException", "eu-central-1"]),
    "code-in-body": (["describe", ID], Answer({"__type": "com.amazonaws.iot#ResourceNotFoundException", "Message": "none"}, 404), NOT_FOUND,
                     ["ResourceNotFoundException (none)"]),
    "exists": (["register", PEM, "", "ACTIVE"], Answer({"message": "is already", "resourceId": OTHER}, 409, "ResourceAlreadyExistsException"),
               EXISTS, ["RegisterCertificate: ", "is already"]),
    "exists-unnamed": (["register", PEM, "", "ACTIVE"], error("ResourceAlreadyExistsException", status=409), INVALID, ["resourceId is missing"]),
    "no-right": (["register-ca", PEM, "", "active", "auto"], error("AccessDeniedException", "User: x is not authorized", 403), REFUSED,
                 ["not authorized", "lack the right iot:RegisterCACertificate"]),
    "no-s3-right": (["s3-put", "my-bucket", "k", "v"], Answer(XML.format("AccessDenied", "Access Denied"), 403), REFUSED,
                    ["s3://my-bucket/k: PutObject", "lack the right s3:PutObject"]),
    "no-key": (["s3-get", "my-bucket", "k"], Answer(XML.format("NoSuchKey", "no"), 404), NOT_FOUND, ["NoSuchKey (no)"]),
    "s3-long": (["s3-get", "my-bucket", "k"], Answer(b"x" * 65537), INVALID, ["longer than 65536 bytes"]),
    "expired": (["code"], error("ExpiredTokenException:http://x/", "The security token is expired", 403), REFUSED,
                ["403 ExpiredTokenException (", "no longer valid: get new ones"]),
    "unknown-key": (["code"], error("UnrecognizedClientException", status=403), REFUSED, ["does not know access key AKIDEXAMPLE"]),
    "clock-ahead": (["code"], error("InvalidSignatureException", "Signature expired", 403, clock_s=-17 * 60), REFUSED,
                    ["the clock here is 17 minutes ahead of AWS's", "timedatectl"]),
    "clock-behind": (["s3-get", "my-bucket", "k"], Answer(XML.format("RequestTimeTooSkewed", "x"), 403, clock_s=9 * 3600), REFUSED,
                     ["540 minutes behind AWS's"]),
    "no-date": (["code"], error("InvalidSignatureException", status=403, clock_s=None), REFUSED, ["secret key does not belong"]),
    "wrong-code": (["register-ca", PEM, PEM, "active", "auto"], error("RegistrationCodeValidationException"), REFUSED, ["registration code"]),
    "state": (["update", ID, "ACTIVE"], error("CertificateStateException", status=406), REFUSED, ["406 CertificateStateException"]),
    "limit": (["register-ca", PEM, PEM, "active", "auto"], error("LimitExceededException", status=410), REFUSED, ["410 LimitExceededException"]),
    "unknown-refusal": (["update", ID, "ACTIVE"], error("NewException", status=418), REFUSED, ["418 NewException"]),
    "ca-elsewhere": (["register-ca", PEM, PEM, "active", "auto"], error("InvalidRequestException", "Cannot accept this CACertificate"), REFUSED,
                     ["400 InvalidRequestException (Cannot accept", "another account", "--sni-only"]),
    "elsewhere": (["register", PEM, PEM, "ACTIVE"], error("InvalidRequestException", "This request is not valid"), REFUSED,
                  ["another account", "--sni-only"]),
    "odd-message": (["update", ID, "ACTIVE"], Answer(ODD, 400, "InvalidRequestException"), REFUSED, ["(?[2Jevil??line ???xxx", "does not take"]),
}


def clean(text):
    text = text.replace("…", "")
    return text.endswith("\n") and text[:-1].isprintable() and text.isascii() and len(text) < 520


@pytest.mark.parametrize("name", BAD)
def test_bad_answer(name, tmp_path):
    words, answer, code, says = BAD[name]
    with AwsServer([answer]) as aws:
        done = rig(aws, tmp_path, *words)
        assert aws.refused == [] and len(aws.requests) == 1
    assert done.returncode == 1 and done.stderr.startswith(f"{code} "), done.stderr
    assert [part for part in says if part not in done.stderr] == [] and clean(done.stderr), done.stderr
    assert done.stdout == (OTHER + "\n" if code == EXISTS else ""), "nothing is given out"


THROTTLED, UNAVAILABLE = error("ThrottlingException", "Rate exceeded"), Answer(HTML, 503)
# What gets better: the answers before the good one.
BETTER = {
    "throttled": [THROTTLED, THROTTLED], "429": [Answer({}, 429)], "500": [error("InternalFailureException", status=500)],
    "503": [UNAVAILABLE], "no-byte": [Answer(CODE, cut=0)], "in-head": [Answer(CODE, cut=30)], "in-body": [Answer(CODE, cut=-10)],
}


@pytest.mark.parametrize("name", BETTER)
def test_tried_again(name, tmp_path):
    with AwsServer(BETTER[name] + [Answer(CODE)]) as aws:
        done = rig(aws, tmp_path, "code")
        assert (done.returncode, done.stdout) == (0, "ab" * 32 + "\n"), done.stderr
        assert aws.refused == [] and len(aws.requests) >= len(BETTER[name]) + 1


def test_list_goes_on_where_it_was_lost(tmp_path):
    pages = [listed(*range(first, first + 250), nextMarker=f"{first + 250}" if first < 1000 else None) for first in range(0, 1250, 250)]
    trouble = {2: Answer(pages[2], cut=9000), 4: THROTTLED, 6: UNAVAILABLE}  # the n-th request

    def answers(request, number):
        page = int(request.target.partition("marker=")[2].partition("&")[0] or 0) // 250
        return trouble.get(number, Answer(pages[page]))

    with AwsServer(answers) as aws:
        done = rig(aws, tmp_path, "list", ID)
        assert aws.refused == [] and len(aws.requests) == 5 + len(trouble)
    assert done.returncode == 0 and done.stdout == "".join(f"{n:064x} ACTIVE 1479858431\n" for n in range(1250)), done.stderr


@pytest.mark.parametrize("period", [1, 2, 7])
def test_list_that_does_not_move_on(period, tmp_path):
    """Its markers come again after a few: at once, or in circles."""
    def answers(_, number):
        marker = f"T{number}" if number < 3 else f"M{number % period}"
        return Answer(listed(number, nextMarker=marker if number < 60 else None))

    with AwsServer(answers) as aws:
        done = rig(aws, tmp_path, "list", ID)
        assert len(aws.requests) < 30
    assert done.returncode == 1 and done.stderr.startswith(f"{INVALID} ListCertificatesByCA") and "does not end" in done.stderr


def test_registration_whose_answer_was_lost(tmp_path):
    again = Answer({"message": "registered", "resourceId": ID, "resourceArn": "arn"}, 409, "ResourceAlreadyExistsException")
    with AwsServer([Answer({"certificateId": ID}, cut=60), again]) as aws:
        done = rig(aws, tmp_path, "register-ca", PEM, PEM, "active", "auto")
    assert done.stdout == ID + "\n" and done.stderr.startswith(f"{EXISTS} RegisterCACertificate")


NEVER_BETTER = {"throttled": (THROTTLED, BUSY, "ThrottlingException (Rate exceeded)"), "503": (UNAVAILABLE, BUSY, "AWS's side"),
                "lost": (Answer(CODE, cut=40), GONE, "was lost")}


@pytest.fixture(scope="module", autouse=True)
def hopeless(request, tmp_path_factory):
    """{name: future} of the calls of test_never_better: they begin with the module and pause while the other tests work."""
    def one(answer):
        with AwsServer([answer]) as aws:
            return rig(aws, tmp_path_factory.mktemp("hopeless"), "code"), len(aws.requests)

    wanted = any(item.name == "test_never_better" for item in request.session.items)
    with ThreadPoolExecutor(len(NEVER_BETTER)) as pool:
        yield {name: pool.submit(one, answer) for name, (answer, _, _) in NEVER_BETTER.items() if wanted}


def test_no_faster_than_ten_a_second(tmp_path):
    with AwsServer([Answer(CODE)]) as aws:
        begin = time.monotonic()
        done = rig(aws, tmp_path, "code", REPEAT="25")
        assert len(aws.requests) == 25 and done.returncode == 0
    assert time.monotonic() - begin >= 1.4  # ten at once, fifteen at 0.1 s


# the endpoint (made when it runs), code, words of the sentence: none is tried again, so nobody waits
NOBODY = {
    "unknown-host": (lambda: f"https://{'x' * 64}.invalid", GONE, "is not known: check the network"),
    "no-server": (lambda: f"http://127.0.0.1:{free_port()}", GONE, ": does the rehearsal run (imprint rehearsal up)?"),
    "plain-http": (lambda: "http://iot.eu-central-1.amazonaws.com", INVALID, "neither https://HOST nor http:// to a loopback"),
    "user": (lambda: "https://me:secret@127.0.0.1", INVALID, "neither"),
    "path": (lambda: "https://127.0.0.1/a%20path", INVALID, "neither"),
    "query": (lambda: "https://127.0.0.1/path?query", INVALID, "neither"),
    "ftp": (lambda: "ftp://127.0.0.1", INVALID, "neither"),
}


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_there(name, tmp_path):
    url, code, says = NOBODY[name]
    with AwsServer() as aws:
        done = rig(aws, tmp_path, "code", AWS_ENDPOINT_URL=url())
        assert aws.requests == []
    assert done.returncode == 1 and done.stderr.startswith(f"{code} ") and says in done.stderr and "tried" not in done.stderr, done.stderr


@pytest.mark.skipif(not LONG, reason="waits for the end of a call: tests/run --long")
def test_silence_has_an_end(tmp_path):
    with AwsServer([Answer(CODE, silent=True)]) as aws:
        done = rig(aws, tmp_path, "code")
    assert done.stderr.startswith(f"{TIMEOUT} GetRegistrationCode, tried"), done.stderr


def test_expired_credentials_ask_nothing(tmp_path):
    with AwsServer([Answer(CODE)], KEYS["token"]) as aws:
        done = rig(aws, tmp_path, "code", AWS_CREDENTIAL_EXPIRATION="2026-01-02T03:04:05+00:00")
        assert aws.requests == []
    assert done.stderr.startswith(f"{REFUSED} the credentials (AWS_ACCESS_KEY_ID in the environment) expired at 2026-01-02T03:04:05Z")


def test_credentials_that_expire_meanwhile(tmp_path):
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    with AwsServer([Answer(CODE)], KEYS["token"]) as aws:
        done = rig(aws, tmp_path, "code", AWS_CREDENTIAL_EXPIRATION=end, REPEAT="60")  # six seconds
        assert len(aws.requests) < 60
    assert done.returncode == 1 and f"expired at {end}" in done.stderr


@pytest.mark.parametrize("words", [["update", "../x", "ACTIVE"], ["describe", ID.upper()], ["list", ""], ["s3-put", "my-bucket", "a b", "x"],
                                   ["s3-put", "My_Bucket", "a", "x"], ["s3-put", "my-bucket", "", "x"]], ids=lambda words: "-".join(words)[:20])
def test_odd_argument_asks_nothing(words, tmp_path):
    with AwsServer([Answer({})]) as aws:
        done = rig(aws, tmp_path, *words)
        assert aws.requests == [] and done.stderr.startswith(f"{INVALID} "), done.stderr


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """A certificate for AWS's own names, as a factory's proxy might make one."""
    folder = tmp_path_factory.mktemp("names")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
            "-addext", "subjectAltName=DNS:iot.eu-central-1.amazonaws.com,DNS:my-bucket.s3.eu-central-1.amazonaws.com,DNS:iot.cn-north-1.amazonaws.com.cn",
            "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("words, region, host", [
    (["code"], "eu-central-1", "iot.eu-central-1.amazonaws.com"),
    (["s3-get", "my-bucket", "a/b"], "eu-central-1", "my-bucket.s3.eu-central-1.amazonaws.com"),
    (["code"], "cn-north-1", "iot.cn-north-1.amazonaws.com.cn"),
], ids=["iot", "s3", "china"])
def test_hosts_of_aws_through_a_proxy(names, words, region, host, tmp_path):
    keys = Keys(region=region, token="t/+")
    with AwsServer([Answer(CODE)], keys, tls=names) as aws:
        more = {"AWS_ENDPOINT_URL": "", "https_proxy": aws.url}
        done = rig(aws, tmp_path, *words, AWS_CA_BUNDLE=str(names[0]), **more)
        assert done.returncode == 0 and aws.refused == [], done.stderr
        assert [request.header("Host") for request in aws.requests] == [host]
        strange = rig(aws, tmp_path, *words, **more)
        assert len(aws.requests) == 1, "who is not trusted learns nothing"
    assert strange.returncode == 1 and strange.stderr.startswith(f"{REFUSED} ") and "AWS_CA_BUNDLE" in strange.stderr


def test_proxy_that_refuses(tmp_path):
    """Its own status is said: nobody would look for a proxy behind a lost connection."""
    with AwsServer([Answer(CODE)]) as aws:  # answers CONNECT, which is not signed, like any request: no tunnel
        done = rig(aws, tmp_path, "code", AWS_ENDPOINT_URL="", https_proxy=aws.url)
    assert done.returncode == 1 and done.stderr.startswith(f"{GONE} ") and "403" in done.stderr, done.stderr


def test_server_can_forward(tmp_path):
    with AwsServer([Answer(CODE)]) as other, AwsServer(forward=("127.0.0.1", other.port)) as aws:
        done = rig(aws, tmp_path, "code")
        assert done.returncode == 0 and aws.refused == [] and len(other.requests) == 1 and other.refused == []


def test_process_is_asked(tmp_path):
    """credential_process with a token, and the profile's region."""
    keys = Keys(access_key="ASIAPROCESS", secret_key="from/the+process", token="t+/=", region="us-west-2")
    said = {"Version": 1, "AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "SessionToken": keys.token,
            "Expiration": "2099-01-01T00:00:00.123Z"}
    (tmp_path / "answer.json").write_text(json.dumps(said))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(f"[profile sz1]\ncredential_process = {shutil.which('cat')} {tmp_path}/answer.json\nregion=us-west-2\n")
    with AwsServer([Answer(CODE)], keys) as aws:
        done = rig(aws, tmp_path, "code", PROFILE="sz1", AWS_REGION="", AWS_DEFAULT_REGION="")
        assert done.returncode == 0 and aws.refused == [] and len(aws.requests) == 1, done.stderr


class AnyToken(AwsServer):
    """Takes whichever session token a request has; `tokens` are those that came."""
    def take(self, request, raw):
        self.keys = replace(self.keys, token=request.header("X-Amz-Security-Token"))
        return super().take(request, raw)

    @property
    def tokens(self):
        return list(dict.fromkeys(request.header("X-Amz-Security-Token") for request in self.requests))


def short_lived(home, seconds, then):
    """A credential_process whose first credentials end so soon; afterwards it runs the command `then`."""
    def said(token, left_s):
        return {"Version": 1, "AccessKeyId": Keys.access_key, "SecretAccessKey": Keys.secret_key, "SessionToken": token,
                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + left_s))}

    (home / "first.json").write_text(json.dumps(said("first", seconds)))
    (home / "second.json").write_text(json.dumps(said("second", 3600)))
    (home / "process").write_text(f"cd {home}; echo >>asked; if mv first.json was.json 2>/dev/null; then cat was.json; else {then}; fi\n")
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[profile sz1]\ncredential_process = sh {home}/process\n")


def pages_without_end(aws, last):
    """A list that goes on until `last()`."""
    return Answer(listed(*([] if last() else [len(aws.requests)]), nextMarker=None if last() else f"{len(aws.requests):04}"))


def test_process_is_asked_again(tmp_path):
    """In the middle of a long list, before the first credentials end."""
    short_lived(tmp_path, 8, "cat second.json")
    with AnyToken() as aws:
        aws.answers = lambda *_: pages_without_end(aws, lambda: "second" in aws.tokens)
        done = rig(aws, tmp_path, "list", ID, PROFILE="sz1")
    assert (done.returncode, done.stderr, aws.refused) == (0, "", [])
    assert aws.tokens[-1] == "second" and len((tmp_path / "asked").read_text()) == 2


def test_process_that_has_no_more(tmp_path):
    """The old credentials serve to their end; then it is said why there are no others."""
    short_lived(tmp_path, 5, "exit 7")
    with AnyToken() as aws:
        aws.answers = lambda *_: pages_without_end(aws, lambda: False)
        done = rig(aws, tmp_path, "list", ID, PROFILE="sz1")
    assert done.returncode == 1 and aws.refused == [] and aws.tokens in ([], ["first"])
    assert done.stderr.startswith(f"{INVALID} ListCertificatesByCA: credential_process of profile sz1 in ") and "(exit 7)" in done.stderr
    assert 2 <= len((tmp_path / "asked").read_text()) <= 8, "not before each request"


def test_never_better(hopeless):
    """Tried eight times, and then said. The last test: by now the pauses are over."""
    for name, (_, code, says) in NEVER_BETTER.items():
        done, requests = hopeless[name].result()
        assert done.returncode == 1 and done.stderr.startswith(f"{code} GetRegistrationCode, tried 8 times: "), done.stderr
        assert says in done.stderr and requests >= 8, f"{name}: {requests} requests: {done.stderr}"
