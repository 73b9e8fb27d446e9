/* changes: which certificates of a ledger are to be published, and as what. Two passes over the
 * same entries: the first notes each issuance's last move, the second yields each certificate whose last
 * move is new, in the order of their issued entries. A reservation that never was issued has no
 * certificate. About 50 bytes an issuance, and the names of those that the second pass has met
 * reserved but not yet issued. Errors: ERR_CORRUPT (a move that no certificate makes), ERR_SYSTEM.
 * Threads: one a changes. Layer above: publish. Below: cloud/ledger, hsm/api/proof. */
#ifndef CLOUD_COMMAND_CHANGES_H
#define CLOUD_COMMAND_CHANGES_H

#include "base/cleanup.h"
#include "hsm/api/entry.h"

/* What was published before: everything up to the entry `size`; and, by a run that was broken off,
 * everything up to `run_size` of the certificates whose issued entry is not behind `run_entry`. */
struct changes_mark {
	uint64_t size, run_size, run_entry;
};

struct change {
	uint64_t entry; /* of its issued entry */
	uint8_t id[SHA256_LEN], ca_id[SHA256_LEN];
	enum state state;
	char unit[NAME_MAX_LEN + 1], product[NAME_MAX_LEN + 1], order[NAME_MAX_LEN + 1];
	int64_t updated_s;
};

struct changes;

MUST_CHECK bool changes_new(const struct changes_mark *mark, struct changes **ret_changes,
			    struct err *e);
void changes_free(struct changes *c);
AUTO_DEFINE(changes, struct changes *, changes_free)

/* First pass. */
MUST_CHECK bool changes_note(struct changes *c, const struct entry *entry, struct err *e);
/* After it: how many the second pass will yield. */
uint64_t changes_count(const struct changes *c);
/* Second pass; *ret_found: this entry yields *ret_change. */
MUST_CHECK bool changes_next(struct changes *c, const struct entry *entry, bool *ret_found,
			     struct change *ret_change, struct err *e);

#endif
