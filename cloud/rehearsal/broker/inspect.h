/* inspect: the facts of a visit: certificates as they are, held against the registry as it is now.
 * Errors: ERR_SYSTEM. Threads: the registry's. Layer above: gate. Below: cert, decision, registry. */
#ifndef CLOUD_REHEARSAL_BROKER_INSPECT_H
#define CLOUD_REHEARSAL_BROKER_INSPECT_H

#include "cloud/rehearsal/broker/visit.h"

struct findings {
	struct facts facts;
	char ca_id[REGISTRY_ID_SIZE]; /* of an unknown leaf: the CA of the facts, "" if none */
};

MUST_CHECK bool inspect_visit(struct registry *r, const struct visit *v, bool chain_required,
			      struct findings *ret_findings, struct err *e);
/* The status of a certificate now, STANDING_UNKNOWN if it is not registered. */
MUST_CHECK bool inspect_standing(struct registry *r, const char *id, enum standing *ret_standing,
				 struct err *e);

#endif
