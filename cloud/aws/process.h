/* process: what a command of the shell prints, with an end in time and in length. Its stdin is empty,
 * its stderr is ours. Errors: ERR_TIMEOUT, ERR_INVALID (too long, or ended other than with 0),
 * ERR_SYSTEM. Threads: any. Layer above: credentials. Below: shell. */
#ifndef CLOUD_AWS_PROCESS_H
#define CLOUD_AWS_PROCESS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* *ret_len bytes into `output`, which holds `size`. */
MUST_CHECK bool process_read(const char *command, int64_t timeout_ms, char *output, size_t size,
			     size_t *ret_len, struct err *e);

#endif
