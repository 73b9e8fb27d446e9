#include "station/command/command.h"
#include "station/command/doctor.h"

#include "base/program.h"
#include "station/command/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK_MS 60000 /* a hung token ends its check by itself, sooner */

bool doctor_installed(void)
{
	const char *folder = secure_getenv("IMPRINT_DIR");

	return !folder || !*folder;
}

/* What a daemon logs has its level in front. */
static const char *plain(const char *line)
{
	const char *end = line[0] == '<' ? strchr(line, '>') : NULL;

	return end ? end + 1 : line;
}

/* Takes over its rows; *ret_last is the last line that is none. True if one was FAIL. */
static bool take_rows(char *text, struct check *c, const char **ret_last)
{
	unsigned wrong = c->counts[CHECK_FAIL];
	const char *subject, *row;
	enum check_level level;
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		if (check_read(line, &level, &subject, &row))
			check_say(c, level, subject, "%s", row);
		else if (*line)
			*ret_last = plain(line);
	}
	return c->counts[CHECK_FAIL] > wrong;
}

static void ask_daemon(const char *name, struct check *c)
{
	static char text[DOCTOR_TEXT_SIZE];
	const char *last = "it said nothing";
	char path[PATH_MAX];
	const char *const words[] = { path, "--check", NULL };
	struct err e;
	int status;

	if (!program_find(name, path, &e)) {
		check_say(c, CHECK_WARN, "programs", "%s", e.text);
		return;
	}
	if (!child_read(words, CHECK_MS, text, sizeof(text), &status, &e)) {
		check_say(c, CHECK_FAIL, "programs", "%s", e.text);
		return;
	}
	if (!take_rows(text, c, &last) && status != 0)
		check_say(c, CHECK_FAIL, "programs", "%s --check ended with %d: %s", name, status,
			  last);
}

int doctor_command(const struct options *options)
{
	struct check c = { .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };

	if (options->bundle)
		return doctor_bundle(options->bundle, options->with_units);
	doctor_users(&c);
	doctor_units(&c);
	ask_daemon("imprint-signer", &c);
	ask_daemon("imprint-station", &c);
	doctor_machine(&c);
	check_sum(&c);
	return check_exit(&c);
}
