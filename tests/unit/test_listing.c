/* What the aws command prints: every form of it that is right is read, every other one is refused
 * with what and where. */
#include "cloud/reconcile/listing.h"

#include "base/cleanup.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ARN(id) "\"certificateArn\":\"arn:aws:iot:eu-central-1:123456789012:cert/" id "\""
#define ID(id) "\"certificateId\":\"" id "\""
#define ITEM(id, status) "{" ARN(id) "," ID(id) ",\"status\":\"" status "\"}"
#define LIST(items) "{\"certificates\":[" items "]}"
#define CREATED(time) LIST("{" ID(A) ",\"status\":\"ACTIVE\",\"creationDate\":" time "}")
#define CA(status, automatic)                                                                      \
	"{\"certificateDescription\":{\"certificateArn\":\"arn:aws:iot:eu-central-1:1:cacert/" A   \
	"\"," ID(A) ",\"status\":\"" status "\",\"certificatePem\":\"-----\\n\",\"ownedBy\":"      \
		    "\"1\",\"creationDate\":1.0,\"autoRegistrationStatus\":\"" automatic           \
		    "\",\"validity\":{\"notBefore\":1}},\"registrationConfig\":{}}"

struct seen {
	char line[512]; /* "aa ACTIVE 1479858431; CA aa active auto; " */
};

static bool certificate(void *context, const struct listing_certificate *c, struct err *e)
{
	struct seen *seen = context;
	size_t len = strlen(seen->line);

	(void)e;
	snprintf(seen->line + len, sizeof(seen->line) - len, "%02x %s %lld; ", c->id[31],
		 iot_status_name(c->status), (long long)c->created_s);
	return true;
}

static bool ca(void *context, const struct listing_ca *c, struct err *e)
{
	struct seen *seen = context;
	size_t len = strlen(seen->line);

	(void)e;
	snprintf(seen->line + len, sizeof(seen->line) - len, "CA %02x %d %d; ", c->id[31],
		 c->active, c->auto_registration);
	return true;
}

static const struct listing_calls calls = { certificate, ca };

static bool take_text(const char *text, struct seen *seen, struct err *e)
{
	char path[] = "/tmp/imprint-listing-XXXXXX";
	AUTO(fd) fd = mkstemp(path);
	bool done;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	*seen = (struct seen) { 0 };
	done = listing_read(path, &calls, seen, e);
	unlink(path);
	return done;
}

