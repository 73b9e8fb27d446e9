/* shell: a command that somebody configured, run by /bin/sh in a process group of its own, which is
 * ended as a whole. Errors: ERR_TIMEOUT, ERR_CANCELLED, ERR_SYSTEM. Threads: any; no signal is
 * blocked in the command. Layer above: cloud/aws, cloud/rehearsal/rest. Below: wait. */
#ifndef BASE_SHELL_H
#define BASE_SHELL_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Descriptors that become its own. -1: `in` is empty then, the others are ours. */
struct shell_files {
	int in, out, err;
};

/* `environment` ends with NULL. */
MUST_CHECK bool shell_start(const char *command, const struct shell_files *files,
			    char *const *environment, pid_t *ret_pid, struct err *e);
/* Waits until the command has ended; shell_end must follow, however this went. */
MUST_CHECK bool shell_wait(pid_t pid, int64_t deadline, int cancel_fd, struct err *e);
/* Kills what is left of the group. Returns the command's status as waitpid says it. */
int shell_end(pid_t pid);

#endif
