/* terminal: a table that is drawn over itself, line by line, on the screen of stdout. Threads: one.
 * Layer above: the commands that watch. Below: none. */
#ifndef STATION_COMMAND_TERMINAL_H
#define STATION_COMMAND_TERMINAL_H

#include <stdbool.h>

struct terminal {
	int rows, columns;
	int drawn; /* lines of the last table, then of this one */
	bool colour;
};

/* Measures the screen, and goes back to the first line of the last table. */
void terminal_begin(struct terminal *t);
/* A line may not wrap, or the table would not be drawn over itself; colour takes no room. */
void terminal_line(struct terminal *t, const char *line);
/* How many more lines there is room for, with one left for the cursor. */
int terminal_room(const struct terminal *t);
void terminal_end(struct terminal *t);

#endif
