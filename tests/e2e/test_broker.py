"""The rehearsal's broker: a real mosquitto with the plugin, and devices that knock with all kinds of certificates.

On AWS a device learns nothing from a refusal (alert 46, or a closed line); here the log names the cause, and each case of the
table below is one of docs/rehearsal.md."""
import contextlib
import json
import random
import re
import socket
import subprocess
import time

import pytest

from broker import ALLOW_ALL, PLUGIN, Broker, Case, Shop, id_of
from station import LONG, PATIENCE_S, ROOT, free_port, wait_until
from tools import openssl

PAST = ("20200101000000Z", "20200201000000Z")
FUTURE = ("20990101000000Z", "20991231000000Z")


@pytest.fixture(scope="module")
def brokers(scratch):
    """brokers(refusal="connect"): one of each kind, started when first asked for."""
    up = {}

    def get(**options):
        name = "-".join(options.values()) or "default"
        if name not in up:
            up[name] = Broker(scratch / f"broker-{name}", **options)
        return up[name]

    try:
        yield get
    finally:
        ends = [one.stop() for one in up.values()]
    assert all(end == 0 for end in ends)


@pytest.fixture(scope="module")
def shop(scratch):
    return Shop(scratch / "shop")


# --- who is refused, and what is said of it: the registry knows of the leaf afterwards only where the row says so ---

def leaf_alone(c):
    c.chain = [c.leaf]


def wrong_order(c):
    c.chain = [c.ca[0], c.leaf]


def ca_as_device(c):
    c.chain, c.key = [c.ca[0]], c.ca[1]


def unregistered_ca_first(c):
    other = c.shop.ca("/CN=never seen")
    c.device(other)
    c.chain = [other[0], c.leaf]


def unknown_ca(c):
    c.device(c.shop.ca("/CN=never seen"))


def forged(c):
    c.device(c.shop.ca(c.subject, c.kind))


def forged_with_the_right_ca_sent(c):
    c.device(c.shop.ca(c.subject, c.kind))
    c.chain = [c.leaf, c.ca[0]]


def self_signed_in_the_name(c):
    leaf, c.key = c.shop.ca(c.subject, c.kind)
    c.leaf, c.chain = leaf, [leaf, c.ca[0]]


def bit_flipped(c):
    body = openssl("x509", "-in", c.leaf, "-outform", "DER")
    c.leaf.write_bytes(openssl("x509", "-inform", "DER", data=body[:-8] + bytes([body[-8] ^ 1]) + body[-7:]))


def expired(c):
    c.device(c.ca, dates=PAST)


def from_the_future(c):
    c.device(c.ca, dates=FUTURE)


def sha1(c):
    c.device(c.ca, digest="sha1")


def rsa_1024(c):
    c.device(c.ca, kind="rsa-1024")


def below_an_intermediate(c):
    issuing = c.shop.ca("/CN=issuing", parent=c.ca)
    c.device(issuing)
    c.chain = [c.leaf, issuing[0], c.ca[0]]


def intermediate(c, *behind):
    """The CA that is registered has a parent, which is not."""
    issuing = c.shop.ca(c.subject + " issuing", parent=c.ca)
    c.registry.db.execute("DELETE FROM ca WHERE id = ?", (c.ca_id,))
    c.ca_id = c.registry.add_ca(issuing[0])
    c.device(issuing)
    c.chain = [c.leaf, issuing[0], *([c.ca[0]] if behind else [])]


def intermediate_and_root(c):
    intermediate(c, "root")


def root_instead_of_intermediate(c):
    intermediate(c)
    c.chain = [c.leaf, c.ca[0]]


def second_of_a_name(c):
    other = c.shop.ca(c.subject, c.kind)
    c.ca_id = c.registry.add_ca(other[0])
    c.device(other)


def renewed_ca_is_the_one_sent(c):
    other = c.shop.ca(c.subject, key=c.ca[1])
    c.ca_id = c.registry.add_ca(other[0])
    c.device(other)


def renewed_ca_sent_is_inactive(c):
    other = c.shop.ca(c.subject, key=c.ca[1])
    c.registry.add_ca(other[0], status="INACTIVE")
    c.device(other)


