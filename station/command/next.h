/* next: where the cycle of the jig stands and what is to be done now, in words. Threads: any. Layer
 * above: the commands. Below: control. */
#ifndef STATION_COMMAND_NEXT_H
#define STATION_COMMAND_NEXT_H

#include "station/control/control.h"

#define NEXT_LINE_MAX (CONTROL_TEXT_MAX + CONTROL_NAMES_MAX + 128)

const char *next_name(uint64_t next); /* "reseat"; "" for NEXT_NONE */
/* A cycle is under way: nests that are not running yet, or not any more, belong to it. */
bool next_is_busy(const struct control_station *station);

/* The index-th line about the cycle ("jig   running, 4.1 s", "next  press START: A1 A2"); false
 * behind the last one, and on a bench. `names` are those of the nests, in their order. */
bool next_line(const struct control_station *station, const struct control_nest *nests,
	       size_t count, size_t index, char line[static NEXT_LINE_MAX]);

#endif
