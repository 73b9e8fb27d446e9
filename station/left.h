/* left: runs that a station left in their middle, by its end or by a power cut. Each run goes on
 * record as under way when it begins, when its unit is known, and, durable, before its board may
 * hold anything; the line of its end, or a board that was seen to leave, takes it off again. What
 * is left of them when the station starts is judged ABORTED, and shown in its nest until that runs
 * again.
 * Pure. Threads: one (runs holds a mutex). Layer above: runs, nest. Below: runs' struct run. */
#ifndef STATION_LEFT_H
#define STATION_LEFT_H

#include "station/runs.h"

struct left {
	struct run runs[CONTROL_NESTS_MAX]; /* number 0: not on record as a run yet */
	size_t count;
};

/* What such a run comes to, by what is known of it: its outcome, code and text. */
void left_judge(struct run *run);
/* What to do now; a text of the program. */
const char *left_remedy(void);

/* Takes in the record, line by line. */
void left_under_way(struct left *left, const struct run *run);
void left_ended(struct left *left, const struct run *run);
void left_gone(struct left *left, const char *nest);

/* The run that was left in that nest, or NULL. */
const struct run *left_in(const struct left *left, const char *nest);

#endif
