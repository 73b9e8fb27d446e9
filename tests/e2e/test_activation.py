"""The activation function: its own tests under node, its template against its code, and the function itself against the rehearsal."""
import copy
import re
import subprocess

import activation
import pytest
import yaml
from signer_client import PATIENCE_S

CODE = (activation.SOURCE / "activation.mjs").read_text()
INDEX = (activation.SOURCE / "index.mjs").read_text()
# Rights that no call in the code names: Lambda's own log and its queue for what failed; and without s3:ListBucket, S3 says 403
# instead of 404 of an object that is not there.
FOR_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "s3:ListBucket"}


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
    everything = [statement for statement in statements(template, "FunctionRole") if statement["Resource"] == "*"]
    assert [as_list(statement["Action"]) for statement in everything] == [["iot:AttachThingPrincipal"]], "AWS knows no resource for it"
    for role in ("RuleRole", "LoggingRole"):
        assert all(statement["Resource"] != "*" for statement in statements(template, role))


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


def test_the_device_policy_fits(template):
    document = template["Resources"]["DevicePolicy"]["Properties"]["PolicyDocument"]
    assert len(re.sub(r"\s", "", str(document))) < 2048
    connect, = [statement for statement in document["Statement"] if statement["Action"] == "iot:Connect"]
    assert "client/${!iot:Connection.Thing.ThingName}" in connect["Resource"]["Fn::Sub"] and "*" not in connect["Resource"]["Fn::Sub"]


@pytest.mark.parametrize("event, status, said", [
    ("{", 1, "SyntaxError"), ("", 1, "SyntaxError"), ("[" + "1," * 40000 + "1]", 1, "too long"), ("null", 0, "no registration event"),
    ('{"certificateId": "x"}', 0, "no registration event"),
], ids=["half", "empty", "long", "null", "no id"])
def test_run_of_hostile_events(event, status, said):
    env = activation.environment(["ca" * 32], "brand-list", "", "device")
    done, line = activation.run(activation.install(), event, {**env, "AWS_REGION": "eu-central-1"})
    assert done.returncode == status and said in done.stdout + done.stderr, done.stderr
    assert status or line["outcome"] == "refused"


def test_run_without_its_settings():
    done, line = activation.run(activation.install(), "null", {"AWS_REGION": "eu-central-1"})
    assert done.returncode == 1 and "CA_IDS" in done.stderr and line is None
