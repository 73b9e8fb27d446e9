/* imprint-ca: the ceremony as a program: `imprint init`, `imprint ca create`, `imprint ca import`,
 * and `imprint ledger adopt`.
 * On an installed station root runs it, and it becomes the signer's user as soon as the files that
 * were named on the command line are open. */
#include "hsm/ceremony/ceremony.h"

#include "base/owner.h"
#include "hsm/ceremony/adopt.h"
#include "hsm/token/seal.h"

#include <argp.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define NAME_SIZE 32

const char *argp_program_version = "imprint-ca " IMPRINT_VERSION;

struct arguments {
	struct ceremony_init init;
	struct ceremony_create create;
	const char *product;
	char **files;
	size_t file_count;
};

/* The usage error of an argp parser: one sentence, exit 2. */
static __attribute__((format(printf, 2, 3))) error_t usage(struct argp_state *state,
							   const char *format, ...)
{
	char sentence[ERR_TEXT_SIZE];
	va_list values;

	va_start(values, format);
	vsnprintf(sentence, sizeof(sentence), format, values);
	va_end(values);
	argp_error(state, "%s", sentence);
	return EINVAL;
}

static const struct argp_option init_options[] = {
	{ "station", 'n', "NAME", 0,
	  "The station's name: A-Z a-z 0-9 and -; it stands in the ledger", 0 },
	{ "token", 't', "soft|URI", 0,
	  "soft: a new SoftHSM token on this disk (default). URI: a token that is there: "
	  "pkcs11:token=LABEL?module-path=/usr/lib/x.so",
	  0 },
	{ "pin-file", 'p', "FILE", 0,
	  "The file with the token's PIN, mode 0600. Without it: soft draws a new one; else the "
	  "systemd credential token-pin",
	  0 },
	{ "module", 'm', "SO", 0, "The PKCS#11 module, if the URI does not name it", 0 },
	{ "no-seal", 's', NULL, 0,
	  "Keep a new PIN in a file of mode 0600, even if systemd could seal it to this PC", 0 },
	{ 0 },
};

