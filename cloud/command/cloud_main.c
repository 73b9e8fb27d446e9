/* imprint-cloud: AWS IoT as the station and the owner see it; `imprint cloud …` is run as this
 * program. See imprint(1). */
#include "cloud/command/command.h"

#include "base/options.h"

#include <errno.h>
#include <signal.h>

const char *argp_program_version = "imprint " IMPRINT_VERSION;

/* clang-format off */
static const struct command {
	const char *name, *operand, *help, *keys;
	int (*run)(const struct arguments *a);
} commands[] = {
	/* name, operand, help, letters of its own options, function */
	{ "register-ca", NULL, "Register the CA, ACTIVE and with auto-registration, and show it; may be repeated", "csinPx", register_ca_command },
	{ "describe-ca", NULL, "Show the CA as AWS has it", "c", describe_ca_command },
	{ "activate-ca", NULL, "Let new certificates of the CA be registered", "c", activate_ca_command },
	{ "deactivate-ca", NULL, "Let no new certificate of the CA be registered; those that are stay as they are", "c", deactivate_ca_command },
	{ "auto-registration", "on|off", "Register a device's certificate at its first connection, or not", "c", auto_registration_command },
	{ "revoke-ca", NULL, "What AWS can do instead", "c", revoke_ca_command },
	{ "endpoint", NULL, "The host that devices connect to, and whether they will trust it", "pt", endpoint_command },
	{ "list", NULL, "Every certificate of the CA that AWS has registered, oldest first", "c", list_certificates_command },
	{ "register", "UNIT", "Register the unit's certificate without waiting for its first connection", "ci", register_certificate_command },
	{ "describe", "UNIT|--certificate-id ID", "Show a certificate as AWS has it", "I", describe_certificate_command },
	{ "activate", "UNIT|--certificate-id ID", "Let the device in", "I", activate_certificate_command },
	{ "deactivate", "UNIT|--certificate-id ID", "Keep the device out until it is activated again", "I", deactivate_certificate_command },
	{ "revoke", "UNIT|--certificate-id ID", "Keep the device out for good", "I", revoke_certificate_command },
	{ "publish", "s3://BUCKET[/PREFIX]|FOLDER", "Publish what was issued, for the activation function; only what changed", "l", publish_command },
};
/* clang-format on */

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

#define AT(field) offsetof(struct arguments, field)

#define COMMON "jFRUd" /* options of all commands */
static const struct option_row all[] = {
	{ { "ca", 'c', "CERTIFICATE-ID|FILE", 0, "This CA, where no signer runs", 0 }, AT(ca) },
	{ { "certificate-id", 'I', "ID", 0, "The certificate, by its id", 0 }, AT(certificate_id) },
	{ { "sni-only", 's', NULL, 0,
	    "Mode SNI_ONLY: no verification certificate; several accounts may have the CA", 0 },
	  AT(sni_only) },
	{ { "inactive", 'i', NULL, 0, "INACTIVE, to be activated later", 0 }, AT(inactive) },
	{ { "no-auto-registration", 'n', NULL, 0, "Auto-registration stays off", 0 },
	  AT(no_auto_registration) },
	{ { "print", 'P', NULL, 0,
	    "No Internet here: print the aws commands to paste on another PC, and write their "
	    "files",
	    0 },
	  AT(print) },
	{ { "code", 'x', "CODE", 0, "The registration code for --print; default: asked for", 0 },
	  AT(code) },
	{ { "product", 'p', "NAME", 0, "Would a board of this product trust it?", 0 },
	  AT(product) },
	{ { "port", 't', "N", 0, "Ask there; default 8883", 0 }, AT(port) },
	{ { "ledger", 'l', "EXPORT", 0, "An export instead of the running signer; may be repeated",
	    0 },
	  OPTIONS_OWN },
	{ { "json", 'j', NULL, 0, "One JSON object a line", 1 }, AT(json) },
	{ { "profile", 'F', "NAME", 0, "The profile of the AWS credentials", 1 },
	  AT(account.profile) },
	{ { "region", 'R', "REGION", 0, "The AWS region", 1 }, AT(account.region) },
	{ { "endpoint-url", 'U', "URL", 0, "Ask there instead of AWS: a rehearsal", 1 },
	  AT(account.endpoint_url) },
	{ { "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 1 }, OPTIONS_OWN },
};

#define OPTION_COUNT (sizeof(all) / sizeof(all[0]))

struct parsed {
	struct arguments arguments;
	const struct command *command;
};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].name, word))
			return &commands[i];
	return NULL;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct parsed *p = state->input;
	struct arguments *a = &p->arguments;
	const char *wanted = p->command->operand;

	switch (key) {
	case 'd':
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	case 'l':
		if (a->ledger_count == LEDGERS_MAX)
			argp_error(state, "at most %d exports", LEDGERS_MAX);
		a->ledgers[a->ledger_count++] = value;
		return 0;
	case ARGP_KEY_ARG:
		if (!wanted || a->operand)
			argp_error(state, "it takes no \"%s\"", value);
		a->operand = value;
		return 0;
	case ARGP_KEY_END:
		if (wanted && (!a->operand == !a->certificate_id))
			argp_error(state, "it wants: %s", wanted);
		return 0;
	default:
		return options_take(all, OPTION_COUNT, key, value, a);
	}
}

/* What could not be written was not answered. */
static int finish(int status)
{
	struct err e;

	if (status != CLOUD_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
		return status;
	err_errno(&e, ERR_SYSTEM, "cannot write the answer");
	return cloud_failed(&e);
}

static int run(const struct command *command, int argc, char **argv)
{
	struct argp_option options[OPTIONS_MAX + 1];
	struct parsed p = { .command = command };
	struct argp argp = { .options = options,
			     .parser = parse,
			     .args_doc = command->operand,
			     .doc = command->help };
	char name[64], keys[64];

	snprintf(keys, sizeof(keys), "%s" COMMON, command->keys);
	options_choose(all, OPTION_COUNT, keys, options);
	snprintf(name, sizeof(name), "imprint cloud %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	return finish(command->run(&p.arguments));
}

static int help(FILE *to)
{
	fprintf(to, "Usage: imprint-cloud COMMAND [OPTION...] [OPERAND]\n"
		    "AWS IoT. `imprint-cloud COMMAND --help` says more.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-18s %s\n", commands[i].name, commands[i].help);
	return to == stdout ? CLOUD_DONE : CLOUD_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	argp_err_exit_status = CLOUD_USAGE;
	signal(SIGPIPE, SIG_IGN); /* a connection may end while TLS writes to it */
	if (command)
		return run(command, argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return puts(argp_program_version) < 0;
	return help(argc > 1 && !strcmp(argv[1], "--help") ? stdout : stderr);
}
