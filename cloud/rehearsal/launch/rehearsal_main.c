/* imprint-rehearsal: AWS IoT's just-in-time registration on this PC; `imprint rehearsal …` is run as
 * this program. See imprint(1). */
#include "cloud/rehearsal/launch/settings.h"

#include "base/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *argp_program_version = "imprint " IMPRINT_VERSION;

/* Each row: its word, the letters of its options, what it is for. */
static const struct command {
	const char *word, *keys, *help;
	bool (*run)(const char *dir, const struct settings *settings, struct err *e);
} commands[] = {
	{ "up", "mrefcRatosj", "Start a rehearsal of AWS IoT in a folder of its own", up_command },
	{ "down", "", "End it; what it knows stays in the folder", down_command },
	{ "log", "F", "What happened, in plain words", log_command },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

#define AT(field) offsetof(struct settings, field)

static const struct option_row all[] = {
	{ { "mqtt-port", 'm', "N", 0, "Where devices connect, with TLS; default 8883, 0: any", 0 },
	  OPTIONS_OWN },
	{ { "rest-port", 'r', "N", 0, "Where the AWS tools ask; default: any free port", 0 },
	  OPTIONS_OWN },
	{ { "event-port", 'e', "N", 0, "Plain MQTT for engineers; default: any free port", 0 },
	  OPTIONS_OWN },
	{ { "refusal", 'f', "tls|connect", 0,
	    "Refuse devices in TLS (default), or at CONNECT as AWS does since 2024", 0 },
	  OPTIONS_OWN },
	{ { "chain", 'c', "required|optional", 0,
	    "Must an unknown device send its CA, too? Default: it must", 0 },
	  OPTIONS_OWN },
	{ { "region", 'R', "REGION", 0, "The region of a new rehearsal; default eu-central-1", 0 },
	  OPTIONS_OWN },
	{ { "account", 'a', "DIGITS", 0, "The account of a new rehearsal; default 123456789012",
	    0 },
	  OPTIONS_OWN },
	{ { "session-token", 't', "TEXT", 0, "Credentials with a session token", 0 }, OPTIONS_OWN },
	{ { "on-register", 'o', "CMD", 0,
	    "What a rule's function does: run by sh for each registration, the event on stdin", 0 },
	  AT(on_register) },
	{ { "unsigned", 's', NULL, 0, "Answer requests that are not signed, too", 0 },
	  AT(unsigned_too) },
	{ { "json", 'j', NULL, 0, "One JSON object", 0 }, AT(json) },
	{ { "follow", 'F', NULL, 0, "Go on until interrupted", 0 }, AT(follow) },
};

#define OPTION_COUNT (sizeof(all) / sizeof(all[0]))

struct parsed {
	const struct command *command;
	const char *dir;
	struct settings settings;
};

static uint16_t parse_port(const char *value, struct argp_state *state)
{
	char *end;
	long port = strtol(value, &end, 10);

	if (*end || end == value || port < 0 || port > UINT16_MAX)
		argp_error(state, "a port is a number from 0 to 65535, not \"%s\"", value);
	return (uint16_t)port;
}

static const char *parse_word(const char *value, const char *one, const char *other,
			      struct argp_state *state)
{
	if (strcmp(value, one) != 0 && strcmp(value, other) != 0)
		argp_error(state, "it is %s or %s, not \"%s\"", one, other, value);
	return value;
}

static const char *parse_text(const char *value, const char *what, const char *characters,
			      size_t min, size_t max, struct argp_state *state)
{
	size_t len = strlen(value);

	if (len < min || len > max || strspn(value, characters) != len)
		argp_error(state, "\"%s\" is not %s", value, what);
	return value;
}

static error_t parse_setting(int key, char *value, struct argp_state *state, struct settings *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/=";

	switch (key) {
	case 'm':
		s->mqtt_port = parse_port(value, state);
		return 0;
	case 'r':
		s->rest_port = parse_port(value, state);
		return 0;
	case 'e':
		s->event_port = parse_port(value, state);
		return 0;
	case 'f':
		s->refusal = parse_word(value, "tls", "connect", state);
		return 0;
	case 'c':
		s->chain = parse_word(value, "required", "optional", state);
		return 0;
	case 'R':
		s->region = parse_text(value, "a region", letters, 1, 32, state);
		return 0;
	case 'a':
		s->account =
			parse_text(value, "an account's 12 digits", "0123456789", 12, 12, state);
		return 0;
	case 't':
		s->session_token = parse_text(value, "a session token", base64, 1, 4096, state);
		return 0;
	default:
		return options_take(all, OPTION_COUNT, key, value, s);
	}
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct parsed *p = state->input;

	if (key == ARGP_KEY_ARG) {
		if (p->dir)
			argp_error(state, "it takes one folder");
		p->dir = value;
		return 0;
	}
	if (key == ARGP_KEY_END && !p->dir)
		argp_error(state, "it wants a folder of its own: DIR");
	return parse_setting(key, value, state, &p->settings);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct argp_option options[OPTIONS_MAX + 1];
	struct parsed p = { .command = command,
			    .settings = { .mqtt_port = SETTINGS_MQTT_PORT,
					  .refusal = "tls",
					  .chain = "required" } };
	struct argp argp = { options, parse, "DIR", command->help };
	char name[64];
	struct err e;

	options_choose(all, OPTION_COUNT, command->keys, options);
	snprintf(name, sizeof(name), "imprint rehearsal %s", command->word);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	if (command->run(p.dir, &p.settings, &e))
		return EXIT_SUCCESS;
	fprintf(stderr, "imprint: rehearsal %s: %s\n", command->word, e.text);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].word, argv[1]))
			return run(&commands[i], argc - 1, argv + 1);
	fputs("Usage: imprint rehearsal COMMAND [OPTION...] DIR\n\n", stderr);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(stderr, "  %-6s %s\n", commands[i].word, commands[i].help);
	return 2;
}
