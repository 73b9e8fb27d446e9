/* verify: the independent check of a ledger, entry by entry, as the signer, an auditor or a
 * reconciliation runs it. It trusts nothing but the bytes: numbers without a gap, one ledger id,
 * epochs in order, times that do not run back (but where a supervisor accepted the time), moves
 * that the life of a certificate allows, no serial twice, no key on two units, one certificate in
 * force a unit, orders open, in time and for this unit, quota never passed, each certificate signed
 * by the CA of its time and matching its reservation (serial, key hash, TBS hash), each proof
 * signed by the board's key. At the end heads are compared: one of today must match size and root;
 * an older one must be a prefix. What it does not know is the products. About 250 bytes an
 * issuance. Findings: ERR_CORRUPT with a sentence that names the entry: an alarm, exit 3; nothing
 * more can be asked of this verify then but verify_free. Threads: one a verify. Layer above: ledger
 * command, reconcile, signer --check. Below: entry, merkle, head, libcrypto. */
#ifndef HSM_API_PROOF_VERIFY_H
#define HSM_API_PROOF_VERIFY_H

#include "base/cleanup.h"
#include "hsm/api/head.h"

struct verify;

struct verify_counts {
	uint64_t entries, reserved, issued, installed, voided, revoked, alarms, restored;
	uint64_t missing; /* entries that the old heads of its restores had, and it has not */
};

MUST_CHECK bool verify_new(struct verify **ret_verify, struct err *e);
void verify_free(struct verify *v);
AUTO_DEFINE(verify, struct verify *, verify_free)

/* An older head (mailed, printed): it must be signed, and when the tree reaches its size, its root
 * must be the tree's. Before the first entry. */
MUST_CHECK bool verify_expect(struct verify *v, const struct head *head, struct err *e);
/* The next entry, in order. */
MUST_CHECK bool verify_entry(struct verify *v, struct bytes entry, struct err *e);
/* The state of an issuance as replayed, to compare with what the station shows; ERR_NOT_FOUND. */
MUST_CHECK bool verify_issuance(const struct verify *v, uint64_t id, struct issuance *ret_issuance,
				struct err *e);
/* After the last entry: today's head (NULL: there is none) must fit; every expected head must have
 * been met. */
MUST_CHECK bool verify_end(struct verify *v, const struct head *today,
			   struct verify_counts *ret_counts, struct err *e);

#endif
