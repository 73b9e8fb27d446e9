#include "serial/release.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

static void do_nothing(int number)
{
	(void)number;
}

static void install_handler(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };

	sigaction(RELEASE_SIGNAL, &action, NULL);
}

/* Again and again: the first one may come before the close has begun to wait. */
static bool arm(timer_t *ret_timer)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct timespec span = { .tv_nsec = RELEASE_MS * 1000000L };
	const struct itimerspec often = { .it_value = span, .it_interval = span };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = RELEASE_SIGNAL };

	event._sigev_un._tid = gettid();
	pthread_once(&once, install_handler);
	return timer_create(CLOCK_MONOTONIC, &event, ret_timer) == 0 &&
	       timer_settime(*ret_timer, 0, &often, NULL) == 0;
}

void release_close(int fd)
{
	sigset_t ours, before;
	timer_t timer;
	bool armed;

	sigemptyset(&ours);
	sigaddset(&ours, RELEASE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &ours, &before);
	armed = arm(&timer);
	close(fd);
	if (armed)
		timer_delete(timer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
