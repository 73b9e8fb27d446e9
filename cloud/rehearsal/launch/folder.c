#include "cloud/rehearsal/launch/folder.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/wait.h"
#include "cloud/rehearsal/launch/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#define END_MS 15000 /* until it is killed */
#define KILL_MS 5000
#define LOOK_MS 50
#define STAT_MAX 4096

AUTO_DEFINE(DIR, DIR *, closedir)

bool folder_make(const char *path, struct err *e)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
}

static bool is_plain(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return false;
	return true;
}

/* Who could write into it could have files written elsewhere by a link, and processes ended. */
static bool is_ours(const char *dir, struct err *e)
{
	struct stat status;

	if (stat(".", &status) < 0)
		return err_errno(e, ERR_SYSTEM, "%s", dir);
	return (status.st_uid == geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH))) ||
	       err_set(e, ERR_REFUSED,
		       "the folder %s is another user's, or others may write into it; choose one "
		       "of your own (chmod go-w)",
		       dir);
}

/* A rehearsal's has its lock. Elsewhere it could write over what it did not make. */
static bool is_free(const char *dir, struct err *e)
{
	AUTO(DIR) folder = opendir(".");
	const struct dirent *entry;

	if (!folder)
		return err_errno(e, ERR_SYSTEM, "%s", dir);
	if (access(FILE_LOCK, F_OK) == 0)
		return true;
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return err_set(e, ERR_REFUSED,
				       "there is no rehearsal in %s, but other files; choose a "
				       "folder of its own",
				       dir);
	return true;
}

bool folder_enter(const char *dir, bool make, char ret_path[static PATH_MAX], struct err *e)
{
	if (make && !folder_make(dir, e))
		return false;
	if (!realpath(dir, ret_path))
		return err_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s", dir);
	if (!is_plain(ret_path))
		return err_set(e, ERR_INVALID,
			       "the folder's path has a control character; mosquitto could not "
			       "read its settings: choose another");
	if (chdir(ret_path) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot go to %s", dir);
	return is_ours(dir, e) && is_free(dir, e);
}

bool folder_lock(int *ret_fd, struct err *e)
{
	AUTO(fd) fd = open(FILE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int64_t deadline = clock_deadline(FOLDER_LOCK_MS);

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot write into the folder");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_errno(e, ERR_SYSTEM, "cannot lock the folder");
		if (clock_monotonic_ms() > deadline)
			return err_set(e, ERR_BUSY, "another imprint rehearsal is at work there");
		if (!wait_pause(LOOK_MS, -1, e))
			return false;
	}
	*ret_fd = TAKE_FD(fd);
	return true;
}

bool folder_write(const char *path, mode_t mode, const char *format, ...)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	va_list args;
	bool written;

	if (!file) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	va_start(args, format);
	written = vfprintf(file, format, args) >= 0;
	va_end(args);
	return fclose(file) == 0 && written;
}

/* --- the process --- */

/* Clock ticks since boot: field 22 of its stat; 0 if there is none, or only what nobody waited for, or
 * another program: after a reboot the same pid may start at the same tick. */
static unsigned long long start_of(pid_t pid)
{
	char path[64], text[STAT_MAX];
	unsigned long long start = 0;
	AUTO(FILE) file = NULL;
	const char *rest;
	char state;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[len] = '\0';
	rest = strrchr(text, ')'); /* the name may hold anything */
	if (!rest || !strstr(text, "(" FOLDER_PROCESS ")") ||
	    sscanf(rest, ") %c%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s%*s %llu", &state,
		   &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

bool folder_sign_in(struct err *e)
{
	return folder_write(FILE_PID, 0644, "%d %llu\n", (int)getpid(), start_of(getpid())) ||
	       err_errno(e, ERR_SYSTEM, "cannot write " FILE_PID);
}

pid_t folder_running(void)
{
	AUTO(FILE) file = fopen(FILE_PID, "re");
	unsigned long long start;
	int pid;

	if (!file || fscanf(file, "%d %llu", &pid, &start) != 2 || pid <= 1)
		return 0;
	return start != 0 && start_of(pid) == start ? pid : 0;
}

static bool end(pid_t pid, int signal_number, int64_t timeout_ms, struct err *e)
{
	AUTO(fd) fd = pidfd_open(pid, 0);

	/* Once more: the descriptor holds on to whoever had the pid as it was opened. */
	if (fd < 0 || folder_running() != pid)
		return true;
	if (pidfd_send_signal(fd, signal_number, NULL, 0) < 0 && errno != ESRCH)
		return err_errno(e, ERR_SYSTEM, "cannot end process %d", (int)pid);
	return wait_for(fd, POLLIN, clock_deadline(timeout_ms), -1, NULL, e);
}

bool folder_end(struct err *e)
{
	pid_t pid = folder_running();

	if (pid && !end(pid, SIGTERM, END_MS, e) &&
	    (e->code != ERR_TIMEOUT || !end(pid, SIGKILL, KILL_MS, e)))
		return false;
	if (unlink(FILE_PID) < 0 && errno != ENOENT)
		return err_errno(e, ERR_SYSTEM, "cannot remove " FILE_PID);
	return true;
}
