/* imprint-board: behind `imprint board list` and `imprint board probe`, for the engineer who sets
 * up a nest: which serial lines this PC has, and what a board answers on one of them: which driver,
 * unit id, state. It changes nothing on the board. */
#include "base/clock.h"
#include "serial/adapter.h"
#include "serial/board.h"
#include "serial/fault.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_MS 1500 /* for each driver, unless --timeout says another time */
#define TIMEOUT_MS_MAX 60000
#define DRIVERS_MAX 16

enum { EXIT_DONE, EXIT_NOTHING, EXIT_USAGE };
enum { OPTION_UNIT_FILE = 256, OPTION_PROMPT };

struct choice {
	const char *word, *port, *driver, *unit_file, *prompt;
	unsigned baud, timeout_ms, sec_tag;
	bool has_sec_tag, json;
};

static const struct argp_option options[] = {
	{ "driver", 'D', "NAME", 0, "Probe: ask as this driver does (default: each in turn)", 0 },
	{ "baud", 'b', "N", 0, "Of a real line (default 115200)", 0 },
	{ "timeout", 't', "MS", 0, "For each driver (default 1500)", 0 },
	{ "sec-tag", 's', "N", 0, "Where nrf91 and zshell look for credentials", 0 },
	{ "unit-file", OPTION_UNIT_FILE, "PATH", 0, "The file where fs looks for the unit id", 0 },
	{ "prompt", OPTION_PROMPT, "TEXT", 0, "Of the shell (default \"uart:~$ \")", 0 },
	{ "json", 'j', NULL, 0, "One JSON object a line", 0 },
	{ 0 },
};

static unsigned number(const char *text, unsigned max, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || *text == '-' || value > max)
		argp_error(state, "\"%s\" is not a number up to %u", text, max);
	return (unsigned)value;
}

