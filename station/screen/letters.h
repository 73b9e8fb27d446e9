/* letters: one big word, readable from three metres: letters of 6 by 5 full blocks, which every
 * console font has, each block drawn `scale` times in both directions. Pure. Threads: any. Layer
 * above: paint. Below: canvas. */
#ifndef STATION_SCREEN_LETTERS_H
#define STATION_SCREEN_LETTERS_H

#include "station/screen/canvas.h"

#define LETTERS_ROWS 5
#define LETTERS_SCALE_MAX 3

/* True if every letter of the word can be drawn: A to Z, Ä Ö Ü, 0 to 9, blank. */
bool letters_know(const char *word);
/* The columns that it takes at scale 1. */
int letters_width(const char *word);
/* Draws it with its left upper corner there. */
void letters_draw(struct canvas *c, int row, int column, int scale, enum style style,
		  const char *word);

#endif
