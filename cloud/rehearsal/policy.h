/* policy: an AWS IoT policy document, judged.
 *	{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}
 * Action and Resource are a string or an array of strings with the wildcards * and ?, and with the
 * variables ${iot:ClientId} and ${iot:Connection.Thing.ThingName}. The one condition is
 *	"Condition":{"Bool":{"iot:Connection.Thing.IsAttached":"true"}}		or "false"
 * A statement with another variable or condition is not computed here: it never allows, and a Deny of
 * that kind always denies. Errors: ERR_INVALID with what is wrong in the document.
 * Threads: any. Layer above: registry, the REST operations. Below: jansson.
 * Source: AWS IoT Core developer guide, "AWS IoT Core policies". */
#ifndef CLOUD_REHEARSAL_POLICY_H
#define CLOUD_REHEARSAL_POLICY_H

#include "base/err.h"

#define POLICY_DOCUMENT_MAX 2048 /* characters without white space */

/* Is it a document that CreatePolicy takes? */
MUST_CHECK bool policy_check(const char *document, struct err *e);

/* Who asks, for variables and conditions. */
struct policy_client {
	const char *id;	     /* MQTT's client id */
	bool thing_attached; /* a thing of that name hangs on its certificate */
};

enum policy_effect { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };
/* What one document says on an action ("iot:Connect") and a resource (a whole ARN): Deny wins. A
 * document that is none denies. */
enum policy_effect policy_judge(const char *document, const struct policy_client *client,
				const char *action, const char *resource);

#endif
