// index: the function as AWS Lambda runs it. Its environment:
//	CA_IDS		ids of the CAs whose devices it activates, separated by commas
//	LIST_BUCKET	bucket of the published list
//	LIST_PREFIX	what stands before ID.json in it: "" (unset), or a text that ends in "/"
//	POLICY_NAME	the policy that a device gets
// and AWS's own (AWS_REGION, AWS_ENDPOINT_URL, …).
import { IoTClient } from "@aws-sdk/client-iot";
import { S3Client } from "@aws-sdk/client-s3";
import { activation } from "./activation.mjs";

export function settingsOf(environment) {
	const wanted = (name, pattern) => {
		const value = environment[name] ?? "";
		if (!pattern.test(value))
			throw new Error(`${name} is not set as it must be: "${value}"`);
		return value;
	};
	return {
		caIds: wanted("CA_IDS", /^[0-9a-f]{64}(,[0-9a-f]{64})*$/).split(","),
		bucket: wanted("LIST_BUCKET", /^[a-z0-9][a-z0-9.-]{2,62}$/),
		prefix: wanted("LIST_PREFIX", /^([A-Za-z0-9._-]+\/)*$/),
		policyName: wanted("POLICY_NAME", /^[\w+=,.@-]{1,128}$/),
		functionName: environment.AWS_LAMBDA_FUNCTION_NAME ?? "local",
	};
}

// Each try ends by itself; activation.mjs bounds the event as a whole.
const options = () => ({
	maxAttempts: 4,
	requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true },
});
const iot = new IoTClient(options());
const s3 = new S3Client({ ...options(), forcePathStyle: true });

export async function handler(event) {
	return activation(event, { iot, s3, settings: settingsOf(process.env) });
}
