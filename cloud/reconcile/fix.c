#include "cloud/reconcile/fix.h"

#include <inttypes.h>

#define SHOWN_MAX 20
#define ANSWER_SIZE 16

struct fixing {
	struct iot *iot;
	bool fresh;
	uint64_t shown, revoked, already, failed;
};

static bool show(void *context, const struct reconcile_row *row, struct err *e)
{
	struct fixing *f = context;

	(void)e;
	if (f->shown++ < SHOWN_MAX)
		fprintf(stderr, "  %s  %s here, %s there  %.8s…\n", row->unit,
			state_name(row->here), iot_status_name(row->there), row->id);
	return true;
}

/* Only a plain yes; without a terminal nobody can have read the list. */
static bool agreed(uint64_t count, struct err *e)
{
	char answer[ANSWER_SIZE];

	if (!isatty(STDIN_FILENO))
		return err_set(e, ERR_REFUSED,
			       "nobody can be asked here whether to revoke %" PRIu64
			       " certificate%s; --yes says so beforehand",
			       count, count == 1 ? "" : "s");
	fprintf(stderr,
		"Revoke %s in AWS IoT, for good? Type yes: ", count == 1 ? "it" : "all of them");
	if (fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "yes\n"))
		return true;
	return err_set(e, ERR_REFUSED, "nothing was revoked, for the answer was not yes");
}

static bool is_out(const struct fixing *f, const char *id, bool *ret_is, struct err *e)
{
	AUTO_FREE struct iot_certificate *certificate = malloc(sizeof(*certificate));

	*ret_is = false;
	if (f->fresh)
		return true;
	if (!certificate)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (iot_describe(f->iot, id, certificate, e))
		*ret_is = certificate->status == IOT_REVOKED;
	else if (e->code == ERR_NOT_FOUND)
		*ret_is = true; /* it was deleted there */
	else
		return false;
	return true;
}

/* What would fail for the next one, too. */
static bool is_hopeless(int code)
{
	return code == ERR_GONE || code == ERR_TIMEOUT || code == ERR_BUSY || code == ERR_SYSTEM;
}

static bool revoke_row(void *context, const struct reconcile_row *row, struct err *e)
{
	struct fixing *f = context;
	bool already;

	if (is_out(f, row->id, &already, e) &&
	    (already || iot_update(f->iot, row->id, IOT_REVOKED, e))) {
		f->already += already;
		f->revoked += !already;
		return true;
	}
	if (is_hopeless(e->code))
		return err_add(e, "revoking unit %s", row->unit);
	f->failed++;
	fprintf(stderr, "imprint: unit %s: %s\n", row->unit, e->text);
	return true;
}

static void sum_up(const struct fixing *f)
{
	fprintf(stderr, "revoked %" PRIu64, f->revoked);
	if (f->already)
		fprintf(stderr, ", were revoked or deleted meanwhile %" PRIu64, f->already);
	if (f->failed)
		fprintf(stderr, ", failed %" PRIu64 ": run it again to go on", f->failed);
	fputc('\n', stderr);
}

bool fix_run(struct reconcile *r, struct iot *iot, const struct fix_options *options,
	     uint64_t *ret_left, struct err *e)
{
	struct fixing f = { .iot = iot, .fresh = options->fresh };
	bool done;

	*ret_left = reconcile_summary(r)->counts[CLASS_LIVE];
	if (!*ret_left) {
		fputs("nothing to revoke: what is revoked or void here is not live there\n",
		      stderr);
		return true;
	}
	if (reconcile_summary(r)->other_keys)
		return err_set(
			e, ERR_REFUSED,
			"nothing was revoked: a ledger is signed by another key than before, "
			"so what it revokes may be a forger's; ask the station, then give "
			"--head FILE with a head of the new key");
	fputs("Revoked or void here, live there:\n", stderr);
	if (!reconcile_rows(r, 1 << CLASS_LIVE, show, &f, e))
		return false;
	if (f.shown > SHOWN_MAX)
		fprintf(stderr, "  and %" PRIu64 " more (--csv shows them)\n", f.shown - SHOWN_MAX);
	if (!options->yes && !agreed(f.shown, e))
		return false;
	done = reconcile_rows(r, 1 << CLASS_LIVE, revoke_row, &f, e);
	sum_up(&f);
	*ret_left -= f.revoked + f.already;
	return done;
}
