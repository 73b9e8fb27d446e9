// run: the function once, here, for the event on stdin: for `imprint rehearsal up DIR --on-register
// "node …/run.mjs"`. The environment is that of index.mjs. Its last line on stdout says what it did.
// Exit status: 0, or 1 where Lambda would try again.
import { handler } from "./index.mjs";

const EVENT_MAX = 65_536;

async function readStdin() {
	let text = "";
	for await (const part of process.stdin.setEncoding("utf8")) {
		text += part;
		if (text.length > EVENT_MAX)
			throw new Error("the event on stdin is too long");
	}
	return text;
}

try {
	await handler(JSON.parse(await readStdin()));
} catch (error) {
	console.error(`Not done, Lambda would try again: ${error.name}: ${error.message}`);
	process.exitCode = 1;
}
