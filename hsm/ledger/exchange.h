/* exchange: puts a ledger that comes from a backup into the place of the one that is damaged, old or
 * gone. It holds that one's lock all the while. The backup is copied beside it and opened there, so
 * that its user can check and change it; only exchange_finish touches what stood there before, and
 * keeps it in a folder of its own beside the ledger. A power cut leaves the old ledger, or none
 * (nothing opens then, and the whole can be run again), or the new one: never the log of one beside
 * the other. Threads: one. Errors: ERR_BUSY (the signer runs), those of ledger. Layer above:
 * ceremony. Below: ledger. */
#ifndef HSM_LEDGER_EXCHANGE_H
#define HSM_LEDGER_EXCHANGE_H

#include "base/cleanup.h"
#include "hsm/ledger/ledger.h"

#include <limits.h>

struct exchange;

/* The descriptor stays the caller's. */
MUST_CHECK bool exchange_begin(const char *path, int backup_fd, struct exchange **ret_exchange,
			       struct err *e);
/* The copy of the backup, open. */
struct ledger *exchange_fresh(struct exchange *x);
/* What stood there before, for ledger_head alone; NULL if it cannot be read. */
const struct ledger *exchange_present(const struct exchange *x);
/* Closes the copy and puts it in place. ret_kept: the folder with what stood there; "" if nothing
 * did. */
MUST_CHECK bool exchange_finish(struct exchange *x, char ret_kept[static PATH_MAX], struct err *e);
/* Removes the copy, unless it was put in place. */
void exchange_free(struct exchange *x);
AUTO_DEFINE(exchange, struct exchange *, exchange_free)

#endif
