/* objects: the S3 stand-in, call by call in one registry. */
#include "cloud/rehearsal/rest/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define KEY_10 "0123456789"
#define KEY_100 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10 KEY_10

static const struct {
	const char *method, *target, *body;
	int status;
	const char *answer; /* the whole body, or with a leading ~ a part of it */
	struct rest_header header;
} calls[] = {
	{ "GET", "/list/a.json", "", 404, "~<Code>NoSuchBucket</Code>" },
	{ "HEAD", "/list", "", 404, "~NoSuchBucket" },
	{ "GET", "/list?list-type=2", "", 404, "~NoSuchBucket" },
	{ "DELETE", "/list/a.json", "", 404, "~NoSuchBucket" },
	{ "PUT", "/empty", "<CreateBucketConfiguration/>", 200, "" },
	{ "PUT", "/empty", "", 200, "" },
	{ "GET", "/empty/a.json", "", 404, "~<Code>NoSuchKey</Code>" },
	{ "GET", "/empty?list-type=2", "", 200, "~<IsTruncated>false</IsTruncated>" },
	{ "PUT", "/list/c/b.json", "second", 200, "" },
	{ "PUT", "/list/c/a.json", "first", 200, "" },
	{ "PUT", "/list/d.json", "", 200, "" },
	{ "GET", "/list/c/a.json", "", 200, "first" },
	{ "HEAD", "/list/c/b.json", "", 200, "second" }, /* the server leaves the body out */
	{ "GET", "/list/d.json", "", 200, "" },
	{ "PUT", "/list/c/a.json", "anew", 200, "" },
	{ "GET", "/list/c/a.json?x-id=GetObject", "", 200, "anew" },
	{ "GET", "/other/c/a.json", "", 404, "~NoSuchBucket" },
	{ "GET", "/list/c", "", 404, "~NoSuchKey" },
	{ "HEAD", "/list", "", 200, "" },
	{ "GET", "/list?list-type=2&prefix=c%2F&max-keys=1", "", 200, "~<Key>c/a.json</Key>" },
	{ "GET", "/list?list-type=2&prefix=c%2F&max-keys=1", "", 200,
	  "~<NextContinuationToken>c/a.json</NextContinuationToken><IsTruncated>true" },
	{ "GET", "/list?list-type=2&prefix=c%2F&max-keys=1&continuation-token=c%2Fa.json", "", 200,
	  "~<Key>c/b.json</Key>" },
	{ "GET", "/list?list-type=2&continuation-token=c%2Fa.json", "", 200, "~<Key>d.json</Key>" },
	{ "GET", "/list?list-type=2&continuation-token=d.json", "", 200,
	  "~<MaxKeys>1000</MaxKeys><IsTruncated>false" },
	{ "GET", "/list?list-type=2&prefix=%3Cx%3E", "", 400, "~InvalidArgument" },
	{ "GET", "/list?list-type=2&max-keys=0", "", 400, "~InvalidArgument" },
	{ "GET", "/list?list-type=2&max-keys=9x", "", 400, "~InvalidArgument" },
	{ "GET", "/list?list-type=2&delimiter=%2F", "", 501, "~NotImplemented" },
	{ "GET", "/list?location", "", 501, "~NotImplemented" },
	{ "DELETE", "/list/c/a.json", "", 204, "" },
	{ "DELETE", "/list/c/a.json", "", 204, "" },
	{ "GET", "/list/c/a.json", "", 404, "~NoSuchKey" },
	{ "DELETE", "/list", "", 501, "~NotImplemented" },
	{ "PUT", "/list/e", "one", 200, "", { "if-none-match", "*" } },
	{ "PUT", "/list/e", "two", 412, "~PreconditionFailed", { "if-none-match", "*" } },
	{ "GET", "/list/e", "", 200, "one" },
	{ "PUT",
	  "/list/e",
	  "two",
	  200,
	  "",
	  { "if-match", "\"f97c5d29941bfb1b2fdab0874906ab82\"" } },
	{ "PUT",
	  "/list/e",
	  "three",
	  412,
	  "~PreconditionFailed",
	  { "if-match", "\"f97c5d29941bfb1b2fdab0874906ab82\"" } },
	{ "GET", "/list/e", "", 200, "two" },
	{ "PUT",
	  "/list/f",
	  "x",
	  404,
	  "~NoSuchKey",
	  { "if-match", "\"f97c5d29941bfb1b2fdab0874906ab82\"" } },
	{ "PUT", "/list/e", "x", 501, "~NotImplemented", { "if-none-match", "\"x\"" } },
	{ "POST", "/list/c/a.json", "", 405, "~MethodNotAllowed" },
	{ "PUT", "/", "", 400, "~InvalidURI" },
	{ "PUT", "//a.json", "", 400, "~InvalidURI" },
	{ "PUT", "/list/a%20b", "", 400, "~InvalidURI" },
	{ "PUT", "/list/<a>", "", 400, "~InvalidURI" },
	{ "PUT", "/" KEY_100 "/a", "", 400, "~InvalidURI" },
	{ "PUT", "/list/" KEY_100 KEY_100 KEY_100 KEY_100 KEY_100 KEY_10 "0123", "", 400,
	  "~InvalidURI" },
	{ "PUT", "/list/" KEY_100 KEY_100 KEY_100 KEY_100 KEY_100 KEY_10 "01", "", 200, "" },
};

