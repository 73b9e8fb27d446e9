/* policy: what may run now: golden units in golden mode and nowhere else; a unit that failed, as
 * often as station.yaml says (retest: tries), counted over all nests; a nest in which units fail
 * one after the other, until somebody frees it. All of it is counted from the record of runs.
 * Threads: any. Layer above: steps, nest. Below: runs, settings. */
#ifndef STATION_POLICY_H
#define STATION_POLICY_H

#include "station/recipe.h"

/* Errors: POLICY_GOLDEN, POLICY_TRIES. */
MUST_CHECK bool policy_allows(const struct recipe_input *in, const char *unit, struct err *e);

/* How often the unit may still be tried; CONTROL_NO_LIMIT where nothing limits it. */
uint64_t policy_tries_left(const struct station_settings *settings, struct runs *runs,
			   const char *unit);

/* True if so many units failed in that nest, one after the other, that it stands still. */
bool policy_stops(const struct station_settings *settings, struct runs *runs, const char *nest);

/* Puts on record that the nest and its unit ("": the nest alone) may go on; `person` allowed it (""
 * if nobody had to). */
MUST_CHECK bool policy_free(const struct station_settings *settings, struct runs *runs,
			    const struct control_nest *nest, const char *person,
			    const char *operator, struct err * e);

#endif
