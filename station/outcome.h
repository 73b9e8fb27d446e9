/* outcome: what a run came to, once its recipe has ended: the jig's word on it, its record, its line
 * in the log. Threads: the nest's. Layer above: nest. Below: seat, runs, alarms, verdict. */
#ifndef STATION_OUTCOME_H
#define STATION_OUTCOME_H

#include "station/alarms.h"
#include "station/runs.h"
#include "station/seat.h"

/* Whatever came of it: a board whose power went away has said nothing. What a person aborted is
 * without power by that. */
void outcome_by_jig(const struct seat *seat, struct run *run, const char **remedy);

/* A run whose record is not durable has not passed: nobody could show it later. */
void outcome_keep(struct runs *runs, struct alarms *alarms, struct run *run, const char **remedy);

void outcome_log(const struct run *run);

#endif
