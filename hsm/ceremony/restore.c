#include "hsm/ceremony/restore_work.h"

#include "base/clock.h"
#include "base/place.h"
#include "hsm/certificate/seal.h"

#include <inttypes.h>

/* --- what is missing --- */

static bool is_ours(const struct restore_work *w, const struct head *head)
{
	return memcmp(head->ledger_id, w->end.ledger_id, LEDGER_ID_LEN) == 0 &&
	       bytes_equal(bytes_of(head->key, head->key_len), bytes_of(w->key, w->key_len));
}

static void take(struct restore_work *w, const struct head *head)
{
	if (head->size > w->old.size)
		w->old = *head;
	if (head->epoch > w->epoch)
		w->epoch = head->epoch;
}

static bool take_shown(struct restore_work *w, struct err *e)
{
	for (size_t i = 0; i < w->restore->head_count; i++) {
		const struct head *head = &w->restore->heads[i];

		if (!head_verify(head, e))
			return false;
		if (!is_ours(w, head))
			return err_set(e, ERR_REFUSED,
				       "the head of size %" PRIu64 " is of another ledger",
				       head->size);
		take(w, head);
	}
	return true;
}

static bool take_present(struct restore_work *w, struct err *e)
{
	const struct ledger *present = exchange_present(w->exchange);
	struct head head;

	if (!present)
		return true;
	ledger_head(present, &head);
	if (head.size > 0 && memcmp(head.ledger_id, w->end.ledger_id, LEDGER_ID_LEN))
		return err_set(e, ERR_REFUSED,
			       "the ledger that stands here is another one than that of the "
			       "backup: if it shall give way, move it aside yourself");
	if (head.epoch > w->epoch)
		return err_set(
			e, ERR_REFUSED,
			"a backup was restored here already: the ledger that stands here is in "
			"epoch %" PRIu32 ", with %" PRIu64 " entries. If it shall give way all "
			"the same, show a head of it, or move it aside yourself",
			head.epoch, head.size);
	take(w, &head);
	return true;
}

static bool check_gap(const struct restore_work *w, struct err *e)
{
	uint64_t first = w->end.size + 1, last = w->old.size;
	const struct restore *r = w->restore;
	char time[CLOCK_TEXT_SIZE];

	if (last < first)
		return r->gap_first == 0 ||
		       err_set(e, ERR_USAGE,
			       "--gap-accepted: no entry is known to be missing: show the head "
			       "that says so; after a restore that was broken off, put back what "
			       "stands in ledger-kept-…");
	if (r->gap_first == first && r->gap_last == last)
		return true;
	return err_set(e, ERR_REFUSED,
		       "the backup is too old: it ends with entry %" PRIu64
		       ", and the ledger had %" PRIu64 " on %s. Look for a newer one; if there is "
		       "none, give up what is missing: --gap-accepted %" PRIu64 "-%" PRIu64,
		       w->end.size, last, clock_format(w->old.time_s, time), first, last);
}

/* A ledger that stood here has no signature on where it ended, nor has the backup: they get one. */
static bool find_old_head(struct restore_work *w, struct err *e)
{
	w->old = w->end;
	w->epoch = w->end.epoch;
	return take_shown(w, e) && take_present(w, e) && check_gap(w, e) &&
	       (w->old.signature_len > 0 || seal_head(w->head_key, &w->old, e));
}

/* --- the new epoch --- */

static bool enter(struct restore_work *w, struct err *e)
{
	char head[HEAD_TEXT_MAX];
	struct entry entries[] = {
		{ .type = ENTRY_LEDGER,
		  .epoch = w->epoch + 1,
		  .station = bytes_text(w->settings.station),
		  .key = bytes_of(w->key, w->key_len),
		  .prefix = bytes_of(w->settings.serial_prefix, w->settings.serial_prefix_len) },
		{ .type = ENTRY_RESTORED,
		  .head = bytes_text(head_format(&w->old, head)),
		  .reason = bytes_text(w->restore->reason),
		  .by = bytes_text(w->restore->by) },
	};

	return ceremony_time(w->ledger, &w->now_s, e) &&
	       ceremony_enter(w->ledger, w->now_s, entries, sizeof(entries) / sizeof(entries[0]),
			      e);
}

static void say_missing(const struct restore_work *w, FILE *to)
{
	char time[CLOCK_TEXT_SIZE];

	if (w->old.size > w->end.size)
		fprintf(to,
			"Missing: entries %" PRIu64 " to %" PRIu64
			". What was signed, voided or revoked in them is unknown here.\n",
			w->end.size + 1, w->old.size);
	else if (w->restore->head_count > 0 || exchange_present(w->exchange))
		fprintf(to, "No entry is known to be missing.\n");
	else
		fprintf(to, "No head was shown: whether entries are missing is not known.\n");
	fprintf(to, "What came after %s, and in no head that was shown, is unknown too.\n",
		clock_format(w->old.time_s, time));
}

static void say(const struct restore_work *w, uint32_t epoch,
		char ret_text[static RESTORE_TEXT_MAX])
{
	FILE *to = fmemopen(ret_text, RESTORE_TEXT_MAX, "w");

	if (!to)
		return;
	fprintf(to, "Restored: %" PRIu64 " entries of station %s; epoch %" PRIu32 " begins.\n",
		w->end.size, w->settings.station, epoch);
	say_missing(w, to);
	if (*w->kept)
		fprintf(to, "What stood here before is kept in %s\n", w->kept);
	fprintf(to, "Every order is closed. Next: start the signer, imprint ledger backup, imprint "
		    "ledger gap\n");
	fclose(to);
}

static bool open_backup(struct restore_work *w, struct err *e)
{
	char path[PATH_MAX];

	if (!place_path(PLACE_LIB_SIGNER, "ledger.db", path, e) ||
	    !exchange_begin(path, w->restore->backup_fd, &w->exchange, e)) {
		if (e->code == ERR_BUSY)
			err_set(e, ERR_BUSY,
				"stop the signer first: systemctl stop imprint-signer.socket (the "
				"ledger %s is in use)",
				path);
		return false;
	}
	w->ledger = exchange_fresh(w->exchange);
	return true;
}

static bool run(struct restore_work *w, char ret_text[static RESTORE_TEXT_MAX], struct err *e)
{
	struct head today;

	if (!ceremony_settings(&w->settings, e) || !open_backup(w, e))
		return false;
	if (!restore_check_backup(w, e))
		return err_add(e, "the backup");
	if (!restore_check_head_key(w, e) || !restore_check_ca_key(w, e) || !find_old_head(w, e) ||
	    !enter(w, e))
		return false;
	ledger_head(w->ledger, &today);
	if (!exchange_finish(w->exchange, w->kept, e))
		return false;
	say(w, today.epoch, ret_text);
	return true;
}

bool restore_ledger(const struct restore *restore, char ret_text[static RESTORE_TEXT_MAX],
		    struct err *e)
{
	AUTO_FREE struct restore_work *w = calloc(1, sizeof(*w));
	bool done;

	if (!w)
		return err_set(e, ERR_SYSTEM, "no memory");
	w->restore = restore;
	done = run(w, ret_text, e);
	token_close(w->token);
	exchange_free(w->exchange);
	return done;
}
