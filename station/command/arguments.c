#include "station/command/command.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64
#define KEYS_MAX 16
#define TIMEOUT_MAX_S 31536000 /* a year */

/* Every option that a command may take. */
static const struct argp_option all[] = {
	{ "json", 'j', NULL, 0, "One JSON object a line", 0 },
	{ "nest", 'n', "NEST", 0, "Only this nest", 0 },
	{ "outcome", 'o', "O", 0, "PASS (default), FAIL, ERROR or ABORTED", 0 },
	{ "timeout", 't', "S", 0, "Seconds to wait at most; default: no end", 0 },
	{ "reason", 'r', "TEXT", 0, "Why; it stands in the ledger", 0 },
	{ "since", 's', "TIME", 0, "From this time on: 2026-11-22 or 2026-11-22T05:13:36Z", 0 },
	{ "limit", 'l', "N", 0, "Only the N newest", 0 },
	{ "product", 'p', "NAME", 0, "The product: etc/products/NAME.yaml", 0 },
	{ "quantity", 'q', "N", 0, "How many units", 0 },
	{ "units", 'u', "PATTERN|FILE", 0,
	  "A file with one unit id a line, or a pattern (POSIX extended) for the whole id", 0 },
	{ "until", 'U', "DATE", 0, "The order ends then: 2026-11-22 or 2026-11-22T05:13:36Z", 0 },
	{ "certificate-id", 'c', "ID", 0, "The certificate, by its id", 0 },
	{ "operator", 'O', "NAME", 0, "Who works here; default: the user who asks", 0 },
	{ "until-done", 'd', NULL, 0, "End when no nest is at work", 0 },
	{ "person", 'P', "NAME", 0, "Whose badge it is", 0 },
	{ "role", 'R', "ROLE", 0, "operator, technician or supervisor", 0 },
	{ "badge", 'b', "BADGE", 0, "The badge of who allows it, scanned now", 0 },
	{ "acknowledge", 'a', "N|all", 0, "Somebody has seen that alarm and looks after it", 0 },
	{ "shift", 'S', "WHICH", 0, "now (default), last, or a time in it: 2026-11-22T05:13:36Z",
	  0 },
	{ "csv", 'C', NULL, 0, "As comma-separated values", 0 },
	{ "cloud", 'K', NULL, 0, "At AWS too, once the ledger has it", 0 },
	{ "profile", 'F', "NAME", 0, "With --cloud: the profile of the AWS credentials", 0 },
	{ "region", 'G', "REGION", 0, "With --cloud: the AWS region", 0 },
	{ "endpoint-url", 'E', "URL", 0, "With --cloud: ask there instead of AWS", 0 },
	{ "bundle", 'B', "FILE", 0, "Pack what support needs, and no secret, into FILE (.tar.gz)",
	  0 },
	{ "units", 'w', NULL, 0, "Leave unit ids in the bundle", 0 },
	{ "unit", 'i', "ID", 0, "The unit id from the board's label, for one nest", 0 },
};

struct reading {
	const struct command *command;
	struct options *options;
};

static uint64_t number_of(struct argp_state *state, const char *name, const char *text)
{
	uint64_t value = 0;
	char *end = NULL;

	errno = 0;
	if (*text >= '0' && *text <= '9')
		value = strtoull(text, &end, 10);
	if (!end || *end || errno)
		argp_error(state, "--%s wants a whole number, and not \"%s\"", name, text);
	return value;
}

static int64_t seconds_of(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= TIMEOUT_MAX_S))
		argp_error(state, "--timeout wants seconds, and not \"%s\"", text);
	return (int64_t)(value * 1000);
}

static bool take_text(struct options *o, int key, const char *value)
{
	const char **const places[128] = {
		['n'] = &o->nest,	    ['o'] = &o->outcome,
		['r'] = &o->reason,	    ['s'] = &o->since,
		['p'] = &o->product,	    ['u'] = &o->units,
		['U'] = &o->until,	    ['O'] = &o->operator, ['i'] = & o->unit,
		['c'] = &o->certificate_id, ['P'] = &o->person,
		['R'] = &o->role,	    ['b'] = &o->badge,
		['a'] = &o->acknowledge,    ['S'] = &o->shift,
		['F'] = &o->profile,	    ['G'] = &o->region,
		['E'] = &o->endpoint_url,   ['B'] = &o->bundle,
	};

	if (key < 0 || key >= 128 || !places[key])
		return false;
	*places[key] = value;
	return true;
}

static void take_argument(struct reading *r, char *value, struct argp_state *state)
{
	if (r->options->count >= r->command->max)
		argp_error(state, "too many arguments: \"%s\"", value);
	r->options->arguments[r->options->count++] = value;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct reading *r = state->input;
	struct options *o = r->options;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'C':
		o->csv = true;
		return 0;
	case 'K':
		o->cloud = true;
		return 0;
	case 'w':
		o->with_units = true;
		return 0;
	case 'd':
		o->until_done = true;
		return 0;
	case 'l':
		o->has_limit = true;
		o->limit = number_of(state, "limit", value);
		return 0;
	case 'q':
		o->has_quantity = true;
		o->quantity = number_of(state, "quantity", value);
		return 0;
	case 't':
		o->has_timeout = true;
		o->timeout_ms = seconds_of(state, value);
		return 0;
	case ARGP_KEY_ARG:
		take_argument(r, value, state);
		return 0;
	case ARGP_KEY_END:
		if (o->count < r->command->min)
			argp_error(state, "it wants: %s", r->command->arguments);
		return 0;
	default:
		return take_text(o, key, value) ? 0 : ARGP_ERR_UNKNOWN;
	}
}

void arguments_read(const struct command *command, int argc, char **argv,
		    struct options *ret_options)
{
	struct argp_option options[KEYS_MAX + 1] = { 0 };
	struct reading reading = { command, ret_options };
	struct argp argp = { .parser = parse,
			     .args_doc = command->arguments,
			     .doc = command->help };
	char name[NAME_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && count < KEYS_MAX; i++)
		if (strchr(command->keys, all[i].key))
			options[count++] = all[i];
	argp.options = count ? options : NULL; /* glibc leaks on a table of none */
	*ret_options = (struct options) { 0 };
	snprintf(name, sizeof(name), "imprint %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &reading);
}
