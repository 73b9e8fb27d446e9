/* The rehearsal's pure parts: request targets, policies, the SQL of rules; and what the registry says
 * of policies, events and rules. */
#include "cloud/rehearsal/policy.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rest/operation.h"
#include "cloud/rehearsal/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CA "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

/* --- targets --- */

/* Parts with " " between; query pairs as name=value. NULL: refused. */
static const struct {
	const char *raw, *path, *query;
} targets[] = {
	{ "/registrationcode", "registrationcode", "" },
	{ "/", "", "" },
	{ "/a/b/", "a b ", "" },
	{ "/attached-policies/arn%3Aaws%2Fx?pageSize=2", "attached-policies arn:aws/x",
	  "pageSize=2 " },
	{ "/a?marker=%2B%2F%2BAA%3D%3D", "a", "marker=+/+AA== " },
	{ "/a?marker=+/+AA==", "a", "marker= / AA== " },
	{ "/a+b?x", "a+b", "x= " },
	{ "/a?&&x=1&x=2&", "a", "x=1 x=2 " },
	{ "/a?x=1?2", "a", "x=1?2 " },
	{ "/%C3%A9", "\xc3\xa9", "" },
	{ "/%zz", NULL, NULL },
	{ "/%4", NULL, NULL },
	{ "/a?b=%", NULL, NULL },
	{ "/%00", NULL, NULL },
	{ "/a?%00=1", NULL, NULL },
	{ "a", NULL, NULL },
	{ "", NULL, NULL },
	{ "http://h/a", NULL, NULL },
	{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", NULL, NULL },
	{ "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17&18&19&20&21&22&23&24&25&26&27&28&29&30&31&32"
	  "&33",
	  NULL, NULL },
};

static void test_targets(void **state)
{
	static struct target t;
	char path[256], query[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		assert_int_equal(target_parse(targets[i].raw, &t, &e), targets[i].path != NULL);
		if (!targets[i].path)
			continue;
		*path = *query = '\0';
		for (size_t j = 0; j < t.segment_count; j++)
			strcat(strcat(path, j ? " " : ""), t.segments[j]);
		for (size_t j = 0; j < t.query_count; j++)
			strcat(strcat(strcat(strcat(query, t.query[j].name), "="),
				      t.query[j].value),
			       " ");
		assert_string_equal(path, targets[i].path);
		assert_string_equal(query, targets[i].query);
	}
}

static void test_long_target(void **state)
{
	static char raw[REST_TARGET_MAX + 2];
	static struct target t;
	struct err e;

	(void)state;
	memset(raw, 'a', sizeof(raw) - 1);
	raw[0] = '/';
	assert_false(target_parse(raw, &t, &e));
	raw[REST_TARGET_MAX] = '\0';
	assert_true(target_parse(raw, &t, &e));
}

/* --- policies --- */

#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":" statements "}"
#define RULE(effect, action, resource)                                                             \
	"{\"Effect\":\"" effect "\",\"Action\":" action ",\"Resource\":" resource "}"
#define ALL RULE("Allow", "\"iot:*\"", "\"*\"")
#define CLIENT "arn:aws:iot:eu-central-1:123456789012:client/board-7"

static const struct {
	const char *document;
	enum policy_effect effect; /* on iot:Connect of CLIENT */
} policies[] = {
	{ DOCUMENT("[" ALL "]"), POLICY_ALLOW },
	{ DOCUMENT(ALL), POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"*\"", "\"*\"") "]"), POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"IOT:connect\"", "\"*\"") "]"), POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "[\"iot:Publish\",\"iot:Conn?ct\"]",
			    "[\"x\",\"arn:aws:iot:*:*:client/board-?\"]") "]"),
	  POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"iot:Connect\"", "\"" CLIENT "\"") "]"), POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"iot:Connect\"", "\"arn:*:Client/board-7\"") "]"),
	  POLICY_NONE },
	{ DOCUMENT("[" RULE("Allow", "\"iot:Connect\"", "\"" CLIENT "7\"") "]"), POLICY_NONE },
	{ DOCUMENT("[" RULE("Allow", "\"iot:Publish\"", "\"*\"") "]"), POLICY_NONE },
	{ DOCUMENT("[" RULE("Allow", "\"iot\"", "\"*\"") "]"), POLICY_NONE },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"iot:Connect\"", "\"*/board-7\"") "]"), POLICY_DENY },
	{ DOCUMENT("[" RULE("Deny", "\"iot:Connect\"", "\"*/board-7\"") "," ALL "]"), POLICY_DENY },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"iot:Publish\"", "\"*\"") "]"), POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"*\"", "\"arn:*:client/${iot:ClientId}\"") "]"),
	  POLICY_ALLOW },
	{ DOCUMENT("[" RULE("Allow", "\"*\"", "\"*${iot:ClientId}/${iot:ClientId}\"") "]"),
	  POLICY_NONE },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"*\"", "\"arn:*/${iot:ClientId}\"") "]"),
	  POLICY_DENY },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"*\"", "\"arn:*/no-${iot:ClientId}\"") "]"),
	  POLICY_ALLOW },
	/* What is not computed never allows, and always denies. */
	{ DOCUMENT("[" RULE("Allow", "\"*\"", "\"arn:*:client/${iot:Other}*\"") "]"), POLICY_NONE },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"*\"", "\"${iot:Other}\"") "]"), POLICY_DENY },
	{ DOCUMENT("[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
		   "\"Condition\":{\"Bool\":{}}}]"),
	  POLICY_NONE },
	{ DOCUMENT("[" ALL ",{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\","
		   "\"Condition\":{\"Bool\":{}}}]"),
	  POLICY_DENY },
	{ DOCUMENT("[" RULE("Allow", "\"**************************c\"", "\"*\"") "]"),
	  POLICY_NONE },
	{ "", POLICY_DENY },
	{ "{}", POLICY_DENY },
};