def with_server_name(c):
    c.options = ["--sni", "localhost"]


def status(word):
    def registered(c):
        c.registry.add(c.leaf, word, c.ca_id)
    return registered


def nothing(c):
    pass


NEW = "registered now, not yet active"
CASES = [  # name, what is done to the good device, the CA's columns, phrase
    ("v1 certificate", nothing, {}, NEW),
    ("leaf alone", leaf_alone, {}, "CA not sent"),
    ("wrong order", wrong_order, {}, "chain in the wrong order"),
    ("wrong order, CA unknown", unregistered_ca_first, {}, "chain in the wrong order"),
    ("the CA itself", ca_as_device, {}, "chain in the wrong order"),
    ("unknown CA", unknown_ca, {}, "CA not registered"),
    ("CA's parent registered", below_an_intermediate, {}, "CA not registered"),
    ("forged", forged, {}, "wrong signature"),
    ("forged, right CA sent", forged_with_the_right_ca_sent, {}, "wrong signature"),
    ("self-signed in the CA's name", self_signed_in_the_name, {}, "wrong signature"),
    ("one bit flipped", bit_flipped, {}, "wrong signature"),
    ("expired", expired, {}, "expired"),
    ("from the future", from_the_future, {}, "not yet valid"),
    ("SHA-1", sha1, {}, "weak signature or key"),
    ("RSA 1024", rsa_1024, {}, "weak signature or key"),
    ("CA inactive", nothing, {"status": "INACTIVE"}, "CA inactive"),
    ("no auto-registration", nothing, {"auto": "DISABLE"}, "auto-registration off"),
    ("SNI_ONLY without a name", nothing, {"mode": "SNI_ONLY"}, "no server name sent"),
    ("SNI_ONLY with a name", with_server_name, {"mode": "SNI_ONLY"}, NEW),
    ("intermediate", intermediate, {}, NEW),
    ("intermediate and root", intermediate_and_root, {}, NEW),
    ("root instead of intermediate", root_instead_of_intermediate, {}, "CA not sent"),
    ("second CA of a name", second_of_a_name, {}, NEW),
    ("renewed CA", renewed_ca_is_the_one_sent, {}, NEW),
    ("renewed CA inactive", renewed_ca_sent_is_inactive, {}, "CA inactive"),
    ("pending", status("PENDING_ACTIVATION"), {}, "not yet active"),
    ("pending, CA inactive", status("PENDING_ACTIVATION"), {"status": "INACTIVE"}, "not yet active"),
    ("inactive", status("INACTIVE"), {}, "inactive"),
    ("in transfer", status("PENDING_TRANSFER"), {}, "inactive"),
    ("revoked", status("REVOKED"), {}, "revoked"),
]


KEYLESS = (wrong_order, unregistered_ca_first)  # rig-handshake shows a certificate without its key for EC only
ROWS = [(*case, kind) for kind in ("ec-p256", "rsa-2048") for case in CASES if kind == "ec-p256" or case[1] not in KEYLESS]
AT_CONNECT = [case for case in CASES if not case[2] and case[3] not in (NEW, "not yet active") and case[1] not in KEYLESS]


@pytest.mark.parametrize("change, ca, phrase, kind", [row[1:] for row in ROWS], ids=[f"{row[0]}-{row[-1]}" for row in ROWS])
def test_refused(brokers, shop, change, ca, phrase, kind):
    c = Case(brokers(), shop, kind, **ca)
    change(c)
    before = c.registry.status(c.leaf)
    line = c.refused(phrase, shown=c.chain[0])
    assert re.search(r' cn="(board|CA|never)[^"]*" from=127\.0\.0\.1:\d+ .*do="\w', line)
    assert c.registry.status(c.leaf) == ("PENDING_ACTIVATION" if phrase == NEW else before)
    assert len(c.registry.events(c.leaf)) == (1 if phrase in (NEW, "not yet active") else 0)
    if phrase == NEW:
        assert c.registry.events(c.leaf)[0]["caCertificateId"] == c.ca_id
    if "valid" in phrase or phrase == "expired":
        assert re.search(r" now=20\d\d-\S+Z valid=\S+Z/\S+Z ", line)


