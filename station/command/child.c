#include "station/command/child.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static bool spawn(const char *const *words, int output_fd, pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
	rc = posix_spawnp(ret_pid, words[0], &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = rc;
	return rc == 0 ||
	       err_errno(e, rc == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot run %s", words[0]);
}

/* True if it ended by itself. */
static bool await(pid_t pid, int64_t deadline, struct err *e)
{
	AUTO(fd) fd = pidfd_open(pid, 0);

	return fd < 0 ? err_errno(e, ERR_SYSTEM, "cannot wait for it")
		      : wait_for(fd, POLLIN, deadline, -1, NULL, e);
}

static bool run(const char *const *words, int output_fd, int64_t timeout_ms, int *ret_exit,
		struct err *e)
{
	int status = 0;
	bool ended;
	pid_t pid;

	if (!spawn(words, output_fd, &pid, e))
		return false;
	ended = await(pid, clock_deadline(timeout_ms), e);
	if (!ended)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return err_add(e, "%s", words[0]);
	*ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

bool child_read(const char *const *words, int64_t timeout_ms, char *ret_text, size_t size,
		int *ret_exit, struct err *e)
{
	AUTO(fd) fd = memfd_create("child", MFD_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "no memory for what %s says", words[0]);
	if (!run(words, fd, timeout_ms, ret_exit, e))
		return false;
	len = pread(fd, ret_text, size - 1, 0);
	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "cannot read what %s says", words[0]);
	ret_text[len] = '\0';
	return true;
}
