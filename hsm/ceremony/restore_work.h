/* restore_work: what a restore has in hand on its way, and the checks of the backup by itself: its
 * bytes, and whose it is. Private to restore. Layer above: restore. Below: ceremony_open, exchange. */
#ifndef HSM_RESTORE_WORK_H
#define HSM_RESTORE_WORK_H

#include "hsm/ceremony/ceremony_open.h"
#include "hsm/ceremony/restore.h"
#include "hsm/ledger/exchange.h"

struct restore_work {
	const struct restore *restore;
	struct settings settings;
	struct exchange *exchange;
	struct ledger *ledger; /* the copy of the backup */
	struct token *token;
	struct token_key *head_key;
	uint8_t key[HEAD_KEY_MAX]; /* its public half, as the backup has it */
	size_t key_len;
	struct head end; /* of the backup */
	struct head old; /* the longest head that is known */
	uint32_t epoch;	 /* the latest that is known */
	int64_t now_s;
	char kept[PATH_MAX];
};

/* Every entry, the tree, the heads that are no longer than it; then its tables are made anew. */
MUST_CHECK bool restore_check_backup(struct restore_work *w, struct err *e);
/* The station's name; opens the token and finds the key of the heads. */
MUST_CHECK bool restore_check_head_key(struct restore_work *w, struct err *e);
MUST_CHECK bool restore_check_ca_key(struct restore_work *w, struct err *e);

#endif