def test_page_has_every_refusal():
    source = (ROOT / "cloud/rehearsal/broker/decision.c").read_text()
    phrases = re.findall(r"\[VERDICT_\w+\] = \{\s*\"([^\"]+)\"", source)
    page = (ROOT / "docs/rehearsal.md").read_text()
    assert len(phrases) > 20
    assert [one for one in phrases if one != "accepted" and f"| {one} |" not in page] == []


def test_active_is_let_in_whatever_its_ca(brokers, shop):
    c = Case(brokers(), shop, status="INACTIVE")
    c.registry.add(c.leaf, "ACTIVE", c.ca_id, ALLOW_ALL)
    c.chain = [c.leaf]
    assert c.knock("--connect", "board") == {"connack-0": 1}


def test_chain_optional(brokers, shop):
    c = Case(brokers(chain="optional"), shop)
    leaf_alone(c)
    c.refused(NEW)
    c = Case(brokers(chain="optional"), shop)
    c.device(c.shop.ca(c.subject))
    c.chain = [c.leaf]
    c.refused("wrong signature")


# --- who does not hold the key ---

@pytest.mark.parametrize("options, version, outcome", [
    ({}, "1.2", "alert-51"), ({"tls": "1.3"}, "1.3", "alert-51"), ({"refusal": "connect"}, "1.2", "alert-51"),
    ({"refusal": "connect"}, "1.3", "alert-51"),
], ids=["tls", "tls 1.3", "connect 1.2", "connect 1.3"])
def test_stolen_certificate_without_its_key(brokers, shop, options, version, outcome):
    """Neither registered nor announced: the proof comes after the certificate."""
    c = Case(brokers(**options), shop)
    own, c.key = c.key, shop.key()
    c.refused("certificate without its key", "--tls", version, "--connect", "thief", outcome=outcome)
    assert c.registry.status(c.leaf) is None
    c.registry.add(c.leaf, "PENDING_ACTIVATION", c.ca_id)
    c.refused("certificate without its key", "--tls", version, "--connect", "thief", outcome=outcome)
    assert c.registry.events(c.leaf) == []
    c.key = own
    c.refused("not yet active", "--tls", version, "--connect", "owner",
              outcome="alert-46" if version == "1.2" and "refusal" not in options else "closed")
    assert len(c.registry.events(c.leaf)) == 1


