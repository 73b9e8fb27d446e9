/* child: another program as a child, for at most a while: one of ours by its path, one of the system
 * by PATH. It reads nothing; what it says on both streams goes to one place. Errors: ERR_NOT_FOUND
 * (not installed), ERR_TIMEOUT (it was ended), ERR_SYSTEM. Threads: one. Layer above: doctor. Below:
 * base/wait. */
#ifndef STATION_COMMAND_CHILD_H
#define STATION_COMMAND_CHILD_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* `words` are its argv, NULL at the end. *ret_exit is its exit status, or 128 and the signal that
 * ended it. The first size - 1 bytes of what it says are in text, a NUL behind them. */
MUST_CHECK bool child_read(const char *const *words, int64_t timeout_ms, char *ret_text,
			   size_t size, int *ret_exit, struct err *e);

#endif
