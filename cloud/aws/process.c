#include "cloud/aws/process.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* In a group of its own, so that what it started can be ended with it. */
static int spawn(const char *command, int output, pid_t *ret_pid)
{
	char *const words[] = { "/bin/sh", "-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(ret_pid, words[0], &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static bool read_all(int fd, int64_t deadline, char *output, size_t size, size_t *ret_len,
		     struct err *e)
{
	size_t len = 0;

	for (;;) {
		ssize_t got;

		if (!wait_for(fd, POLLIN, deadline, -1, NULL, e))
			return false;
		got = read(fd, output + len, size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, ERR_SYSTEM, "cannot read its output");
		if (got == 0)
			break;
		len += (size_t)got;
		if (len == size)
			return err_set(e, ERR_INVALID, "it prints %zu bytes or more", size);
	}
	*ret_len = len;
	return true;
}

/* Sees the end without taking the status: the process stays its group's leader until then. */
static bool wait_end(pid_t pid, int64_t deadline, struct err *e)
{
	AUTO(fd) fd = pidfd_open(pid, 0);

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot watch it");
	return wait_for(fd, POLLIN, deadline, -1, NULL, e);
}

static int end(pid_t pid)
{
	int status = 0;

	kill(-pid, SIGKILL); /* what has ended keeps its status */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool process_read(const char *command, int64_t timeout_ms, char *output, size_t size,
		  size_t *ret_len, struct err *e)
{
	int64_t deadline = clock_deadline(timeout_ms);
	AUTO(fd) reading = -1;
	int fds[2], rc, status;
	size_t len;
	pid_t pid;
	bool done;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a pipe");
	reading = fds[0];
	rc = spawn(command, fds[1], &pid);
	close(fds[1]);
	errno = rc;
	if (rc)
		return err_errno(e, ERR_SYSTEM, "cannot start /bin/sh");
	done = read_all(reading, deadline, output, size, &len, e) && wait_end(pid, deadline, e);
	status = end(pid);
	if (!done)
		return false;
	if (status != 0)
		return err_set(e, ERR_INVALID, "it failed (%s %d)",
			       WIFEXITED(status) ? "exit" : "signal",
			       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	*ret_len = len;
	return true;
}
