"""The rehearsal's control plane against a model of AWS IoT: random calls, and pages while rows come and go."""
import random

import pytest
from control_plane import ACCOUNT, ALLOW, REGION, Issuer, arn_of, cloud, end_all, identity, register  # noqa: F401
from station import LONG


class Model:
    """What AWS IoT would know after the same calls."""

    def __init__(self, cloud, chance):
        self.cloud, self.chance = cloud, chance
        self.issuer = register(cloud, Issuer(f"model {chance.random()}"))
        self.pems = {identity(pem): pem for pem in (self.issuer.issue(f"board {i}") for i in range(8))}
        self.certificates, self.order = {}, []  # {id: status}, as they were created
        self.policies, self.attached = set(), []  # [(policy, id)]
        self.things, self.principals = {}, []  # {thing: attributes}
        self.mark = f"{chance.randrange(1 << 60)}-"

    def id(self):
        return self.chance.choice(list(self.pems))

    def policy(self):
        return self.mark + self.chance.choice("pqr")

    def thing(self):
        return self.mark + self.chance.choice("uvw")

    def register(self):
        key, status = self.id(), self.chance.choice(["ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION", None])
        answer = self.cloud("register_certificate", certificatePem=self.pems[key], **({"status": status} if status else {}))
        if status == "PENDING_ACTIVATION":
            return answer, "CertificateStateException"
        if key in self.certificates:
            return answer, "ResourceAlreadyExistsException"
        self.certificates[key] = status or "INACTIVE"
        self.order.append(key)
        return answer, {"certificateArn": arn_of(key), "certificateId": key}

    def update(self):
        key, status = self.id(), self.chance.choice(["ACTIVE", "INACTIVE", "REVOKED", "PENDING_ACTIVATION", "PENDING_TRANSFER", "active"])
        answer = self.cloud("update_certificate", certificateId=key, newStatus=status)
        if status not in ("ACTIVE", "INACTIVE", "REVOKED"):
            return answer, "InvalidRequestException"
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if self.certificates[key] == "REVOKED" != status:
            return answer, "CertificateStateException"
        self.certificates[key] = status
        return answer, {}

    def delete(self):
        key, force = self.id(), self.chance.random() < 0.5
        answer = self.cloud("delete_certificate", certificateId=key, forceDelete=force)
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if self.certificates[key] == "ACTIVE":
            return answer, "CertificateStateException"
        if any(key == other for _, other in self.principals) or (not force and any(key == other for _, other in self.attached)):
            return answer, "DeleteConflictException"
        del self.certificates[key]
        self.order.remove(key)
        self.attached = [pair for pair in self.attached if pair[1] != key]
        return answer, {}

    def describe(self):
        key = self.id()
        answer = self.cloud("describe_certificate", certificateId=key)
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        described = answer["certificateDescription"]
        wanted = (key, self.certificates[key], self.pems[key], self.issuer.id)
        return tuple(described[word] for word in ("certificateId", "status", "certificatePem", "caCertificateId")), wanted

    def list(self):
        size, ascending = self.chance.choice([None, 1, 2, 3, 250]), self.chance.random() < 0.5
        listed = self.pages("list_certificates_by_ca", "certificates", size, caCertificateId=self.issuer.id, ascendingOrder=ascending)
        wanted = [(key, self.certificates[key]) for key in (self.order if ascending else reversed(self.order))]
        return [(row["certificateId"], row["status"]) for row in listed], wanted

    def pages(self, method, member, size, **arguments):
        rows, marker = [], {}
        while True:
            page = self.cloud(method, **arguments, **marker, **({"pageSize": size} if size else {}))
            assert len(page[member]) <= (size or 25)
            rows += page[member]
            if "nextMarker" not in page:
                return rows
            assert len(page[member]) == (size or 25)
            marker = {"marker": page["nextMarker"]}

    def create_policy(self):
        key = self.policy()
        answer = self.cloud("create_policy", policyName=key, policyDocument=ALLOW)
        if key in self.policies:
            return answer, "ResourceAlreadyExistsException"
        self.policies.add(key)
        arn = f"arn:aws:iot:{REGION}:{ACCOUNT}:policy/{key}"
        return answer, {"policyName": key, "policyArn": arn, "policyDocument": ALLOW, "policyVersionId": "1"}

    def delete_policy(self):
        key = self.policy()
        answer = self.cloud("delete_policy", policyName=key)
        if key not in self.policies:
            return answer, "ResourceNotFoundException"
        if any(key == other for other, _ in self.attached):
            return answer, "DeleteConflictException"
        self.policies.remove(key)
        return answer, {}

    def attach(self):
        policy, key, old = self.policy(), self.id(), self.chance.random() < 0.5
        word = {"principal" if old else "target": arn_of(key)}
        answer = self.cloud("attach_principal_policy" if old else "attach_policy", policyName=policy, **word)
        if policy not in self.policies or key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if (policy, key) not in self.attached:
            self.attached.append((policy, key))
        return answer, {}

    def detach(self):
        policy, key, old = self.policy(), self.id(), self.chance.random() < 0.5
        word = {"principal" if old else "target": arn_of(key)}
        answer = self.cloud("detach_principal_policy" if old else "detach_policy", policyName=policy, **word)
        if (policy, key) in self.attached:
            self.attached.remove((policy, key))
        return answer, {}

    def list_attached(self):
        key = self.id()
        answer = self.cloud("list_attached_policies", target=arn_of(key))
        if key not in self.certificates:
            return answer, "ResourceNotFoundException"
        return [row["policyName"] for row in answer["policies"]], [policy for policy, other in self.attached if other == key]

    def list_targets(self):
        policy = self.policy()
        answer = self.cloud("list_targets_for_policy", policyName=policy)
        if policy not in self.policies:
            return answer, "ResourceNotFoundException"
        return answer["targets"], [arn_of(key) for other, key in self.attached if other == policy]

    def create_thing(self):
        thing, attributes = self.thing(), self.chance.choice([{}, {"a": "1"}])
        answer = self.cloud("create_thing", thingName=thing, attributePayload={"attributes": attributes})
        if self.things.setdefault(thing, attributes) != attributes:
            return answer, "ResourceAlreadyExistsException"
        return answer["thingArn"], f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{thing}"

    def describe_thing(self):
        thing = self.thing()
        answer = self.cloud("describe_thing", thingName=thing)
        return (answer["attributes"] if isinstance(answer, dict) else answer), self.things.get(thing, "ResourceNotFoundException")

    def attach_thing(self):
        thing, key = self.thing(), self.id()
        answer = self.cloud("attach_thing_principal", thingName=thing, principal=arn_of(key))
        if thing not in self.things or key not in self.certificates:
            return answer, "ResourceNotFoundException"
        if (thing, key) not in self.principals:
            self.principals.append((thing, key))
        return answer, {}

    def detach_thing(self):
        thing, key = self.thing(), self.id()
        answer = self.cloud("detach_thing_principal", thingName=thing, principal=arn_of(key))
        if thing not in self.things:
            return answer, "ResourceNotFoundException"
        self.principals = [pair for pair in self.principals if pair != (thing, key)]
        return answer, {}

    def list_principals(self):
        thing = self.thing()
        answer = self.cloud("list_thing_principals", thingName=thing)
        if thing not in self.things:
            return answer, "ResourceNotFoundException"
        return answer["principals"], [arn_of(key) for other, key in self.principals if other == thing]