static void check(size_t index, const struct rest_reply *reply)
{
	const char *answer = calls[index].answer;
	struct bytes body = bytes_of(reply->body ? reply->body : (const void *)"", reply->len);
	bool fits = *answer == '~'
			    ? memmem(body.data, body.len, answer + 1, strlen(answer + 1)) != NULL
			    : bytes_equal(body, bytes_text(answer));

	if (reply->status != calls[index].status || !fits)
		fail_msg("%s %s: %d %.*s", calls[index].method, calls[index].target, reply->status,
			 (int)body.len, (const char *)body.data);
}

static void test_calls(void **state)
{
	AUTO(registry) registry = NULL;
	struct err e;

	(void)state;
	assert_true(registry_open(":memory:", &registry, &e));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct rest_request request = { .method = calls[i].method,
						.target = calls[i].target,
						.body = bytes_text(calls[i].body),
						.headers = &calls[i].header,
						.header_count = calls[i].header.name != NULL };
		struct rest_reply reply = { 0 };

		objects_answer(registry, &request, &reply);
		check(i, &reply);
		rest_reply_free(&reply);
	}
}

static void test_who_is_meant(void **state)
{
	static const struct {
		const char *target, *authorization;
		bool meant;
	} rows[] = {
		{ "/list/a", "AWS4-HMAC-SHA256 Credential=AK/20261122/r/s3/aws4_request, x", true },
		{ "/list/a", "AWS4-HMAC-SHA256 Credential=AK/20261122/r/iot/aws4_request, x",
		  false },
		{ "/list/a", NULL, false },
		{ "/s3/aws4_request", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rest_header header = { "authorization", rows[i].authorization };
		struct rest_request request = { .target = rows[i].target,
						.headers = &header,
						.header_count = rows[i].authorization != NULL };

		assert_int_equal(objects_are_meant(&request), rows[i].meant);
	}
}

static void test_headers(void **state)
{
	struct rest_request put = { .method = "PUT", .target = "/b/k", .body = bytes_text("x") };
	struct rest_request get = { .method = "GET", .target = "/b/k" };
	struct rest_reply reply = { 0 };
	AUTO(registry) registry = NULL;
	struct err e;

	(void)state;
	assert_true(registry_open(":memory:", &registry, &e));
	objects_answer(registry, &put, &reply);
	assert_string_equal(reply.headers[0].name, "ETag");
	assert_string_equal(reply.headers[0].value, "\"9dd4e461268c8034f5c8564e155c67a6\"");
	rest_reply_free(&reply);
	objects_answer(registry, &get, &reply);
	assert_string_equal(reply.headers[0].value, "\"9dd4e461268c8034f5c8564e155c67a6\"");
	assert_string_equal(reply.headers[1].name, "Last-Modified");
	assert_non_null(strstr(reply.headers[1].value, " GMT"));
	rest_reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_who_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
