/* imprint-restore: `imprint ledger restore`. On an installed station root runs it, and it becomes
 * the signer's user as soon as the files that were named on the command line are open. */
#include "hsm/ceremony/restore.h"

#include "base/cleanup.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/owner.h"
#include "hsm/token/seal.h"

#include <argp.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define EXIT_ALARM 3

const char *argp_program_version = "imprint-restore " IMPRINT_VERSION;

struct arguments {
	struct restore restore;
	const char *backup;
};

static const struct argp_option options[] = {
	{ "head", 'H', "FILE", 0,
	  "A head of this ledger, as imprint ledger head and backup print it; may be repeated: the "
	  "newest that can be found, and the one that came with the backup",
	  0 },
	{ "gap-accepted", 'g', "FIRST-LAST", 0,
	  "Go on although these entries are missing: exactly those that the refusal names", 0 },
	{ "reason", 'r', "TEXT", 0, "Why; it stands in the ledger", 0 },
	{ "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 },
	{ 0 },
};

static void read_head(const char *path, struct restore *restore, struct argp_state *state)
{
	AUTO_FREE uint8_t *text = NULL;
	struct err e;
	size_t len;

	if (restore->head_count == RESTORE_HEADS_MAX)
		argp_error(state, "--head: %d are enough", RESTORE_HEADS_MAX);
	if (!file_read(path, HEAD_TEXT_MAX - 1, &text, &len, &e))
		argp_error(state, "--head: %s", e.text);
	if (!head_parse((const char *)text, &restore->heads[restore->head_count++], &e))
		argp_error(state, "--head: %s holds no head as imprint ledger head prints it",
			   path);
}

static void read_gap(const char *value, struct restore *restore, struct argp_state *state)
{
	char *end;

	restore->gap_first = strtoull(value, &end, 10);
	if (*value < '1' || *value > '9' || *end != '-' || end[1] < '1' || end[1] > '9')
		argp_error(state, "--gap-accepted %s is not FIRST-LAST", value);
	restore->gap_last = strtoull(end + 1, &end, 10);
	if (*end || restore->gap_last < restore->gap_first)
		argp_error(state, "--gap-accepted %s is not FIRST-LAST", value);
}

static void check_end(const struct arguments *a, struct argp_state *state)
{
	if (!a->backup)
		argp_error(state, "BACKUP is missing");
	if (!a->restore.reason || !*a->restore.reason)
		argp_error(state, "--reason TEXT is missing");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'H':
		read_head(value, &a->restore, state);
		return 0;
	case 'g':
		read_gap(value, &a->restore, state);
		return 0;
	case 'r':
		a->restore.reason = value;
		return 0;
	case 'd':
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	case ARGP_KEY_ARG:
		if (a->backup)
			argp_error(state, "\"%s\" is too much", value);
		a->backup = value;
		return 0;
	case ARGP_KEY_END:
		check_end(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options,
	parse,
	"BACKUP",
	"Put a backup of the ledger in its place, after the disk died or the ledger was damaged.\v"
	"The signer must be stopped. The backup is checked entry by entry; it must be this "
	"station's, and the token must be there. A new epoch begins, every order is closed, and "
	"what stood there before is kept beside it. Exit 3: the backup was changed, or a head that "
	"was shown is not of it.\n",
	NULL,
	NULL,
	NULL
};

static const char *caller(void)
{
	const struct passwd *user = getpwuid(getuid());

	return user ? user->pw_name : "";
}

static bool open_regular(const char *path, int *ret_fd, struct err *e)
{
	AUTO(fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(e, ERR_USAGE, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_USAGE, "%s is no file", path);
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool run(struct arguments *a, char ret_text[static RESTORE_TEXT_MAX], struct err *e)
{
	AUTO(fd) fd = -1;
	struct owner owner;

	if (!open_regular(a->backup, &fd, e) || !owner_find(OWNER_SIGNER, &owner, e))
		return false;
	a->restore.backup_fd = fd;
	a->restore.by = caller();
	umask(077);
	return seal_open(owner.uid, owner.gid, e) && owner_become(&owner, e) &&
	       confine(CONFINE_IP, e) && restore_ledger(&a->restore, ret_text, e);
}

int main(int argc, char **argv)
{
	static struct arguments arguments;
	char text[RESTORE_TEXT_MAX] = "";
	struct err e;

	argp_err_exit_status = EXIT_USAGE;
	if (argc > 0)
		argv[0] = (char *)"imprint ledger restore";
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!run(&arguments, text, &e)) {
		fprintf(stderr, "%simprint ledger restore: %s\n",
			e.code == ERR_CORRUPT ? "ALARM: " : "", e.text);
		return e.code == ERR_CORRUPT ? EXIT_ALARM
		       : e.code == ERR_USAGE ? EXIT_USAGE
					     : EXIT_REFUSED;
	}
	fputs(text, stdout);
	return fflush(stdout) == 0 ? 0 : EXIT_REFUSED;
}
