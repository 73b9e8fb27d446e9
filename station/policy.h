/* policy: which unit may run now: golden units in golden mode and nowhere else; a unit that failed,
 * as often as station.yaml says (retest: tries), counted from the record of runs over all nests.
 * Threads: any. Layer above: steps, nest. Below: runs, settings. */
#ifndef STATION_POLICY_H
#define STATION_POLICY_H

#include "station/recipe.h"

/* Errors: POLICY_GOLDEN, POLICY_TRIES. */
MUST_CHECK bool policy_allows(const struct recipe_input *in, const char *unit, struct err *e);

/* How often the unit may still be tried; CONTROL_NO_LIMIT where nothing limits it. */
uint64_t policy_tries_left(const struct station_settings *settings, struct runs *runs,
			   const char *unit);

#endif
