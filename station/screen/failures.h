/* failures: what is wrong with the nests that are marked: code, reason, try, remedy, one below the
 * other. Pure. Threads: one. Layer above: pages. Below: tiles, model, phrase, canvas. */
#ifndef STATION_SCREEN_FAILURES_H
#define STATION_SCREEN_FAILURES_H

#include "station/screen/paint.h"

/* Draws as many as fit; returns the rows taken. */
int failures_draw(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face);

#endif
