/* replay: the orders and issuances of a ledger, made anew in memory from its entries and held
 * against the rules on the way. It shares nothing with the ledger's own tables but the table of
 * moves. Private to this folder. Threads: one. Layer above: verify. Below: index, signature. */
#ifndef HSM_API_PROOF_REPLAY_H
#define HSM_API_PROOF_REPLAY_H

#include "base/cleanup.h"
#include "hsm/api/entry.h"

struct replay;

MUST_CHECK bool replay_new(struct replay **ret_replay, struct err *e);
void replay_free(struct replay *r);
AUTO_DEFINE(replay, struct replay *, replay_free)

/* Takes the next entry. ERR_CORRUPT with what is wrong in it. */
MUST_CHECK bool replay_entry(struct replay *r, const struct entry *entry, struct err *e);
/* The issuance as it stands now; ERR_NOT_FOUND. */
MUST_CHECK bool replay_issuance(const struct replay *r, uint64_t id, struct issuance *ret_issuance,
				struct err *e);

#endif