def test_hung_up_before_the_proof(brokers, shop):
    """The line breaks after the certificate: nothing is registered."""
    b = brokers()
    c = Case(b, shop)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        # A client that speaks through us: we pass on all but its last bytes.
        client = subprocess.Popen(["openssl", "s_client", "-quiet", "-tls1_2", "-connect", f"127.0.0.1:{server.getsockname()[1]}",
                                   "-cert", c.leaf, "-cert_chain", c.ca[0], "-key", c.key], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server.settimeout(PATIENCE_S)
        line, _ = server.accept()
    with line, socket.create_connection(("127.0.0.1", b.port), PATIENCE_S) as far:
        since = b.mark()
        line.settimeout(PATIENCE_S)
        far.sendall(record(line))  # ClientHello
        while True:
            one = record(far)
            line.sendall(one)
            if one[5] == 14 or one.endswith(bytes([14, 0, 0, 0])):  # ServerHelloDone
                break
        far.sendall(record(line))  # Certificate, and perhaps more in this record
        far.shutdown(socket.SHUT_WR)
        while far.recv(4096):
            pass
    client.kill()
    client.wait()
    wait_until(lambda: b.said("disconnected", since) or b.said("closed", since), what="the end of the line")
    assert c.registry.status(c.leaf) is None


def record(line):
    """One whole TLS record."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = line.recv((5 if len(data) < 5 else 5 + int.from_bytes(data[3:5], "big")) - len(data))
        assert more, "the line ended within a record"
        data += more
    return data


# --- those who show nothing ---

def raw(broker, data):
    with socket.create_connection(("127.0.0.1", broker.port), PATIENCE_S) as one:
        one.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while one.recv(4096):
                pass


@pytest.mark.parametrize("data", [b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1x", b"GET / HTTP/1.1\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"],
                         ids=["MQTT", "HTTP", "proxy"])
def test_not_tls(brokers, data):
    since = brokers().mark()
    raw(brokers(), data)
    brokers().wait_said("refused: not TLS from=127.0.0.1", since)


def test_no_certificate(brokers):
    since = brokers().mark()
    assert brokers().knock("-", "-") == {"alert-40": 1}
    brokers().wait_said("refused: no client certificate from=127.0.0.1", since)


def test_client_that_does_not_trust_us(brokers, shop):
    b = brokers()
    c = Case(b, shop)
    since = b.mark()
    assert c.knock("--root", c.ca[0]) == {"error-certificate_verify_failed": 1}
    line = b.wait_said("refused: client does not trust the server from=127.0.0.1", since)[0]
    assert "its --cafile is not root.pem" in line
    assert c.knock("--root", b.root) == {"alert-46": 1}
    since = b.mark()
    openssl("s_client", "-connect", f"127.0.0.1:{b.port}", "-CAfile", b.root, "-verify_return_error", "-verify_hostname", "other.example",
            check=False)
    b.wait_said("refused: client refuses the server's certificate", since)


def test_too_old_tls(brokers):
    b = brokers()
    since = b.mark()
    openssl("s_client", "-connect", f"127.0.0.1:{b.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", check=False)
    assert "unsupported protocol" in b.wait_said("refused: TLS handshake failed", since)[0]


def test_garbage_does_no_harm(brokers, shop):
    """Random bytes, and good handshakes with random bytes in them."""
    b, rng = brokers(), random.Random(5)
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", b.port), PATIENCE_S) as one:
            head = b"\x16\x03\x01" + rng.randrange(300).to_bytes(2, "big") if rng.random() < 0.7 else b""
            one.sendall(head + rng.randbytes(rng.randrange(1, 400)))
    assert Case(b, shop).knock() == {"alert-46": 1}


# --- the event ---

class Engineer:
    """mosquitto_sub on the plain port; its output goes into a file."""

    def __init__(self, broker, *args):
        self.file = broker.dir / f"engineer-{time.monotonic_ns()}"
        with open(self.file, "wb") as out:
            self.process = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.plain), "-d",
                                             "-F", "GOT %t %p", *args], stdout=out, stderr=out)

    def __enter__(self):
        wait_until(lambda: "SUBACK" in self.file.read_text(), what="the subscription")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def got(self, count):
        """The first so many messages: (topic, payload)."""
        def messages():
            return [line[4:].split(" ", 1) for line in self.file.read_text().splitlines(True) if line.startswith("GOT ") and line.endswith("\n")]
        wait_until(lambda: len(messages()) >= count, what=f"message {count}")
        return [(topic, payload.strip()) for topic, payload in messages()]


@pytest.mark.parametrize("options", [{}, {"refusal": "connect"}], ids=["tls", "connect"])
def test_event(brokers, shop, options):
    b = brokers(**options)
    c = Case(b, shop)
    since = b.mark()
    topic = f"$aws/events/certificates/registered/{c.ca_id}"
    with Engineer(b, "-t", topic) as listener:
        before = int(time.time() * 1000)
        outcome = "closed" if options else "alert-46"
        c.refused(NEW, "--connect", "board", outcome=outcome)
        listener.got(1)
        c.refused("not yet active", "--connect", "board", outcome=outcome)
        messages = listener.got(2)
        after = int(time.time() * 1000)
    assert [one[0] for one in messages] == [topic, topic]
    first, again = (json.loads(payload) for _, payload in messages)
    for event in (first, again):
        assert set(event) == {"certificateId", "caCertificateId", "timestamp", "certificateStatus", "awsAccountId",
                              "certificateRegistrationTimestamp"}
        assert (event["certificateId"], event["caCertificateId"]) == (id_of(c.leaf), c.ca_id)
        assert (event["certificateStatus"], event["awsAccountId"]) == ("PENDING_ACTIVATION", "123456789012")
        assert type(event["timestamp"]) is int and before <= event["timestamp"] <= after
    assert first["certificateRegistrationTimestamp"] is None
    assert type(again["certificateRegistrationTimestamp"]) is str
    assert before <= int(again["certificateRegistrationTimestamp"]) <= again["timestamp"]
    assert [first, again] == c.registry.events(c.leaf)
    assert b.said("accepted: not a device, plain MQTT on this machine", since)


# --- refusing at CONNECT ---

def test_refused_at_connect(brokers, shop):
    b = brokers(refusal="connect")
    c = Case(b, shop)
    assert c.knock() == {"handshake": 1}
    c.knock("--tls", "1.3")
    assert c.registry.status(c.leaf) is None  # a handshake alone registers nothing
    c.refused(NEW, "--connect", "board", "--tls", "1.3", outcome="closed")
    assert c.registry.status(c.leaf) == "PENDING_ACTIVATION"
    stranger = Case(b, shop, register=False)
    assert stranger.knock() == {"handshake": 1}
    stranger.refused("CA not registered", "--connect", "board", outcome="closed")
    alone = Case(b, shop)
    leaf_alone(alone)
    alone.refused("CA not sent", "--connect", "board", outcome="closed")
    sni = Case(b, shop, mode="SNI_ONLY")
    sni.refused("no server name sent", "--connect", "board", outcome="closed")
    sni.refused(NEW, "--connect", "board", "--sni", "localhost", outcome="closed")
    sni.registry.set_status(sni.leaf, "ACTIVE")  # registered as its CA is
    sni.registry.attach(sni.leaf, ALLOW_ALL)
    sni.refused("no server name sent", "--connect", "board", outcome="closed")
    assert sni.knock("--connect", "board", "--sni", "localhost") == {"connack-0": 1}
    c.registry.set_status(c.leaf, "ACTIVE")
    c.refused("no policy", "--connect", "board", outcome="closed")
    c.registry.attach(c.leaf, ALLOW_ALL)
    assert c.knock("--connect", "board", "--tls", "1.3") == {"connack-0": 1}


@pytest.mark.parametrize("change, phrase", [(case[1], case[3]) for case in AT_CONNECT], ids=[case[0] for case in AT_CONNECT])
def test_same_words_at_connect(brokers, shop, change, phrase):
    """But for those without their key: they are out before CONNECT."""
    c = Case(brokers(refusal="connect"), shop)
    change(c)
    c.refused(phrase, "--connect", "board", outcome="closed", shown=c.chain[0])


# --- who is in ---

def policy(*statements):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:iot:eu-central-1:123456789012:{resource}"}
        for action, resource in statements]}


def test_policies_rule(brokers, shop):
    b = brokers()
    c = Case(b, shop)
    c.registry.add(c.leaf, "ACTIVE", c.ca_id)
    c.refused("no policy", "--connect", "board-1", outcome="closed")
    c.registry.attach(c.leaf, policy(("iot:Connect", "client/board-1"), ("iot:Publish", "topic/ok/*"), ("iot:Publish", "topic/$aws/*"),
                                     ("iot:Subscribe", "topicfilter/ok/#"), ("iot:Receive", "topic/ok/*")))
    c.refused("policy does not allow this client id", "--connect", "board-2", outcome="closed")
    with Engineer(b, "-t", "#", "-t", "$aws/events/#") as listener:
        since = b.mark()
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(b.plain), "-t", "$aws/events/x", "-m", "d"], check=True,
                       timeout=PATIENCE_S)
        b.wait_said('denied: publish certificate=none topic="$aws/events/x"', since)
        for topic, word in (("no/1", "a"), ("$aws/events/certificates/registered/x", "b"), ("ok/1", "c")):
            since = b.mark()
            done = device(b, c, "mosquitto_pub", "board-1", "-t", topic, "-m", word, "-q", "1")
            assert done.wait(PATIENCE_S) == 0
            if word != "c":
                b.wait_said(f'denied: publish certificate={id_of(c.leaf)[:16]} topic="{topic}"', since)
        assert listener.got(1) == [("ok/1", "c")]
    since = b.mark()
    subscriber = device(b, c, "mosquitto_sub", "board-1", "-t", "no/#", "-t", "ok/#")
    b.wait_said(f"denied: subscribe certificate={id_of(c.leaf)[:16]}", since)
    subscriber.kill()
    subscriber.wait()


def device(b, c, program, client_id, *args):
    return subprocess.Popen([program, "-h", "localhost", "-p", str(b.port), "--cafile", b.root, "--cert", c.shop.chain(*c.chain), "--key",
                             c.key, "-i", client_id, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("options", [{}, {"refusal": "connect"}], ids=["tls", "connect"])
@pytest.mark.parametrize("change", ["INACTIVE", "REVOKED", "deleted"])
def test_sessions_end_with_the_certificate(brokers, shop, options, change):
    b = brokers(**options)
    c = Case(b, shop)
    c.registry.add(c.leaf, "ACTIVE", c.ca_id, ALLOW_ALL)
    since = b.mark()
    listeners = [device(b, c, "mosquitto_sub", f"board-{i}-{change}", "-t", "x") for i in range(2)]
    try:
        wait_until(lambda: len(b.said(f"accepted certificate={id_of(c.leaf)[:16]}", since)) == 2, what="both sessions")
        if change == "deleted":
            c.registry.db.execute("DELETE FROM certificate WHERE id = ?", (id_of(c.leaf),))
        else:
            c.registry.set_status(c.leaf, change)
        b.wait_said(f"disconnected: its certificate is no longer ACTIVE certificate={id_of(c.leaf)[:16]}", since)
        # The clients come back by themselves, and are refused.
        phrase = NEW if change == "deleted" else change.lower()
        b.wait_said(f"refused: {phrase} certificate={id_of(c.leaf)[:16]}", since)
    finally:
        for one in listeners:
            one.kill()
            one.wait()


def test_no_session_is_resumed(brokers, shop):
    b = brokers()
    c = Case(b, shop)
    c.registry.add(c.leaf, "ACTIVE", c.ca_id, ALLOW_ALL)
    said = openssl("s_client", "-connect", f"127.0.0.1:{b.port}", "-tls1_2", "-cert", c.leaf, "-key", c.key, "-reconnect").decode()
    assert said.count("\nNew, ") == 6 and "Reused" not in said


# --- manners ---

def test_no_back_off_is_reported_once(brokers, shop):
    c = Case(brokers(), shop)
    since = c.broker.mark()
    c.knock("--count", "12")
    said = c.broker.wait_said(f"reconnects without back-off certificate={id_of(c.leaf)[:16]}", since)
    assert len(said) == 1 and re.search(r"attempts=\d+ seconds=", said[0])


def test_one_client_id_for_two(brokers, shop):
    b = brokers()
    cases = [Case(b, shop) for _ in range(2)]
    since = b.mark()
    listeners = []
    try:
        for c in cases:
            c.registry.add(c.leaf, "ACTIVE", c.ca_id, ALLOW_ALL)
            listeners.append(device(b, c, "mosquitto_sub", "the-same-id", "-t", "x"))
            b.wait_said(f"accepted certificate={id_of(c.leaf)[:16]}", since)
        ids = [id_of(c.leaf)[:16] for c in cases]
        said = b.wait_said('one client id, two certificates client="the-same-id"', since)
        assert all(one in said[0] for one in ids)
    finally:
        for one in listeners:
            one.kill()
            one.wait()


# --- the whole against a model ---

def model(now, leaf, ca, sent, sni):
    """AWS's rules, in the words of its guide; `leaf["status"]` None is unknown."""
    if leaf["status"] and leaf["mode"] == "SNI_ONLY" and not sni:
        return "no server name sent"
    if leaf["status"] == "ACTIVE":
        return None
    if leaf["status"]:
        return {"PENDING_ACTIVATION": "not yet active", "REVOKED": "revoked"}.get(leaf["status"], "inactive")
    if sent[0] == "ca":
        return "chain in the wrong order"
    if leaf["issuer"] == "stranger":
        return "CA not registered"
    if leaf["kind"] == "sha1":
        return "weak signature or key"
    if leaf["issuer"] == "forger":
        return "wrong signature"
    if "ca" not in sent:
        return "CA not sent"
    if ca["status"] != "ACTIVE":
        return "CA inactive"
    if ca["auto"] != "ENABLE":
        return "auto-registration off"
    if ca["mode"] == "SNI_ONLY" and not sni:
        return "no server name sent"
    return {"future": "not yet valid", "past": "expired"}.get(leaf["kind"], NEW)


def test_random_devices(brokers, shop):
    b, rng = brokers(), random.Random(LONG and time.time() or 1)
    c = Case(b, shop)
    issuers = {"ca": c.ca, "forger": shop.ca(c.subject), "stranger": shop.ca("/CN=stranger")}
    kinds = {"good": {}, "sha1": {"digest": "sha1"}, "past": {"dates": PAST}, "future": {"dates": FUTURE}}
    pool = {(issuer, kind): shop.leaf(issuers[issuer], key=c.key, **how) for issuer in issuers for kind, how in kinds.items()}
    for number in range(1000 if LONG else 120):
        issuer = rng.choice(["ca", "ca", "ca", "forger", "stranger"])
        kind = rng.choice(["good", "good", *kinds])
        ca = {"status": rng.choice(["ACTIVE", "ACTIVE", "INACTIVE"]), "auto": rng.choice(["ENABLE", "ENABLE", "DISABLE"]),
              "mode": rng.choice(["DEFAULT", "SNI_ONLY"])}
        leaf = {"issuer": issuer, "kind": kind, "status": rng.choice([None] * 6 + ["ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION",
                                                                                 "PENDING_TRANSFER"]), "mode": rng.choice(["DEFAULT", "SNI_ONLY"])}
        sent = rng.choice([["leaf"], ["leaf", "ca"], ["leaf", "ca"], ["leaf", "other", "ca"], ["leaf", "other"], ["ca", "leaf"]])
        sni = rng.random() < 0.5
        cert = pool[issuer, kind]
        if sent[0] == "ca" and leaf["status"]:
            leaf["status"] = None  # what is looked up is the first one sent
        b.registry.db.execute("DELETE FROM certificate WHERE id = ?", (id_of(cert),))
        b.registry.set_ca(c.ca_id, status=ca["status"], auto_registration=ca["auto"], mode=ca["mode"])
        if leaf["status"]:
            b.registry.add(cert, leaf["status"], c.ca_id, mode=leaf["mode"])
        since = b.mark()
        files = {"leaf": cert, "ca": c.ca[0], "other": issuers["stranger"][0]}
        outcome = b.knock(shop.chain(*(files[one] for one in sent)), c.key, *(["--sni", "localhost"] if sni else []))
        want = model(time.time(), leaf, ca, sent, sni)
        what = f"{number}: {leaf} {ca} {sent} sni={sni}"
        assert outcome == ({"handshake": 1} if want is None else {"alert-46": 1}), what
        if want:
            said = b.wait_said("refused: ", since)
            assert f"refused: {want} certificate={id_of(files[sent[0]])[:16]}" in said[0], f"{what}: {said}"
        assert b.registry.status(cert) == ("PENDING_ACTIVATION" if want == NEW else leaf["status"]), what


# --- its own mistakes ---

@pytest.mark.parametrize("options, sentence", [
    ({}, "plugin_opt_registry is missing"), ({"registry": "/nowhere/x"}, "/nowhere/x"), ({"refusal": "maybe"}, "plugin_opt_refusal must be tls or connect"),
    ({"colour": "red"}, "plugin_opt_colour is not known"),
], ids=["no registry", "no file", "value", "option"])
def test_wrong_options(tmp_path, options, sentence):
    conf = tmp_path / "conf"
    lines = [f"listener {free_port()} 127.0.0.1", "log_dest stderr", "user root", f"plugin {PLUGIN}"]
    conf.write_text("\n".join(lines + [f"plugin_opt_{key} {value}" for key, value in options.items()]) + "\n")
    done = subprocess.run(["mosquitto", "-c", conf], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode != 0 and sentence in done.stderr