#define THING "\"arn:*:client/${iot:Connection.Thing.ThingName}\""
#define IF_ATTACHED(effect, value)                                                                 \
	"{\"Effect\":\"" effect "\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":"            \
	"{\"Bool\":{\"iot:Connection.Thing.IsAttached\":" value "}}}"

static const struct {
	const char *document;
	enum policy_effect alone, attached; /* the client's thing, to its certificate */
} of_things[] = {
	{ DOCUMENT(RULE("Allow", "\"*\"", THING)), POLICY_NONE, POLICY_ALLOW },
	{ DOCUMENT("[" ALL "," RULE("Deny", "\"*\"", THING) "]"), POLICY_DENY, POLICY_DENY },
	{ DOCUMENT(IF_ATTACHED("Allow", "\"true\"")), POLICY_NONE, POLICY_ALLOW },
	{ DOCUMENT(IF_ATTACHED("Allow", "\"false\"")), POLICY_ALLOW, POLICY_NONE },
	{ DOCUMENT("[" ALL "," IF_ATTACHED("Deny", "\"false\"") "]"), POLICY_DENY, POLICY_ALLOW },
	{ DOCUMENT(IF_ATTACHED("Allow", "1")), POLICY_NONE, POLICY_NONE },
	{ DOCUMENT("[" ALL "," IF_ATTACHED("Deny", "\"maybe\"") "]"), POLICY_DENY, POLICY_DENY },
};

static enum policy_effect judge(const char *document, const char *client_id, bool attached)
{
	const struct policy_client client = { client_id, attached };

	return policy_judge(document, &client, "iot:Connect", CLIENT);
}

static void test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(policies); i++)
		if (judge(policies[i].document, "board-7", false) != policies[i].effect)
			fail_msg("%s", policies[i].document);
	for (size_t i = 0; i < COUNT(of_things); i++)
		if (judge(of_things[i].document, "board-7", false) != of_things[i].alone ||
		    judge(of_things[i].document, "board-7", true) != of_things[i].attached)
			fail_msg("%s", of_things[i].document);
}

/* What a client calls itself is no wildcard, and may be long. */
static void test_odd_clients(void **state)
{
	const char *document = DOCUMENT(RULE("Allow", "\"*\"", "\"*:client/${iot:ClientId}\""));
	static char longest[65536];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	assert_int_equal(judge(document, "board-7", false), POLICY_ALLOW);
	assert_int_equal(judge(document, "board-8", false), POLICY_NONE);
	assert_int_equal(judge(document, "*", false), POLICY_NONE);
	assert_int_equal(judge(document, "board-?", false), POLICY_NONE);
	assert_int_equal(judge(document, "", false), POLICY_NONE);
	assert_int_equal(judge(document, "${iot:ClientId}", false), POLICY_NONE);
	assert_int_equal(judge(document, longest, false), POLICY_NONE);
}

