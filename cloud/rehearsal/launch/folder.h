/* folder: the rehearsal's folder: entered, locked, written to, and which process runs in it.
 * Errors: ERR_NOT_FOUND (no such folder), ERR_BUSY (another up or down is at work), ERR_INVALID,
 * ERR_SYSTEM. Threads: one. Layer above: up, down, service. Below: base. */
#ifndef CLOUD_REHEARSAL_LAUNCH_FOLDER_H
#define CLOUD_REHEARSAL_LAUNCH_FOLDER_H

#include "base/cleanup.h"
#include "base/err.h"

#include <limits.h>
#include <sys/types.h>

#define FOLDER_PROCESS "rehearsal" /* the name of the process that runs in it */
#define FOLDER_LOCK_MS 60000	   /* the longest wait for another up or down */

/* Makes it if `make`, goes there, and says where that is. ERR_REFUSED: it is not the user's own alone,
 * or holds what is no rehearsal's. */
MUST_CHECK bool folder_enter(const char *dir, bool make, char ret_path[static PATH_MAX],
			     struct err *e);
/* Held until the descriptor is closed. */
MUST_CHECK bool folder_lock(int *ret_fd, struct err *e);
MUST_CHECK bool folder_make(const char *path, struct err *e);
MUST_CHECK bool folder_write(const char *path, mode_t mode, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The process that runs here, as it wrote itself down: its pid and when it started, for a pid may be
 * another's by now. 0: none. */
MUST_CHECK bool folder_sign_in(struct err *e);
pid_t folder_running(void);
/* Ends it, and waits for that; true if there is none. */
MUST_CHECK bool folder_end(struct err *e);

#endif
