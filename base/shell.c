#include "base/shell.h"

#include "base/cleanup.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static void give(posix_spawn_file_actions_t *actions, const struct shell_files *files)
{
	if (files->in >= 0)
		posix_spawn_file_actions_adddup2(actions, files->in, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (files->out >= 0)
		posix_spawn_file_actions_adddup2(actions, files->out, STDOUT_FILENO);
	if (files->err >= 0)
		posix_spawn_file_actions_adddup2(actions, files->err, STDERR_FILENO);
}

bool shell_start(const char *command, const struct shell_files *files, char *const *environment,
		 pid_t *ret_pid, struct err *e)
{
	char *const words[] = { "sh", "-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	give(&actions, files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, words, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = rc;
	return !rc || err_errno(e, ERR_SYSTEM, "cannot start /bin/sh");
}

/* Sees the end without taking the status: the process stays its group's leader until then. */
bool shell_wait(pid_t pid, int64_t deadline, int cancel_fd, struct err *e)
{
	AUTO(fd) fd = pidfd_open(pid, 0);

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot wait for a command");
	return wait_for(fd, POLLIN, deadline, cancel_fd, NULL, e);
}

int shell_end(pid_t pid)
{
	int status = 0;

	kill(-pid, SIGKILL); /* what has ended keeps its status */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
