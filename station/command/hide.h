/* hide: unit ids are a brand's business; a bundle for support has "******" in their place. First all
 * texts are learnt from, then each is gone through.
 *	unit=T-0001	unit="T-0001"	"unit": "T-0001"	say that T-0001 is one
 * Threads: one. Layer above: doctor_bundle. Below: none. */
#ifndef STATION_COMMAND_HIDE_H
#define STATION_COMMAND_HIDE_H

#include "hsm/api/issuance.h"

#include <stdbool.h>
#include <stddef.h>

#define HIDE_MAX 4096

struct hide {
	char ids[HIDE_MAX][NAME_MAX_LEN + 1];
	size_t count;
	bool full; /* there were more: some would stay to be seen */
};

void hide_learn(struct hide *h, const char *text);
/* Overwrites each learnt id where it stands as a word of its own. */
void hide_apply(const struct hide *h, char *text);

/* Of a settings file (YAML), what may hold anything: comments, and what the token's module is told at
 * its start (init_args, with the lines that go on with it). */
void hide_remarks(char *text);

#endif
