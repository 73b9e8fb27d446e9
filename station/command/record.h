/* record: the record of runs, read through descriptors that the station hands out. Threads: one.
 * Layer above: runs_command, report_command. Below: view, jansson. */
#ifndef STATION_COMMAND_RECORD_H
#define STATION_COMMAND_RECORD_H

#include "base/err.h"

#include <jansson.h>

typedef void record_take(void *context, const char *line);

/* Every whole line, the oldest first. A file may turn over while it is read: then its lines come
 * twice, and the numbers of the runs say so. */
MUST_CHECK bool record_read(record_take *take, void *context, struct err *e);

/* One line, its texts in printable ASCII: who wrote it talks to boards. The caller owns it; NULL if it
 * is none. */
json_t *record_load(const char *line);

/* The text under that key, or "". */
const char *record_text(const json_t *object, const char *key);
/* The time under that key, or 0. */
int64_t record_time(const json_t *object, const char *key);

#endif
