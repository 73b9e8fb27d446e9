#include "base/program.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#ifndef IMPRINT_LIBEXEC
#define IMPRINT_LIBEXEC "../libexec/imprint" /* seen from the folder of this program */
#endif

static bool own_folder(char folder[static PATH_MAX], struct err *e)
{
	ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "cannot see where this program itself is");
	folder[len] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return true;
}

/* Who needs one that is not here installs its package (debian/). */
static const char *package_of(const char *name)
{
	static const struct {
		const char *program, *package;
	} rows[] = {
		{ "imprint-ui", "imprint-screen" },
		{ "imprint-cloud", "imprint-cloud" },
		{ "imprint-reconcile", "imprint-cloud" },
		{ "imprint-rehearsal", "imprint-rehearsal" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].program) == 0)
			return rows[i].package;
	return "imprint-station";
}

bool program_find(const char *name, char ret_path[static PATH_MAX], struct err *e)
{
	static const char *const places[] = { ".", IMPRINT_LIBEXEC };
	char folder[PATH_MAX], path[PATH_MAX];

	if (!own_folder(folder, e))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int len = snprintf(path, PATH_MAX, "%s/%s/%s", folder, places[i], name);

		if (len > 0 && len < PATH_MAX && access(path, X_OK) == 0) {
			strcpy(ret_path, path);
			return true;
		}
	}
	return err_set(e, ERR_NOT_FOUND,
		       "this needs the program %s, which is not installed here: apt install %s",
		       name, package_of(name));
}

/* stdout_fd -1: ours. */
static bool spawn(const char *name, const char *const *words, int stdout_fd, pid_t *ret_pid,
		  struct err *e)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];

	if (!program_find(name, path, e))
		return false;
	fflush(stdout);
	posix_spawn_file_actions_init(&actions);
	if (stdout_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
	errno = posix_spawn(ret_pid, path, &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return !errno || err_errno(e, ERR_SYSTEM, "cannot run %s", path);
}

static bool await(const char *name, pid_t pid, int *ret_exit, struct err *e)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot wait for %s", name);
	*ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

bool program_run(const char *name, const char *const *words, int *ret_exit, struct err *e)
{
	pid_t pid;

	return spawn(name, words, -1, &pid, e) && await(name, pid, ret_exit, e);
}

/* Until the child closes it; what does not fit is read and dropped, so that the child ends. */
static bool read_all(int fd, char *text, size_t size, struct err *e)
{
	char rest[4096];
	size_t len = 0;

	for (;;) {
		bool fits = len < size;
		ssize_t got = read(fd, fits ? text + len : rest, fits ? size - len : sizeof(rest));

		if (got < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "cannot read what it says");
		if (got == 0)
			break;
		if (got > 0 && fits)
			len += (size_t)got;
	}
	if (len == size)
		return err_set(e, ERR_INVALID, "it says more than %zu bytes", size - 1);
	text[len] = '\0';
	return true;
}

bool program_read(const char *name, const char *const *words, char *ret_text, size_t size,
		  int *ret_exit, struct err *e)
{
	AUTO(fd) from = -1;
	AUTO(fd) to = -1;
	struct err ending;
	int ends[2];
	bool taken;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a pipe for %s", name);
	from = ends[0];
	to = ends[1];
	if (!spawn(name, words, to, &pid, e))
		return false;
	close(TAKE_FD(to));
	taken = read_all(from, ret_text, size, e);
	if (!await(name, pid, ret_exit, taken ? e : &ending))
		return false;
	return taken || err_add(e, "%s", name);
}
