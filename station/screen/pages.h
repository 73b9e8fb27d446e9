/* pages: what may stand between the line NEXT and the footer: the nests (or, when the jig was
 * stopped, what happened and how to go on), alarms, help, the report of the shift, orders, the test
 * of the colours. Each draws itself into the area. Pure. Threads: one. Layer above: paint. Below:
 * tiles, keys, model, phrase, canvas. */
#ifndef STATION_SCREEN_PAGES_H
#define STATION_SCREEN_PAGES_H

#include "station/screen/paint.h"

void pages_nests(struct canvas *c, struct area area, const struct model *m,
		 const struct face *face);
void pages_alarms(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face);
void pages_help(struct canvas *c, struct area area, const struct model *m, const struct face *face);
void pages_report(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face);
void pages_orders(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face);
void pages_lamps(struct canvas *c, struct area area, const struct model *m,
		 const struct face *face);

#endif
