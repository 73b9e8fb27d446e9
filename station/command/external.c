#include "station/command/command.h"

#include "base/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 1024

int external_become(const struct command *command, int argc, char **argv)
{
	const char *words[WORDS_MAX];
	char path[PATH_MAX], name[64];
	int count = 0;
	struct err e;

	if (!program_find(command->program, path, &e))
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
