/* history: what follows from the record of runs: the tries of units, the nests that fail, the mode,
 * the counters. Fed with every line of the record in its order, when the station starts and as they
 * are added; it knows nothing else, so a restart changes nothing.
 * Threads: one a history (runs holds a mutex). Layer above: runs. Below: control/tally. */
#ifndef STATION_HISTORY_H
#define STATION_HISTORY_H

#include "station/control/tally.h"
#include "station/runs.h"

struct nest_history {
	char nest[CONTROL_NEST_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1]; /* that was tried last */
	unsigned tries;
	bool passed;
	bool used_up;			 /* the last run used a try up: it was a FAIL */
	uint64_t failed[RUNS_FAILS_MAX]; /* units that failed there since a PASS */
	size_t failed_count;
};

struct history {
	struct tally *tally;
	struct nest_history nests[CONTROL_NESTS_MAX];
	size_t nest_count;
	enum control_mode mode;
	int64_t golden_passed_at;
};

MUST_CHECK bool history_init(struct history *h, struct err *e);
void history_close(struct history *h);

/* The number of the next try of the unit in the nest. */
unsigned history_tries(const struct history *h, const char *nest, const char *unit);
/* A run whose record is durable. */
void history_run(struct history *h, const struct run *run);
void history_act(struct history *h, const struct runs_act *act);

/* How many units failed in that nest since a PASS there, or since it was freed. */
size_t history_nest_fails(const struct history *h, const char *nest);

#endif
