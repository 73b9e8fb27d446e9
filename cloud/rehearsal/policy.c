#include "cloud/rehearsal/policy.h"

#include "cloud/rehearsal/json.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define EXPANDED_SIZE 4096 /* of a pattern; more is not known */

/* --- is it a document? --- */

static bool is_text_or_list(const json_t *value)
{
	size_t index;
	json_t *item;

	if (!json_is_array(value))
		return json_is_string(value);
	json_array_foreach(value, index, item) if (!json_is_string(item)) return false;
	return json_array_size(value) > 0;
}

static bool check_statement(const json_t *statement, struct err *e)
{
	const char *effect = json_string_value(json_object_get(statement, "Effect"));

	if (!effect || (strcmp(effect, "Allow") && strcmp(effect, "Deny")))
		return err_set(e, ERR_INVALID, "Effect must be Allow or Deny");
	if (!is_text_or_list(json_object_get(statement, "Action")))
		return err_set(e, ERR_INVALID, "Action must be a string or a list of strings");
	if (!is_text_or_list(json_object_get(statement, "Resource")))
		return err_set(e, ERR_INVALID, "Resource must be a string or a list of strings");
	return true;
}

static bool check_version(const json_t *document, struct err *e)
{
	const char *version = json_string_value(json_object_get(document, "Version"));

	return (version && (!strcmp(version, "2012-10-17") || !strcmp(version, "2008-10-17"))) ||
	       err_set(e, ERR_INVALID, "Version must be 2012-10-17 or 2008-10-17");
}

static bool check_length(const char *document, struct err *e)
{
	size_t len = 0;

	for (; *document; document++)
		len += !isspace((unsigned char)*document);
	return len <= POLICY_DOCUMENT_MAX ||
	       err_set(e, ERR_INVALID, "it is longer than %d characters", POLICY_DOCUMENT_MAX);
}

bool policy_check(const char *text, struct err *e)
{
	AUTO(json) document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *statements = json_object_get(document, "Statement");
	size_t index;
	json_t *statement;

	if (!json_is_object(document))
		return err_set(e, ERR_INVALID, "it is not a JSON object");
	if (!check_length(text, e) || !check_version(document, e))
		return false;
	if (json_is_object(statements))
		return check_statement(statements, e);
	if (json_array_size(statements) == 0)
		return err_set(e, ERR_INVALID, "Statement is missing");
	json_array_foreach(statements, index,
			   statement) if (!check_statement(statement, e)) return false;
	return true;
}

/* --- what does it say? --- */

static bool same(char a, char b, bool fold)
{
	return fold ? tolower((unsigned char)a) == tolower((unsigned char)b) : a == b;
}

/* * and ? as in a policy: * goes over slashes too. Goes back to the last star only. */
static bool matches(const char *pattern, const char *text, bool fold)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || (*pattern && same(*pattern, *text, fold))) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* Of a statement: who asks, and what it does where it is not computed: a Deny denies. */
struct question {
	const struct policy_client *client;
	bool denies;
};

/* At "${": of a variable that is known, or 0. Of a thing AWS knows the name by its attachment. */
static size_t variable_length(const char *text, const struct policy_client *client)
{
	static const char id[] = "${iot:ClientId}", thing[] = "${iot:Connection.Thing.ThingName}";

	if (!strncmp(text, id, strlen(id)))
		return strlen(id);
	return client->thing_attached && !strncmp(text, thing, strlen(thing)) ? strlen(thing) : 0;
}

/* The text with its variables replaced; false: one of them is not known. As a client's id counts
 * literally, one with a wildcard is taken for none. */
static bool replace(const char *text, const struct policy_client *client,
		    char ret_text[static EXPANDED_SIZE])
{
	bool literal = !client->id[strcspn(client->id, "*?")];
	size_t len = 0;

	while (*text) {
		bool variable = !strncmp(text, "${", 2);
		size_t taken = variable ? variable_length(text, client) : 1;
		const char *from = variable ? client->id : text;
		size_t count = variable ? strlen(from) : 1;

		if (!taken || (variable && !literal) || count >= EXPANDED_SIZE - len)
			return false;
		memcpy(ret_text + len, from, count);
		len += count;
		text += taken;
	}
	ret_text[len] = '\0';
	return true;
}

static bool one_matches(const json_t *pattern, const struct question *q, const char *text,
			bool fold)
{
	const char *value = json_string_value(pattern);
	char expanded[EXPANDED_SIZE];

	if (!value || !replace(value, q->client, expanded))
		return q->denies;
	return matches(expanded, text, fold);
}

static bool any_matches(const json_t *patterns, const struct question *q, const char *text,
			bool fold)
{
	size_t index;
	json_t *pattern;

	if (!json_is_array(patterns))
		return one_matches(patterns, q, text, fold);
	json_array_foreach(patterns, index,
			   pattern) if (one_matches(pattern, q, text, fold)) return true;
	return false;
}

/* A condition that is not known here stops no Deny, and fulfils no Allow. */
static bool holds(const json_t *condition, const struct question *q)
{
	const json_t *test = json_object_get(condition, "Bool");
	const json_t *wanted = json_object_get(test, "iot:Connection.Thing.IsAttached");
	const char *word = json_string_value(wanted);

	if (!condition)
		return true;
	if (json_object_size(condition) != 1 || json_object_size(test) != 1 || !word ||
	    (strcmp(word, "true") && strcmp(word, "false")))
		return q->denies;
	return q->client->thing_attached == !strcmp(word, "true");
}

static enum policy_effect judge(const json_t *statement, const struct policy_client *client,
				const char *action, const char *resource)
{
	const char *effect = json_string_value(json_object_get(statement, "Effect"));
	const struct question q = { client, !effect || strcmp(effect, "Allow") != 0 };

	if (!any_matches(json_object_get(statement, "Action"), &q, action, true) ||
	    !any_matches(json_object_get(statement, "Resource"), &q, resource, false) ||
	    !holds(json_object_get(statement, "Condition"), &q))
		return POLICY_NONE;
	return q.denies ? POLICY_DENY : POLICY_ALLOW;
}

enum policy_effect policy_judge(const char *text, const struct policy_client *client,
				const char *action, const char *resource)
{
	AUTO(json) document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *statements = json_object_get(document, "Statement");
	enum policy_effect found = POLICY_NONE;
	size_t index;
	json_t *statement;

	if (!json_is_array(statements))
		return statements ? judge(statements, client, action, resource) : POLICY_DENY;
	json_array_foreach(statements, index, statement)
	{
		enum policy_effect one = judge(statement, client, action, resource);

		if (one > found)
			found = one;
	}
	return found;
}
