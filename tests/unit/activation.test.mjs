// The activation function against a small AWS in memory: one table for all branches, hostile events
// among them. Run by tests/e2e/test_activation.py: it needs the packages of cloud/activation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { activation } from "../../cloud/activation/activation.mjs";
import { settingsOf } from "../../cloud/activation/index.mjs";

const ID = "a1".repeat(32), CA = "ca".repeat(32), CA_2 = "cb".repeat(32), OTHER = "b2".repeat(32);
const arnOf = (id) => `arn:aws:iot:eu-central-1:000000000000:cert/${id}`;
const settings = { caIds: [CA, CA_2], bucket: "list", prefix: "certificates/", policyName: "device", functionName: "test" };
const NOW = 1552061705285 + 90_000;

const eventOf = (changes) => ({
	certificateId: ID, caCertificateId: CA, timestamp: 1552061705285, certificateStatus: "PENDING_ACTIVATION",
	awsAccountId: "000000000000", certificateRegistrationTimestamp: "1552061705277", ...changes,
});
const entryOf = (changes) => ({
	certificateId: ID, caCertificateId: CA, state: "installed", unit: "T-0001", product: "demo", order: "WO-1",
	station: "SZ1", updatedAt: "2026-11-22T05:13:36Z", ...changes,
});

function fault(name, message = name) {
	return Object.assign(new Error(message), { name });
}

// What AWS knows, and every call made on it. `fail`: the call of that number fails once. `later`: objects that somebody publishes
// just as the certificate becomes ACTIVE.
class Aws {
	constructor({ status = "PENDING_ACTIVATION", ca = CA, registered = true, objects = { [ID]: entryOf() }, things = {},
		fail = 0, error = "ThrottlingException", later } = {}) {
		Object.assign(this, { status, ca, registered, objects, things, fail, error, later, calls: [], policies: new Set() });
	}

	async send(command, { abortSignal }) {
		const name = command.constructor.name.replace(/Command$/, "");
		assert.ok(abortSignal instanceof AbortSignal);
		this.calls.push(name);
		if (this.calls.length === this.fail)
			throw fault(this.error);
		return this[name](command.input);
	}

	DescribeCertificate({ certificateId }) {
		assert.equal(certificateId, ID);
		if (!this.registered)
			throw fault("ResourceNotFoundException");
		return { certificateDescription: { certificateId, certificateArn: arnOf(ID), caCertificateId: this.ca, status: this.status } };
	}

	GetObject({ Bucket, Key }) {
		assert.equal(Bucket, "list");
		const found = this.objects[/^certificates\/([0-9a-f]{64})\.json$/.exec(Key)[1]];
		if (found === undefined)
			throw fault("NoSuchKey");
		const text = typeof found === "string" ? found : JSON.stringify(found);
		return { ContentLength: text.length, Body: { transformToString: async () => text } };
	}

	ListThingPrincipals({ thingName }) {
		if (!this.things[thingName])
			throw fault("ResourceNotFoundException");
		return { principals: this.things[thingName], nextToken: this.things[thingName].length > 5 ? "more" : undefined };
	}

	AttachPolicy({ policyName, target }) {
		assert.equal(policyName, "device");
		this.policies.add(target);
		return {};
	}

	CreateThing({ thingName }) {
		if (this.things[thingName])
			throw fault("ResourceAlreadyExistsException");
		this.things[thingName] = [];
		return {};
	}

	AttachThingPrincipal({ thingName, principal }) {
		this.things[thingName] = [...new Set([...this.things[thingName], principal])];
		return {};
	}

	UpdateCertificate({ certificateId, newStatus }) {
		assert.equal(certificateId, ID);
		assert.equal(this.status, newStatus === "REVOKED" && this.later ? "ACTIVE" : "PENDING_ACTIVATION");
		Object.assign(this.objects, this.later);
		if (newStatus === "ACTIVE")
			assert.ok(this.policies.has(arnOf(ID)) && this.things["T-0001"].includes(arnOf(ID)), "ACTIVE comes last");
		this.status = newStatus;
		return {};
	}
}

async function run(aws, event) {
	const lines = [];
	const result = await activation(event, { iot: aws, s3: aws, settings, log: (line) => lines.push(line), now: () => NOW });
	assert.equal(lines.length, 1);
	assert.ok(!lines[0].includes("\n") && lines[0].length < 2048);
	return { result, line: JSON.parse(lines[0]) };
}

const ALL = ["DescribeCertificate", "GetObject", "ListThingPrincipals", "AttachPolicy", "CreateThing", "AttachThingPrincipal",
	"UpdateCertificate", "GetObject"];
const EXISTS = ALL.filter((name) => name !== "CreateThing");
const LOOK = ALL.slice(0, 2), THING = ALL.slice(0, 3);

