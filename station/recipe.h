/* recipe: what is done to one board, from its first answer to the ledger's "installed": a table of
 * steps, each with a time and an action, run straight through by the nest's own thread.
 *	order, identify, csr, certificate, install, verify, prove, check unit, installed, finish
 * In dry-run and golden mode only those that mint nothing and write nothing.
 * Nothing of the board is trusted: its CSR goes to the signer unopened, its unit id must be the
 * same at the end, and one run brings at most one new certificate. If the signer has restarted and
 * forgotten its nonce, the certificate (the same one) is asked for and proved once more.
 * Threads: one a recipe. Layer above: nest. Below: board, asker, catalogue, box. */
#ifndef STATION_RECIPE_H
#define STATION_RECIPE_H

#include "station/box.h"
#include "station/catalogue.h"
#include "station/runs.h"
#include "station/settings.h"

struct recipe_input {
	const struct station_settings *settings;
	const struct station_nest *nest;
	struct catalogue *catalogue;
	struct runs *runs; /* for the tries of the unit, and for what is under way; or NULL */
	enum control_mode mode;
	const char *operator;
	const char *unit; /* scanned from a label, or "" */
	int cancel_fd;
	struct box *box; /* told of each step and of bytes as they move */
};

/* Runs it. *ret_run holds all but its number and the count of tries, which the record gives it;
 * ret_remedy (a text of the program) says what to do now, "" for PASS. */
void recipe_run(const struct recipe_input *in, struct run *ret_run, const char **ret_remedy);

#endif
