/* rule: a topic rule, as far as a registration uses it.
 *	SELECT * FROM '$aws/events/certificates/registered/CA'		or + for any CA
 * Errors: ERR_INVALID. Threads: the registry's. Layer above: the REST operations, the hook. Below:
 * registry. Source: AWS IoT developer guide, "AWS IoT SQL reference". */
#ifndef CLOUD_REHEARSAL_RULE_H
#define CLOUD_REHEARSAL_RULE_H

#include "cloud/rehearsal/registry.h"

#define RULE_TOPIC_SIZE 128

/* The topic filter behind FROM. */
MUST_CHECK bool rule_parse(const char *sql, char ret_topic[static RULE_TOPIC_SIZE], struct err *e);
/* Does an event of that topic run a function: is there no rule at all, or one that is not disabled
 * and whose FROM is that topic? */
MUST_CHECK bool rule_wants(struct registry *r, const char *topic, bool *ret_wanted, struct err *e);

#endif
