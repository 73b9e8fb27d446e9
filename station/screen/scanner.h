/* scanner: tells what a scanner types from what a person types. A scanner's characters come in one
 * burst, each less than SCANNER_GAP_MS behind the one before, with CR or TAB behind them. The gap
 * is not read from a clock: it has passed when the terminal had nothing to read for that long, so
 * that a loaded machine cannot break a burst. Pure. Threads: one. Layer above: screen. Below: none.
 */
#ifndef STATION_SCREEN_SCANNER_H
#define STATION_SCREEN_SCANNER_H

#include <stdbool.h>
#include <stddef.h>

#define SCANNER_GAP_MS 40
#define SCANNER_LEN_MIN 3 /* a shorter burst was typed */
#define SCANNER_LEN_MAX 64

enum scanner_event {
	SCANNER_NOTHING,
	SCANNER_KEY,	/* one typed character: `key` */
	SCANNER_SCAN,	/* `text` */
	SCANNER_NO_END, /* a burst without CR or TAB: the scanner is not set up */
	SCANNER_TOO_LONG,
};

struct scanner {
	char text[SCANNER_LEN_MAX + 1];
	size_t len, given; /* characters of `text`; those given out as keys */
	bool is_long;	   /* more came than fit */
	bool has_ended;	   /* the burst is over: given out key by key */
	char key;
};

/* Takes one character of printable ASCII, CR, LF or TAB. */
enum scanner_event scanner_take(struct scanner *s, char character);

/* The gap has passed. Ask again until it says NOTHING. */
enum scanner_event scanner_rest(struct scanner *s);

/* True while a burst may be under way: wait for the gap. */
bool scanner_waits(const struct scanner *s);

#endif
