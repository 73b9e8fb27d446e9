/* parameter: what an operation takes, and its limits: one row each, found in the path, the query, a
 * header or the JSON body, and put into one object of arguments by its name on the wire. What a
 * request has beyond the rows is ignored, as AWS does. Errors: ERR_INVALID, with the name and what
 * it must be. Threads: any. Layer above: dispatch. Below: target, jansson.
 * Source: the service model of AWS IoT, 2015-05-28. */
#ifndef CLOUD_REHEARSAL_REST_PARAMETER_H
#define CLOUD_REHEARSAL_REST_PARAMETER_H

#include "cloud/rehearsal/rest/target.h"

#include <jansson.h>

enum parameter_place { IN_PATH = 1, IN_QUERY, IN_HEADER, IN_BODY };

enum parameter_kind {
	KIND_ID,	  /* certificate id: 64 hex digits, made lower-case */
	KIND_PEM,	  /* 1..65536 */
	KIND_DOCUMENT,	  /* any text that is not empty */
	KIND_POLICY_NAME, /* 1..128 of [A-Za-z0-9_+=,.@-] */
	KIND_THING_NAME,  /* 1..128 of [A-Za-z0-9:_-] */
	KIND_RULE_NAME,	  /* 1..128 of [A-Za-z0-9_] */
	KIND_ARN,	  /* 1..2048 */
	KIND_MARKER,	  /* base64, 1024 at most */
	KIND_PAGE,	  /* 1..250 */
	KIND_FLAG,	  /* true or false */
	KIND_STATUS,	  /* of a certificate */
	KIND_CA_STATUS,
	KIND_AUTO_REGISTRATION,
	KIND_MODE,
	KIND_ENDPOINT,
	KIND_OBJECT, /* a JSON object: the operation looks into it */
	KIND_LIST,
};

struct parameter {
	const char *name;
	enum parameter_place place; /* 0 ends a table */
	enum parameter_kind kind;
	bool required;
};

/* `path_value` is the decoded segment that stands for the one name in the path, or NULL; `body` the
 * JSON object that was sent, or NULL. The caller owns *ret_arguments. */
MUST_CHECK bool parameter_read(const struct parameter *table, const struct rest_request *request,
			       const struct target *target, const char *path_value, json_t *body,
			       json_t **ret_arguments, struct err *e);

#endif
