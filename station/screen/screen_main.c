/* imprint-ui: the operator's screen. See imprint-ui(1). */
#include "base/cleanup.h"
#include "station/screen/script.h"
#include "station/screen/terminal.h"

#include <argp.h>

#define ROWS_USUAL 24
#define COLUMNS_USUAL 80
#define EXIT_USAGE 2

const char *argp_program_version = "imprint-ui " IMPRINT_VERSION;

AUTO_DEFINE(screen, struct screen *, screen_free)

struct wishes {
	enum language language;
	bool ascii;
	const char *script;
	int rows, columns;
};

static const struct argp_option options[] = {
	{ "lang", 'l', "LANGUAGE", 0, "en, de, ja or zh (default: from LANG)", 0 },
	{ "ascii", 'a', 0, 0, "English and ASCII alone, for a terminal without UTF-8", 0 },
	{ "script", 's', "FILE", 0, "No terminal: do what FILE says, print the screen", 0 },
	{ "size", 'z', "WxH", 0, "Size of the screen for --script (default 80x24)", 0 },
	{ 0 },
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct wishes *wishes = state->input;
	struct err e;

	switch (key) {
	case 'l':
		if (!phrase_language_parse(value, &wishes->language))
			argp_error(state, "a language is en, de, ja or zh");
		return 0;
	case 'a':
		wishes->ascii = true;
		return 0;
	case 's':
		wishes->script = value;
		return 0;
	case 'z':
		if (!script_size(value, &wishes->rows, &wishes->columns, &e))
			argp_error(state, "%s", e.text);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* As gettext does it: LC_ALL, then LC_MESSAGES, then LANG. */
static enum language language_of_environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	enum language language = ENGLISH;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value) {
			if (!phrase_language_parse(value, &language))
				language = ENGLISH;
			return language;
		}
	}
	return language;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "The operator's screen of a station. It may be ended and started at any "
		       "time: no board notices. F1 shows its keys; Ctrl-C ends it."
	};
	struct wishes wishes = { .language = language_of_environment(),
				 .rows = ROWS_USUAL,
				 .columns = COLUMNS_USUAL };
	bool has_east_asian;
	AUTO(screen) screen = NULL;
	struct err e;
	bool done;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &wishes);
	has_east_asian = wishes.script || terminal_has_east_asian(getenv("TERM"));
	screen = screen_new(wishes.language, has_east_asian, wishes.ascii);
	if (!screen)
		return EXIT_FAILURE;
	done = wishes.script ? script_run(screen, wishes.script, wishes.rows, wishes.columns, &e)
			     : terminal_run(screen, &e);
	if (done)
		return EXIT_SUCCESS;
	fprintf(stderr, "imprint ui: %s\n", e.text);
	return e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILURE;
}
