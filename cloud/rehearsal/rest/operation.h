/* operation: the operations of AWS IoT that the rehearsal has: what each takes, and the function
 * that does it. A function has its arguments checked, runs inside one transaction, and leaves a
 * result or an error: one of aws_error with AWS's sentence, or ERR_SYSTEM.
 * Threads: the registry's. Layer above: dispatch. Below: parameter, pem, registry, query. */
#ifndef CLOUD_REHEARSAL_REST_OPERATION_H
#define CLOUD_REHEARSAL_REST_OPERATION_H

#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/registry.h"
#include "cloud/rehearsal/rest/parameter.h"

#define ARN_SIZE 2200 /* a resource of the longest name */

/* AWS's codes: their names and HTTP statuses are in operation.c. */
enum aws_error {
	AWS_INVALID_REQUEST = 400,
	AWS_NOT_FOUND,
	AWS_EXISTS, /* with the resource in call: resource_id, resource_arn */
	AWS_REGISTRATION_CODE,
	AWS_CERTIFICATE_VALIDATION,
	AWS_CERTIFICATE_CONFLICT,
	AWS_CERTIFICATE_STATE,
	AWS_LIMIT_EXCEEDED,
	AWS_DELETE_CONFLICT,
	AWS_MALFORMED_POLICY,
	AWS_SQL_PARSE,
	AWS_UNAUTHORIZED,
};

struct call {
	struct registry *registry;
	sqlite3 *db;
	const json_t *arguments;
	json_t *result; /* NULL: an empty body */
	char resource_id[REGISTRY_ID_SIZE + 64], resource_arn[ARN_SIZE];
};

/* An argument; NULL (or false, or `other`) if it was not sent. */
const char *call_text(const struct call *c, const char *name);
bool call_flag(const struct call *c, const char *name);
int64_t call_number(const struct call *c, const char *name, int64_t other);
/* "KIND/NAME" ("cert/…") as an ARN. */
MUST_CHECK bool call_arn(const struct call *c, const char *kind, const char *name,
			 char ret_arn[static ARN_SIZE], struct err *e);
/* The result takes over `result`, from json_pack. */
MUST_CHECK bool call_result(struct call *c, json_t *result, struct err *e);
/* Milliseconds as AWS sends a time. */
json_t *call_time(int64_t ms);

typedef bool operation_function(struct call *c, struct err *e);

struct operation {
	const char *name, *method;
	const char *path; /* {} is the one name in it */
	operation_function *run;
	const struct parameter *parameters; /* NULL: none */
};

/* ERR_NOT_FOUND: no operation has that method and path. *ret_value is what {} stands for. */
MUST_CHECK bool operation_find(const char *method, const struct target *target,
			       const struct operation **ret_operation, const char **ret_value,
			       struct err *e);
/* AWS's name of an error, and its HTTP status; what is none of them is InternalFailure. */
const char *operation_error(int code, int *ret_status);

operation_function registration_code_get, registration_code_delete;
operation_function ca_register, ca_describe, ca_update, ca_list, ca_delete;
operation_function certificate_register, certificate_register_without_ca, certificate_describe,
	certificate_update, certificate_list, certificate_list_by_ca, certificate_delete,
	certificate_create;
operation_function policy_create, policy_get, policy_list, policy_delete, policy_attach,
	policy_detach, policy_list_attached, policy_list_targets;
operation_function thing_create, thing_describe, thing_list, thing_delete, thing_attach,
	thing_detach, thing_principals, thing_of_principal;
operation_function rule_create, rule_get, rule_list, rule_delete;
operation_function endpoint_describe;

#endif
