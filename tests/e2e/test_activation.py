"""The activation function: its own tests under node, its template against its code, and the function itself against the rehearsal."""
import copy
import functools
import json
import re
import subprocess
import tempfile

import activation
import pytest
import yaml
from conftest import stations
from rehearsal import Rehearsal, accepted
from signer_client import PATIENCE_S
from tools import certificate_id, der_of, make_key, make_request

CODE = (activation.SOURCE / "activation.mjs").read_text()
INDEX = (activation.SOURCE / "index.mjs").read_text()
# Rights that no call in the code names: Lambda's own log and its queue for what failed; and without s3:ListBucket, S3 says 403
# instead of 404 of an object that is not there.
FOR_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "s3:ListBucket"}
# What AWS's Service Authorization Reference has a right's resource be: a policy that says otherwise allows nothing.
RESOURCES = {"iot:DescribeCertificate": "cert", "iot:UpdateCertificate": "cert", "iot:AttachPolicy": "cert", "iot:AttachThingPrincipal": "cert",
             "iot:CreateThing": "thing", "iot:ListThingPrincipals": "thing"}


class Template(yaml.SafeLoader):
    """CloudFormation's short forms: !Ref x is {"Ref": x}, !Sub x is {"Fn::Sub": x}."""


def short_form(loader, suffix, node):
    kind = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda n: loader.construct_sequence(n, deep=True),
            yaml.MappingNode: lambda n: loader.construct_mapping(n, deep=True)}[type(node)]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": kind(node)}


Template.add_multi_constructor("!", short_form)


@pytest.fixture(scope="module")
def template():
    return yaml.load((activation.SOURCE / "template.yaml").read_text(), Template)


def values(tree, key):
    """Every value of that key, however deep."""
    if isinstance(tree, dict):
        return ([tree[key]] if key in tree else []) + [found for value in tree.values() for found in values(value, key)]
    return [found for value in tree for found in values(value, key)] if isinstance(tree, list) else []


def statements(template, role):
    return [statement for policy in template["Resources"][role]["Properties"]["Policies"] for statement in policy["PolicyDocument"]["Statement"]]


def as_list(value):
    return value if isinstance(value, list) else [value]


def rights(template):
    return {action for statement in statements(template, "FunctionRole") for action in as_list(statement["Action"])}


def calls():
    """What the code calls, as rights: {"iot:AttachPolicy", …}"""
    found = {f"{service}:{name}" for names, service in re.findall(r'import \{([^}]*)\} from "@aws-sdk/client-(\w+)"', CODE)
             for name in re.findall(r"(\w+)Command", names)}
    assert {name.split(":")[1] for name in found} == set(re.findall(r"new (\w+)Command\(", CODE)), "imported, not called"
    return found


