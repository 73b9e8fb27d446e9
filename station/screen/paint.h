/* paint: from what the station says (model) and what this screen adds (face) to cells. Pure, so
 * that a test needs no terminal. From top to bottom:
 *	order, product, progress, person, time
 *	a line, or what holds for all that is made here (test CA, dry run, golden unit)
 *	the big word, and a sentence beside it
 *	NEXT: what to do now
 *	a line, or what this screen has to say (a refusal)
 *	the nests and what failed; or the page that was asked for
 *	counters; health of the station
 * Threads: one. Layer above: screen. Below: tiles, pages, model, phrase, letters, canvas. */
#ifndef STATION_SCREEN_PAINT_H
#define STATION_SCREEN_PAINT_H

#include "station/screen/model.h"

#define PAINT_ROWS_MIN 24
#define PAINT_COLUMNS_MIN 80

enum page { PAGE_NESTS, PAGE_ALARMS, PAGE_HELP, PAGE_REPORT, PAGE_ORDERS, PAGE_LAMPS, PAGE_COUNT };

/* What this screen adds to what the station says. */
struct face {
	enum language language;
	enum page page;
	size_t part;		  /* of a page that does not fit at once */
	char banner[PHRASE_SIZE]; /* "" or what it has to say */
	enum style banner_style;
	bool types; /* a code is typed by hand: */
	char typed[CONTROL_NAME_MAX + 1];
};

void paint(struct canvas *c, const struct model *m, const struct face *face);

/* For the pages too: a local time, and "98.2 %". */
#define PAINT_CLOCK_SIZE 64
enum paint_clock { CLOCK_MINUTES, CLOCK_SECONDS, CLOCK_DATE, CLOCK_DATE_MINUTES };
char *paint_clock(int64_t wall_s, enum paint_clock what, char ret_text[static PAINT_CLOCK_SIZE]);
void paint_percent(uint64_t part, uint64_t all, char *ret_text, size_t size);

#endif
