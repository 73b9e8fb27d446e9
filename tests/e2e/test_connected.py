"""Boards from blank to connected: the station gives them their certificates, then each connects to the rehearsal with its own key and
the chain from its own flash, and the activation function decides. Ledger and cloud are held against each other all the way."""
import csv
import json
import shutil

import pytest
from activation import environment, install
from drivers import KINDS, PRODUCT, as_der, private_key
from rehearsal import EVENTS, Rehearsal, accepted
from station import wait_until
from tools import certificate_id, der_of, make_key, make_request, openssl, pem

BUCKET, PREFIX, POLICY = "imprint-issued", "certificates/", "Device"
POLICY_DOCUMENT = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["iot:Connect", "iot:Publish", "iot:Subscribe", "iot:Receive"], "Resource": "*"}]}
CLEAN, DIFFERENCES, ALARM = 0, 1, 3


class Factory:
    """A station, and the brand's AWS account."""

    def __init__(self, s, cloud, folder):
        self.s, self.cloud, self.folder = s, cloud, folder
        url = cloud.client["rest_url"]
        self.env = {"HOME": cloud.client["home"], "AWS_ENDPOINT_URL": url}
        self.ca_der = der_of(s.imprint("ca", "show").stdout)
        self.ca = certificate_id(self.ca_der)

    def imprint(self, *words, check=True):
        return self.s.imprint(*words, env=self.env, check=check)

    def publish(self):
        """What the ledger says goes where the activation function looks."""
        self.imprint("cloud", "publish", f"s3://{BUCKET}/{PREFIX}")

    def board(self, nest):
        """What lies there, as a TLS client: its own key, the chain from its flash."""
        s, unit = self.s, self.s.boards()[nest]
        chain = [as_der(s.dump(unit)), as_der(s.dump(unit, "issuer") or s.dump(unit, "root"))]
        return Device(self, unit, chain, pem(private_key(s.key(unit)), "EC PRIVATE KEY"))

    def wait_activation(self, count):
        """Until the activation function has judged that many events."""
        wait_until(lambda: self.cloud.hooks_done() >= count, what=f"the end of activation {count}")

    def listing(self):
        """The file that somebody makes with `aws`, for a PC without access to the account."""
        path = self.folder / "listing.json"
        path.write_text(json.dumps(self.cloud.aws("list-certificates-by-ca", "--ca-certificate-id", self.ca)))
        return path


class Device:
    def __init__(self, factory, unit, chain, key):
        self.factory, self.cloud, self.unit = factory, factory.cloud, unit
        self.id = certificate_id(chain[0])
        self.chain, self.key = (factory.folder / f"{unit}.{kind}" for kind in ("pem", "key"))
        self.chain.write_text("".join(map(pem, chain)))
        self.key.write_text(key)

    def connects(self):
        """True if it was let in."""
        return accepted(self.cloud.publish(self.unit, self.chain, self.key))

    def status(self):
        """In the cloud; None: not registered."""
        return self.cloud.statuses(self.factory.ca).get(self.id)

    def reconciled(self, *words):
        """The exit status of `reconcile`, and the class that it puts this certificate into."""
        done = self.factory.imprint("reconcile", *(words or ("--aws",)), "--csv", check=False)
        rows = {row["certificate_id"]: row["class"] for row in csv.DictReader(done.stdout.splitlines())}
        return done.returncode, rows.get(self.id, done.stderr)

    def wait_status(self, status):
        wait_until(lambda: self.status() == status, what=f"{self.unit} {status}")

    def come_alive(self):
        """What every unit goes through, once the list is there."""
        self.factory.publish()
        assert not self.connects(), "AWS refuses the first connection of every device"
        self.wait_status("ACTIVE")
        assert self.connects()


@pytest.fixture(scope="module")
def factory(module_station, scratch):
    """The CA registered by one command, the list of an empty ledger published; then one board of each kind provisioned."""
    folder = scratch / "connected"
    folder.mkdir()
    product = folder / "product.yaml"
    product.write_text(PRODUCT)
    drivers = [word for number, kind in enumerate(KINDS) if kind != "prov" for word in ("--driver", f"A{number + 1}={kind}")]
    s = module_station("--boards", len(KINDS), "--product", product, *drivers)
    ca = certificate_id(der_of(s.imprint("ca", "show").stdout))
    settings = " ".join(f"{name}={value}" for name, value in environment([ca], BUCKET, PREFIX, POLICY).items())
    with Rehearsal(folder / "cloud", "--on-register", f"env {settings} {shutil.which('node')} {install()}/run.mjs") as cloud:
        factory = Factory(s, cloud, folder)
        cloud.aws("create-policy", "--policy-name", POLICY, "--policy-document", json.dumps(POLICY_DOCUMENT))
        factory.imprint("cloud", "register-ca", "--endpoint-url", cloud.client["rest_url"])
        factory.publish()
        s.imprint("start")
        s.imprint("wait", "--outcome", "PASS")
        yield factory


