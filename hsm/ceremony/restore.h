/* restore: a ledger from its backup takes the place of the one that is damaged, old or gone. It is
 * the signer's offline half, as the ceremony is: same user, same lock.
 * The backup is checked by its bytes (hsm/api/proof/verify.h); it must be this station's, and the
 * token must hold the key of its heads and of its CA. A head that is shown and is no longer than the
 * backup must be a prefix of it. A longer one, or a longer ledger that is still there and readable,
 * says that entries are missing: then it is refused, unless exactly that gap is named. The tables
 * are made anew from the entries. Two entries begin a new epoch, and close every order:
 *	ledger		the station's name, head key and serial prefix of today
 *	restored	the old head: the longest that is known, so that from its size and this
 *			entry's number everybody can tell what is missing; reason, by
 * Errors: ERR_USAGE, ERR_REFUSED, ERR_BUSY (stop the signer first), ERR_CORRUPT (the backup is not
 * what was signed), those of token and ledger. Threads: one. Layer above: restore_main. Below:
 * ceremony_open, exchange, verify, token. */
#ifndef HSM_RESTORE_H
#define HSM_RESTORE_H

#include "hsm/api/head.h"

#include <limits.h>

#define RESTORE_HEADS_MAX 16
#define RESTORE_TEXT_MAX (PATH_MAX + 1024)

struct restore {
	int backup_fd;
	struct head heads[RESTORE_HEADS_MAX];
	size_t head_count;
	uint64_t gap_first, gap_last; /* numbers of the entries that are given up; 0: none */
	const char *reason, *by;
};

/* ret_text says what was done, what is missing and what comes next: whole lines for stdout. */
MUST_CHECK bool restore_ledger(const struct restore *restore,
			       char ret_text[static RESTORE_TEXT_MAX], struct err *e);

#endif