STEPS = [word for word, method in vars(Model).items() if callable(method) and not word.startswith("_")
         and word not in ("id", "policy", "thing", "pages")]


@pytest.mark.parametrize("seed", range(40 if LONG else 4))
def test_random_calls(cloud, seed):
    chance = random.Random(seed)
    model, done = Model(cloud, chance), []
    for _ in range(600):
        word = chance.choice(STEPS + ["register", "update", "attach", "attach_thing"] * 2)
        answer, wanted = getattr(model, word)()
        done.append((word, wanted if isinstance(wanted, str) else "ok"))
        assert answer == wanted, f"seed {seed}: {word} after {done[-20:]}"
    assert len({pair for pair in done}) > 25  # it came about


def test_pages_stand_changes(cloud):
    """Between two pages rows are added and removed: nothing is missed, nothing comes twice."""
    issuer = register(cloud, Issuer("pages"))
    ids = [cloud("register_certificate", certificatePem=issuer.issue(f"{i}"))["certificateId"] for i in range(30)]
    call = {"caCertificateId": issuer.id, "ascendingOrder": True}
    page = cloud("list_certificates_by_ca", **call)
    assert [row["certificateId"] for row in page["certificates"]] == ids[:25]
    cloud("delete_certificate", certificateId=ids[24])
    cloud("delete_certificate", certificateId=ids[26])
    late = cloud("register_certificate", certificatePem=issuer.issue("late"))["certificateId"]
    rest = cloud("list_certificates_by_ca", **call, marker=page["nextMarker"])
    assert [row["certificateId"] for row in rest["certificates"]] == [ids[25], *ids[27:], late] and "nextMarker" not in rest
    assert all(row["certificateMode"] == "DEFAULT" for row in rest["certificates"])
    # A marker belongs to its list and its direction.
    assert set("+/=") <= set(page["nextMarker"])
    for wrong in ({**call, "ascendingOrder": False, "marker": page["nextMarker"]}, {**call, "marker": "AAAA"}, {**call, "pageSize": 251},
                  {**call, "marker": "!"}):
        assert cloud("list_certificates_by_ca", **wrong) == "InvalidRequestException", wrong
    assert cloud("list_ca_certificates", marker=page["nextMarker"]) == "InvalidRequestException"
    assert cloud("list_certificates_by_ca", caCertificateId="0" * 64) == {"certificates": []}
