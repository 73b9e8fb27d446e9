/* imprint-ledger: the ledger and the CA through the running signer; `imprint ledger …`, `imprint
 * issue`, `imprint ca show` and the like are run as this program. See imprint(1). */
#include "hsm/command/command.h"

#include <argp.h>

const char *argp_program_version = "imprint " IMPRINT_VERSION;

static const struct command {
	const char *name, *operand, *help;
	int (*run)(const struct arguments *a);
} commands[] = {
	{ "list", NULL, "Every certificate, one line each", list_command },
	{ "show", "UNIT|CERTIFICATE-SERIAL|CERTIFICATE-ID",
	  "One unit's certificates, entry by entry", show_command },
	{ "export", NULL, "Every entry with the signed head, for others to verify",
	  export_command },
	{ "head", NULL, "The signed head: mail it, print it, keep it elsewhere", head_command },
	{ "verify", NULL, "Check every entry, every signature and the tree", verify_command },
	{ "backup", "FILE", "A consistent copy, while the signer runs", backup_command },
	{ "accept-time", NULL, "Say that the clock is right, so that issuing goes on",
	  accept_time_command },
	{ "issue", NULL, "One certificate for a request from a file", issue_command },
	{ "ca-show", NULL, "The CA certificate in use", ca_show_command },
	{ "ca-crl", NULL, "The certificate revocation list, signed now", ca_crl_command },
	{ "ca-verification-cert", "CODE",
	  "The certificate that AWS IoT asks for to register the CA", ca_verification_command },
};

enum {
	KEY_SINCE = 256,
	KEY_HEAD,
	KEY_EXPORT,
	KEY_FORMAT,
	KEY_REASON,
	KEY_UNIT,
	KEY_CSR,
	KEY_ORDER
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "One JSON object a line", 0 },
	{ "format", KEY_FORMAT, "jsonl|csv", 0, "export: entries (default), or a table", 0 },
	{ "order", KEY_ORDER, "ID", 0, "list, export, issue: of this order", 0 },
	{ "since", KEY_SINCE, "TIME", 0, "list, export: issued at or after", 0 },
	{ "head", KEY_HEAD, "FILE", 0, "verify: an older head must be a prefix of today", 0 },
	{ "export", KEY_EXPORT, "FILE", 0, "verify: an export instead of the running signer", 0 },
	{ "reason", KEY_REASON, "TEXT", 0, "accept-time: why", 0 },
	{ "unit", KEY_UNIT, "ID", 0, "issue: the unit id", 0 },
	{ "csr", KEY_CSR, "FILE", 0, "issue: the request, PEM or DER", 0 },
	{ "out", 'o', "FILE", 0, "Write there instead of stdout", 0 },
	{ "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 },
	{ 0 }
};

struct parsed {
	struct arguments arguments;
	const struct command *command;
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
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

static void parse_operand(char *value, struct argp_state *state, struct parsed *p)
{
	if (!p->command) {
		p->command = find_command(value);
		if (!p->command)
			argp_error(state, "there is no command \"%s\" here", value);
	} else if (p->command->operand && !p->arguments.operand) {
		p->arguments.operand = value;
	} else {
		argp_error(state, "%s takes no \"%s\"", p->command->name, value);
	}
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct parsed *p = state->input;
	struct arguments *a = &p->arguments;

	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case 'o':
		a->out = value;
		return 0;
	case 'd':
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	case KEY_FORMAT:
		return parse_format(value, state, a);
	case KEY_ORDER:
		a->order = value;
		return 0;
	case KEY_SINCE:
		a->since = value;
		return 0;
	case KEY_HEAD:
		a->head_file = value;
		return 0;
	case KEY_EXPORT:
		a->export_file = value;
		return 0;
	case KEY_REASON:
		a->reason = value;
		return 0;
	case KEY_UNIT:
		a->unit = value;
		return 0;
	case KEY_CSR:
		a->csr = value;
		return 0;
	case ARGP_KEY_ARG:
		parse_operand(value, state, p);
		return 0;
	case ARGP_KEY_END:
		if (!p->command)
			argp_error(state, "say what to do");
		if (p->command->operand && !a->operand)
			argp_error(state, "%s needs %s", p->command->name, p->command->operand);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *help_text(int key, const char *text, void *input)
{
	char *all = NULL;
	size_t size;
	FILE *to;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	to = open_memstream(&all, &size);
	if (!to)
		return NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-22s %s\n", commands[i].name, commands[i].help);
	fclose(to);
	return all;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "COMMAND [OPERAND]",
	.doc = "The ledger and the CA, through the running signer.\v",
	.help_filter = help_text,
};

int main(int argc, char **argv)
{
	struct parsed p = { 0 };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &p);
	return p.command->run(&p.arguments);
}
