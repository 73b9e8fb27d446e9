/* imprint-reconcile: the ledgers against what AWS IoT has registered; run as `imprint reconcile`.
 * See imprint(1). */
#include "base/options.h"
#include "cloud/reconcile/fix.h"
#include "cloud/reconcile/report.h"
#include "hsm/api/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#define EXIT_BAD 1
#define EXIT_WRONG_USAGE 2
#define EXIT_ALARM 3
#define FILES_MAX 1024

const char *argp_program_version = "imprint " IMPRINT_VERSION;

/* Paths of one kind, in their order. */
struct paths {
	const char *rows[FILES_MAX];
	size_t count;
};

struct arguments {
	struct paths ledgers, heads, listings;
	struct account_options account;
	const char *html;
	bool aws, json, csv, fix, yes;
};

#define AT(field) offsetof(struct arguments, field)

/* clang-format off */
static const struct option_row options[] = {
	{ { "ledger", 'l', "EXPORT", 0, "A station's export; default: this station's own ledger", 0 }, OPTIONS_OWN },
	{ { "head", 'H', "FILE", 0, "An older head: it must be a prefix of one of the ledgers", 0 }, OPTIONS_OWN },
	{ { "aws", 'a', NULL, 0, "Ask AWS IoT for every CA that the ledgers name", 0 }, AT(aws) },
	{ { "profile", 'F', "NAME", 0, "The profile of the AWS credentials", 1 }, AT(account.profile) },
	{ { "region", 'R', "REGION", 0, "The AWS region", 1 }, AT(account.region) },
	{ { "endpoint-url", 'U', "URL", 0, "Ask there instead of AWS: a rehearsal", 1 }, AT(account.endpoint_url) },
	{ { "json", 'j', NULL, 0, "A summary, then one JSON object a line", 2 }, AT(json) },
	{ { "csv", 'c', NULL, 0, "Every certificate, for a spreadsheet", 2 }, AT(csv) },
	{ { "html", 'w', "FILE", 0, "And a page for the owner", 2 }, AT(html) },
	{ { "fix", 'f', NULL, 0, "Revoke in AWS IoT what is revoked or void here", 3 }, AT(fix) },
	{ { "yes", 'y', NULL, 0, "Do not ask before", 3 }, AT(yes) },
	{ { "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 4 }, OPTIONS_OWN },
};
/* clang-format on */

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static void add(struct paths *paths, const char *path, struct argp_state *state)
{
	if (paths->count == FILES_MAX)
		argp_error(state, "at most %d files", FILES_MAX);
	/* It is printed, and who sent the files named them. */
	if (!text_is_clean(bytes_text(path), false))
		argp_error(state, "the name of a file has a control character, or is no UTF-8: "
				  "rename it");
	paths->rows[paths->count++] = path;
}

static void check(const struct arguments *a, struct argp_state *state)
{
	if (a->aws == (a->listings.count > 0))
		argp_error(state, "give either the files that aws iot list-certificates-by-ca "
				  "printed, or --aws");
	if (a->json && a->csv)
		argp_error(state, "either --json or --csv");
	if (a->yes && !a->fix)
		argp_error(state, "--yes answers the question of --fix");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'l':
		add(&a->ledgers, value, state);
		return 0;
	case 'H':
		add(&a->heads, value, state);
		return 0;
	case ARGP_KEY_ARG:
		add(&a->listings, value, state);
		return 0;
	case 'd':
		setenv("IMPRINT_DIR", value, 1);
		return 0;
	case ARGP_KEY_END:
		check(a, state);
		return 0;
	default:
		return options_take(options, OPTION_COUNT, key, value, a);
	}
}

static bool read_ledgers(const struct arguments *a, struct reconcile *r, struct err *e)
{
	if (!a->ledgers.count && !reconcile_ledger(r, NULL, e))
		return e->code == ERR_NOT_FOUND
			       ? err_set(e, ERR_NOT_FOUND,
					 "no signer runs here; name each station's export with "
					 "--ledger EXPORT, or start imprint-signer")
			       : err_add(e, "this station's ledger (--ledger names an export)");
	for (size_t i = 0; i < a->ledgers.count; i++)
		if (!reconcile_ledger(r, a->ledgers.rows[i], e))
			return false;
	for (size_t i = 0; i < a->heads.count; i++)
		if (!reconcile_head(r, a->heads.rows[i], e))
			return false;
	return reconcile_read_ledgers(r, e);
}

static bool read_cloud(const struct arguments *a, struct reconcile *r, struct iot *iot,
		       struct err *e)
{
	if (a->aws && !reconcile_aws(r, iot, e))
		return false;
	if (reconcile_summary(r)->meanwhile)
		fprintf(stderr,
			"imprint: left out until the next time, issued and registered while AWS "
			"was asked: %" PRIu64 "\n",
			reconcile_summary(r)->meanwhile);
	for (size_t i = 0; i < a->listings.count; i++)
		if (!reconcile_listing(r, a->listings.rows[i], e))
			return false;
	reconcile_judge(r);
	return true;
}

/* fresh: a file of that name is made, and safe on the disk when this returns. */
static bool write_to(struct reconcile *r, const char *path, bool fresh, struct err *e)
{
	FILE *file = fopen(path, fresh ? "wxe" : "we");
	bool done;

	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	done = report_html(r, file, e);
	if (done && fresh && fsync(fileno(file)))
		done = err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	if (fclose(file) && done)
		done = err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	return done;
}

/* A page is there whole or as it was before. A pipe, a device or a link is written to as it is. */
static bool write_page(struct reconcile *r, const char *path, struct err *e)
{
	char beside[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_to(r, path, false, e);
	if (snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid()) >= (int)sizeof(beside))
		return err_set(e, ERR_USAGE, "the path %.80s… is too long", path);
	if (write_to(r, beside, true, e) &&
	    (rename(beside, path) == 0 || err_errno(e, ERR_SYSTEM, "cannot write %s", path)))
		return true;
	unlink(beside);
	return false;
}

static bool report(const struct arguments *a, struct reconcile *r, struct err *e)
{
	if (a->html && !write_page(r, a->html, e))
		return false;
	return a->json	? report_json(r, stdout, e)
	       : a->csv ? report_csv(r, stdout, e)
			: report_table(r, stdout, e);
}

static bool fix(const struct arguments *a, struct reconcile *r, struct iot *iot, int *ret_status,
		struct err *e)
{
	const struct fix_options how = { .yes = a->yes, .fresh = a->aws };
	const struct reconcile_summary *s = reconcile_summary(r);
	uint64_t left;

	if (!fix_run(r, iot, &how, &left, e))
		return false;
	if (s->verdict == RECONCILE_DIFFERENCES && !left && !s->cas_closed && !s->other_keys &&
	    !s->counts[CLASS_REVOKED_THERE])
		*ret_status = RECONCILE_CLEAN;
	return true;
}

static bool run(const struct arguments *a, int *ret_status, struct err *e)
{
	AUTO(reconcile) r = NULL;
	AUTO(iot) iot = NULL;

	/* Wrong credentials are better found before a long ledger is read. */
	if (((a->aws || a->fix) && !iot_open(&a->account, &iot, e)) ||
	    !reconcile_new(isatty(STDERR_FILENO), &r, e) || !read_ledgers(a, r, e) ||
	    !read_cloud(a, r, iot, e) || !report(a, r, e))
		return false;
	*ret_status = reconcile_summary(r)->verdict;
	return !a->fix || fix(a, r, iot, ret_status, e);
}

static int failed(const struct err *e)
{
	fprintf(stderr, "%simprint: %s\n", e->code == ERR_CORRUPT ? "ALARM: " : "", e->text);
	return e->code == ERR_USAGE	? EXIT_WRONG_USAGE
	       : e->code == ERR_CORRUPT ? EXIT_ALARM
					: EXIT_BAD;
}

int main(int argc, char **argv)
{
	struct argp_option shown[OPTIONS_MAX + 1];
	const struct argp argp = { .options = shown,
				   .parser = parse,
				   .args_doc = "FILE…\n--aws",
				   .doc = "Holds the ledgers against what AWS IoT has "
					  "registered: FILE is what aws iot "
					  "list-certificates-by-ca (or "
					  "describe-ca-certificate) printed." };
	static struct arguments a;
	char name[] = "imprint reconcile";
	struct err e;
	int status;

	argp_err_exit_status = EXIT_WRONG_USAGE;
	signal(SIGPIPE, SIG_IGN); /* a connection may end while TLS writes to it */
	argv[0] = name;
	options_choose(options, OPTION_COUNT, NULL, shown);
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	return run(&a, &status, &e) ? status : failed(&e);
}
