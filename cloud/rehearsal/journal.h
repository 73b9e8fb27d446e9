/* journal: the rehearsal's log: what happened, in plain words, one line an event. The REST server and
 * mosquitto with its plugin append to the same file.
 *	2026-11-22T11:58:03Z: CreatePolicy: done
 * What is not printable ASCII becomes "?", the end of a line " | ". Before journal_open it goes
 * nowhere. Threads: any (one write a line). Layer below: base. */
#ifndef CLOUD_REHEARSAL_JOURNAL_H
#define CLOUD_REHEARSAL_JOURNAL_H

#define JOURNAL_LINE_MAX 8192 /* longer ones are cut */

/* One a process. The descriptor stays the caller's. */
void journal_open(int fd);
void journal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
