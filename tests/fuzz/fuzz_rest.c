/* Requests from anywhere, below libmicrohttpd, into a registry of their own: each is answered, as
 * AWS would word it, and an answer that is no error is JSON. Several, a NUL between:
 *	METHOD target \n Name: value \n … \n \n body */
#include "base/cleanup.h"
#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/rest/dispatch.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rest/objects.h"
#include "cloud/rehearsal/rest/sigv4.h"

#include <stdlib.h>

#define REQUESTS_MAX 8
#define NOON 1795348800 /* 2026-11-22 12:00:00 UTC: what the seeds are signed at */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the text at the first of `mark`, and returns what is behind it; NULL at the end. */
static char *cut(char *text, const char *mark)
{
	char *end = strstr(text, mark);

	if (!end)
		return NULL;
	*end = '\0';
	return end + strlen(mark);
}

static size_t read_headers(char *text, struct rest_header headers[static REST_HEADERS_MAX])
{
	size_t count = 0;

	for (char *next; text && count < REST_HEADERS_MAX; text = next) {
		char *value;

		next = cut(text, "\n");
		value = cut(text, ": ");
		if (value)
			headers[count++] = (struct rest_header) { text, value };
	}
	return count;
}

static void check(const struct rest_request *request, const struct rest_reply *reply)
{
	AUTO(json) body = NULL;

	if (reply->status < 200 || reply->status > 599 || (reply->len > 0 && !reply->body))
		abort();
	if (reply->status == 500)
		abort(); /* nothing of ours fails by what is asked */
	if (objects_are_meant(request) || reply->len == 0)
		return;
	body = json_loadb((const char *)reply->body, reply->len, 0, NULL);
	if (!json_is_object(body) || (reply->status >= 400 && !reply->error))
		abort();
}

/* Nobody guesses a signature; but what is signed is put together before it is compared. */
static void check_signature(const struct dispatch *d, const struct rest_request *request)
{
	static char canonical[SIGV4_CANONICAL_MAX];
	struct err reason = { 0 };
	enum sigv4_verdict verdict = sigv4_verify(request, &d->key, NOON, canonical, &reason);

	if (strnlen(canonical, sizeof(canonical)) == sizeof(canonical) ||
	    (verdict == SIGV4_GOOD && !*canonical) || (verdict != SIGV4_GOOD && !*reason.text))
		abort();
}

static void ask(const struct dispatch *d, char *text)
{
	struct rest_header headers[REST_HEADERS_MAX];
	struct rest_request request = { .method = text, .headers = headers };
	struct rest_reply reply = { 0 };
	char *body = cut(text, "\n\n"), *rest = cut(text, "\n");

	request.target = cut(text, " ");
	if (!request.target)
		return;
	request.header_count = read_headers(rest, headers);
	request.body = bytes_text(body ? body : "");
	check_signature(d, &request);
	/* S3 is known by its signature alone, which nobody guesses: past that. */
	if (objects_are_meant(&request))
		objects_answer(d->registry, &request, &reply);
	else
		dispatch_answer(d, &request, &reply);
	check(&request, &reply);
	rest_reply_free(&reply);
}

/* One for all runs, for to make its tables takes longer than to ask; empty again. */
static struct registry *empty_registry(void)
{
	static const char *const tables[] = { "ca",	"certificate",	  "policy", "attached",
					      "thing",	"principal",	  "rule",   "event",
					      "object", "sqlite_sequence" };
	static struct registry *registry;
	char sql[64];
	struct err e;

	if (!registry && !registry_open(":memory:", &registry, &e))
		abort();
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i]);
		if (!query_run(registry_database(registry), sql, NULL, &e))
			abort();
	}
	return registry;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = malloc(size + 1);
	struct dispatch d = { .key = { "AKIAREHEARSALEXAMPLE", "secret", NULL },
			      .unsigned_too = true };
	size_t at = 0;

	if (!text)
		return 0;
	d.registry = empty_registry();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < REQUESTS_MAX && at < size; i++) {
		size_t len = strlen(text + at);

		ask(&d, text + at);
		at += len + 1;
	}
	return 0;
}
