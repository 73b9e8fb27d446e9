#include "cloud/aws/process.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/shell.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

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

bool process_read(const char *command, int64_t timeout_ms, char *output, size_t size,
		  size_t *ret_len, struct err *e)
{
	int64_t deadline = clock_deadline(timeout_ms);
	struct shell_files files = { -1, -1, -1 };
	AUTO(fd) reading = -1;
	int fds[2], status;
	bool started, done;
	size_t len;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a pipe");
	reading = fds[0];
	files.out = fds[1];
	started = shell_start(command, &files, environ, &pid, e);
	close(fds[1]);
	if (!started)
		return false;
	done = read_all(reading, deadline, output, size, &len, e) &&
	       shell_wait(pid, deadline, -1, e);
	status = shell_end(pid);
	if (!done)
		return false;
	if (status != 0)
		return err_set(e, ERR_INVALID, "it failed (%s %d)",
			       WIFEXITED(status) ? "exit" : "signal",
			       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	*ret_len = len;
	return true;
}
