#include "station/command/command.h"

#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64
#define TIMEOUT_MAX_S 31536000 /* a year */

#define AT(member) offsetof(struct options, member)

/* Every option that a command may take. */
static const struct option_row all[] = {
	{ { "json", 'j', NULL, 0, "One JSON object a line", 0 }, AT(json) },
	{ { "nest", 'n', "NEST", 0, "Only this nest", 0 }, AT(nest) },
	{ { "outcome", 'o', "O", 0, "PASS (default), FAIL, ERROR or ABORTED", 0 }, AT(outcome) },
	{ { "timeout", 't', "S", 0, "Seconds to wait at most; default: no end", 0 }, OPTIONS_OWN },
	{ { "reason", 'r', "TEXT", 0, "Why; it stands in the ledger", 0 }, AT(reason) },
	{ { "since", 's', "TIME", 0, "From this time on: 2026-11-22 or 2026-11-22T05:13:36Z", 0 },
	  AT(since) },
	{ { "limit", 'l', "N", 0, "Only the N newest", 0 }, OPTIONS_OWN },
	{ { "product", 'p', "NAME", 0, "The product: etc/products/NAME.yaml", 0 }, AT(product) },
	{ { "quantity", 'q', "N", 0, "How many units", 0 }, OPTIONS_OWN },
	{ { "units", 'u', "PATTERN|FILE", 0,
	    "A file with one unit id a line, or a pattern (POSIX extended) for the whole id", 0 },
	  AT(units) },
	{ { "until", 'U', "DATE", 0, "The order ends then: 2026-11-22 or 2026-11-22T05:13:36Z", 0 },
	  AT(until) },
	{ { "certificate-id", 'c', "ID", 0, "The certificate, by its id", 0 }, AT(certificate_id) },
	{ { "operator", 'O', "NAME", 0, "Who works here; default: the user who asks", 0 },
	  AT(operator) },
	{ { "until-done", 'd', NULL, 0, "End when no nest is at work", 0 }, AT(until_done) },
	{ { "person", 'P', "NAME", 0, "Whose badge it is", 0 }, AT(person) },
	{ { "role", 'R', "ROLE", 0, "operator, technician or supervisor", 0 }, AT(role) },
	{ { "badge", 'b', "BADGE", 0, "The badge of who allows it, scanned now", 0 }, AT(badge) },
	{ { "acknowledge", 'a', "N|all", 0, "Somebody has seen that alarm and looks after it", 0 },
	  AT(acknowledge) },
	{ { "shift", 'S', "WHICH", 0, "now (default), last, or a time in it: 2026-11-22T05:13:36Z",
	    0 },
	  AT(shift) },
	{ { "csv", 'C', NULL, 0, "As comma-separated values", 0 }, AT(csv) },
	{ { "cloud", 'K', NULL, 0, "At AWS too, once the ledger has it", 0 }, AT(cloud) },
	{ { "profile", 'F', "NAME", 0, "With --cloud: the profile of the AWS credentials", 0 },
	  AT(profile) },
	{ { "region", 'G', "REGION", 0, "With --cloud: the AWS region", 0 }, AT(region) },
	{ { "endpoint-url", 'E', "URL", 0, "With --cloud: ask there instead of AWS", 0 },
	  AT(endpoint_url) },
	{ { "bundle", 'B', "FILE", 0, "Pack what support needs, and no secret, into FILE (.tar.gz)",
	    0 },
	  AT(bundle) },
	{ { "units", 'w', NULL, 0, "Leave unit ids in the bundle", 0 }, AT(with_units) },
	{ { "unit", 'i', "ID", 0, "The unit id from the board's label, for one nest", 0 },
	  AT(unit) },
};

#define OPTION_COUNT (sizeof(all) / sizeof(all[0]))

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
		return options_take(all, OPTION_COUNT, key, value, o);
	}
}

void arguments_read(const struct command *command, int argc, char **argv,
		    struct options *ret_options)
{
	struct argp_option options[OPTIONS_MAX + 1];
	struct reading reading = { command, ret_options };
	struct argp argp = { .parser = parse,
			     .args_doc = command->arguments,
			     .doc = command->help };
	char name[NAME_SIZE];

	options_choose(all, OPTION_COUNT, command->keys, options);
	argp.options = options[0].name ? options : NULL; /* glibc leaks on a table of none */
	*ret_options = (struct options) { 0 };
	snprintf(name, sizeof(name), "imprint %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &reading);
}
