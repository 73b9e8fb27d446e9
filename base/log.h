/* log: one event, one line on stderr with its "<n>" (syslog level), as systemd reads it.
 * The phrase is constant; facts follow as key=value with units in the key. A value with blanks is
 * written "quoted". Never a PIN or a key. Threads: any (one write a line). Layer below: none. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <syslog.h>

/* log_event(LOG_INFO, "signer ready", "sessions=%u workers=%u", sessions, workers); facts may be
 * "". */
void log_event(int level, const char *phrase, const char *facts, ...)
	__attribute__((format(printf, 3, 4)));

/* A value ends at its quote: text from outside (a board's, a caller's) must not write keys. Copies
 * it, cut to size, with another quote; returns the copy. */
const char *log_text(const char *text, char *ret_text, size_t size);

#endif