static const struct {
	const char *name, *text, *seen;
} good[] = {
	{ "one", LIST(ITEM(A, "ACTIVE")), "aa ACTIVE 0; " },
	{ "none", LIST(""), "" },
	{ "the last page", "{\"certificates\":[],\"nextMarker\":null}", "" },
	{ "every status",
	  LIST(ITEM(A, "INACTIVE") "," ITEM(B, "REVOKED") "," ITEM(A, "PENDING_TRANSFER") "," ITEM(
		  B, "REGISTER_INACTIVE") "," ITEM(A, "PENDING_ACTIVATION")),
	  "aa INACTIVE 0; bb REVOKED 0; aa PENDING_TRANSFER 0; bb REGISTER_INACTIVE 0; "
	  "aa PENDING_ACTIVATION 0; " },
	{ "several documents", LIST(ITEM(A, "ACTIVE")) "\n" LIST(ITEM(B, "ACTIVE")),
	  "aa ACTIVE 0; bb ACTIVE 0; " },
	{ "another order, unknown members",
	  "{\"x\":[{}],\"certificates\":[{\"new\":{\"a\":[1]},\"status\":\"ACTIVE\"," ID(
		  A) ",\"certificateMode\":\"DEFAULT\"," ARN(A) "}],\"y\":1}",
	  "aa ACTIVE 0; " },
	{ "upper case",
	  LIST("{" ID("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		      "A") ",\"status\":\"ACTIVE\"}"),
	  "aa ACTIVE 0; " },
	{ "v1: a number", CREATED("1479858431"), "aa ACTIVE 1479858431; " },
	{ "v1: a fraction", CREATED("1479858431.123"), "aa ACTIVE 1479858431; " },
	{ "v1: an exponent", CREATED("1.479858431123E9"), "aa ACTIVE 1479858431; " },
	{ "v2: local time", CREATED("\"2016-11-23T08:47:11.123000+09:00\""),
	  "aa ACTIVE 1479858431; " },
	{ "v2: west", CREATED("\"2016-11-22T18:47:11-05:00\""), "aa ACTIVE 1479858431; " },
	{ "v2: UTC", CREATED("\"2016-11-22T23:47:11Z\""), "aa ACTIVE 1479858431; " },
	{ "no time", CREATED("null"), "aa ACTIVE 0; " },
	{ "a CA", CA("ACTIVE", "ENABLE"), "CA aa 1 1; " },
	{ "a CA, closed", CA("INACTIVE", "DISABLE"), "CA aa 0 0; " },
};

static const struct {
	const char *name, *text, *sentence;
} bad[] = {
	{ "nothing", "", "it is empty" },
	{ "blanks", "\n \n", "it is empty" },
	{ "YAML", "certificates:\n- certificateArn: arn\n", "--output json" },
	{ "text", "CERTIFICATES\tarn:aws\t2016\n", "--output json" },
	{ "a table", "-----\n| ListCertificatesByCA |\n", "--output json" },
	{ "an error of aws", "\nAn error occurred (…) when calling\n", "--output json" },
	{ "PowerShell", "\xff\xfe{", "PowerShell" },
	{ "a UTF-8 mark", "\xef\xbb\xbf{}", "byte order mark" },
	{ "a picture", "\xff\xd8\xff\xe0", "this is not JSON" },
	{ "a letter", "\xef", "this is not JSON" },
	{ "a list", "[]", "--output json" },
	{ "a number", "4", "--output json" },
	{ "foreign", "{\"things\":[]}", "byte 13: this is neither what" },
	{ "foreign behind", LIST("") "[]", "this is neither what" },
	{ "cut off", "{\"certificates\":[" ITEM(A, "ACTIVE") ",", "cut off" },
	{ "cut off in an id", "{\"certificates\":[{\"certificateId\":\"aa",
	  "certificate 1: byte 37: the JSON ends in the middle" },
	{ "cut off behind the first document", LIST(ITEM(A, "ACTIVE")) "\n{\"certif", "cut off" },
	{ "nextMarker", "{\"certificates\":[],\"nextMarker\":\"x\"}",
	  "incomplete, more pages follow; run aws without --page-size" },
	{ "NextToken", "{\"NextToken\":\"x\",\"certificates\":[]}", "incomplete" },
	{ "a marker of no kind", "{\"certificates\":[],\"nextMarker\":{}}", "incomplete" },
	{ "a short id", LIST("{\"certificateId\":\"aa\",\"status\":\"ACTIVE\"}"),
	  "certificate 1: its certificateId is not 64" },
	{ "an id that is none",
	  LIST("{\"certificateId\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
	       "zz\",\"status\":\"ACTIVE\"}"),
	  "certificate 1: its certificateId is not 64" },
	{ "a number as id", LIST("{\"certificateId\":1,\"status\":\"ACTIVE\"}"), "is no text" },
	{ "no id", LIST("{\"status\":\"ACTIVE\"}"), "certificate 1: it has no certificateId" },
	{ "no status", LIST(ITEM(A, "ACTIVE") ",{" ID(B) "}"), "certificate 2: it has no status" },
	{ "two ids", LIST("{" ID(A) "," ID(B) ",\"status\":\"ACTIVE\"}"), "two members" },
	{ "an unknown status", LIST(ITEM(A, "LOST")), "certificate 1: its status is none" },
	{ "an ARN of another", LIST("{" ARN(B) "," ID(A) ",\"status\":\"ACTIVE\"}"),
	  "certificate 1: its certificateId and its certificateArn differ" },
	{ "an ARN of a thing",
	  LIST("{\"certificateArn\":\"arn:aws:iot:x:1:thing/a\"," ID(A) ",\"status\":\"ACTIVE\"}"),
	  "not that of a certificate" },
	{ "CAs",
	  LIST("{\"certificateArn\":\"arn:aws:iot:x:1:cacert/" A
	       "\"," ID(A) ",\"status\":\"ACTIVE\"}"),
	  "this lists CAs" },
	{ "no object", LIST("7"), "certificate 1: it is no object" },
	{ "no array", "{\"certificates\":{}}", "not what aws prints" },
	{ "a day that is none", CREATED("\"2016-13-01T00:00:00Z\""), "creationDate" },
	{ "a time of words", CREATED("\"yesterday\""), "creationDate" },
	{ "a wrong offset", CREATED("\"2016-11-23T08:47:11+9\""), "creationDate" },
	{ "a number too large", CREATED("1e300"), "creationDate" },
	{ "a time before 1970", CREATED("-1"), "creationDate" },
	{ "a described certificate",
	  "{\"certificateDescription\":{" ID(A) ",\"status\":\"ACTIVE\"}}",
	  "a certificate, not a CA" },
	{ "a CA revoked", CA("REVOKED", "ENABLE"), "not a CA" },
	{ "a CA with another word", CA("ACTIVE", "ENABLED"), "neither ENABLE nor DISABLE" },
};

static void takes(void **state)
{
	struct seen seen;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!take_text(good[i].text, &seen, &e))
			fail_msg("%s: %s", good[i].name, e.text);
		if (strcmp(seen.line, good[i].seen))
			fail_msg("%s: %s", good[i].name, seen.line);
	}
}

static void refuses(void **state)
{
	struct seen seen;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (take_text(bad[i].text, &seen, &e))
			fail_msg("%s: passed", bad[i].name);
		if (e.code != ERR_INVALID || !strstr(e.text, bad[i].sentence) ||
		    strncmp(e.text, "/tmp/imprint-listing-", 21))
			fail_msg("%s: %s", bad[i].name, e.text);
	}
}

static void no_file(void **state)
{
	struct seen seen;
	struct err e;

	(void)state;
	assert_false(listing_read("/nonexistent/x", &calls, &seen, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(listing_read("/", &calls, &seen, &e));
	assert_int_equal(e.code, ERR_SYSTEM);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
