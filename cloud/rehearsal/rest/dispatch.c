#include "cloud/rehearsal/rest/dispatch.h"

#include "base/clock.h"
#include "cloud/rehearsal/journal.h"
#include "cloud/rehearsal/rest/objects.h"
#include "cloud/rehearsal/rest/operation.h"

#define TIME_DIGITS 15 /* 1479858431.123, not …12299 */

/* --- who asks --- */

static const struct {
	const char *code;
	int status;
} verdicts[] = {
	[SIGV4_MISSING] = { "MissingAuthenticationTokenException", 403 },
	[SIGV4_INCOMPLETE] = { "IncompleteSignatureException", 403 },
	[SIGV4_UNKNOWN] = { "UnrecognizedClientException", 403 },
	[SIGV4_EXPIRED] = { "InvalidSignatureException", 403 },
	[SIGV4_WRONG] = { "InvalidSignatureException", 403 },
};

static bool verify(const struct dispatch *d, const struct rest_request *request,
		   struct rest_reply *reply)
{
	AUTO_FREE char *canonical = malloc(SIGV4_CANONICAL_MAX);
	enum sigv4_verdict verdict;
	struct err reason;

	if (!canonical) {
		rest_refuse(reply, 500, "InternalFailureException", "no memory");
		return false;
	}
	verdict = sigv4_verify(request, &d->key, clock_wall_s(), canonical, &reason);
	if (verdict == SIGV4_GOOD || (verdict == SIGV4_MISSING && d->unsigned_too))
		return true;
	rest_refuse(reply, verdicts[verdict].status, verdicts[verdict].code, "%s", reason.text);
	if (*canonical && verdict == SIGV4_WRONG)
		journal_say("the canonical request, as it is computed here: %s", canonical);
	return false;
}

/* --- the answer --- */

/* The sentence of our own trouble is for the journal. */
static void refuse(const struct call *c, const struct err *e, struct rest_reply *reply)
{
	int status;
	const char *code = operation_error(e->code, &status);
	json_t *body;

	if (status == 500)
		journal_say("%s", e->text);
	rest_refuse(reply, status, code, "%s", status == 500 ? "An internal error" : e->text);
	if (e->code != AWS_EXISTS)
		return;
	body = json_pack("{s:s, s:s, s:s}", "message", e->text, "resourceId", c->resource_id,
			 "resourceArn", c->resource_arn);
	free(reply->body);
	reply->body = (uint8_t *)(body ? json_dumps(body, JSON_COMPACT) : NULL);
	reply->len = reply->body ? strlen((char *)reply->body) : 0;
	json_decref(body);
}

static void succeed(struct call *c, struct rest_reply *reply)
{
	reply->status = 200;
	if (c->result)
		reply->body = (uint8_t *)json_dumps(
			c->result, JSON_COMPACT | JSON_REAL_PRECISION(TIME_DIGITS));
	reply->len = reply->body ? strlen((char *)reply->body) : 0;
}

/* --- one operation --- */

static bool read_body(const struct rest_request *request, json_t **ret_body, struct err *e)
{
	AUTO(json) body = NULL;
	json_error_t why;

	if (request->body.len > 0) {
		body = json_loadb((const char *)request->body.data, request->body.len,
				  JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(body))
			return err_set(e, ERR_INVALID, "the body is no JSON object: %s",
				       body ? "another value" : why.text);
	}
	*ret_body = TAKE(body);
	return true;
}

static bool in_transaction(struct call *c, operation_function *run, struct err *e)
{
	if (!query_run(c->db, "BEGIN IMMEDIATE", NULL, e))
		return false;
	if (run(c, e) && query_run(c->db, "COMMIT", NULL, e))
		return true;
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool run_operation(const struct operation *operation, const struct rest_request *request,
			  const struct target *target, const char *path_value, struct call *c,
			  struct err *e)
{
	AUTO(json) body = NULL;
	AUTO(json) arguments = NULL;

	if (!read_body(request, &body, e) || !parameter_read(operation->parameters, request, target,
							     path_value, body, &arguments, e))
		return false;
	c->arguments = arguments;
	return in_transaction(c, operation->run, e);
}

/* The target says of which certificate, and what it becomes. */
static void report(const char *name, const struct rest_request *request,
		   const struct rest_reply *reply, const struct err *e)
{
	if (reply->status < 400)
		journal_say("%s: done: %s %s", name, request->method, request->target);
	else
		journal_say("%s: refused: %s %s", name, reply->error, e->text);
}

static void answer_iot(const struct dispatch *d, const struct rest_request *request,
		       const struct target *target, struct rest_reply *reply)
{
	struct call c = { .registry = d->registry, .db = registry_database(d->registry) };
	const struct operation *operation;
	const char *path_value;
	struct err e = { 0 };

	if (!operation_find(request->method, target, &operation, &path_value, &e)) {
		rest_refuse(reply, 403, "UnknownOperationException", "%s", e.text);
		journal_say("%s %s: %s", request->method, request->target, e.text);
		return;
	}
	if (run_operation(operation, request, target, path_value, &c, &e))
		succeed(&c, reply);
	else
		refuse(&c, &e, reply);
	json_decref(c.result);
	report(operation->name, request, reply, &e);
}

static void answer_s3(const struct dispatch *d, const struct rest_request *request,
		      struct rest_reply *reply)
{
	sqlite3 *db = registry_database(d->registry);
	struct err e;

	if (!query_run(db, "BEGIN IMMEDIATE", NULL, &e)) {
		rest_refuse(reply, 503, "ServiceUnavailableException", "%s", e.text);
		return;
	}
	objects_answer(d->registry, request, reply);
	if (!query_run(db, reply->status < 400 ? "COMMIT" : "ROLLBACK", NULL, &e))
		rest_refuse(reply, 500, "InternalFailureException", "%s", e.text);
	journal_say("%s %s: %d", request->method, request->target, reply->status);
}

void dispatch_answer(const struct dispatch *d, const struct rest_request *request,
		     struct rest_reply *ret_reply)
{
	AUTO_FREE struct target *target = malloc(sizeof(*target));
	struct err e;

	*ret_reply = (struct rest_reply) { 0 };
	if (!target) {
		rest_refuse(ret_reply, 500, "InternalFailureException", "no memory");
	} else if (!target_parse(request->target, target, &e)) {
		rest_refuse(ret_reply, 400, "InvalidRequestException", "%s", e.text);
		journal_say("a request was refused: %s", e.text);
	} else if (!verify(d, request, ret_reply)) {
		journal_say("%s %s: refused: %s %s", request->method, request->target,
			    ret_reply->error, (char *)ret_reply->body);
	} else if (objects_are_meant(request)) {
		answer_s3(d, request, ret_reply);
	} else {
		answer_iot(d, request, target, ret_reply);
	}
}
