/* rig-boards: virtual boards that stand in for metal, each on its own pty: see --help, and
 * boards_nest.h for the files in its folder. */
#include "tests/rig/boards_rig.h"
#include "tests/rig/daemon.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#define FAULTS_MAX RIG_NESTS_MAX

enum {
	OPTION_DETACH = 256,
	OPTION_DUMP,
	OPTION_SEND,
};

struct arguments {
	struct rig_options options;
	const char *faults[FAULTS_MAX + 1], *drivers[RIG_NESTS_MAX + 1], *lines[RIG_NESTS_MAX + 1];
	size_t fault_count, driver_count, line_count;
	const char *dump, *slot, *send;
	bool detach;
};

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0, "Folder for lines, flash files and the control socket", 0 },
	{ "boards", 'n', "N", 0, "How many: nests A1 to A8, B1 … (default 8)", 0 },
	{ "nests", 'N', "A1,A2,…", 0, "These nests instead", 0 },
	{ "baud", 'b', "N", 0, "Pace both directions like a UART (0: full speed)", 0 },
	{ "fault", 'f', "NEST=KIND", 0,
	  "none mute garbage boot-log slow:BAUD noise:N flip-in:N flip-out:N reset reset-always "
	  "wrong-unit unit-changed bad-unit-text same-key:NEST flash-weak bad-csr spoilt-csr swap "
	  "bad-proof endless-line endless-list endless-map "
	  "nested-maps lying-length null-parameters quiet "
	  "version-1 no-hash lose:N; may be repeated",
	  0 },
	{ "driver", 'D', "NEST=KIND", 0,
	  "Another kind of board: prov (default), fs, nrf91, zshell; may be repeated", 0 },
	{ "line", 'l', "NEST=DEVICE", 0,
	  "On this terminal instead of a pty of its own, e.g. the far end of a real line; may be "
	  "repeated",
	  0 },
	{ "unit-prefix", 'u', "TEXT", 0, "Unit ids are TEXT0001 … (default T-)", 0 },
	{ "key", 'k', "TYPE", 0, "ec-p256, the only one", 0 },
	{ "detach", OPTION_DETACH, NULL, 0,
	  "Return when ready and serve on; else it ends with its parent, unless started by setsid",
	  0 },
	{ "dump", OPTION_DUMP, "FLASHFILE", 0, "Print the bytes of SLOT and end", 0 },
	{ "send", OPTION_SEND, "COMMAND", 0,
	  "To a running one: \"remove NEST\", \"insert NEST [UNIT]\", \"fault NEST KIND\", "
	  "\"restart NEST\", \"power NEST on|off\", \"list\"; - reads them from stdin, one a line",
	  0 },
	{ 0 },
};

static void parse_number(const char *text, unsigned max, unsigned *ret_number,
			 struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number > max)
		argp_error(state, "\"%s\" is not a number up to %u", text, max);
	*ret_number = (unsigned)number;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;
	unsigned count;

	switch (key) {
	case 'd':
		a->options.dir = text;
		return 0;
	case 'n':
		parse_number(text, RIG_NESTS_MAX, &count, state);
		a->options.count = count;
		return 0;
	case 'N':
		a->options.nests = text;
		return 0;
	case 'b':
		parse_number(text, 4000000, &a->options.baud, state);
		return 0;
	case 'f':
		if (a->fault_count == FAULTS_MAX)
			argp_error(state, "too many faults");
		a->faults[a->fault_count++] = text;
		return 0;
	case 'D':
		if (a->driver_count == RIG_NESTS_MAX)
			argp_error(state, "too many drivers");
		a->drivers[a->driver_count++] = text;
		return 0;
	case 'l':
		if (a->line_count == RIG_NESTS_MAX)
			argp_error(state, "too many lines");
		a->lines[a->line_count++] = text;
		return 0;
	case 'u':
		a->options.unit_prefix = text;
		return 0;
	case 'k':
		if (strcmp(text, "ec-p256") != 0)
			argp_error(state, "these boards make P-256 keys only: --key ec-p256");
		return 0;
	case OPTION_DETACH:
		a->detach = true;
		return 0;
	case OPTION_DUMP:
		a->dump = text;
		return 0;
	case OPTION_SEND:
		a->send = text;
		return 0;
	case ARGP_KEY_ARG:
		if (!a->dump || a->slot)
			argp_usage(state);
		a->slot = text;
		return 0;
	case ARGP_KEY_END:
		if (a->dump ? !a->slot : !a->options.dir)
			argp_error(state, a->dump ? "which SLOT?" : "--dir is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[SLOT]",
	.doc = "Virtual boards for tests, each with its own line, key and flash.",
};

/* The jig's power switches, as they come: while no boards are there, nothing is lost with them. */
static void send_lines(const struct arguments *a, char *reply)
{
	struct err e;
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
		if (!service_send(a->options.dir, line, reply, &e))
			fprintf(stderr, "rig-boards: %s\n", e.text);
}

static bool send_command(const struct arguments *a, struct err *e)
{
	AUTO_FREE char *reply = malloc(SERVICE_REPLY_SIZE);

	if (!reply)
		return err_errno(e, ERR_SYSTEM, "no memory");
	if (strcmp(a->send, "-") == 0) {
		send_lines(a, reply);
		return true;
	}
	if (!service_send(a->options.dir, a->send, reply, e))
		return false;
	if (strncmp(reply, "ok\n", 3) == 0)
		puts(reply + 3);
	return true;
}

static bool serve(void *context, int stop_fd, struct err *e)
{
	const struct arguments *a = context;
	AUTO(rig) rig = NULL;

	return rig_open(&a->options, &rig, e) && daemon_ready(e) && rig_run(rig, stop_fd, e);
}

int main(int argc, char **argv)
{
	static struct arguments a = { .options = { .count = 8, .unit_prefix = "T-" } };
	struct err e = { 0 };

	a.options.faults = a.faults;
	a.options.drivers = a.drivers;
	a.options.lines = a.lines;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.dump && !a.send)
		return daemon_run("rig-boards", a.detach, serve, &a);
	if (a.dump ? vflash_dump(a.dump, a.slot, &e) : send_command(&a, &e))
		return EXIT_SUCCESS;
	fprintf(stderr, "rig-boards: %s\n", e.text);
	return e.code == ERR_USAGE ? 2 : EXIT_FAILURE;
}
