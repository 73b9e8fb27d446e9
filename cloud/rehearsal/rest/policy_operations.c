#include "cloud/rehearsal/rest/pages.h"
#include "cloud/rehearsal/rest/principal.h"

#include "cloud/rehearsal/policy.h"

#define NAME "policyName"
#define POLICIES_MAX 10 /* on one target */
#define VERSION "1"

static bool not_found(const char *name, struct err *e)
{
	return err_set(e, AWS_NOT_FOUND, "Policy not found (name: %s)", name);
}

static bool must_exist(struct call *c, const char *name, struct err *e)
{
	int64_t count;

	return query_number(c->db, "SELECT count(*) FROM policy WHERE name = ?1",
			    VALUES(STRING(name)), &count, e) &&
	       (count || not_found(name, e));
}

bool policy_create(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME), *document = call_text(c, "policyDocument");
	char arn[ARN_SIZE];
	int64_t count;
	struct err why;

	if (!policy_check(document, &why))
		return err_set(e, AWS_MALFORMED_POLICY, "The policy document is malformed: %s",
			       why.text);
	if (!call_arn(c, "policy", name, arn, e) ||
	    !query_number(c->db, "SELECT count(*) FROM policy WHERE name = ?1",
			  VALUES(STRING(name)), &count, e))
		return false;
	if (count) {
		snprintf(c->resource_id, sizeof(c->resource_id), "%s", name);
		snprintf(c->resource_arn, sizeof(c->resource_arn), "%s", arn);
		return err_set(e, AWS_EXISTS, "Policy already exists (name: %s)", name);
	}
	if (!query_run(c->db, "INSERT INTO policy (name, document, created) VALUES (?1, ?2, ?3)",
		       VALUES(STRING(name), STRING(document), NUMBER(registry_now_ms())), e))
		return false;
	return call_result(c,
			   json_pack("{s:s, s:s, s:s, s:s}", NAME, name, "policyArn", arn,
				     "policyDocument", document, "policyVersionId", VERSION),
			   e);
}

bool policy_get(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME);
	AUTO(query) query = NULL;
	char arn[ARN_SIZE];
	bool row;

	if (!call_arn(c, "policy", name, arn, e) ||
	    !query_start(c->db, "SELECT document, created, generation FROM policy WHERE name = ?1",
			 VALUES(STRING(name)), &query, e) ||
	    !query_row(query, &row, e))
		return false;
	if (!row)
		return not_found(name, e);
	return call_result(c,
			   json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s}", NAME, name, "policyArn",
				     arn, "policyDocument", query_text(query, 0),
				     "defaultVersionId", VERSION, "creationDate",
				     call_time(sqlite3_column_int64(query, 1)), "lastModifiedDate",
				     call_time(sqlite3_column_int64(query, 1)), "generationId",
				     query_text(query, 2)),
			   e);
}

bool policy_delete(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME);
	int64_t count;

	if (!must_exist(c, name, e) ||
	    !query_number(c->db, "SELECT count(*) FROM attached WHERE policy = ?1",
			  VALUES(STRING(name)), &count, e))
		return false;
	if (count)
		return err_set(e, AWS_DELETE_CONFLICT,
			       "The policy cannot be deleted as it is attached (name: %s)", name);
	return query_run(c->db, "DELETE FROM policy WHERE name = ?1", VALUES(STRING(name)), e);
}

/* --- attached --- */

/* The deprecated calls name it in a header. */
static const char *target_of(const struct call *c)
{
	const char *target = call_text(c, "target");

	return target ? target : call_text(c, "x-amzn-iot-principal");
}

static bool check_room(struct call *c, const char *name, const char *target, struct err *e)
{
	int64_t count;

	return query_number(c->db,
			    "SELECT count(*) FROM attached WHERE target = ?1 AND policy <> ?2",
			    VALUES(STRING(target), STRING(name)), &count, e) &&
	       (count < POLICIES_MAX ||
		err_set(e, AWS_LIMIT_EXCEEDED,
			"The number of policies attached to the target has reached its limit "
			"of %d",
			POLICIES_MAX));
}

bool policy_attach(struct call *c, struct err *e)
{
	const char *name = call_text(c, NAME), *target = target_of(c);

	return must_exist(c, name, e) && principal_check(c, target, e) &&
	       check_room(c, name, target, e) &&
	       query_run(c->db, "INSERT OR IGNORE INTO attached (policy, target) VALUES (?1, ?2)",
			 VALUES(STRING(name), STRING(target)), e);
}

bool policy_detach(struct call *c, struct err *e)
{
	return query_run(c->db, "DELETE FROM attached WHERE policy = ?1 AND target = ?2",
			 VALUES(STRING(call_text(c, NAME)), STRING(target_of(c))), e);
}

/* --- lists --- */

static json_t *policy_item(struct call *c, sqlite3_stmt *row)
{
	char arn[ARN_SIZE];
	struct err e;

	if (!call_arn(c, "policy", query_text(row, 1), arn, &e))
		return NULL;
	return json_pack("{s:s, s:s}", NAME, query_text(row, 1), "policyArn", arn);
}

static json_t *target_item(struct call *c, sqlite3_stmt *row)
{
	(void)c;
	return json_string(query_text(row, 1));
}

bool policy_list(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, name FROM policy WHERE ?1 = ''",
				     .member = "policies",
				     PAGES_MARKER,
				     .newest_first = true,
				     .item = policy_item };

	return pages_list(c, &pages, e);
}

bool policy_list_attached(struct call *c, struct err *e)
{
	const struct pages pages = { .select = "SELECT number, policy FROM attached"
					       " WHERE target = ?1",
				     .scope = target_of(c),
				     .member = "policies",
				     PAGES_MARKER,
				     .newest_first = !call_text(c, "target"),
				     .item = policy_item };

	return principal_check(c, target_of(c), e) && pages_list(c, &pages, e);
}

/* ListTargetsForPolicy, and ListPolicyPrincipals, which names the policy in a header. */
bool policy_list_targets(struct call *c, struct err *e)
{
	const char *old_form = call_text(c, "x-amzn-iot-policy");
	const char *name = old_form ? old_form : call_text(c, NAME);
	const struct pages pages = { .select = "SELECT number, target FROM attached"
					       " WHERE policy = ?1",
				     .scope = name,
				     .member = old_form ? "principals" : "targets",
				     PAGES_MARKER,
				     .newest_first = old_form != NULL,
				     .item = target_item };

	return must_exist(c, name, e) && pages_list(c, &pages, e);
}
