// activation: what happens to one certificate that registered itself at its first connection.
//	published list says		then
//	issued, installed		policy, thing, and last of all ACTIVE	activated
//	… and void, revoked by then	REVOKED					revoked
//	void, revoked			REVOKED					revoked
//	nothing (not published yet)	it stays PENDING_ACTIVATION		unpublished
// Only a certificate that AWS itself says is PENDING_ACTIVATION under one of our CAs is touched: what
// a person set by hand stands (settled). AWS repeats the event at each connection while it is
// pending, so every step may be repeated. What a repetition may cure is thrown; what it cannot cure
// is reported (refused) and returned. The event names a certificate and proves nothing.
// Clients and settings come from above: index.mjs. Below: AWS SDK.
import {
	AttachPolicyCommand,
	AttachThingPrincipalCommand,
	CreateThingCommand,
	DescribeCertificateCommand,
	ListThingPrincipalsCommand,
	UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { GetObjectCommand } from "@aws-sdk/client-s3";

const ID = /^[0-9a-f]{64}$/;
const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
const OBJECT_MAX = 4096; // bytes of one published object
const EVENT_MS = 25_000; // one event, all its calls; the function itself has 30 s

const IN_FORCE = ["issued", "installed"];
const ENDED = ["void", "revoked"];

// An outcome that repetition cannot change.
class Refused extends Error {}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value) => typeof value === "string" && ID.test(value);

// Milliseconds as a number or as a string of digits, or null: AWS sends all three.
function milliseconds(value) {
	const number = typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
	return Number.isSafeInteger(number) && number > 0 ? number : null;
}

function readEvent(event) {
	if (!isObject(event) || !isId(event.certificateId) || !isId(event.caCertificateId))
		throw new Refused("this is no registration event of AWS IoT");
	return {
		id: event.certificateId,
		caId: event.caCertificateId,
		registeredMs: milliseconds(event.certificateRegistrationTimestamp),
	};
}

// Undefined for what is not there; every other failure goes up.
async function ifFound(answer, ...names) {
	try {
		return await answer;
	} catch (error) {
		if (names.includes(error?.name))
			return undefined;
		throw error;
	}
}

async function describe(certificate, { iot, send }) {
	const { id, caId } = certificate;
	const answer = await ifFound(
		send(iot, new DescribeCertificateCommand({ certificateId: id })), "ResourceNotFoundException");
	const found = answer?.certificateDescription;
	if (!found)
		throw new Refused("AWS IoT knows no such certificate");
	if (found.caCertificateId !== caId)
		throw new Refused("AWS IoT says that another CA signed it");
	return found;
}

function readEntry(text, id) {
	let entry;
	try {
		entry = JSON.parse(text);
	} catch {
		entry = null;
	}
	const known = isObject(entry) && entry.certificateId === id && isId(entry.caCertificateId) &&
		typeof entry.unit === "string" && [...IN_FORCE, ...ENDED].includes(entry.state);
	if (!known)
		throw new Refused("its object in the published list makes no sense");
	return entry;
}

// The certificate's object in the published list; undefined if it is not there.
async function published(id, { s3, settings, send }) {
	const answer = await ifFound(
		send(s3, new GetObjectCommand({ Bucket: settings.bucket, Key: `${settings.prefix}${id}.json` })),
		"NoSuchKey");
	if (!answer)
		return undefined;
	if (!(answer.ContentLength <= OBJECT_MAX)) {
		answer.Body?.destroy?.();
		throw new Refused("its object in the published list is too long");
	}
	return readEntry(await answer.Body.transformToString(), id);
}

// A unit that was given a new certificate keeps its thing: the earlier one is void or revoked.
async function isSuperseded(principal, unit, context) {
	const id = String(principal).split(":cert/")[1];
	const entry = isId(id) ? await published(id, context) : undefined;
	return entry !== undefined && entry.unit === unit && ENDED.includes(entry.state);
}

