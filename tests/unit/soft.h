/* soft: a throw-away SoftHSM token in a folder of its own, for unit tests. */
#ifndef TESTS_UNIT_SOFT_H
#define TESTS_UNIT_SOFT_H

#include "hsm/token/token.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SOFT_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFT_LABEL "test token"
#define SOFT_PIN "correct-horse-42"
#define SOFT_SO_PIN "officer-battery-7"

static char soft_folder[64];

static inline bool soft_write(const char *name, const char *text, mode_t mode,
			      char ret_path[static PATH_MAX])
{
	FILE *file;

	snprintf(ret_path, PATH_MAX, "%s/%s", soft_folder, name);
	file = fopen(ret_path, "w");
	if (!file)
		return false;
	fputs(text, file);
	fclose(file);
	return chmod(ret_path, mode) == 0;
}

/* Makes folder and token; the PIN's file ends with a line end, as editors leave it. */
static inline bool soft_up(struct token_config *ret_config, struct err *e)
{
	char token[PATH_MAX];

	strcpy(soft_folder, "/tmp/imprint-unit-XXXXXX");
	if (!mkdtemp(soft_folder))
		return err_errno(e, ERR_SYSTEM, "mkdtemp");
	snprintf(token, sizeof(token), "%s/token", soft_folder);
	*ret_config =
		(struct token_config) { .module = SOFT_MODULE, .label = SOFT_LABEL, .sessions = 2 };
	return soft_write("pin", SOFT_PIN "\n", 0600, ret_config->pin_file) &&
	       token_init_soft(SOFT_MODULE, token, SOFT_LABEL, SOFT_PIN, SOFT_SO_PIN, e);
}

static inline int soft_remove_one(const char *path, const struct stat *status, int type,
				  struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static inline void soft_down(void)
{
	nftw(soft_folder, soft_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
