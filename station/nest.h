/* nest: one board position with its own thread, which looks at the line, runs the recipe and writes
 * the record. Nothing is shared between nests but the station's boxes, and no nest waits for
 * another. A run is started by a person or, if the settings say so, by the arrival of a board.
 * Either is a presence of a board: it brings at most one new certificate. Different unit ids that
 * FAIL without a PASS between them, as many as `stop_after` says, stop the nest until it is freed,
 * or started by its name. A board that failed runs again as the policy says (retest:); what the
 * board's presence does not show, the recipe checks when it knows the unit.
 * In a jig a run ends ABORTED if the jig did not hold its board, powered, to its end.
 * Threads: the functions below are for the poll loop; they do not wait, but nest_close. Layer
 * above: desk. Below: recipe, box, runs. */
#ifndef STATION_NEST_H
#define STATION_NEST_H

#include "station/alarms.h"
#include "station/box.h"
#include "station/catalogue.h"
#include "station/people.h"
#include "station/runs.h"
#include "station/settings.h"

#include <stdatomic.h>

#define NEST_LOOK_MS 200 /* how often an idle nest looks for a board */

/* What all nests share. It outlives them. */
struct nest_shared {
	const struct station_settings *settings;
	struct catalogue *catalogue;
	struct runs *runs;
	struct people *people;
	struct alarms *alarms;
	struct jig *jig;  /* NULL: a bench */
	atomic_bool ends; /* the station ends: what is aborted now was left in its middle */
	int bell_fd;	  /* rung when something happened that the poll loop may wait for */
};

struct nest_start {
	char operator[CONTROL_NAME_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1]; /* from a label, or "" */
	uint64_t batch;
	int64_t asked_ms; /* monotonic: when it was given */
	bool by_name;	  /* runs even a stopped nest */
};

struct nest;

MUST_CHECK bool nest_open(const struct nest_shared *shared, size_t index, struct nest **ret_nest,
			  struct err *e);

/* Asks the nest to run its board. Its box's answer is PENDING until it has said. */
void nest_ask(struct nest *nest, const struct nest_start *start);
/* It looks at its seat now, not at its next turn. */
void nest_wake(struct nest *nest);
/* Stops the run under way, if any; it ends ABORTED a moment later. */
void nest_abort(struct nest *nest);
/* Forgets what failed in it, of its unit and of those before: `person` allowed it. Returns when
 * that is on record. */
MUST_CHECK bool nest_let_off(struct nest *nest, const char *person, const char *operator,
			     struct err * e);
/* Stops the run and lets the thread end. */
void nest_quit(struct nest *nest);
/* Waits for the thread and frees the nest; false if the thread did not end in time (then nothing
 * is freed). */
bool nest_close(struct nest *nest, int64_t deadline);

struct box *nest_box(struct nest *nest);
const char *nest_name(const struct nest *nest);

#endif
