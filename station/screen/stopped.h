/* stopped: the jig was stopped: what happened, which nests count as powered, which units are not
 * finished, how to go on. Pure. Threads: one. Layer above: pages. Below: model, phrase, canvas. */
#ifndef STATION_SCREEN_STOPPED_H
#define STATION_SCREEN_STOPPED_H

#include "station/screen/paint.h"

/* Returns the rows taken. */
int stopped_draw(struct canvas *c, struct area area, const struct model *m,
		 const struct face *face);

#endif