def test_unit_tests_of_the_function():
    home = activation.install()
    done = subprocess.run(["node", "--test", activation.HOME / "tests/unit" / activation.TESTS.name], cwd=home, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    count = int(re.search(r"^(?:#|ℹ) pass (\d+)", done.stdout, re.M).group(1))
    assert count > 70 and re.search(r"^(?:#|ℹ) (?:fail|cancelled|skipped) [1-9]", done.stdout, re.M) is None, done.stdout


def test_the_packages_name_no_host():
    lock = (activation.SOURCE / "package-lock.json").read_text()
    assert "://" not in lock and '"resolved"' not in lock
    newest = {re.sub(r"[^0-9.]", "", version).split(".")[0] for version in re.findall(r'"node": "([^"]*)"', lock)}
    assert newest <= {"14", "16", "18"}, "Debian's node is 18"


def test_every_right_is_used_and_every_call_is_allowed(template):
    assert rights(template) - FOR_LAMBDA == calls()
    assert FOR_LAMBDA <= rights(template)
    assert not any("*" in action for action in rights(template))


@pytest.mark.parametrize("action", ["iot:DeleteCertificate", "s3:PutObject"])
def test_a_right_too_many_is_seen(template, action):
    wider = copy.deepcopy(template)
    statements(wider, "FunctionRole")[0]["Action"].append(action)
    assert rights(wider) - FOR_LAMBDA != calls()


def test_rights_are_for_their_resources_alone(template):
    for role in ("FunctionRole", "RuleRole", "LoggingRole"):
        assert all(statement["Resource"] != "*" for statement in statements(template, role))
    for statement in statements(template, "FunctionRole"):
        for action in as_list(statement["Action"]):
            kind = RESOURCES.get(action)
            assert not kind or f":{kind}/*" in statement["Resource"]["Fn::Sub"], f"AWS allows {action} for nothing but a {kind}"
    assert set(RESOURCES) == {action for action in rights(template) if action.startswith("iot:")}


def test_names_in_the_template_exist(template):
    known = {*template["Resources"], *template["Parameters"]}
    named = values(template, "Ref") + [value.split(".")[0] for value in values(template, "Fn::GetAtt")]
    named += [name.split(".")[0] for text in values(template, "Fn::Sub") for name in re.findall(r"\$\{([^!}][^}]*)\}", text)]
    assert len(named) > 40
    assert [name for name in named if name not in known and not name.startswith("AWS::")] == []
    conditions = values(template["Resources"], "Condition") + [value[0] for value in values(template["Resources"], "Fn::If")]
    assert {name for name in conditions if isinstance(name, str)} == set(template["Conditions"])


def test_the_function_gets_what_its_code_reads(template):
    function = template["Resources"]["Function"]["Properties"]
    given = set(function["Environment"]["Variables"])
    assert given == set(re.findall(r'wanted\("(\w+)"', INDEX)) == set(activation.environment(["a"], "b", "c", "d"))
    name, export = function["Handler"].split(".")
    assert re.search(rf"^export async function {export}\(", (activation.SOURCE / f"{name}.mjs").read_text(), re.M)
    event_ms = int(re.search(r"EVENT_MS = ([\d_]+)", CODE).group(1).replace("_", ""))
    assert event_ms < function["Timeout"] * 1000
    assert function["Runtime"].startswith("nodejs") and int(re.search(r"\d+", function["Runtime"]).group()) >= 18


def test_events_reach_the_function_and_failures_the_queue(template):
    resources = template["Resources"]
    rule = resources["Rule"]["Properties"]["TopicRulePayload"]
    assert rule["Sql"] == "SELECT * FROM '$aws/events/certificates/registered/+'"
    assert rule["Actions"] == [{"Lambda": {"FunctionArn": {"Fn::GetAtt": "Function.Arn"}}}]
    assert rule["ErrorAction"]["Sqs"]["QueueUrl"] == {"Ref": "Failures"}
    permission = resources["RuleMayCall"]["Properties"]
    assert permission["SourceArn"] == {"Fn::GetAtt": "Rule.Arn"} and permission["Principal"] == "iot.amazonaws.com"
    assert resources["Retries"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": "Failures.Arn"}
    metrics = set(re.findall(r'^\t\w+: "(\w+)",$', CODE[CODE.index("const METRICS"):], re.M))
    alarms = {a["Properties"]["MetricName"] for a in resources.values() if a["Type"] == "AWS::CloudWatch::Alarm"
              and a["Properties"]["Namespace"] == "Imprint/Activation"}
    assert alarms == {"Unpublished", "Revoked", "Refused"} and alarms < metrics


def test_the_bucket_is_closed(template):
    bucket = template["Resources"]["List"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"} and values(bucket, "SSEAlgorithm") == ["AES256"]
    assert list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
    only, = template["Resources"]["ListPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert only["Effect"] == "Deny" and only["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_stays_when_the_stack_goes(template):
    assert {name for name, resource in template["Resources"].items() if resource.get("DeletionPolicy") == "Retain"} == {"List", "DevicePolicy"}
    assert all(template["Resources"][name]["UpdateReplacePolicy"] == "Retain" for name in ("List", "DevicePolicy"))


def test_the_device_policy_fits(template):
    document = template["Resources"]["DevicePolicy"]["Properties"]["PolicyDocument"]
    assert len(re.sub(r"\s", "", str(document))) < 2048
    connect, = [statement for statement in document["Statement"] if statement["Action"] == "iot:Connect"]
    assert "client/${!iot:Connection.Thing.ThingName}" in connect["Resource"]["Fn::Sub"] and "*" not in connect["Resource"]["Fn::Sub"]


@pytest.mark.parametrize("event, status, said", [
    ("{", 1, "SyntaxError"), ("[" + "1," * 40000 + "1]", 1, "too long"), ('{"certificateId": "x"}', 0, "no registration event"),
], ids=["half", "long", "no id"])
def test_run_of_hostile_events(event, status, said):
    env = activation.environment(["ca" * 32], "brand-list", "", "device")
    done, line = activation.run(activation.install(), event, {**env, "AWS_REGION": "eu-central-1"})
    assert done.returncode == status and said in done.stdout + done.stderr, done.stderr
    assert status or line["outcome"] == "refused"


def test_run_without_its_settings():
    done, line = activation.run(activation.install(), "null", {"AWS_REGION": "eu-central-1"})
    assert done.returncode == 1 and "CA_IDS" in done.stderr and line is None


# --- against the rehearsal ---

BUCKET, PREFIX, POLICY = "brand-list", "certificates/", "device"


def device_policy():
    """The template's, as CloudFormation would write it."""
    parts = {"${AWS::Partition}": "aws", "${AWS::Region}": "eu-central-1", "${AWS::AccountId}": "123456789012", "${!": "${"}

    def resolve(tree):
        if isinstance(tree, dict) and set(tree) == {"Fn::Sub"}:
            return functools.reduce(lambda text, part: text.replace(*part), parts.items(), tree["Fn::Sub"])
        if isinstance(tree, dict):
            return {name: resolve(value) for name, value in tree.items()}
        return [resolve(value) for value in tree] if isinstance(tree, list) else tree

    template = yaml.load((activation.SOURCE / "template.yaml").read_text(), Template)
    return json.dumps(resolve(template["Resources"]["DevicePolicy"]["Properties"]["PolicyDocument"]))


class Device:
    """A certificate of a station, and a client that connects with it."""

    def __init__(self, brand, s, unit):
        self.brand, self.s, self.ca, self.unit = brand, s, brand.cas[s], unit
        folder = tempfile.mkdtemp(dir=brand.folder)
        self.key, self.chain, request = (f"{folder}/{name}" for name in ("key", "chain.pem", "csr"))
        with open(request, "wb") as to:
            to.write(make_request(make_key(self.key)))
        s.imprint("issue", "--unit", unit, "--csr", request, "--out", self.chain)
        with open(self.chain, "r+") as chain:
            self.id = certificate_id(der_of(chain.read()))
            chain.write(s.imprint("ca", "show").stdout)

    def connects(self, name=None):
        return accepted(self.brand.cloud.publish(name or self.unit, self.chain, self.key))

    def status(self):
        said, = self.s.json("cloud", "describe", "--certificate-id", self.id, env=self.brand.env)
        return said["status"]

    def event(self):
        """It connects, is refused, and registers itself: what AWS publishes then."""
        assert not self.connects()
        assert self.status() == "PENDING_ACTIVATION"
        return {"certificateId": self.id, "caCertificateId": self.ca, "timestamp": 1552061705285, "certificateStatus": "PENDING_ACTIVATION",
                "awsAccountId": "123456789012", "certificateRegistrationTimestamp": None}

    def arrives(self, **env):
        """It connects, and the function runs once: its outcome."""
        done, line = activation.run(self.brand.function, self.event(), {**self.brand.env, **env})
        assert done.returncode == 0, done.stderr
        assert line["certificateId"] == self.id
        return line["outcome"]


class Brand:
    """Two stations, each with its CA, and the account."""

    def __init__(self, folder, cloud, both):
        self.folder, self.cloud, self.both, self.function = folder, cloud, both, activation.install()
        self.cas = {s: certificate_id(der_of(s.imprint("ca", "show").stdout)) for s in both}
        home = {"HOME": cloud.client["home"], "AWS_ENDPOINT_URL": cloud.client["rest_url"], "AWS_REGION": "eu-central-1"}
        self.env = {**home, **activation.environment(self.cas.values(), BUCKET, PREFIX, POLICY)}
        for s in both:
            s.imprint("cloud", "register-ca", env=home)
        cloud.aws("create-policy", "--policy-name", POLICY, "--policy-document", device_policy())

    def publish(self):
        for s in self.both:
            s.imprint("cloud", "publish", f"s3://{BUCKET}/{PREFIX}", env=self.env)


@pytest.fixture(scope="module")
def brand(scratch):
    first, second = stations("brand-1", scratch), stations("brand-2", scratch)
    folder = scratch / "brand"
    folder.mkdir()
    try:
        with Rehearsal(folder / "cloud") as cloud:
            brand = Brand(folder, cloud, [next(one)("--boards", 1) for one in (first, second)])
            Device(brand, brand.both[0], "P-0001")
            brand.publish()
            yield brand
    finally:
        for one in (first, second):
            one.close()


def test_too_early_is_not_stranded(brand):
    device = Device(brand, brand.both[0], "T-0001")
    assert device.arrives() == "unpublished" and device.status() == "PENDING_ACTIVATION"
    assert device.arrives() == "unpublished", "AWS repeats the event while it is pending"
    event = device.event()
    brand.publish()
    assert activation.run(brand.function, event, brand.env)[1]["outcome"] == "activated"
    assert device.status() == "ACTIVE" and device.connects()
    assert not device.connects("T-0002"), "its policy lets it in under its thing's name alone"
    assert activation.run(brand.function, event, brand.env)[1]["outcome"] == "settled"
    arn, = brand.cloud.aws("list-thing-principals", "--thing-name", "T-0001")["principals"]
    assert arn.endswith(f":cert/{device.id}")


def test_void_is_revoked(brand):
    device = Device(brand, brand.both[0], "T-0002")
    brand.both[0].imprint("void", "T-0002", "--reason", "scrapped")
    brand.publish()
    assert device.arrives() == "revoked"
    assert device.status() == "REVOKED" and not device.connects()


def test_a_second_ca(brand):
    device = Device(brand, brand.both[1], "T-0003")
    brand.publish()
    assert device.arrives(CA_IDS=brand.cas[brand.both[0]]) == "refused"
    assert device.status() == "PENDING_ACTIVATION"
    assert device.arrives() == "activated"
    assert device.connects()


def test_a_new_certificate_keeps_the_thing(brand):
    s, old = brand.both[0], Device(brand, brand.both[0], "T-0004")
    brand.publish()
    assert old.arrives() == "activated"
    s.imprint("void", "T-0004", "--reason", "board was changed")
    new = Device(brand, s, "T-0004")
    brand.publish()
    assert new.arrives() == "activated"
    assert len(brand.cloud.aws("list-thing-principals", "--thing-name", "T-0004")["principals"]) == 2


def test_two_stations_gave_one_unit_a_certificate(brand):
    first, second = (Device(brand, s, "T-0005") for s in brand.both)
    brand.publish()
    assert first.arrives() == "activated"
    assert second.arrives() == "refused"
    assert second.status() == "PENDING_ACTIVATION" and not second.connects()


def test_what_a_person_set_by_hand_stands(brand):
    device = Device(brand, brand.both[0], "T-0006")
    event = device.event()
    brand.publish()
    brand.cloud.aws("update-certificate", "--certificate-id", device.id, "--new-status", "INACTIVE")
    assert activation.run(brand.function, event, brand.env)[1]["outcome"] == "settled"
    assert device.status() == "INACTIVE"


def test_a_folder_is_carried_to_the_bucket(brand, tmp_path):
    """Where the station has no Internet."""
    s, device = brand.both[0], Device(brand, brand.both[0], "T-0007")
    s.imprint("cloud", "publish", tmp_path / "list")
    brand.cloud.shell("/usr/bin/aws s3 mb s3://carried && /usr/bin/aws s3 sync list s3://carried/certificates/", tmp_path)
    assert device.arrives(LIST_BUCKET="carried") == "activated"


def test_lambda_tries_again_where_aws_is_out_of_reach(brand):
    event = {"certificateId": "ab" * 32, "caCertificateId": brand.cas[brand.both[0]]}
    done, line = activation.run(brand.function, event, {**brand.env, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert done.returncode == 1 and line is None and "ECONNREFUSED" in done.stderr, done.stderr