static const struct {
	const char *document;
	bool good;
} documents[] = {
	{ DOCUMENT("[" ALL "]"), true },
	{ DOCUMENT(ALL), true },
	{ DOCUMENT("[" RULE("Allow", "[\"a\"]", "[\"b\",\"c\"]") "]"), true },
	{ "{\"Version\":\"2008-10-17\",\"Statement\":[" ALL "]}", true },
	{ "", false },
	{ "[]", false },
	{ "{\"Version\":\"2012-10-17\"}", false },
	{ DOCUMENT("[]"), false },
	{ "{\"Statement\":[" ALL "]}", false },
	{ "{\"Version\":\"2013-10-17\",\"Statement\":[" ALL "]}", false },
	{ DOCUMENT("[" RULE("allow", "\"*\"", "\"*\"") "]"), false },
	{ DOCUMENT("[" RULE("Allow", "[]", "\"*\"") "]"), false },
	{ DOCUMENT("[" RULE("Allow", "[1]", "\"*\"") "]"), false },
	{ DOCUMENT("[" RULE("Allow", "\"*\"", "{}") "]"), false },
	{ DOCUMENT("[1]"), false },
	{ DOCUMENT("[" ALL ",{}]"), false },
};

static void test_documents(void **state)
{
	static char filled[2 * POLICY_DOCUMENT_MAX + 256];
	const char *good = DOCUMENT("[" ALL "]");
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(documents); i++)
		if (policy_check(documents[i].document, &e) != documents[i].good)
			fail_msg("%s", documents[i].document);
	/* White space does not count. */
	memset(filled, ' ', POLICY_DOCUMENT_MAX);
	strcpy(filled + POLICY_DOCUMENT_MAX, good);
	assert_true(policy_check(filled, &e));
	snprintf(filled, sizeof(filled), DOCUMENT("[" RULE("Allow", "\"%0*d\"", "\"*\"") "]"),
		 POLICY_DOCUMENT_MAX, 0);
	assert_false(policy_check(filled, &e));
}

/* --- rules --- */

#define TOPIC REGISTRY_TOPIC CA

static const struct {
	const char *sql, *topic; /* NULL: refused */
} rules[] = {
	{ "SELECT * FROM '" TOPIC "'", TOPIC },
	{ "select * from '" REGISTRY_TOPIC "+'", REGISTRY_TOPIC "+" },
	{ "  SELECT\t*\nFROM \"" TOPIC "\"  ", TOPIC },
	{ "SELECT*FROM'" TOPIC "'", TOPIC },
	{ "SELECT * FROM '" TOPIC "' WHERE a = 1", NULL },
	{ "SELECT certificateId FROM '" TOPIC "'", NULL },
	{ "SELECT * FROM 'foo/bar'", NULL },
	{ "SELECT * FROM '" REGISTRY_TOPIC "#'", NULL },
	{ "SELECT * FROM '" REGISTRY_TOPIC "'", NULL },
	{ "SELECT * FROM '" TOPIC "c'", NULL },
	{ "SELECT * FROM '" TOPIC, NULL },
	{ "SELECT * FROM " TOPIC, NULL },
	{ "SELECT *", NULL },
	{ "", NULL },
};

static void test_rules(void **state)
{
	char topic[RULE_TOPIC_SIZE];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		assert_int_equal(rule_parse(rules[i].sql, topic, &e), rules[i].topic != NULL);
		if (rules[i].topic)
			assert_string_equal(topic, rules[i].topic);
	}
}

/* --- the registry --- */

static int open_registry(void **state)
{
	struct registry *r;
	struct err e;

	if (!registry_open(":memory:", &r, &e))
		return -1;
	*state = r;
	return 0;
}

static int close_registry(void **state)
{
	registry_close(*state);
	return 0;
}

static void run(struct registry *r, const char *sql)
{
	struct err e;

	if (!query_run(registry_database(r), sql, NULL, &e))
		fail_msg("%s", e.text);
}

static bool allows(struct registry *r, const char *action, const char *resource)
{
	bool allowed = false;
	struct err e;

	assert_true(registry_allows(r, ID, "x", action, resource, &allowed, &e));
	return allowed;
}

