/* journal: the rehearsal's log: what happened, in plain words, one line an event; the REST server
 * and the broker's plugin write into the same file.
 *	2026-11-22T11:58:03Z RegisterCACertificate: refused: … 
 * What is not printable ASCII becomes "?", the end of a line " | ". Before journal_open it goes
 * nowhere. Threads: any after the start. Layer below: base. */
#ifndef CLOUD_REHEARSAL_JOURNAL_H
#define CLOUD_REHEARSAL_JOURNAL_H

#include "base/err.h"

#define JOURNAL_LINE_MAX 8192 /* longer ones are cut */

/* One a process; it stays open until the process ends, or is opened anew. */
MUST_CHECK bool journal_open(const char *path, struct err *e);
void journal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
