#include "tests/rig/daemon.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

static int ready_fd = -1; /* to the parent that waits */

static bool block_signals(int *ret_fd, struct err *e)
{
	sigset_t stop;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGHUP);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	*ret_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd >= 0 || err_errno(e, ERR_SYSTEM, "no signal descriptor");
}

bool daemon_ready(struct err *e)
{
	AUTO(fd) null_fd = -1;
	uint8_t code = EXIT_SUCCESS;

	if (ready_fd < 0)
		return true;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || write(ready_fd, &code, 1) != 1)
		return err_errno(e, ERR_SYSTEM, "cannot detach");
	/* Lets go of what the parent's caller would wait for. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null_fd, fd);
	close(ready_fd);
	ready_fd = -1;
	return true;
}

/* In the parent: the exit code. In the child: -1. */
static int detach(void)
{
	uint8_t code = EXIT_FAILURE;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return EXIT_FAILURE;
	pid = fork();
	if (pid == 0) {
		setsid();
		close(fds[0]);
		ready_fd = fds[1];
		return -1;
	}
	close(fds[1]);
	if (pid < 0 || read(fds[0], &code, 1) != 1)
		code = EXIT_FAILURE;
	return code;
}

/* Not where it was started in a session of its own: that one is meant to stay. */
static void end_with_parent(void)
{
	pid_t parent = getppid();

	if (getsid(0) == getpid())
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM);
}

int daemon_run(const char *name, bool detached, daemon_serve *serve, void *context)
{
	int code = detached ? detach() : -1;
	AUTO(fd) stop_fd = -1;
	struct err e = { 0 };

	if (code >= 0)
		return code;
	if (!detached)
		end_with_parent();
	if (block_signals(&stop_fd, &e)) {
		prctl(PR_SET_TIMERSLACK, 1);
		if (serve(context, stop_fd, &e))
			return EXIT_SUCCESS;
	}
	fprintf(stderr, "%s: %s\n", name, e.text);
	return e.code == ERR_USAGE ? 2 : EXIT_FAILURE;
}
