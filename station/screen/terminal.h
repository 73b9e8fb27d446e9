/* terminal: a screen on the terminal of this process, by ncurses. It leaves the terminal as it was:
 * at the end, at SIGTERM, SIGHUP, SIGINT, and when this program crashes. Threads: one. Layer above:
 * screen_main. Below: screen, ncursesw. */
#ifndef STATION_SCREEN_TERMINAL_H
#define STATION_SCREEN_TERMINAL_H

#include "station/screen/screen.h"

/* True if a terminal of this type shows the letters of East Asia: the Linux console does not. */
bool terminal_has_east_asian(const char *term);

/* Runs until somebody asks for the end, or the terminal is gone. */
MUST_CHECK bool terminal_run(struct screen *s, struct err *e);

/* For the benchmark. */
MUST_CHECK bool terminal_open(struct err *e);
void terminal_show(const struct canvas *c);
void terminal_size(int *ret_rows, int *ret_columns);
void terminal_close(void);

#endif