static void test_allows(void **state)
{
	struct registry *r = *state;

	assert_false(allows(r, "iot:Connect", "client/x"));
	run(r, "INSERT INTO policy (name, document, created) VALUES ('yes', '" DOCUMENT(
		       "[" RULE("Allow", "\"iot:Connect\"",
				"\"arn:aws:iot:eu-central-1:123456789012:client/*\"") "]") "', 0)");
	assert_false(allows(r, "iot:Connect", "client/x"));
	run(r, "INSERT INTO attached (policy, target) VALUES ('yes',"
	       " 'arn:aws:iot:eu-central-1:123456789012:cert/" ID "')");
	assert_true(allows(r, "iot:Connect", "client/x"));
	assert_false(allows(r, "iot:Connect", "topic/x"));
	assert_false(allows(r, "iot:Publish", "client/x"));
	run(r, "INSERT INTO policy (name, document, created) VALUES ('thing', '" DOCUMENT(
		       RULE("Allow", "\"iot:Publish\"",
			    "\"*:topic/${iot:Connection.Thing.ThingName}/*\"")) "', 0)");
	run(r, "INSERT INTO attached (policy, target) VALUES ('thing',"
	       " 'arn:aws:iot:eu-central-1:123456789012:cert/" ID "')");
	run(r, "INSERT INTO principal (thing, arn) VALUES ('other',"
	       " 'arn:aws:iot:eu-central-1:123456789012:cert/" ID "')");
	assert_false(allows(r, "iot:Publish", "topic/x/1"));
	run(r, "INSERT INTO principal (thing, arn) VALUES ('x',"
	       " 'arn:aws:iot:eu-central-1:123456789012:cert/" ID "')");
	assert_true(allows(r, "iot:Publish", "topic/x/1"));
	assert_false(allows(r, "iot:Publish", "topic/other/1"));
	run(r, "INSERT INTO policy (name, document, created) VALUES ('no', '" DOCUMENT(
		       "[" RULE("Deny", "\"*\"", "\"*/x\"") "]") "', 0)");
	run(r, "INSERT INTO attached (policy, target) VALUES ('no',"
	       " 'arn:aws:iot:eu-central-1:123456789012:cert/" ID "')");
	assert_false(allows(r, "iot:Connect", "client/x"));
	assert_true(allows(r, "iot:Connect", "client/y"));
}

static void test_events(void **state)
{
	struct registry *r = *state;
	AUTO_FREE char *first = NULL, *second = NULL;
	struct err e;

	assert_false(registry_event(r, ID, &first, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(registry_register(r, ID, CA, "pem", 1000, 2000, &e));
	assert_true(registry_register(r, ID, CA, "pem", 1000, 2000, &e));
	assert_true(registry_event(r, ID, &first, &e));
	assert_non_null(strstr(first, "\"certificateId\":\"" ID "\",\"caCertificateId\":\"" CA));
	assert_non_null(strstr(first, "\"certificateRegistrationTimestamp\":null"));
	assert_true(registry_event(r, ID, &second, &e));
	assert_non_null(strstr(second, "\"certificateRegistrationTimestamp\":\"1"));
	run(r, "UPDATE certificate SET status = 'ACTIVE'");
	assert_false(registry_event(r, ID, &second, &e));
}

static bool wants(struct registry *r, const char *topic)
{
	bool wanted = false;
	struct err e;

	assert_true(rule_wants(r, topic, &wanted, &e));
	return wanted;
}

static void test_full(void **state)
{
	struct registry *r = *state;
	struct registry_certificate c;
	char sql[256];
	struct err e;

	snprintf(sql, sizeof(sql),
		 "INSERT INTO certificate (number, id, ca_id, pem, status, mode, created, modified,"
		 " not_before, not_after) VALUES (%d, 'x', '', '', '', '', 0, 0, 0, 0)",
		 REGISTRY_CERTIFICATES_MAX - 1);
	run(r, sql);
	assert_true(registry_register(r, ID, CA, "pem", 1000, 2000, &e));
	assert_false(registry_register(r, CA, CA, "pem", 1000, 2000, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(registry_certificate(r, CA, &c, &e));
}

static void test_wants(void **state)
{
	struct registry *r = *state;

	assert_true(wants(r, TOPIC)); /* no rule at all */
	run(r, "INSERT INTO rule (name, payload, created) VALUES ('a',"
	       " '{\"sql\":\"SELECT * FROM ''" REGISTRY_TOPIC ID "''\"}', 0)");
	assert_false(wants(r, TOPIC));
	assert_true(wants(r, REGISTRY_TOPIC ID));
	run(r, "UPDATE rule SET payload ="
	       " '{\"ruleDisabled\":true,\"sql\":\"SELECT * FROM ''" REGISTRY_TOPIC "+''\"}'");
	assert_false(wants(r, TOPIC));
	run(r, "INSERT INTO rule (name, payload, created) VALUES ('b',"
	       " '{\"sql\":\"SELECT * FROM ''" REGISTRY_TOPIC "+''\"}', 0)");
	assert_true(wants(r, TOPIC));
}

static void test_changed(void **state)
{
	struct registry *r = *state;
	struct err e;

	registry_changed(r);
	assert_false(registry_changed(r));
	assert_true(registry_set(r, "endpoint", "localhost", &e));
	assert_true(registry_changed(r));
	assert_false(registry_changed(r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_long_target),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_odd_clients),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_rules),
		cmocka_unit_test_setup_teardown(test_allows, open_registry, close_registry),
		cmocka_unit_test_setup_teardown(test_events, open_registry, close_registry),
		cmocka_unit_test_setup_teardown(test_wants, open_registry, close_registry),
		cmocka_unit_test_setup_teardown(test_full, open_registry, close_registry),
		cmocka_unit_test_setup_teardown(test_changed, open_registry, close_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
