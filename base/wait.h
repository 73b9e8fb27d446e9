/* wait: the one place where a thread of ours waits for a descriptor.
 * Every wait has a deadline and sees the cancel descriptor: an eventfd that nobody drains while
 * work runs, so that one write stops every thread that waits. Errors: ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_SYSTEM. Threads: any. Layer below: clock. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include "base/err.h"

#include <stdint.h>

/* Waits until `fd` shows one of `events` (POLLIN, POLLOUT) or hangs up; *ret_events (may be NULL)
 * then holds what poll saw, with POLLHUP and POLLERR. `fd` -1 waits for the deadline or the cancel
 * alone. `cancel_fd` -1: cannot be cancelled. A deadline in the past still looks once. */
MUST_CHECK bool wait_for(int fd, short events, int64_t deadline, int cancel_fd, short *ret_events,
			 struct err *e);

/* Lets `duration_ms` pass, unless cancelled. */
MUST_CHECK bool wait_pause(int64_t duration_ms, int cancel_fd, struct err *e);

#endif
