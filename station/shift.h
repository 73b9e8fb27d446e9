/* shift: the state of the day's work, looked at once a second by the poll loop: who is logged in,
 * whether the golden unit is due, labels that are missing, the health of signer, token, ledger,
 * clock and disk, and the alarms that follow from them. Nothing here waits.
 * Threads: the poll loop's. Layer above: desk, answer. Below: runs, people, alarms, overview. */
#ifndef STATION_SHIFT_H
#define STATION_SHIFT_H

#include "station/overview.h"
#include "station/desk.h"

#define TOKEN_SLOW_S 3 /* a signature that takes so long is told of; after 10 s the signer ends */

struct shift {
	const struct desk_config *config;
	struct overview *overview;
	int64_t looked_at; /* monotonic ms */
	int64_t asked_at;  /* when the signer was asked without anybody watching */
	int64_t active_at; /* when a person did something last */
	int64_t began;	   /* of the shift, wall s */
	enum control_health clock, disk, ledger_disk, jig;
	bool golden_due;
	char record_trouble[CONTROL_TEXT_MAX + 1]; /* "", or why runs are missing in the record */
	uint64_t labelled;   /* nests whose product wants a label: bit 1 << index */
	uint64_t unlabelled; /* those of them with a board that waits for one */
};

void shift_turn(struct shift *shift);
/* Somebody did something at the station: the time until the logout starts again. */
void shift_active(struct shift *shift);

/* Counters, people, mode, health, alarms, and what is next on a bench without a jig. */
void shift_show(const struct shift *shift, struct control_station *station);

/* What has to be done before the next start, as far as it is not about the jig, and in which nests;
 * NEXT_NONE if nothing. */
enum control_next shift_next(const struct shift *shift,
			     char ret_nests[static CONTROL_NAMES_MAX + 1]);

/* May somebody start now? ERR_REFUSED with what to do. */
MUST_CHECK bool shift_may_start(const struct shift *shift, struct err *e);

/* Which nests want a label now, before a label is bound. */
void shift_look_at_labels(struct shift *shift);

#endif
