/* chain: what makes entries one ledger: one ledger id, numbers without a gap, epochs in order,
 * times that do not run back (but where a supervisor accepted the time), and the Merkle tree over
 * them, against which signed heads are held. It knows nothing of orders and issuances. Findings:
 * ERR_CORRUPT; nothing more can be asked of this chain then but chain_free. Threads: one a chain.
 * Layer above: verify, cloud/ledger. Below: entry, merkle, head, libcrypto. */
#ifndef HSM_API_PROOF_CHAIN_H
#define HSM_API_PROOF_CHAIN_H

#include "hsm/api/head.h"
#include "hsm/api/proof/merkle.h"

struct chain {
	struct merkle tree;
	uint8_t id[LEDGER_ID_LEN];
	uint32_t epoch;
	int64_t time_s;
	enum entry_type last;
	uint8_t key[HEAD_KEY_MAX]; /* of the epoch's heads */
	size_t key_len;
	struct head *expected;
	size_t expected_count, expected_capacity, met;
};

void chain_free(struct chain *c); /* what it holds */

/* An older head (mailed, printed): it must be signed, and when the tree reaches its size, its root
 * must be the tree's. Before the first entry. */
MUST_CHECK bool chain_expect(struct chain *c, const struct head *head, struct err *e);
/* May this entry come next? The chain stays as it is. */
MUST_CHECK bool chain_check(const struct chain *c, const struct entry *entry, struct err *e);
/* The entry that chain_check let pass, and its bytes. */
MUST_CHECK bool chain_add(struct chain *c, const struct entry *entry, struct bytes data,
			  struct err *e);
/* After the last entry: today's head (NULL: there is none) must fit; every expected head must have
 * been met. */
MUST_CHECK bool chain_end(const struct chain *c, const struct head *today, struct err *e);
/* Of ENTRY_RESTORED: how many entries its old head, which must be one of this ledger's, had and the
 * ledger has not. 0 for all others. */
MUST_CHECK bool chain_missing(const struct entry *entry, uint64_t *ret_missing, struct err *e);

#endif
