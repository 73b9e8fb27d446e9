/* imprint-ledger: the ledger and the CA through the running signer; `imprint ledger …`, `imprint
 * issue`, `imprint ca show` and the like are run as this program. See imprint(1). */
#include "hsm/command/command.h"

#include "base/options.h"

const char *argp_program_version = "imprint " IMPRINT_VERSION;

/* Each row: its name after `imprint`, and, where this program is called by another word, that;
 * its operand, or the options that it must have; the letters of its options; what it is for. */
static const struct command {
	const char *name, *word, *operand, *keys, *help;
	int (*run)(const struct arguments *a);
} commands[] = {
	{ "ledger list", "list", NULL, "jOs", "Every certificate, one line each", list_command },
	{ "ledger show", "show", "UNIT|CERTIFICATE-SERIAL|CERTIFICATE-ID", "j",
	  "One unit's certificates, entry by entry", show_command },
	{ "ledger export", "export", NULL, "fOso",
	  "Every entry with the signed head, for others to verify", export_command },
	{ "ledger head", "head", NULL, "", "The signed head: mail it, print it, keep it elsewhere",
	  head_command },
	{ "ledger verify", "verify", NULL, "He", "Check every entry, every signature and the tree",
	  verify_command },
	{ "ledger backup", "backup", "FILE", "", "A consistent copy, while the signer runs",
	  backup_command },
	{ "ledger gap", "gap", "RUNS", "j",
	  "The runs of the station's record (lib/station/runs.jsonl) whose certificates the ledger "
	  "does not know",
	  gap_command },
	{ "ledger accept-time", "accept-time", "--reason TEXT", "r",
	  "Say that the clock is right, so that issuing goes on", accept_time_command },
	{ "issue", "issue", "--unit ID --csr FILE", "ucio",
	  "One certificate for a request from a file", issue_command },
	{ "ca show", "ca-show", NULL, "j", "The CA certificate in use", ca_show_command },
	{ "ca crl", "ca-crl", NULL, "o", "The certificate revocation list, signed now",
	  ca_crl_command },
	{ "ca verification-cert", "ca-verification-cert", "CODE", "o",
	  "The certificate that AWS IoT asks for to register the CA", ca_verification_command },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

#define AT(member) offsetof(struct arguments, member)

/* Every option that one of them takes; all take the last. */
static const struct option_row all[] = {
	{ { "json", 'j', NULL, 0, "One JSON object a line", 0 }, AT(json) },
	{ { "format", 'f', "jsonl|csv", 0, "Entries (default), or a table", 0 }, OPTIONS_OWN },
	{ { "order", 'O', "ID", 0, "Only of this order", 0 }, AT(order) },
	{ { "order", 'i', "ID", 0, "For this order, not the one in use", 0 }, AT(order) },
	{ { "since", 's', "TIME", 0, "Issued at or after: 2026-11-22 or 2026-11-22T05:13:36Z", 0 },
	  AT(since) },
	{ { "head", 'H', "FILE", 0, "An older head: it must be a prefix of today", 0 },
	  AT(head_file) },
	{ { "export", 'e', "FILE", 0, "An export instead of the running signer", 0 },
	  AT(export_file) },
	{ { "reason", 'r', "TEXT", 0, "Why; it stands in the ledger", 0 }, AT(reason) },
	{ { "unit", 'u', "ID", 0, "The unit id", 0 }, AT(unit) },
	{ { "csr", 'c', "FILE", 0, "The request, PEM or DER", 0 }, AT(csr) },
	{ { "out", 'o', "FILE", 0, "Write there instead of stdout", 0 }, AT(out) },
	{ { "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 }, OPTIONS_OWN },
};

#define OPTION_COUNT (sizeof(all) / sizeof(all[0]))

struct parsed {
	struct arguments arguments;
	const struct command *command;
};

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].word, word))
			return &commands[i];
	return NULL;
}

static error_t parse_format(const char *value, struct argp_state *state, struct arguments *a)
{
	a->csv = !strcmp(value, "csv");
	if (!a->csv && strcmp(value, "jsonl"))
		argp_error(state, "--format is jsonl or csv");
	return 0;
}

static bool has_operand(const struct command *command)
{
	return command->operand && *command->operand != '-';
}

static void parse_operand(char *value, struct argp_state *state, struct parsed *p)
{
	if (!has_operand(p->command) || p->arguments.operand)
		argp_error(state, "it takes no \"%s\"", value);
	p->arguments.operand = value;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct parsed *p = state->input;
	struct arguments *a = &p->arguments;

	switch (key) {
	case 'd':
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	case 'f':
		return parse_format(value, state, a);
	case ARGP_KEY_ARG:
		parse_operand(value, state, p);
		return 0;
	case ARGP_KEY_END:
		if (has_operand(p->command) && !a->operand)
			argp_error(state, "it wants: %s", p->command->operand);
		return 0;
	default:
		return options_take(all, OPTION_COUNT, key, value, a);
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct argp_option options[OPTIONS_MAX + 1];
	struct parsed p = { .command = command };
	struct argp argp = { .options = options,
			     .parser = parse,
			     .args_doc = command->operand,
			     .doc = command->help };
	char name[64], keys[16];

	snprintf(keys, sizeof(keys), "%sd", command->keys);
	options_choose(all, OPTION_COUNT, keys, options);
	snprintf(name, sizeof(name), "imprint %s", command->name);
	argv[0] = name;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	return command->run(&p.arguments);
}

static int help(FILE *to)
{
	fprintf(to, "Usage: imprint-ledger COMMAND [OPTION...] [OPERAND]\n"
		    "The ledger and the CA, through the running signer. "
		    "`imprint-ledger COMMAND --help` says more.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-22s %s\n", commands[i].word, commands[i].help);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	argp_err_exit_status = 2;
	if (command)
		return run(command, argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return puts(argp_program_version) < 0;
	return help(argc > 1 && !strcmp(argv[1], "--help") ? stdout : stderr);
}