static error_t init_option(int key, char *value, struct argp_state *state)
{
	struct ceremony_init *init = &((struct arguments *)state->input)->init;

	switch (key) {
	case 'n':
		init->station = value;
		return 0;
	case 't':
		init->token = value;
		return 0;
	case 'p':
		init->pin_file = value;
		return 0;
	case 'm':
		init->module = value;
		return 0;
	case 's':
		init->no_seal = true;
		return 0;
	case ARGP_KEY_ARG:
		return usage(state, "\"%s\" is too much", value);
	case ARGP_KEY_END:
		return init->station ? 0 : usage(state, "%s is missing", "--station NAME");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option create_options[] = {
	{ "subject", 's', "DN", 0, "The CA's name, such as \"O=Brand,CN=Brand SZ1 CA 1\"", 0 },
	{ "key", 'k', "TYPE", 0, "ec-p256 (default), ec-p384, rsa-2048, rsa-3072 or rsa-4096", 0 },
	{ "days", 'd', "N", 0, "How long a self-signed CA is valid (default 3650)", 0 },
	{ "csr", 'r', "FILE", 0,
	  "Do not self-sign: write a CSR into FILE, for the root to sign; then imprint ca import",
	  0 },
	{ 0 },
};

static error_t parse_days(const char *value, struct ceremony_create *create,
			  struct argp_state *state)
{
	char *end;
	unsigned long days = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || days < 1 || days > CEREMONY_DAYS_MAX)
		return usage(state, "--days %s is not between 1 and 36500", value);
	create->days = (unsigned)days;
	return 0;
}

static error_t create_end(struct ceremony_create *create, struct argp_state *state)
{
	if (!create->subject)
		return usage(state, "%s is missing", "--subject DN");
	if (create->days && create->csr_path)
		return usage(state, "%s does not go with --csr: the root decides how long",
			     "--days");
	if (!create->days)
		create->days = CEREMONY_DAYS_DEFAULT;
	return 0;
}

static error_t create_option(int key, char *value, struct argp_state *state)
{
	struct ceremony_create *create = &((struct arguments *)state->input)->create;

	switch (key) {
	case 's':
		create->subject = value;
		return 0;
	case 'k':
		return token_key_type_of(value, &create->type)
			       ? 0
			       : usage(state,
				       "--key %s is none of ec-p256, ec-p384, rsa-2048, rsa-3072, "
				       "rsa-4096",
				       value);
	case 'd':
		return parse_days(value, create, state);
	case 'r':
		create->csr_path = value;
		return 0;
	case ARGP_KEY_ARG:
		return usage(state, "\"%s\" is too much", value);
	case ARGP_KEY_END:
		return create_end(create, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t import_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)value;
	switch (key) {
	case ARGP_KEY_ARGS:
		arguments->files = state->argv + state->next;
		arguments->file_count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return usage(state, "%s is missing", "CERT");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option adopt_options[] = {
	{ "product", 'P', "NAME", 0, "The product that the certificates were made for", 0 },
	{ 0 },
};

static error_t adopt_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'P':
		arguments->product = value;
		return 0;
	case ARGP_KEY_ARGS:
		return import_option(key, value, state);
	case ARGP_KEY_END:
		if (!arguments->product)
			return usage(state, "%s is missing", "--product NAME");
		if (arguments->file_count < 1 || arguments->file_count > ADOPT_MAX)
			return usage(state, "UNIT=CERT: 1 to %d of them", ADOPT_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool run_init(struct arguments *arguments, char *ret_text, struct err *e)
{
	umask(077);
	return ceremony_init(&arguments->init, ret_text, e);
}

static bool become_signer(struct err *e)
{
	struct owner owner;

	umask(077); /* from here on it is the signer's files */
	return owner_find(OWNER_SIGNER, &owner, e) && seal_open(owner.uid, owner.gid, e) &&
	       owner_become(&owner, e);
}

/* The CSR's file is the caller's, so it is opened before we become the signer. A file that we made
 * is taken away again if nothing came of it. */
static bool run_create(struct arguments *arguments, char *ret_text, struct err *e)
{
	struct ceremony_create *create = &arguments->create;
	AUTO(fd) fd = -1;
	struct stat status;
	bool done;

	if (create->csr_path) {
		fd = open(create->csr_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
		if (fd < 0)
			return err_errno(e, ERR_USAGE, "--csr %s", create->csr_path);
	}
	create->csr_fd = fd;
	done = become_signer(e) && ceremony_create(create, ret_text, e);
	if (!done && fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size == 0)
		unlink(create->csr_path);
	return done;
}

static bool run_import(struct arguments *arguments, char *ret_text, struct err *e)
{
	static uint8_t certificates[CERTIFICATE_MAX + CA_CHAIN_MAX];
	struct ceremony_import import = { certificates, 0 };

	for (size_t i = 0; i < arguments->file_count; i++)
		if (!ceremony_read(arguments->files[i], certificates, sizeof(certificates),
				   &import.len, e))
			return false;
	return become_signer(e) && ceremony_import(&import, ret_text, e);
}

/* "T-0003=board.pem" */
static bool read_one(const char *operand, struct adopt_one *ret_one, struct err *e)
{
	const char *path = strchr(operand, '=');
	size_t len = path ? (size_t)(path - operand) : 0;

	if (len < 1 || len > NAME_MAX_LEN)
		return err_set(e, ERR_USAGE, "\"%.80s\" is not UNIT=CERT", operand);
	memcpy(ret_one->unit, operand, len);
	return ceremony_read(path + 1, ret_one->der, sizeof(ret_one->der), &ret_one->len, e);
}

static bool run_adopt(struct arguments *arguments, char *ret_text, struct err *e)
{
	AUTO_FREE struct adopt_one *all = calloc(arguments->file_count, sizeof(*all));
	const struct passwd *user = getpwuid(getuid());
	struct adopt adopt = { arguments->product, user ? user->pw_name : "", all,
			       arguments->file_count };

	if (!all)
		return err_set(e, ERR_SYSTEM, "no memory for the certificates");
	for (size_t i = 0; i < adopt.count; i++)
		if (!read_one(arguments->files[i], &all[i], e))
			return false;
	return become_signer(e) && adopt_certificates(&adopt, ret_text, e);
}

static const struct command {
	const char *name, *shown; /* as it is typed after "imprint" */
	struct argp argp;
	bool (*run)(struct arguments *arguments, char *ret_text, struct err *e);
} commands[] = {
	{ "init",
	  "imprint init",
	  { init_options, init_option, NULL,
	    "First set-up of a station: token, PIN, settings.\vWrites etc/signer.yaml and the PIN "
	    "file, makes a SoftHSM token unless one is named. Refused once a station is set up.\n",
	    NULL, NULL, NULL },
	  run_init },
	{ "create",
	  "imprint ca create",
	  { create_options, create_option, NULL,
	    "Make a CA key in the token, self-signed or with a CSR for a root to sign.\vThe signer "
	    "must be stopped. The key is made inside the token and cannot leave it. The first "
	    "time, a second key is made that signs the ledger's heads. Another create makes a "
	    "further key: a new generation of the CA.\n",
	    NULL, NULL, NULL },
	  run_create },
	{ "import",
	  "imprint ca import",
	  { NULL, import_option, "CERT [CHAIN...]",
	    "Take a CA certificate into use: the one that was signed from the CSR, and those above "
	    "it up to the root.\vPEM or DER; the CA's own first. The signer must be stopped. "
	    "Checked are path, validity, CA:TRUE, keyCertSign, and that the key is in the token.\n",
	    NULL, NULL, NULL },
	  run_import },
	{ "adopt",
	  "imprint ledger adopt",
	  { adopt_options, adopt_option, "UNIT=CERT...",
	    "Take certificates that were read back from boards, or from AWS, into the ledger after "
	    "a restore.\vPEM or DER, one of a unit. The signer must be stopped. Each must be "
	    "signed by the CA in use and name its unit; all come in, or none.\n",
	    NULL, NULL, NULL },
	  run_adopt },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Nothing of ours that held a PIN may end in a core file, nor be looked at. */
static void close_shutters(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker attaches to us */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int run(const struct command *command, struct arguments *arguments)
{
	char text[CEREMONY_TEXT_MAX];
	struct err e = { 0 };

	close_shutters();
	if (!command->run(arguments, text, &e)) {
		fprintf(stderr, "%s: %s\n", command->shown, e.text);
		return e.code == ERR_USAGE ? EXIT_USAGE : EXIT_REFUSED;
	}
	fputs(text, stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_REFUSED;
}

static int show_commands(FILE *to, int code)
{
	fputs("Usage: imprint-ca init|create|import|adopt [OPTION...]\n"
	      "The ceremony before a station can sign: token, CA key, CA certificate.\n"
	      "`imprint-ca COMMAND --help` says more. Behind `imprint init`, `imprint ca` and "
	      "`imprint ledger adopt`.\n",
	      to);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .init.token = "soft",
				       .create.type = KEY_EC_P256,
				       .create.csr_fd = -1 };
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0))
		return show_commands(stdout, 0);
	if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
		return puts(argp_program_version) < 0;
	if (!command)
		return show_commands(stderr, EXIT_USAGE);
	argp_err_exit_status = EXIT_USAGE;
	argv[1] = (char *)command->shown;
	if (argp_parse(&command->argp, argc - 1, argv + 1, 0, NULL, &arguments) != 0)
		return EXIT_USAGE;
	return run(command, &arguments);
}