// name, [what AWS knows, the event's changes], outcome, calls, then more of the result
const cases = [
	["installed", [{}], "activated", ALL, { unit: "T-0001", state: "installed", pendingSeconds: 90 }],
	["issued: proof never came", [{ objects: { [ID]: entryOf({ state: "issued" }) } }], "activated", ALL],
	["second CA", [{ ca: CA_2, objects: { [ID]: entryOf({ caCertificateId: CA_2 }) } }, { caCertificateId: CA_2 }], "activated", ALL],
	["first event: no registration time", [{}, { certificateRegistrationTimestamp: null }], "activated", ALL, { pendingSeconds: undefined }],
	["times as numbers", [{}, { timestamp: "1552061705285", certificateRegistrationTimestamp: 1552061705277 }], "activated", ALL,
		{ pendingSeconds: 90 }],
	["times that are none", [{}, { timestamp: {}, certificateRegistrationTimestamp: "soon" }], "activated", ALL, { pendingSeconds: undefined }],
	["status of the event proves nothing", [{ status: "REVOKED" }, { certificateStatus: "PENDING_ACTIVATION" }], "settled", ALL.slice(0, 1)],
	["thing is there, empty", [{ things: { "T-0001": [] } }], "activated", EXISTS],
	["thing is ours", [{ things: { "T-0001": [arnOf(ID)] } }], "activated", EXISTS],
	["thing of an earlier certificate, revoked", [{ things: { "T-0001": [arnOf(OTHER)] },
		objects: { [ID]: entryOf(), [OTHER]: entryOf({ certificateId: OTHER, state: "revoked" }) } }], "activated",
		["DescribeCertificate", "GetObject", "ListThingPrincipals", "GetObject", "AttachPolicy", "AttachThingPrincipal", "UpdateCertificate",
			"GetObject"]],
	["thing of a certificate in force", [{ things: { "T-0001": [arnOf(OTHER)] },
		objects: { [ID]: entryOf(), [OTHER]: entryOf({ certificateId: OTHER }) } }], "refused", [...THING, "GetObject"]],
	["thing of another unit's certificate", [{ things: { "T-0001": [arnOf(OTHER)] },
		objects: { [ID]: entryOf(), [OTHER]: entryOf({ certificateId: OTHER, state: "void", unit: "T-2" }) } }], "refused", [...THING, "GetObject"]],
	["thing of an unknown certificate", [{ things: { "T-0001": [arnOf(OTHER)] } }], "refused", [...THING, "GetObject"]],
	["thing of somebody who is no certificate", [{ things: { "T-0001": ["eu-central-1:cognito"] } }], "refused", THING],
	["thing with pages of certificates", [{ things: { "T-0001": Array(6).fill(arnOf(ID)) } }], "refused", THING],
	["not published", [{ objects: {} }], "unpublished", LOOK, { unit: undefined, pendingSeconds: 90 }],
	["void", [{ objects: { [ID]: entryOf({ state: "void" }) } }], "revoked", [...LOOK, "UpdateCertificate"], { state: "void" }],
	["revoked", [{ objects: { [ID]: entryOf({ state: "revoked" }) } }], "revoked", [...LOOK, "UpdateCertificate"]],
	["void, and its name is no thing's", [{ objects: { [ID]: entryOf({ state: "void", unit: "ü" }) } }], "revoked",
		[...LOOK, "UpdateCertificate"]],
	["active already", [{ status: "ACTIVE" }], "settled", ALL.slice(0, 1), { status: "ACTIVE" }],
	["deactivated by hand", [{ status: "INACTIVE" }], "settled", ALL.slice(0, 1)],
	["revoked by hand", [{ status: "REVOKED" }], "settled", ALL.slice(0, 1)],
	["deleted", [{ registered: false }], "refused", ALL.slice(0, 1)],
	["AWS names another CA", [{ ca: CA_2 }], "refused", ALL.slice(0, 1)],
	["AWS names no CA", [{ ca: null }], "refused", ALL.slice(0, 1)],
	["list names another CA", [{ objects: { [ID]: entryOf({ caCertificateId: CA_2 }) } }], "refused", LOOK],
	["list names another certificate", [{ objects: { [ID]: entryOf({ certificateId: OTHER }) } }], "refused", LOOK],
	["list: unknown state", [{ objects: { [ID]: entryOf({ state: "reserved" }) } }], "refused", LOOK],
	["list: state of an object's prototype", [{ objects: { [ID]: entryOf({ state: "constructor" }) } }], "refused", LOOK],
	["list: unit is no text", [{ objects: { [ID]: entryOf({ unit: ["T-0001"] }) } }], "refused", LOOK],
	["list: no JSON", [{ objects: { [ID]: "{" } }], "refused", LOOK],
	["list: null", [{ objects: { [ID]: "null" } }], "refused", LOOK],
	["list: too long", [{ objects: { [ID]: entryOf({ product: "x".repeat(5000) }) } }], "refused", LOOK],
	["unit id is no thing's name", [{ objects: { [ID]: entryOf({ unit: "T 0001" }) } }], "refused", LOOK],
	["unit id is empty", [{ objects: { [ID]: entryOf({ unit: "" }) } }], "refused", LOOK],
	["unit id is too long", [{ objects: { [ID]: entryOf({ unit: "x".repeat(129) }) } }], "refused", LOOK],
	["CA of somebody else", [{}, { caCertificateId: OTHER }], "refused", []],
	["id in capitals", [{}, { certificateId: ID.toUpperCase() }], "refused", []],
	["id too short", [{}, { certificateId: ID.slice(1) }], "refused", []],
	["id with a line end", [{}, { certificateId: `${ID}\n` }], "refused", []],
	["id with a path", [{}, { certificateId: `../${ID}` }], "refused", []],
	["id in a list", [{}, { certificateId: [ID] }], "refused", []],
	["id missing", [{}, { certificateId: undefined }], "refused", []],
	["CA id is a number", [{}, { caCertificateId: 7 }], "refused", []],
];

