#include "station/command/command.h"

#include "hsm/api/refusal.h"
#include "station/command/print.h"
#include "station/command/terminal.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_ENOUGH 3 /* letters to change, for "did you mean" */
#define WORD_MAX 32
#define HELP_COLUMNS 112

const char *argp_program_version = "imprint " IMPRINT_VERSION;

static command_function help_command;

/* clang-format off */
static const struct command commands[] = {
	/* name, arguments, help, least and most arguments, option letters, function; or the program that does it */
	{ "init", "--station NAME [--token soft|URI]", "First set-up of this station", .program = "imprint-ca", .word = "init" },
	{ "ca create", "--subject DN", "Make the CA key in the token, self-signed or with a CSR", .program = "imprint-ca", .word = "create" },
	{ "ca import", "CERT [CHAIN…]", "Take the CA certificate that the root signed", .program = "imprint-ca", .word = "import" },
	{ "ca show", "[--json]", "Show the CA in use", .program = "imprint-ledger", .word = "ca-show" },
	{ "ca crl", "> FILE", "Sign a list of what was revoked", .program = "imprint-ledger", .word = "ca-crl" },
	{ "ca verification-cert", "CODE > FILE", "Sign the certificate that AWS IoT asks for", .program = "imprint-ledger", .word = "ca-verification-cert" },
	{ "product root", "NAME", "Print the server root that a product's boards trust", .program = "imprint-product", .word = "root" },
	{ "product check", "FILE", "Show every mistake in a product, or a sample", .program = "imprint-product", .word = "check" },
	{ "order open", "ID --product NAME --quantity N", "Open a work order and put it in use", 1, 1, "pquU", order_open_command },
	{ "order use", "ID", "Put an order in use", 1, 1, "", order_use_command },
	{ "order close", "ID", "Close an order for good", 1, 1, "", order_close_command },
	{ "order quantity", "ID N", "Change the quantity of an order", 2, 2, "", order_quantity_command },
	{ "order show", "ID", "Show one order", 1, 1, "j", order_show_command },
	{ "order list", "", "Show every order", 0, 0, "j", order_list_command },
	{ "issue", "--unit ID --csr FILE", "Sign one request from a file", .program = "imprint-ledger", .word = "issue" },
	{ "status", "[NEST]", "Show every nest, or one", 0, 1, "j", status_command },
	{ "watch", "", "Show the nests as they work", 0, 0, "jd", watch_command },
	{ "start", "[NEST…]", "Run the boards of all nests, or of those named", 0, COMMAND_ARGUMENTS_MAX, "iO", start_command },
	{ "abort", "[NEST…]", "Stop the work on all nests, or on those named", 0, COMMAND_ARGUMENTS_MAX, "", abort_command },
	{ "wait", "", "Wait until every nest that was started has an outcome", 0, 0, "jnot", wait_command },
	{ "report", "[--shift last] [--csv]", "What a shift made", 0, 0, "SC", report_command },
	{ "alarms", "[--acknowledge N|all]", "Show what needs somebody's hand", 0, 0, "ja", alarms_command },
	{ "scan", "TEXT [--nest NEST]", "Give the station what a scanner read: a badge or a label", 1, 1, "n", scan_command },
	{ "logout", "", "Log out who is logged in at the station", 0, 0, "", logout_command },
	{ "mode", "normal|dry-run|golden [--badge BADGE]", "Issue, only try, or check with golden units", 1, 1, "b", mode_command },
	{ "free", "NEST… --badge BADGE", "Let a stopped nest, or a unit that had its tries, go on", 1, COMMAND_ARGUMENTS_MAX, "b", free_command },
	{ "badge enrol", "BADGE --person NAME --role ROLE", "Give a person a badge", 1, 1, "PR", badge_enrol_command },
	{ "badge withdraw", "BADGE", "Take a badge back", 1, 1, "", badge_withdraw_command },
	{ "badge list", "", "Show every badge", 0, 0, "j", badge_list_command },
	{ "ledger list", "", "Show every certificate", .program = "imprint-ledger", .word = "list" },
	{ "ledger show", "UNIT|SERIAL|CERTIFICATE-ID", "Show the certificates of one unit, entry by entry", .program = "imprint-ledger", .word = "show" },
	{ "ledger export", "> FILE", "Every entry with the signed head, for others to verify", .program = "imprint-ledger", .word = "export" },
	{ "ledger head", "", "The signed head: mail it, print it, keep it elsewhere", .program = "imprint-ledger", .word = "head" },
	{ "ledger verify", "[--head FILE] [--export FILE]", "Check every entry, every signature and the tree", .program = "imprint-ledger", .word = "verify" },
	{ "ledger backup", "FILE", "A consistent copy, while the signer runs", .program = "imprint-ledger", .word = "backup" },
	{ "ledger accept-time", "--reason TEXT", "Say that the clock is right, so that issuing goes on", .program = "imprint-ledger", .word = "accept-time" },
	{ "runs", "", "Show every attempt on every nest", 0, 0, "jnsl", runs_command },
	{ "void", "UNIT --reason TEXT", "Void a certificate that was never installed", 1, 1, "r", void_command },
	{ "revoke", "UNIT|--certificate-id ID --reason TEXT", "Revoke a certificate that was installed; --cloud: at AWS too", 0, 1, "rcKFGE", revoke_command },
	{ "cloud register-ca", "[--sni-only] [--print]", "Register the CA at AWS IoT, ready for devices", .program = "imprint-cloud", .word = "register-ca" },
	{ "cloud describe-ca", "", "Show the CA as AWS has it", .program = "imprint-cloud", .word = "describe-ca" },
	{ "cloud activate-ca", "", "Let new certificates of the CA be registered", .program = "imprint-cloud", .word = "activate-ca" },
	{ "cloud deactivate-ca", "", "Let no new certificate of the CA be registered", .program = "imprint-cloud", .word = "deactivate-ca" },
	{ "cloud auto-registration", "on|off", "Register devices at their first connection, or not", .program = "imprint-cloud", .word = "auto-registration" },
	{ "cloud revoke-ca", "", "What AWS can do instead", .program = "imprint-cloud", .word = "revoke-ca" },
	{ "cloud endpoint", "[--product NAME]", "The host that devices connect to, and if they trust it", .program = "imprint-cloud", .word = "endpoint" },
	{ "cloud list", "", "Show every certificate of the CA that AWS has", .program = "imprint-cloud", .word = "list" },
	{ "cloud register", "UNIT", "Register a certificate without a first connection", .program = "imprint-cloud", .word = "register" },
	{ "cloud describe", "UNIT|--certificate-id ID", "Show a certificate as AWS has it", .program = "imprint-cloud", .word = "describe" },
	{ "cloud activate", "UNIT|--certificate-id ID", "Let a device in", .program = "imprint-cloud", .word = "activate" },
	{ "cloud deactivate", "UNIT|--certificate-id ID", "Keep a device out until it is activated", .program = "imprint-cloud", .word = "deactivate" },
	{ "cloud revoke", "UNIT|--certificate-id ID", "Keep a device out for good", .program = "imprint-cloud", .word = "revoke" },
	{ "cloud publish", "s3://BUCKET[/PREFIX]|FOLDER", "Publish what was issued, for the activation function", .program = "imprint-cloud", .word = "publish" },
	{ "reconcile", "[--ledger EXPORT]… FILE…|--aws", "Hold the ledgers against what AWS IoT has registered", .program = "imprint-reconcile" },
	{ "board list", "", "Show the serial lines of this PC", .program = "imprint-board", .word = "list" },
	{ "board probe", "PORT [--driver NAME]", "Say what a board answers on a port", .program = "imprint-board", .word = "probe" },
	{ "jig reset", "", "Take a stop of the jig back, once its cause has gone", 0, 0, "", jig_reset_command },
	{ "jig watch", "[SIGNAL…]", "Show the jig's signals as they are", 0, COMMAND_ARGUMENTS_MAX, "j", jig_watch_command },
	{ "jig set", "SIGNAL on|off", "Set an output of the jig, within its interlocks", 2, 3, "", jig_set_command },
	{ "rehearsal up", "DIR", "Rehearse AWS IoT on this PC, without an account", .program = "imprint-rehearsal", .word = "up" },
	{ "rehearsal down", "DIR", "End a rehearsal", .program = "imprint-rehearsal", .word = "down" },
	{ "rehearsal log", "DIR [--follow]", "What happened in a rehearsal, in plain words", .program = "imprint-rehearsal", .word = "log" },
	{ "ui", "[--lang LANGUAGE]", "The operator's screen", .program = "imprint-ui" },
	{ "help", "[COMMAND]", "Show this", 0, 2, "", help_command },
};
/* clang-format on */

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char sketch[] = "imprint gives every board of a factory station its identity.\n\n"
			     "  imprint [--dir D] COMMAND [OPTION…] [ARGUMENT…]\n\n";

