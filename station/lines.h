/* lines: a file of JSON lines that only ever grows. A line counts when its LF is durable; what a
 * power cut left of the last one is cut off at the next start, with a line in the log.
 * Threads: one a file. Layer above: runs, people. Below: jansson. */
#ifndef STATION_LINES_H
#define STATION_LINES_H

#include "base/cleanup.h"
#include "base/err.h"

#include <jansson.h>
#include <sys/types.h>

#define LINES_LEN_MAX 4096

AUTO_DEFINE(json, json_t *, json_decref)

/* Called with each line, parsed; a line that is no JSON is passed over. */
typedef void lines_take(void *context, const json_t *object);

/* Reads all whole lines of fd; *ret_size is their length. `what` is for the sentence. */
MUST_CHECK bool lines_read(int fd, const char *what, lines_take *take, void *context,
			   off_t *ret_size, struct err *e);
/* Cuts off all behind `size`. Not synced: a sync tells of an error once, and somebody may wait to
 * hear of his line. */
MUST_CHECK bool lines_heal(int fd, const char *what, off_t size, struct err *e);

/* The object and its LF; free it. NULL if it would be longer than LINES_LEN_MAX. */
char *lines_line(const json_t *object, size_t *ret_len);
/* Adds a line at *size, and moves that on. What stands behind *size (half a line, or lines that a
 * sync failed for) is cut off first. Not synced. */
MUST_CHECK bool lines_add(int fd, const char *what, const char *line, size_t len, off_t *size,
			  struct err *e);

/* The text under that key, or "". */
const char *lines_text(const json_t *object, const char *key);
/* The time under that key, or 0. */
int64_t lines_time(const json_t *object, const char *key);

#endif
