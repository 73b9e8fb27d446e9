#include "station/command/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 1024

#ifndef IMPRINT_LIBEXEC
#define IMPRINT_LIBEXEC "../libexec/imprint" /* seen from the folder of this program */
#endif

static bool own_folder(char folder[static PATH_MAX], struct err *e)
{
	ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return err_errno(e, ERR_SYSTEM, "cannot see where imprint itself is");
	folder[len] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return true;
}

/* Never by PATH: what runs as a supervisor is what was installed with this program. */
static bool find_program(const char *program, char path[static PATH_MAX], struct err *e)
{
	static const char *const places[] = { ".", IMPRINT_LIBEXEC };
	char folder[PATH_MAX];

	if (!own_folder(folder, e))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int len = snprintf(path, PATH_MAX, "%s/%s/%s", folder, places[i], program);

		if (len > 0 && len < PATH_MAX && access(path, X_OK) == 0)
			return true;
	}
	return err_set(e, ERR_NOT_FOUND, "this needs the program %s, which is not installed here",
		       program);
}

int external_become(const struct command *command, int argc, char **argv)
{
	const char *words[WORDS_MAX];
	char path[PATH_MAX], name[64];
	int count = 0;
	struct err e;

	if (!find_program(command->program, path, &e))
		return command_fail(&e);
	if (argc + 2 > WORDS_MAX) {
		err_set(&e, ERR_USAGE, "too many arguments");
		return command_fail(&e);
	}
	snprintf(name, sizeof(name), "imprint%s%s", command->word ? "" : " ",
		 command->word ? "" : command->name);
	words[count++] = name;
	if (command->word)
		words[count++] = command->word;
	for (int i = 1; i < argc; i++)
		words[count++] = argv[i];
	words[count] = NULL;
	execv(path, (char *const *)words);
	err_errno(&e, ERR_SYSTEM, "cannot run %s", path);
	return command_fail(&e);
}
