/* backup: a consistent copy of a ledger that is in use, as one SQLite file that ledger_open takes.
 * It holds what is committed as it starts; entries may be appended all the while. It goes in steps
 * that end soon, so that others get their turn between two: first the pages, through a connection
 * of its own, into a file beside the ledger; then that file's bytes into the caller's descriptor,
 * synced. One at a time for each ledger. Threads: any, one at a time. Errors: ERR_REFUSED if the
 * disk has no room for the copy, ERR_TIMEOUT if the descriptor takes no more, ERR_SYSTEM. Layer
 * above: signer. Below: store. */
#ifndef HSM_LEDGER_BACKUP_H
#define HSM_LEDGER_BACKUP_H

#include "base/cleanup.h"
#include "hsm/ledger/ledger.h"

struct backup;

/* The descriptor stays the caller's, and must outlive the backup. */
MUST_CHECK bool backup_start(const struct ledger *l, int out_fd, struct backup **ret_backup,
			     struct err *e);
/* *ret_done: everything is written and synced, and this was the last step. */
MUST_CHECK bool backup_step(struct backup *b, bool *ret_done, struct err *e);
/* Removes the copy beside the ledger. */
void backup_free(struct backup *b);
AUTO_DEFINE(backup, struct backup *, backup_free)

#endif
