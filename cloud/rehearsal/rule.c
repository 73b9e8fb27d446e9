#include "cloud/rehearsal/rule.h"

#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/query.h"

#include <stdio.h>
#include <strings.h>

static void skip_blanks(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

/* A word in any case. */
static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(at);
	if (strncasecmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool take_quoted(const char **at, char ret_text[static RULE_TOPIC_SIZE])
{
	char quote, mark[2] = "";
	size_t len;

	skip_blanks(at);
	quote = **at;
	if (quote != '\'' && quote != '"')
		return false;
	mark[0] = quote;
	len = strcspn(++*at, mark);
	if (!(*at)[len] || len >= RULE_TOPIC_SIZE)
		return false;
	memcpy(ret_text, *at, len);
	ret_text[len] = '\0';
	*at += len + 1;
	return true;
}

static bool is_topic(const char *topic)
{
	size_t len = strlen(REGISTRY_TOPIC);

	if (strncmp(topic, REGISTRY_TOPIC, len) != 0)
		return false;
	topic += len;
	return !strcmp(topic, "+") || registry_is_id(topic);
}

bool rule_parse(const char *sql, char ret_topic[static RULE_TOPIC_SIZE], struct err *e)
{
	char topic[RULE_TOPIC_SIZE];
	bool parsed = take_word(&sql, "SELECT") && take_word(&sql, "*") &&
		      take_word(&sql, "FROM") && take_quoted(&sql, topic);

	skip_blanks(&sql);
	if (!parsed || *sql || !is_topic(topic))
		return err_set(e, ERR_INVALID,
			       "the rehearsal understands SELECT * FROM '" REGISTRY_TOPIC
			       "ID', with + for any ID");
	memcpy(ret_topic, topic, sizeof(topic));
	return true;
}

static bool filter_takes(const char *filter, const char *topic)
{
	size_t len = strlen(filter);

	if (len && filter[len - 1] == '+')
		return !strncmp(filter, topic, len - 1);
	return !strcmp(filter, topic);
}

static bool takes(const char *payload, const char *topic)
{
	AUTO(json) rule = json_loads(payload, 0, NULL);
	const char *sql = json_string_value(json_object_get(rule, "sql"));
	char filter[RULE_TOPIC_SIZE];
	struct err e;

	return sql && !json_is_true(json_object_get(rule, "ruleDisabled")) &&
	       rule_parse(sql, filter, &e) && filter_takes(filter, topic);
}

bool rule_wants(struct registry *r, const char *topic, bool *ret_wanted, struct err *e)
{
	AUTO(query) query = NULL;
	bool row, any = false, wanted = false;

	if (!query_start(registry_database(r), "SELECT payload FROM rule ORDER BY number", NULL,
			 &query, e))
		return false;
	while (query_row(query, &row, e)) {
		if (!row) {
			*ret_wanted = wanted || !any;
			return true;
		}
		any = true;
		wanted = wanted || takes(query_text(query, 0), topic);
	}
	return false;
}
