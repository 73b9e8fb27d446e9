/* fix: revokes in AWS IoT what is revoked or void here and live there, one by one, after showing it.
 * Never one that no ledger knows, and nothing
 * at all on the word of a ledger that is signed by another key than before. Each is described first, unless AWS was just asked: a listing may
 * be old. A failure is said and the rest goes on; who runs it again goes on where it stopped.
 * Threads: one. Errors: ERR_REFUSED if some were not revoked, or nobody said yes; else those of
 * iot.h. Layer above: reconcile_main. Below: reconcile, iot. */
#ifndef CLOUD_RECONCILE_FIX_H
#define CLOUD_RECONCILE_FIX_H

#include "cloud/reconcile/reconcile.h"

struct fix_options {
	bool yes;   /* do not ask */
	bool fresh; /* AWS was asked just now */
};

/* What it did goes to stderr. *ret_left: how many stayed live. */
MUST_CHECK bool fix_run(struct reconcile *r, struct iot *iot, const struct fix_options *options,
			uint64_t *ret_left, struct err *e);

#endif
