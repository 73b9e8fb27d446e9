/* tally: units and runs counted: for the shift, for each order, for the last TALLY_LAST units. It
 * is fed with every run of the record, the oldest first, and never with anything else, so that it
 * is the same after a restart.
 *	counted		runs in normal mode with PASS or FAIL; ERROR and ABORTED are no board's
 *			doing
 *	tried		units whose first counted run lies in the stretch
 *	first_pass	those of them that passed in it: FPY = first_pass / tried
 *	retests		counted runs beyond a unit's first
 *	good, bad	units by their last counted run in the stretch
 * A board that fails before it says its unit id is a unit named by its nest. If the nest's next run
 * names a unit that was not tried before, that was the same board, seated again. Units are
 * remembered by 64 bits of their name, the TALLY_UNITS newest at least; one that is forgotten would
 * count as new. TALLY_ORDERS orders are counted side by side.
 * Threads: one a tally. Layer above: station/history, command/report. Below: control. */
#ifndef STATION_CONTROL_TALLY_H
#define STATION_CONTROL_TALLY_H

#include "base/cleanup.h"
#include "station/control/control.h"

#define TALLY_LAST 50
#define TALLY_UPH_SPAN_S 60 /* a shorter stretch says nothing about an hour: 0 units per hour */
#define TALLY_UNITS 32768
#define TALLY_ORDERS 16

struct tally_run {
	const char *nest, *unit, *order; /* unit "": it never said */
	uint64_t outcome, mode;		 /* enum outcome, control_mode */
	int64_t shift;			 /* when the run's shift began; it never goes back */
	int64_t started_at, ended_at;
};

struct tally;

MUST_CHECK bool tally_new(struct tally **ret_tally, struct err *e);
void tally_free(struct tally *tally);
AUTO_DEFINE(tally, struct tally *, tally_free)

void tally_add(struct tally *tally, const struct tally_run *run);

/* Of the shift that began then; only the newest is known, any other has counted nothing. */
struct control_tally tally_shift(const struct tally *tally, int64_t shift);
struct control_tally tally_order(const struct tally *tally, const char *order);
/* Of the last units, and the units per hour of those that are of the newest shift. */
struct control_tally tally_last(const struct tally *tally, uint64_t *ret_uph);

/* How often that unit has failed since it passed or was let off. */
unsigned tally_fails(const struct tally *tally, const char *unit);
void tally_let_off(struct tally *tally, const char *unit);

/* What a unit is remembered by; never 0. */
uint64_t tally_key(const char *first, const char *second);

#endif
