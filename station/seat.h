/* seat: a board's place in the jig, as its nest must know it: is a board there, and did the jig
 * hold it, powered, to the end of its run. Without a jig (NULL) a board is there if its line is.
 * Threads: the nest's. Layer above: nest. Below: fixtures/jig, serial/board. */
#ifndef STATION_SEAT_H
#define STATION_SEAT_H

#include "fixtures/jig.h"
#include "station/settings.h"

struct seat {
	struct jig *jig; /* or NULL */
	const struct station_settings *settings;
	size_t index;
	bool present; /* as seen last */
};

/* By the jig's signal where the map has one; with the bus lost it stays what it was. */
bool seat_has_signal(const struct seat *seat);
bool seat_look(struct seat *seat);
/* False while the jig's signal cannot be read. */
bool seat_knows(const struct seat *seat);

/* False, with the sentence, if the jig has tripped, or the board is known to be gone. */
MUST_CHECK bool seat_holds(const struct seat *seat, struct err *e);
/* Waits for a sample of the jig that was taken after now, and sees whether the board was powered
 * all the while. False with the jig's sentence if it was not, or if nobody can know. */
MUST_CHECK bool seat_held(const struct seat *seat, struct err *e);

#endif
