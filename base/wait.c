#include "base/wait.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>

static int remaining_ms(int64_t deadline)
{
	int64_t left;

	if (deadline == CLOCK_NEVER)
		return -1;
	left = deadline - clock_monotonic_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

bool wait_for(int fd, short events, int64_t deadline, int cancel_fd, short *ret_events,
	      struct err *e)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = cancel_fd, .events = POLLIN } };

	for (;;) {
		int timeout_ms = remaining_ms(deadline);
		int rc = poll(fds, 2, timeout_ms);

		if (rc < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "waiting failed");
		if (rc < 0)
			continue;
		if (fds[1].revents)
			return err_set(e, ERR_CANCELLED, "stopped on request");
		if (fds[0].revents) {
			if (ret_events)
				*ret_events = fds[0].revents;
			return true;
		}
		if (timeout_ms >= 0 && remaining_ms(deadline) == 0)
			return err_set(e, ERR_TIMEOUT, "no answer in time");
	}
}

bool wait_pause(int64_t duration_ms, int cancel_fd, struct err *e)
{
	struct err passed;

	if (wait_for(-1, 0, clock_deadline(duration_ms), cancel_fd, NULL, &passed) ||
	    passed.code == ERR_TIMEOUT)
		return true;
	*e = passed;
	return false;
}
