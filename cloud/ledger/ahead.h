/* ahead: the entries of an export, read and decoded in batches by a thread of its own while the
 * caller works on those before: two cores instead of one. What comes and in which order is what
 * export_next would say. Private to this folder. Errors: export_next's; ERR_SYSTEM. Threads: one
 * caller; between ahead_start and ahead_stop the export belongs to the other thread. Layer above:
 * source. Below: export. */
#ifndef CLOUD_LEDGER_AHEAD_H
#define CLOUD_LEDGER_AHEAD_H

#include "cloud/ledger/export.h"

struct ahead;

/* Behind export_begin. */
MUST_CHECK bool ahead_start(struct export *x, struct ahead **ret_ahead, struct err *e);
/* As export_next. */
MUST_CHECK bool ahead_next(struct ahead *a, struct bytes *ret_entry, bool *ret_end,
			   struct head *ret_head, struct err *e);
/* Ends the thread, wherever it is, and frees. */
void ahead_stop(struct ahead *a);
AUTO_DEFINE(ahead, struct ahead *, ahead_stop)

#endif