// True if the thing is there; it must be nobody else's.
async function thingExists(thingName, arn, context) {
	const answer = await ifFound(
		context.send(context.iot, new ListThingPrincipalsCommand({ thingName })), "ResourceNotFoundException");
	if (!answer)
		return false;
	for (const principal of answer.principals ?? [])
		if (principal !== arn && !(await isSuperseded(principal, thingName, context)))
			throw new Refused(`the thing ${thingName} belongs to another certificate: ${principal}`);
	if (answer.nextToken)
		throw new Refused(`the thing ${thingName} has too many certificates`);
	return true;
}

async function setStatus(id, newStatus, { iot, send }) {
	await send(iot, new UpdateCertificateCommand({ certificateId: id, newStatus }));
}

async function activate(entry, arn, context) {
	const { iot, settings, send } = context;
	const thingName = entry.unit;
	if (!THING_NAME.test(thingName))
		throw new Refused("its unit id is no legal name of a thing");
	const exists = await thingExists(thingName, arn, context);
	await send(iot, new AttachPolicyCommand({ policyName: settings.policyName, target: arn }));
	if (!exists)
		await send(iot, new CreateThingCommand({ thingName }));
	await send(iot, new AttachThingPrincipalCommand({ thingName, principal: arn }));
	// Last: an ACTIVE one without its policy would be let in to nothing, and the event not repeated.
	await setStatus(entry.certificateId, "ACTIVE", context);
}

async function decide(certificate, context) {
	if (!context.settings.caIds.includes(certificate.caId))
		throw new Refused("its CA is none of this stack's");
	const found = await describe(certificate, context);
	if (found.status !== "PENDING_ACTIVATION")
		return { outcome: "settled", status: found.status };
	const entry = await published(certificate.id, context);
	if (!entry)
		return { outcome: "unpublished" };
	const { unit, state } = entry;
	if (entry.caCertificateId !== certificate.caId)
		throw new Refused("the published list says that another CA signed it");
	if (ENDED.includes(state)) {
		await setStatus(certificate.id, "REVOKED", context);
		return { outcome: "revoked", unit, state };
	}
	await activate(entry, found.certificateArn, context);
	// What was published before it became ACTIVE counts, and afterwards nobody looks again.
	const now = await published(certificate.id, context);
	if (now && ENDED.includes(now.state)) {
		await setStatus(certificate.id, "REVOKED", context);
		return { outcome: "revoked", unit, state: now.state };
	}
	return { outcome: "activated", unit, state };
}

const METRICS = {
	activated: "Activated",
	revoked: "Revoked",
	settled: "Settled",
	unpublished: "Unpublished",
	refused: "Refused",
};

// One line of JSON: facts for people, and a metric in CloudWatch's embedded format.
function report(result, { settings, log, now }) {
	const name = METRICS[result.outcome];
	log(JSON.stringify({
		...result,
		FunctionName: settings.functionName,
		[name]: 1,
		_aws: {
			Timestamp: now(),
			CloudWatchMetrics: [{
				Namespace: "Imprint/Activation",
				Dimensions: [["FunctionName"]],
				Metrics: [{ Name: name, Unit: "Count" }],
			}],
		},
	}));
}

async function judge(event, context) {
	const facts = {};
	try {
		const certificate = readEvent(event);
		facts.certificateId = certificate.id;
		facts.caCertificateId = certificate.caId;
		if (certificate.registeredMs !== null)
			facts.pendingSeconds = Math.max(0, Math.round((context.now() - certificate.registeredMs) / 1000));
		return { ...facts, ...await decide(certificate, context) };
	} catch (error) {
		if (!(error instanceof Refused))
			throw error;
		// Of an event that is none, its first characters: enough to see who sent it.
		const shown = facts.certificateId ? {} : { event: String(JSON.stringify(event)).slice(0, 256) };
		return { ...facts, ...shown, outcome: "refused", reason: error.message };
	}
}

// Lambda's console.log would put words before the line, and it would be no metric.
const toStdout = (line) => process.stdout.write(`${line}\n`);

// settings: caIds, bucket, prefix ("" or ending in "/"), policyName, functionName. Returns what it did.
export async function activation(event, { iot, s3, settings, log = toStdout, now = Date.now }) {
	const abortSignal = AbortSignal.timeout(EVENT_MS);
	const send = (client, command) => client.send(command, { abortSignal });
	const result = await judge(event, { iot, s3, settings, send, log, now });
	report(result, { settings, log, now });
	return result;
}