def test_it_connects_before_the_list_is_there(factory):
    """A good unit that is too early is not stranded: it stays pending, and is asked for again when it connects again."""
    board = factory.board("A1")
    with factory.cloud.listen(EVENTS) as account:
        assert not board.connects()
        account.wait_event(1)
        factory.wait_activation(1)
        assert '"outcome":"unpublished"' in (factory.cloud.folder / "log").read_text()
        assert board.status() == "PENDING_ACTIVATION"
        assert board.reconciled() == (CLEAN, "pending")
        board.come_alive()


def test_from_blank_to_connected(factory):
    """With its list published before it connects, as a factory should."""
    board = factory.board("A2")
    with factory.cloud.listen(EVENTS) as account:
        board.come_alive()
        account.wait_event(1)
        assert [event["certificateId"] for event in account.events()] == [board.id]
    assert board.reconciled() == (CLEAN, "active")
    assert board.reconciled(factory.listing()) == (CLEAN, "active")


def test_revoked_here_and_there(factory):
    """One command; who is connected is thrown out, and stays out."""
    board = factory.board("A3")
    board.come_alive()
    with board.cloud.session(board.unit, board.chain, board.key) as session:
        factory.imprint("revoke", board.unit, "--reason", "stolen", "--cloud")
        wait_until(lambda: session.said("sending CONNECT") > 1, what="the end of its session")
    assert session.said("received CONNACK (0)") == 1
    assert board.status() == "REVOKED"
    assert not board.connects()
    assert board.reconciled() == (CLEAN, "revoked")


def test_revoked_here_only(factory):
    """The answer says so, reconcile finds it, and --fix mends it."""
    board = factory.board("A4")
    board.come_alive()
    done = factory.imprint("revoke", board.unit, "--reason", "stolen")
    assert "AWS" in done.stdout + done.stderr
    assert board.reconciled() == (DIFFERENCES, "live")
    assert board.reconciled(factory.listing()) == (DIFFERENCES, "live")
    assert board.connects()
    factory.imprint("reconcile", "--aws", "--fix", "--yes", check=False)
    assert not board.connects()
    assert board.reconciled() == (CLEAN, "revoked")


def test_a_stolen_key(factory):
    """Somebody has token and PIN: openssl signs with the CA's own key, past the ledger. The certificate is as good as any; that nobody
    issued it is what tells."""
    s, folder = factory.s, factory.folder
    key, request, ca = make_key(folder / "thief.key"), folder / "thief.csr", folder / "ca.pem"
    request.write_bytes(make_request(key, subject="/O=Example/OU=Drivers/CN=T-9999"))
    ca.write_text(pem(factory.ca_der))
    pin = (s.dir / "etc/token-pin").read_text().strip()
    der = openssl("x509", "-req", "-inform", "DER", "-in", request, "-CA", ca, "-set_serial", "0x7159", "-engine", "pkcs11", "-CAkeyform",
                  "engine", "-CAkey", f"pkcs11:token=imprint-LINE;object=imprint-ca;type=private?pin-value={pin}", "-days", "30",
                  "-outform", "DER", env={"SOFTHSM2_CONF": str(s.dir / "lib/signer/token/softhsm2.conf")})
    thief = Device(factory, "thief", [der, factory.ca_der], key.read_text())
    factory.publish()
    done = factory.cloud.hooks_done()
    assert not thief.connects()
    factory.wait_activation(done + 1)
    assert not thief.connects(), "it is not on the list"
    assert thief.status() == "PENDING_ACTIVATION"
    assert thief.reconciled() == (ALARM, "unknown")
    said = factory.imprint("reconcile", factory.listing(), check=False)
    assert said.returncode == ALARM and "ALARM" in said.stdout and thief.id[:4] in said.stdout
