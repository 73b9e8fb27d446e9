#include "cloud/rehearsal/rest/pages.h"

#include "cloud/rehearsal/rule.h"

#include <stdio.h>

#define NAME "ruleName"
#define ACTIONS_MAX 10

bool rule_create(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME);
	char topic[RULE_TOPIC_SIZE];
	AUTO_FREE char *payload = NULL;
	int64_t count;
	struct err why;

	if (!rule_parse(call_text(c, "sql"), topic, &why))
		return err_set(e, AWS_SQL_PARSE, "%s", why.text);
	if (json_array_size(json_object_get(c->arguments, "actions")) > ACTIONS_MAX)
		return err_set(e, AWS_INVALID_REQUEST, "a rule has at most %d actions",
			       ACTIONS_MAX);
	if (!query_number(c->db, "SELECT count(*) FROM rule WHERE name = ?1", VALUES(STRING(name)),
			  &count, e))
		return false;
	if (count) {
		snprintf(c->resource_id, sizeof(c->resource_id), "%s", name);
		return call_arn(c, "rule", name, c->resource_arn, e) &&
		       err_set(e, AWS_EXISTS, "Rule '%s' already exists", name);
	}
	payload = json_dumps(c->arguments, JSON_COMPACT);
	if (!payload)
		return err_set(e, ERR_SYSTEM, "no memory for a rule");
	return query_run(c->db, "INSERT INTO rule (name, payload, created) VALUES (?1, ?2, ?3)",
			 VALUES(STRING(name), STRING(payload), NUMBER(registry_now_ms())), e);
}

/* AWS does not say whether a rule that one may not see is there. */
static bool denied(const char *name, struct err *e)
{
	return err_set(e, AWS_UNAUTHORIZED, "Access to TopicRule '%s' was denied", name);
}

bool rule_get(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME);
	AUTO(query) query = NULL;
	AUTO(json) rule = NULL;
	char arn[ARN_SIZE];
	bool row;

	if (!call_arn(c, "rule", name, arn, e) ||
	    !query_start(c->db, "SELECT payload, created FROM rule WHERE name = ?1",
			 VALUES(STRING(name)), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return denied(name, e);
	rule = json_loads(query_text(query, 0), 0, NULL);
	if (!rule ||
	    json_object_set_new(rule, "createdAt", call_time(sqlite3_column_int64(query, 1))) < 0)
		return err_set(e, ERR_SYSTEM, "no memory for a rule");
	return call_result(c, json_pack("{s:s, s:O}", "ruleArn", arn, "rule", rule), e);
}

bool rule_delete(struct call *c, struct err *e)
{
	int64_t count;

	return query_number(c->db, "SELECT count(*) FROM rule WHERE name = ?1",
			    VALUES(STRING(call_text(c, NAME))), &count, e) &&
	       (count || denied(call_text(c, NAME), e)) &&
	       query_run(c->db, "DELETE FROM rule WHERE name = ?1",
			 VALUES(STRING(call_text(c, NAME))), e);
}

static json_t *list_item(struct call *c, sqlite3_stmt *row)
{
	AUTO(json) rule = json_loads(query_text(row, 2), 0, NULL);
	const char *sql = json_string_value(json_object_get(rule, "sql"));
	char topic[RULE_TOPIC_SIZE], arn[ARN_SIZE];
	struct err e;

	if (!sql || !rule_parse(sql, topic, &e) ||
	    !call_arn(c, "rule", query_text(row, 1), arn, &e))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:o, s:b}", "ruleArn", arn, NAME, query_text(row, 1),
			 "topicPattern", topic, "createdAt",
			 call_time(sqlite3_column_int64(row, 3)), "ruleDisabled",
			 json_is_true(json_object_get(rule, "ruleDisabled")));
}

bool rule_list(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, name, payload, created FROM rule"
					       " WHERE ?1 = ''",
				     .member = "rules",
				     PAGES_TOKEN,
				     .item = list_item };

	return pages_list(c, &pages, e);
}
