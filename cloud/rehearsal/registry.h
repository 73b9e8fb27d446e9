/* registry: what the rehearsal's AWS IoT knows: one SQLite file (WAL), written by the REST server and
 * by the broker's plugin, two processes. Each operation is one transaction; a registration is
 * durable in the file before its event is published. Ids are 64 lower-case hex digits, times
 * milliseconds since 1970 UTC, statuses AWS's own words.
 *	setting(name, value)				account, region, registration_code, endpoint
 *	ca(id, pem, subject, status, auto_registration, mode, created, modified, not_before,
 *	   not_after, role, template)
 *	certificate(id, ca_id, pem, status, created, modified, not_before, not_after)
 *	policy(name, document, created)			attached(policy, target ARN)
 *	thing(name, id, attributes, created)		principal(thing, ARN)
 *	rule(name, payload, created)			event(number, topic, payload, time, taken)
 *	object(bucket, key, data, modified)
 * Errors: ERR_NOT_FOUND, ERR_SYSTEM. Threads: one a registry. Layer above: the REST operations, the
 * plugin. Below: SQLite. */
#ifndef CLOUD_REHEARSAL_REGISTRY_H
#define CLOUD_REHEARSAL_REGISTRY_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <sqlite3.h>

#define REGISTRY_ID_SIZE 65
#define REGISTRY_STATUS_SIZE 24
#define REGISTRY_BUSY_MS 2000 /* the longest wait for the other process */
#define REGISTRY_RESOURCE_MAX 2048
#define REGISTRY_CERTIFICATES_MAX 1000000 /* then none registers itself any more */
#define REGISTRY_EVENTS_MAX 10000	  /* older ones are forgotten */
#define REGISTRY_TOPIC "$aws/events/certificates/registered/" /* and the CA's id */

struct registry;

/* 64 lower-case hex digits? */
bool registry_is_id(const char *text);

/* Makes the file and its tables if they are not there. */
MUST_CHECK bool registry_open(const char *path, struct registry **ret_registry, struct err *e);
void registry_close(struct registry *r);
AUTO_DEFINE(registry, struct registry *, registry_close)
sqlite3 *registry_database(struct registry *r); /* for the operations' own statements */
int64_t registry_now_ms(void);
MUST_CHECK bool registry_setting(struct registry *r, const char *name, char *ret_value, size_t size,
				 struct err *e);
MUST_CHECK bool registry_set(struct registry *r, const char *name, const char *value,
			     struct err *e);

/* "arn:aws:iot:REGION:ACCOUNT:" and the resource ("cert/ID"). */
MUST_CHECK bool registry_arn(struct registry *r, const char *resource, char *ret_arn, size_t size,
			     struct err *e);

/* --- what the plugin asks --- */

/* A certificate that is registered; ERR_NOT_FOUND. */
struct registry_certificate {
	char id[REGISTRY_ID_SIZE], ca_id[REGISTRY_ID_SIZE], status[REGISTRY_STATUS_SIZE];
	bool sni_only;
};
MUST_CHECK bool registry_certificate(struct registry *r, const char *id,
				     struct registry_certificate *ret_certificate, struct err *e);

/* Each CA whose subject is that (DER), oldest first: several may share one. */
struct registry_ca {
	char id[REGISTRY_ID_SIZE];
	const char *pem; /* during the call */
	bool active, auto_registration, sni_only;
};
typedef bool (*registry_each_ca)(void *context, const struct registry_ca *ca, struct err *e);
MUST_CHECK bool registry_cas(struct registry *r, struct bytes subject, registry_each_ca each,
			     void *context, struct err *e);

/* Registers an unknown leaf as PENDING_ACTIVATION. True as well if another did just now. ERR_REFUSED:
 * there are too many, since the registry was made. */
MUST_CHECK bool registry_register(struct registry *r, const char *id, const char *ca_id,
				  const char *pem, int64_t not_before_ms, int64_t not_after_ms,
				  struct err *e);
/* Notes the event of a pending certificate (ERR_NOT_FOUND: it does not wait), and returns its JSON,
 * which the caller frees. It is what is published on REGISTRY_TOPIC CA. */
MUST_CHECK bool registry_event(struct registry *r, const char *id, char **ret_payload,
			       struct err *e);
/* True if a policy attached to the certificate allows the client of that id the action (iot:Connect,
 * iot:Publish, …) on the resource (client/ID, topic/T, topicfilter/F: without the ARN's head); Deny
 * wins. */
MUST_CHECK bool registry_allows(struct registry *r, const char *id, const char *client_id,
				const char *action, const char *resource, bool *ret_allowed,
				struct err *e);
/* True if the file was changed by anybody since the last call: then look at the statuses again. */
bool registry_changed(struct registry *r);

#endif
