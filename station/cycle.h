/* cycle: takes one panel after the other through the jig: the thread that sees the jig and the
 * nests, lets the panel (panel.h) decide, and does what it wants: outputs of the jig, runs of the
 * nests, marks in their boxes. A press of the jig's start button is left for the poll loop, which
 * asks the signer first, as for everybody else.
 * Threads: the functions below are for the poll loop; none waits but cycle_close. Layer above:
 * desk. Below: panel, nest, fixtures/jig. */
#ifndef STATION_CYCLE_H
#define STATION_CYCLE_H

#include "station/nest.h"

struct cycle_config {
	const struct station_settings *settings;
	struct nest *const *nests; /* as many as the settings have */
	struct jig *jig;
	int wake_fd; /* the jig rings it */
	int bell_fd; /* of the poll loop */
};

struct cycle;

MUST_CHECK bool cycle_open(const struct cycle_config *config, struct cycle **ret_cycle,
			   struct err *e);
/* Stops the runs, wants all power off, and ends the thread. The jig lives on. */
void cycle_close(struct cycle *cycle);
AUTO_DEFINE(cycle, struct cycle *, cycle_close)

/* Begins a cycle with the boards of `nests`; each of these nests then has its answer. The jig must
 * not move for a START of long ago: a lid that moved since, or a stop, takes it back. ERR_BUSY,
 * ERR_REFUSED. */
MUST_CHECK bool cycle_start(struct cycle *cycle, const struct nest_start *start, uint64_t nests,
			    struct err *e);
/* False if no cycle runs. */
bool cycle_abort(struct cycle *cycle);
/* Takes a stop back. ERR_REFUSED with what still stands. */
MUST_CHECK bool cycle_reset(struct cycle *cycle, struct err *e);
/* An output by hand, in commissioning. ERR_BUSY while a cycle runs; else as jig_hold. */
MUST_CHECK bool cycle_set(struct cycle *cycle, const char *signal, bool value, struct err *e);

/* When the start button was pressed and a start would have been taken, monotonic ms; 0: it was not,
 * or that was forgotten. */
int64_t cycle_pressed_ms(struct cycle *cycle);
void cycle_press_forget(struct cycle *cycle);

/* Fills in where the cycle stands. */
void cycle_show(struct cycle *cycle, struct control_station *ret_station);

#endif