static void check(const struct choice *c, struct argp_state *state)
{
	char names[128] = "there are";
	const char *name;

	if (!c->word || (strcmp(c->word, "list") != 0 && strcmp(c->word, "probe") != 0))
		argp_error(state, "list or probe?");
	if (strcmp(c->word, "list") == 0) {
		if (c->port)
			argp_error(state, "list takes no PORT");
		return;
	}
	if (!c->port)
		argp_error(state, "which PORT? /dev/serial/by-path/…, pty:PATH or unix:PATH");
	for (size_t i = 0; c->driver && (name = board_driver_name(i)); i++) {
		size_t len = strlen(names);

		if (strcmp(name, c->driver) == 0)
			return;
		snprintf(names + len, sizeof(names) - len, " %s", name);
	}
	if (c->driver)
		argp_error(state, "there is no driver \"%s\": %s", c->driver, names);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct choice *c = state->input;

	switch (key) {
	case 'D':
		c->driver = value;
		return 0;
	case 'b':
		c->baud = number(value, 4000000, state);
		return 0;
	case 't':
		c->timeout_ms = number(value, TIMEOUT_MS_MAX, state);
		return 0;
	case 's':
		c->sec_tag = number(value, UINT32_MAX, state);
		c->has_sec_tag = true;
		return 0;
	case OPTION_UNIT_FILE:
		c->unit_file = value;
		return 0;
	case OPTION_PROMPT:
		c->prompt = value;
		return 0;
	case 'j':
		c->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (c->port)
			argp_error(state, "one PORT at a time");
		if (c->word)
			c->port = value;
		else
			c->word = value;
		return 0;
	case ARGP_KEY_END:
		check(c, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "list\nprobe PORT",
	.doc = "List the serial lines of this PC, or say what a board answers on one: which "
	       "driver, unit id, state.",
};

static struct board_settings settings_for(const struct choice *c, const char *driver)
{
	struct board_settings s = board_settings_default(driver);

	if (s.kind == BOARD_SETTINGS_FS && c->unit_file)
		snprintf(s.fs.unit, sizeof(s.fs.unit), "%s", c->unit_file);
	if (s.kind == BOARD_SETTINGS_NRF91 && c->has_sec_tag)
		s.nrf91.sec_tag = c->sec_tag;
	if (s.kind == BOARD_SETTINGS_ZSHELL && c->has_sec_tag)
		s.zshell.sec_tag = c->sec_tag;
	if (s.kind == BOARD_SETTINGS_ZSHELL && c->prompt)
		snprintf(s.zshell.prompt, sizeof(s.zshell.prompt), "%s", c->prompt);
	return s;
}

static bool probe(const struct choice *c, const char *driver, struct board_report *ret_report,
		  struct err *e)
{
	const struct board_settings settings = settings_for(c, driver);
	const struct board_options board_options = { .driver = driver,
						     .port = c->port,
						     .baud = c->baud,
						     .cancel_fd = -1,
						     .settings = &settings };
	AUTO(board) board = NULL;

	return board_open(&board_options, &board, e) &&
	       board_probe(board, ret_report, clock_deadline(c->timeout_ms), e);
}

/* Printable ASCII, all of it. */
static void put_json(const char *key, const char *text, const char *after)
{
	printf("\"%s\": \"", key);
	for (; *text; text++)
		printf("%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	printf("\"%s", after);
}

static void print_report(const struct choice *c, const char *driver, const struct board_report *r)
{
	const struct board_identity *i = &r->identity;

	if (!c->json) {
		printf("%s  unit %s  %s%s%s%s%s\n", driver, *i->unit ? i->unit : "(not said)",
		       i->hardware, *i->hardware ? "  " : "", i->firmware, *i->firmware ? "  " : "",
		       r->state);
		return;
	}
	putchar('{');
	put_json("driver", driver, ", ");
	put_json("unit", i->unit, ", ");
	put_json("hardware", i->hardware, ", ");
	put_json("firmware", i->firmware, ", ");
	put_json("state", r->state, "}\n");
}

/* Another driver will not do better. */
static bool is_final(const struct err *e)
{
	return e->code == FAULT_LINE_GONE || e->code < FAULT_FIRST;
}

struct failure {
	const char *driver;
	int code;
	char text[ERR_TEXT_SIZE];
};

static int nothing_found(const struct choice *c, const struct failure *failures, size_t count)
{
	bool silent = true;

	for (size_t i = 0; i < count; i++)
		silent = silent && failures[i].code == FAULT_SILENT;
	for (size_t i = 0; i < count && !silent; i++)
		fprintf(stderr, "%s: %s\n", failures[i].driver, failures[i].text);
	if (silent)
		fprintf(stderr,
			"imprint: nothing answers on %s, not with one byte; check that it is this "
			"board's port, the board's power, and the cable (TX to RX)\n",
			c->port);
	else
		fprintf(stderr,
			"imprint: something talks on %s, but no driver understands it; check baud "
			"rate and firmware of the board, and --sec-tag or --prompt\n",
			c->port);
	return EXIT_NOTHING;
}

static int probe_all(const struct choice *c)
{
	static struct failure failures[DRIVERS_MAX];
	struct board_report report;
	const char *driver;
	size_t count = 0;
	struct err e;

	for (size_t i = 0; (driver = board_driver_name(i)); i++) {
		if (c->driver && strcmp(c->driver, driver) != 0)
			continue;
		if (probe(c, driver, &report, &e)) {
			print_report(c, driver, &report);
			return EXIT_DONE;
		}
		if (is_final(&e)) {
			fprintf(stderr, "imprint: %s\n", e.text);
			return EXIT_NOTHING;
		}
		if (count < DRIVERS_MAX) {
			failures[count].driver = driver;
			failures[count].code = e.code;
			memcpy(failures[count++].text, e.text, sizeof(e.text));
		}
	}
	return nothing_found(c, failures, count);
}

static void print_adapter(const struct choice *c, const struct adapter *a)
{
	const char *port = *a->port ? a->port : a->device;

	if (!c->json) {
		printf("%s%-8s  %s  %s  %s  %s\n", *a->usb ? "usb " : "    ", a->usb, port,
		       strrchr(a->device, '/') + 1, a->id, a->product);
		return;
	}
	putchar('{');
	put_json("usb", a->usb, ", ");
	put_json("port", port, ", ");
	put_json("device", a->device, ", ");
	put_json("id", a->id, ", ");
	put_json("product", a->product, ", ");
	put_json("serial", a->serial, "}\n");
}

static int list_adapters(const struct choice *c)
{
	static struct adapter adapters[ADAPTERS_MAX];
	size_t count;
	struct err e;

	if (!adapter_list("", adapters, &count, &e)) {
		fprintf(stderr, "imprint: %s\n", e.text);
		return EXIT_NOTHING;
	}
	for (size_t i = 0; i < count; i++)
		print_adapter(c, &adapters[i]);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct choice choice = { .timeout_ms = PROBE_MS };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &choice))
		return EXIT_USAGE;
	return strcmp(choice.word, "list") == 0 ? list_adapters(&choice) : probe_all(&choice);
}
