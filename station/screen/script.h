/* script: a screen without a terminal, driven by lines of a file, printed as text: for tests.
 *	wait TEXT	until the screen shows it; 30 s at most
 *	key NAME	one key: SPACE, ENTER, TAB, ESC, CTRL-L, F1 to F12, or one character
 *	scan TEXT	as a scanner types it
 *	type TEXT	as a person types it
 *	size WxH	from now on
 *	print		the screen as text, and below it "(beep)" if it wanted to be heard
 * Empty lines and lines that begin with "#" mean nothing. Threads: one. Layer above: screen_main.
 * Below: screen. */
#ifndef STATION_SCREEN_SCRIPT_H
#define STATION_SCREEN_SCRIPT_H

#include "station/screen/screen.h"

MUST_CHECK bool script_size(const char *text, int *ret_rows, int *ret_columns, struct err *e);
MUST_CHECK bool script_run(struct screen *s, const char *path, int rows, int columns,
			   struct err *e);

#endif