/* --- finding a command --- */

/* How many of the words are the command's name; 0 if they are not. */
static int names(const struct command *command, char **words, int count)
{
	const char *blank = strchr(command->name, ' ');
	size_t first = blank ? (size_t)(blank - command->name) : strlen(command->name);

	if (count < 1 || strlen(words[0]) != first || strncmp(words[0], command->name, first) != 0)
		return 0;
	if (!blank)
		return 1;
	return count > 1 && strcmp(words[1], blank + 1) == 0 ? 2 : 0;
}

/* The one with the most words; NULL if there is none. */
static const struct command *find(char **words, int count, int *ret_used)
{
	const struct command *found = NULL;

	*ret_used = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		int used = names(&commands[i], words, count);

		if (used > *ret_used) {
			found = &commands[i];
			*ret_used = used;
		}
	}
	return found;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to add, drop or change (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], len = strlen(b);

	if (strlen(a) > WORD_MAX || len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[len];
}

static const char *nearest(const char *typed)
{
	size_t best = NEAR_ENOUGH;
	const char *found = NULL;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t d = distance(typed, commands[i].name);

		if (d < best) {
			best = d;
			found = commands[i].name;
		}
	}
	return found;
}

/* "order open" is one of "order". */
static bool is_of(const struct command *command, const char *group)
{
	size_t len = strlen(group);

	return strncmp(command->name, group, len) == 0 && command->name[len] == ' ';
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_of(&commands[i], word))
			return true;
	return false;
}

