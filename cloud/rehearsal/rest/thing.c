#include "cloud/rehearsal/rest/pages.h"
#include "cloud/rehearsal/rest/principal.h"

#include <stdio.h>

#define NAME "thingName"
#define PRINCIPAL "x-amzn-principal"

/* --- things --- */

/* What the thing was made with, as one text: sorted, so that the same is the same. */
static char *configuration(struct call *c)
{
	AUTO(json)
	configuration = json_pack(
		"{s:O*, s:O*, s:O*}", "thingTypeName",
		json_object_get(c->arguments, "thingTypeName"), "billingGroupName",
		json_object_get(c->arguments, "billingGroupName"), "attributes",
		json_object_get(json_object_get(c->arguments, "attributePayload"), "attributes"));

	return configuration ? json_dumps(configuration, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

static bool check_attributes(struct call *c, struct err *e)
{
	json_t *attributes =
		json_object_get(json_object_get(c->arguments, "attributePayload"), "attributes");
	const char *name;
	json_t *value;

	if (attributes && !json_is_object(attributes))
		return err_set(e, AWS_INVALID_REQUEST, "attributes must be an object");
	json_object_foreach(attributes, name,
			    value) if (!json_is_string(value) || strlen(name) > 128 ||
				       json_string_length(value) >
					       800) return err_set(e, AWS_INVALID_REQUEST,
								   "an attribute is a name of at "
								   "most 128 and a text of at "
								   "most 800 characters");
	return true;
}

static bool insert(struct call *c, const char *attributes, struct err *e)
{
	return query_run(
		c->db,
		"INSERT INTO thing (name, id, attributes, created) VALUES (?1,"
		" printf('%s-%s-%s-%s-%s', lower(hex(randomblob(4))), lower(hex(randomblob(2))),"
		" lower(hex(randomblob(2))), lower(hex(randomblob(2))), lower(hex(randomblob(6)))),"
		" ?2, ?3)",
		VALUES(STRING(call_text(c, NAME)), STRING(attributes), NUMBER(registry_now_ms())),
		e);
}

static bool not_found(const char *name, struct err *e)
{
	return err_set(e, AWS_NOT_FOUND, "Thing %s not found", name);
}

static bool start(struct call *c, sqlite3_stmt **ret_query, bool *ret_row, struct err *e)
{
	return query_start(c->db, "SELECT id, attributes FROM thing WHERE name = ?1",
			   VALUES(STRING(call_text(c, NAME))), ret_query, e) &&
	       query_row(*ret_query, ret_row, e);
}

static bool must_exist(struct call *c, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	return start(c, &query, &row, e) && (row || not_found(call_text(c, NAME), e));
}

static bool exists(struct call *c, const char *id, const char *arn, struct err *e)
{
	snprintf(c->resource_id, sizeof(c->resource_id), "%s", id);
	snprintf(c->resource_arn, sizeof(c->resource_arn), "%s", arn);
	return err_set(e, AWS_EXISTS,
		       "Thing %s already exists in account with different attributes",
		       call_text(c, NAME));
}

/* Made again with the same attributes, it is the same thing. */
bool thing_create(struct call *c, struct err *e)
{
	AUTO_FREE char *attributes = configuration(c);
	AUTO(query) query = NULL;
	char arn[ARN_SIZE];
	bool row;

	if (!attributes)
		return err_set(e, ERR_SYSTEM, "no memory for a thing");
	if (!check_attributes(c, e) || !call_arn(c, "thing", call_text(c, NAME), arn, e) ||
	    !start(c, &query, &row, e))
		return false;
	if (row && strcmp(query_text(query, 1), attributes) != 0)
		return exists(c, query_text(query, 0), arn, e);
	if (!row) {
		AUTO(query) found = TAKE(query);

		if (!insert(c, attributes, e) || !start(c, &query, &row, e))
			return false;
	}
	return call_result(c,
			   json_pack("{s:s, s:s, s:s}", NAME, call_text(c, NAME), "thingArn", arn,
				     "thingId", query_text(query, 0)),
			   e);
}

bool thing_describe(struct call *c, struct err *e)
{
	AUTO(query) query = NULL;
	AUTO(json) made = NULL;
	char arn[ARN_SIZE];
	json_t *attributes;
	bool row;

	if (!call_arn(c, "thing", call_text(c, NAME), arn, e) || !start(c, &query, &row, e))
		return false;
	if (!row)
		return not_found(call_text(c, NAME), e);
	made = json_loads(query_text(query, 1), 0, NULL);
	attributes = json_object_get(made, "attributes");
	return call_result(
		c,
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:i, s:O*, s:O*}", NAME, call_text(c, NAME),
			  "thingArn", arn, "thingId", query_text(query, 0), "defaultClientId",
			  call_text(c, NAME), "attributes",
			  attributes ? json_incref(attributes) : json_object(), "version", 1,
			  "thingTypeName", json_object_get(made, "thingTypeName"),
			  "billingGroupName", json_object_get(made, "billingGroupName")),
		e);
}

