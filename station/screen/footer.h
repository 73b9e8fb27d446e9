/* footer: the last rows: counters of the shift, the station's health, alarms, keys. Pure. Threads:
 * one. Layer above: paint. Below: model, phrase, canvas. */
#ifndef STATION_SCREEN_FOOTER_H
#define STATION_SCREEN_FOOTER_H

#include "station/screen/paint.h"

int footer_rows(const struct canvas *c);
void footer_draw(struct canvas *c, int row, const struct model *m, const struct face *face);

#endif
