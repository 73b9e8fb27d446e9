/* print: how the command shows nests: words first, colour only on a terminal and only beside the
 * word (NO_COLOR is respected). What came from a board is printed with "?" for all but printable
 * ASCII. Threads: one. Layer above: the commands. Below: view, jansson. */
#ifndef STATION_COMMAND_PRINT_H
#define STATION_COMMAND_PRINT_H

#include "base/cleanup.h"
#include "station/control/control.h"

#include <jansson.h>

AUTO_DEFINE(json, json_t *, json_decref)

#define PRINT_LINE_MAX 1024

/* What all lines of a table share. */
struct print_table {
	int name, unit; /* widths */
	uint64_t batch; /* the last start: of earlier ones, an empty nest says nothing more */
	bool colour;
};

void print_copy(char *ret_text, size_t size, const char *text);
bool print_has_colour(void);
struct print_table print_table(const struct control_nest *nests, size_t count, uint64_t batch);

/* "A1  T-0001  PASS  0.9 s  installed, proved by the board's signature". Returns line. */
char *print_nest(const struct control_nest *nest, const struct print_table *table,
		 char line[static PRINT_LINE_MAX]);
/* The line, and below it what to do now, if there is something. */
void print_nest_lines(const struct control_nest *nest, const struct print_table *table);

/* What stands between code and sentence: "F21 the flash …", but "csr: the request …". */
const char *print_code_end(const char *code);

/* "  FPY 97.9 %"; nothing while nothing was tried. Rounded down, as on the screen: 100 % is all. */
void print_yield(const struct control_tally *tally);

/* One object a line. */
void print_json(const json_t *object);
void print_json_nest(const struct control_nest *nest);
/* With the nests that it speaks of. */
void print_json_station(const struct control_station *station, const struct control_nest *nests,
			size_t count);
/* A time as RFC 3339, or null for 0. */
json_t *print_json_time(int64_t wall_s);

#endif
