/* Requests from anywhere, below libmicrohttpd, into a registry of their own: each is answered, as
 * AWS would word it, and an answer that is no error is JSON. Several behind a NUL:
 *	METHOD target \n Name: value \n … \n \n body */
#include "base/cleanup.h"
#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/rest/dispatch.h"
#include "cloud/rehearsal/rest/objects.h"

#include <stdlib.h>

#define REQUESTS_MAX 8

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
	/* S3 is known by its signature alone, which nobody guesses: past that. */
	if (objects_are_meant(&request))
		objects_answer(d->registry, &request, &reply);
	else
		dispatch_answer(d, &request, &reply);
	check(&request, &reply);
	rest_reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(registry) registry = NULL;
	AUTO_FREE char *text = malloc(size + 1);
	struct dispatch d = { .key = { "AKIAREHEARSALEXAMPLE", "secret", NULL },
			      .unsigned_too = true };
	size_t at = 0;
	struct err e;

	if (!text || !registry_open(":memory:", &registry, &e))
		return 0;
	d.registry = registry;
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
