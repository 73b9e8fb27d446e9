/* imprint-board: behind `imprint board list`, `imprint board probe` and `imprint nest learn`, for the
 * engineer who sets up a nest: which serial lines this PC has, what a board answers on one of them
 * (which driver, unit id, state), and which line is which nest's. It changes nothing on the board. */
#include "serial/adapter.h"
#include "serial/learn.h"
#include "serial/probe.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_MS 1500 /* for each driver, unless --timeout says another time */
#define TIMEOUT_MS_MAX 60000

enum { EXIT_DONE, EXIT_NOTHING, EXIT_USAGE };
enum { OPTION_UNIT_FILE = 256, OPTION_PROMPT };

struct choice;

struct word {
	const char *name;
	bool wants_port;
	int (*run)(const struct choice *choice);
};

struct choice {
	const struct word *word;
	const char *port, *root;
	struct probe probe;
	struct learn learn;
	bool json;
};

static const struct argp_option options[] = {
	{ "driver", 'D', "NAME", 0, "Probe: ask as this driver does (default: each in turn)", 0 },
	{ "baud", 'b', "N", 0, "Of a real line (default 115200)", 0 },
	{ "timeout", 't', "MS", 0, "For each driver (default 1500)", 0 },
	{ "sec-tag", 's', "N", 0, "Where nrf91 and zshell look for credentials", 0 },
	{ "unit-file", OPTION_UNIT_FILE, "PATH", 0, "The file where fs looks for the unit id", 0 },
	{ "prompt", OPTION_PROMPT, "TEXT", 0, "Of the shell (default \"uart:~$ \")", 0 },
	{ "json", 'j', NULL, 0, "List and probe: one JSON object a line", 0 },
	{ "nests", 'n', "A1,A2,…", 0, "Learn: their names, in the order in which they are plugged",
	  0 },
	{ "rules", 'r', "FILE", 0, "Learn: where udev's rules go (default " LEARN_RULES ")", 0 },
	{ "root", 'R', "DIR", 0, "List and learn: look below DIR for /sys and /dev", 0 },
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

static int list_adapters(const struct choice *c), probe_board(const struct choice *c),
	learn_nests(const struct choice *c);

static const struct word words[] = {
	{ "list", false, list_adapters },
	{ "probe", true, probe_board },
	{ "learn", false, learn_nests },
};

static const struct word *word_of(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

static void check_driver(const char *driver, struct argp_state *state)
{
	char names[128] = "there are";
	const char *name;

	for (size_t i = 0; (name = board_driver_name(i)); i++) {
		size_t len = strlen(names);

		if (strcmp(name, driver) == 0)
			return;
		snprintf(names + len, sizeof(names) - len, " %s", name);
	}
	argp_error(state, "there is no driver \"%s\": %s", driver, names);
}

static void check(const struct choice *c, struct argp_state *state)
{
	if (!c->word)
		argp_error(state, "list, probe or learn?");
	if (c->port && !c->word->wants_port)
		argp_error(state, "%s takes no PORT", c->word->name);
	if (!c->port && c->word->wants_port)
		argp_error(state, "which PORT? /dev/serial/by-path/…, pty:PATH or unix:PATH");
	if (c->probe.driver)
		check_driver(c->probe.driver, state);
}

static void take_argument(struct choice *c, const char *value, struct argp_state *state)
{
	if (c->port)
		argp_error(state, "one PORT at a time");
	if (c->word)
		c->port = value;
	else if (!(c->word = word_of(value)))
		argp_error(state, "list, probe or learn?");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct choice *c = state->input;

	switch (key) {
	case 'D':
		c->probe.driver = value;
		return 0;
	case 'b':
		c->probe.baud = number(value, 4000000, state);
		return 0;
	case 't':
		c->probe.timeout_ms = number(value, TIMEOUT_MS_MAX, state);
		return 0;
	case 's':
		c->probe.sec_tag = number(value, UINT32_MAX, state);
		c->probe.has_sec_tag = true;
		return 0;
	case OPTION_UNIT_FILE:
		c->probe.unit_file = value;
		return 0;
	case OPTION_PROMPT:
		c->probe.prompt = value;
		return 0;
	case 'n':
		c->learn.nests = value;
		return 0;
	case 'r':
		c->learn.rules = value;
		return 0;
	case 'R':
		c->root = value;
		return 0;
	case 'j':
		c->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(c, value, state);
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
	.args_doc = "list\nprobe PORT\nlearn",
	.doc = "List the serial lines of this PC; say what a board answers on one: which driver, "
	       "unit id, state; or learn which line is which nest's, by plugging one after the "
	       "other, and write the rules by which udev names them.",
};

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

static int failed(const struct err *e)
{
	fprintf(stderr, "imprint: %s\n", e->text);
	return EXIT_NOTHING;
}

static int probe_board(const struct choice *c)
{
	struct board_report report;
	const char *driver;
	struct err e;

	if (!probe_port(&c->probe, c->port, stderr, &driver, &report, &e))
		return failed(&e);
	print_report(c, driver, &report);
	return EXIT_DONE;
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

	if (!adapter_list(c->root, adapters, &count, &e))
		return failed(&e);
	for (size_t i = 0; i < count; i++)
		print_adapter(c, &adapters[i]);
	return EXIT_DONE;
}

static int learn_nests(const struct choice *c)
{
	struct learn learn = c->learn;
	struct err e;

	learn.root = c->root;
	learn.probe = &c->probe;
	return learn_run(&learn, &e) ? EXIT_DONE : failed(&e);
}

int main(int argc, char **argv)
{
	struct choice choice = { .probe.timeout_ms = PROBE_MS,
				 .root = "",
				 .learn = { .rules = LEARN_RULES } };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &choice))
		return EXIT_USAGE;
	return choice.word->run(&choice);
}