for (const [name, [known, changes], outcome, calls, more] of cases)
	test(name, async () => {
		const aws = new Aws(known), before = aws.status;
		const { result, line } = await run(aws, eventOf(changes));
		assert.equal(result.outcome, outcome);
		assert.deepEqual(aws.calls, calls);
		for (const [key, value] of Object.entries(more ?? {}))
			assert.deepEqual(result[key], value, key);
		assert.equal(aws.status, { activated: "ACTIVE", revoked: "REVOKED" }[outcome] ?? before);
		assert.equal(aws.policies.size, outcome === "activated" ? 1 : 0);
		const metric = line._aws.CloudWatchMetrics[0].Metrics[0].Name;
		assert.equal(line[metric], 1);
		assert.equal(metric.toLowerCase(), outcome);
		assert.equal(line.FunctionName, "test");
	});

for (const event of [undefined, null, 7, "text", [], [eventOf()], {}, JSON.parse(`{"__proto__":${JSON.stringify(eventOf())}}`),
	{ certificateId: "x".repeat(100_000) }, { Records: [] }])
	test(`no event: ${String(JSON.stringify(event)).slice(0, 40)}`, async () => {
		const aws = new Aws();
		const { result } = await run(aws, event);
		assert.equal(result.outcome, "refused");
		assert.deepEqual(aws.calls, []);
		assert.ok(result.event.length <= 256);
	});

// Each call fails once: it is thrown, nothing is ACTIVE too early, and the same event again completes it.
for (let fail = 1; fail < ALL.length; fail++)
	test(`${ALL[fail - 1]} fails, then the event comes again`, async () => {
		const aws = new Aws({ fail });
		await assert.rejects(run(aws, eventOf()), { name: "ThrottlingException" });
		assert.equal(aws.status, "PENDING_ACTIVATION");
		const { result } = await run(aws, eventOf());
		assert.equal(result.outcome, "activated");
		assert.deepEqual(aws.things, { "T-0001": [arnOf(ID)] });
	});

for (const [call, error] of [[2, "AccessDenied"], [2, "NoSuchBucket"], [4, "ResourceNotFoundException"], [7, "CertificateStateException"]])
	test(`${error} is not taken for an answer`, async () => {
		await assert.rejects(run(new Aws({ fail: call, error }), eventOf()), { name: error });
	});

for (const state of ["void", "revoked"])
	test(`${state} is published while it is activated`, async () => {
		const aws = new Aws({ later: { [ID]: entryOf({ state }) } });
		const { result } = await run(aws, eventOf());
		assert.deepEqual([result.outcome, result.state, aws.status], ["revoked", state, "REVOKED"]);
		assert.deepEqual(aws.calls, [...ALL, "UpdateCertificate"]);
	});

test("not published, then published", async () => {
	const aws = new Aws({ objects: {} });
	assert.equal((await run(aws, eventOf())).result.outcome, "unpublished");
	assert.equal(aws.status, "PENDING_ACTIVATION");
	aws.objects[ID] = entryOf();
	assert.equal((await run(aws, eventOf())).result.outcome, "activated");
	assert.equal((await run(aws, eventOf())).result.outcome, "settled");
});

const environment = { CA_IDS: `${CA},${CA_2}`, LIST_BUCKET: "list", LIST_PREFIX: "certificates/", POLICY_NAME: "device" };

test("settings", () => {
	assert.deepEqual(settingsOf({ ...environment, AWS_LAMBDA_FUNCTION_NAME: "test" }), settings);
	assert.equal(settingsOf({ ...environment, LIST_PREFIX: undefined }).prefix, "");
});

for (const [name, value] of [["CA_IDS", ""], ["CA_IDS", `${CA},`], ["CA_IDS", CA.toUpperCase()], ["LIST_BUCKET", undefined], ["LIST_BUCKET", "s3://list"],
	["LIST_PREFIX", "certificates"], ["LIST_PREFIX", "/"], ["POLICY_NAME", ""], ["POLICY_NAME", "a b"]])
	test(`settings: ${name}=${value}`, () => {
		assert.throws(() => settingsOf({ ...environment, [name]: value }), (error) => error.message.startsWith(name));
	});
