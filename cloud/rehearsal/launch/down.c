#include "cloud/rehearsal/launch/settings.h"

#include "base/wait.h"
#include "cloud/rehearsal/launch/folder.h"

#include <stdio.h>
#include <sys/stat.h>

#define LOOK_MS 200 /* between two looks at the log's end */

bool down_command(const char *dir, const struct settings *settings, struct err *e)
{
	char path[PATH_MAX];
	AUTO(fd) lock_fd = -1;
	bool ran;

	(void)settings;
	if (access(dir, F_OK) < 0) {
		printf("No rehearsal runs in %s.\n", dir);
		return true;
	}
	if (!folder_enter(dir, false, path, e))
		return false;
	if (access(FILE_LOCK, F_OK) < 0) { /* a folder of somebody's stays as it is */
		printf("No rehearsal runs in %s.\n", dir);
		return true;
	}
	if (!folder_lock(&lock_fd, e))
		return false;
	ran = folder_running() != 0;
	if (!folder_end(e))
		return false;
	printf(ran ? "The rehearsal is down; what it knows stays in %s.\n"
		   : "No rehearsal runs in %s.\n",
	       path);
	return true;
}

static bool copy(FILE *log, struct err *e)
{
	struct stat status;
	char text[4096];
	size_t len;

	clearerr(log);
	/* It began anew. */
	if (fstat(fileno(log), &status) == 0 && status.st_size < ftell(log))
		rewind(log);
	while ((len = fread(text, 1, sizeof(text), log)) > 0)
		fwrite(text, 1, len, stdout);
	return fflush(stdout) == 0 || err_errno(e, ERR_SYSTEM, "cannot write");
}

bool log_command(const char *dir, const struct settings *settings, struct err *e)
{
	char path[PATH_MAX];
	AUTO(FILE) log = NULL;

	if (!folder_enter(dir, false, path, e))
		return false;
	log = fopen(FILE_LOG, "re");
	if (!log)
		return err_errno(e, ERR_NOT_FOUND, "no rehearsal was up in %s", dir);
	do {
		if (!copy(log, e))
			return false;
	} while (settings->follow && wait_pause(LOOK_MS, -1, e));
	return !settings->follow;
}
