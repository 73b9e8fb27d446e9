/* crash: when this program crashes, its terminal is left as it was found. Threads: one. Layer
 * above: terminal. Below: the terminal's description (terminfo). */
#ifndef STATION_SCREEN_CRASH_H
#define STATION_SCREEN_CRASH_H

#include "base/err.h"

/* Before curses touches the terminal: remembers its settings. */
MUST_CHECK bool crash_remember(struct err *e);
/* After: from now on a crash restores them. */
void crash_catch(void);

#endif