/* "register-ca" for "cloud register-ca"; NULL unless it is the end of one command alone. */
static const char *ending(const char *word)
{
	const char *found = NULL;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const char *blank = strchr(commands[i].name, ' ');

		if (!blank || strcmp(blank + 1, word) != 0)
			continue;
		if (found)
			return NULL;
		found = commands[i].name;
	}
	return found;
}

static int unknown_in_group(const char *group, const char *word)
{
	char safe[WORD_MAX];

	print_copy(safe, sizeof(safe), word ? word : "");
	if (word)
		fprintf(stderr, "imprint: there is no command \"%s %s\"; ", group, safe);
	else
		fputs("imprint: say which one: ", stderr);
	fprintf(stderr, "imprint help %s shows them\n", group);
	return EXIT_USAGE;
}

static int unknown(char **words, int count)
{
	char typed[2 * WORD_MAX], safe[2 * WORD_MAX];
	const char *meant = NULL;

	snprintf(typed, sizeof(typed), "%s%s%s", words[0], count > 1 ? " " : "",
		 count > 1 ? words[1] : "");
	meant = count > 1 || !is_group(words[0]) ? nearest(typed) : NULL;
	if (!meant && is_group(words[0]))
		return unknown_in_group(words[0], count > 1 ? words[1] : NULL);
	print_copy(safe, sizeof(safe), meant ? typed : words[0]);
	meant = meant ? meant : ending(words[0]);
	meant = meant ? meant : nearest(words[0]);
	fprintf(stderr, "imprint: there is no command \"%s\"; ", safe);
	if (meant)
		fprintf(stderr, "did you mean imprint %s?\n", meant);
	else
		fprintf(stderr, "imprint help shows what there is\n");
	return EXIT_USAGE;
}

