/* tiles: the nests in the jig's geometry. Where the geometry does not fit they
 * stand in their order, row by row; where not even that fits, those that want a person come first.
 * Pure. Threads: one. Layer above: paint. Below: model, phrase, canvas. */
#ifndef STATION_SCREEN_TILES_H
#define STATION_SCREEN_TILES_H

#include "station/screen/paint.h"

#define TILES_PITCH_MAX 4 /* rows of a nest, with a blank one below */

/* The least rows that all nests take in so many columns. */
int tiles_rows(const struct model *m, int columns);

/* Draws as many as fit, as high as they may be; returns the rows taken. */
int tiles_draw(struct canvas *c, struct area area, const struct model *m, const struct face *face);

/* How an outcome looks: the same everywhere. */
struct tiles_look {
	enum style style;
	const char *symbol;
	const char *word; /* of the record of runs: the same in every language; or "" */
};
struct tiles_look tiles_look(enum outcome outcome);

#endif
