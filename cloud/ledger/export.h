/* export: the file of `imprint ledger export`, line by line through one buffer: a first line that
 * says what it is, one line an entry, the head, and nothing more. Of an entry's line only the bytes
 * are taken; the words beside them are not believed. Private to this folder. Errors: ERR_INVALID
 * (no export, or a filtered one), ERR_CORRUPT (cut off, malformed, more behind the head),
 * ERR_NOT_FOUND, ERR_SYSTEM; without file and line, which are export_place's. Threads: one an
 * export. Layer above: ahead, source. Below: head,
 * base64. */
#ifndef CLOUD_LEDGER_EXPORT_H
#define CLOUD_LEDGER_EXPORT_H

#include "base/cleanup.h"
#include "hsm/api/head.h"

#define EXPORT_VERSION 1
#define EXPORT_LINE_MAX (4 * ENTRY_MAX)

struct export;

/* The path must live as long as the export. */
MUST_CHECK bool export_open(const char *path, struct export **ret_export, struct err *e);
void export_free(struct export *x);
AUTO_DEFINE(export, struct export *, export_free)

/* From the first line on, which names the ledger. */
MUST_CHECK bool export_begin(struct export *x, uint8_t ret_ledger_id[static LEDGER_ID_LEN],
			     struct err *e);
/* The buffer is given back until export_begin: there may be many exports. */
void export_end(struct export *x);
/* The bytes of the next entry, valid until the next call; or, if *ret_end, the head, and the file
 * ends there. */
MUST_CHECK bool export_next(struct export *x, struct bytes *ret_entry, bool *ret_end,
			    struct head *ret_head, struct err *e);
/* After a whole pass: forward to that line (from 1), which is the next then. What lies between is
 * mostly not read. */
MUST_CHECK bool export_go(struct export *x, uint64_t line, struct err *e);
/* True if nobody wrote into the file since export_open. */
bool export_is_untouched(const struct export *x);
/* Puts file and line (0: the last one read) in front of the sentence. Always false. */
bool export_place(const struct export *x, uint64_t line, struct err *e);

#endif