/* --- help --- */

/* As wide as it looks: "…" is three bytes. */
static int pad(const char *text, int width)
{
	for (; *text; text++)
		width -= (*text & 0xc0) != 0x80;
	return width > 0 ? width : 0;
}

/* Beside each other where there is room, else the help below. */
static void help_line(const struct command *command)
{
	struct terminal terminal = { 0 };
	char call[128];

	terminal_begin(&terminal);
	snprintf(call, sizeof(call), "%s %s", command->name, command->arguments);
	if (isatty(STDOUT_FILENO) && terminal.columns < HELP_COLUMNS)
		printf("  %s\n        %s\n", call, command->help);
	else
		printf("  %s%*s  %s\n", call, pad(call, 46), "", command->help);
}

static int help_all(void)
{
	fputs(sketch, stdout);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		help_line(&commands[i]);
	puts("\nimprint help COMMAND shows its options. Exit codes: 0 done, 1 failed or refused,\n"
	     "2 wrong usage, 3 alarm. IMPRINT_DIR or --dir puts the whole station under one\n"
	     "folder.");
	return EXIT_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;

	if (command->program)
		return external_become(command, argc, argv);
	arguments_read(command, argc, argv, &options);
	return command->run(&options);
}

/* True if there are any. */
static bool help_group(const char *word)
{
	bool shown = false;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (!is_of(&commands[i], word))
			continue;
		if (!shown)
			printf("Usage: imprint %s COMMAND …\n\n", word);
		help_line(&commands[i]);
		shown = true;
	}
	if (shown)
		printf("\nimprint help %s COMMAND shows its options.\n", word);
	return shown;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0;
}

static int help_one(char **words, int count)
{
	char *ask[] = { NULL, "--help", NULL };
	const struct command *command;
	int used;

	command = find(words, count, &used);
	if (command && used == count)
		return run_command(command, 2, ask);
	return count == 1 && help_group(words[0]) ? EXIT_DONE : unknown(words, count);
}

static int help_command(const struct options *options)
{
	char *words[2] = { (char *)options->arguments[0], (char *)options->arguments[1] };

	return options->count ? help_one(words, options->count) : help_all();
}

/* --- dispatch --- */

static const struct argp_option options[] = {
	{ "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 },
	{ 0 },
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	if (key == 'd') {
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		*(int *)state->input = state->next - 1;
		state->next = state->argc; /* the rest is the command's */
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int command_main(int argc, char **argv)
{
	static const struct argp argp = { .options = options,
					  .parser = parse,
					  .args_doc = "COMMAND …",
					  .doc = "Gives every board of a factory station its "
						 "identity. imprint help shows the commands." };
	const struct command *command;
	int first = 0, used;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first);
	if (first == 0) {
		help_all();
		return EXIT_USAGE;
	}
	command = find(argv + first, argc - first, &used);
	if (!command && first == argc - 2 && is_help(argv[first + 1]) && help_group(argv[first]))
		return EXIT_DONE;
	if (!command)
		return unknown(argv + first, argc - first);
	return run_command(command, argc - first - used + 1, argv + first + used - 1);
}

int command_fail(const struct err *e)
{
	/* A sentence with a second half says there what to do. */
	const char *remedy = strchr(e->text, ';') ? "" : refusal_remedy(e->code);
	char text[ERR_TEXT_SIZE];

	print_copy(text, sizeof(text), e->text);
	fprintf(stderr, "imprint: %s%s%s\n", text, *remedy ? ". " : "", remedy);
	return e->code == ERR_USAGE	? EXIT_USAGE
	       : e->code == ERR_CORRUPT ? EXIT_ALARM
					: EXIT_FAILED;
}