bool thing_delete(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME);
	int64_t count;

	if (!query_number(c->db, "SELECT count(*) FROM principal WHERE thing = ?1",
			  VALUES(STRING(name)), &count, e))
		return false;
	if (count)
		return err_set(e, AWS_INVALID_REQUEST,
			       "Cannot delete. Thing %s is still attached to one or more "
			       "principals",
			       name);
	return query_run(c->db, "DELETE FROM thing WHERE name = ?1", VALUES(STRING(name)), e);
}

/* --- principals --- */

bool thing_attach(struct call *c, struct err *e)
{
	const char *principal = call_text(c, PRINCIPAL);

	return must_exist(c, e) && principal_check(c, principal, e) &&
	       query_run(c->db, "INSERT OR IGNORE INTO principal (thing, arn) VALUES (?1, ?2)",
			 VALUES(STRING(call_text(c, NAME)), STRING(principal)), e) &&
	       call_result(c, json_object(), e);
}

bool thing_detach(struct call *c, struct err *e)
{
	return must_exist(c, e) &&
	       query_run(c->db, "DELETE FROM principal WHERE thing = ?1 AND arn = ?2",
			 VALUES(STRING(call_text(c, NAME)), STRING(call_text(c, PRINCIPAL))), e) &&
	       call_result(c, json_object(), e);
}

/* --- lists --- */

static json_t *text_item(struct call *c, sqlite3_stmt *row)
{
	(void)c;
	return json_string(query_text(row, 1));
}

static json_t *thing_item(struct call *c, sqlite3_stmt *row)
{
	AUTO(json) made = json_loads(query_text(row, 2), 0, NULL);
	json_t *attributes = json_object_get(made, "attributes");
	char arn[ARN_SIZE];
	struct err e;

	if (!call_arn(c, "thing", query_text(row, 1), arn, &e))
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:i}", NAME, query_text(row, 1), "thingArn", arn,
			 "attributes", attributes ? json_incref(attributes) : json_object(),
			 "version", 1);
}

bool thing_list(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, name, attributes FROM thing"
					       " WHERE ?1 = ''",
				     .member = "things",
				     PAGES_TOKEN,
				     .item = thing_item };

	return pages_list(c, &pages, e);
}

bool thing_principals(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, arn FROM principal WHERE thing = ?1",
				     .scope = call_text(c, NAME),
				     .member = "principals",
				     PAGES_TOKEN,
				     .item = text_item };

	return must_exist(c, e) && pages_list(c, &pages, e);
}

bool thing_of_principal(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, thing FROM principal WHERE arn = ?1",
				     .scope = call_text(c, PRINCIPAL),
				     .member = "things",
				     PAGES_TOKEN,
				     .item = text_item };

	return principal_check(c, call_text(c, PRINCIPAL), e) && pages_list(c, &pages, e);
}

bool endpoint_describe(struct call *c, struct err *e)
{
	char endpoint[256];

	return registry_setting(c->registry, "endpoint", endpoint, sizeof(endpoint), e) &&
	       call_result(c, json_pack("{s:s}", "endpointAddress", endpoint), e);
}
