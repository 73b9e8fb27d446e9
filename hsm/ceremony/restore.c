#include "hsm/ceremony/restore.h"

#include "base/clock.h"
#include "base/place.h"
#include "hsm/api/proof/verify.h"
#include "hsm/certificate/seal.h"
#include "hsm/ceremony/ceremony_open.h"
#include "hsm/ledger/exchange.h"

#include <inttypes.h>

/* What one restore finds on its way. */
struct work {
	const struct restore *restore;
	struct settings settings;
	struct exchange *exchange;
	struct ledger *ledger; /* the copy of the backup */
	struct token *token;
	struct token_key *head_key;
	struct head end; /* of the backup */
	struct head old; /* the longest head that is known */
	uint32_t epoch;	 /* the latest that is known */
	int64_t now_s;
	char kept[PATH_MAX];
};

/* --- the bytes --- */

static bool check_page(struct verify *v, struct bytes page, struct err *e)
{
	struct reader r = { .data = page.data, .len = page.len };

	while (r.at < r.len)
		if (!verify_entry(v, read_bytes(&r, ENTRY_MAX), e))
			return false;
	return true;
}

static bool check_entries(struct work *w, struct verify *v, struct err *e)
{
	AUTO_FREE uint8_t *page = malloc(MESSAGE_MAX);
	uint64_t next = 1;
	size_t len;

	if (!page)
		return err_set(e, ERR_SYSTEM, "no memory for a page of the ledger");
	while (next)
		if (!ledger_entries(w->ledger, next, page, MESSAGE_MAX, &len, &next, e) ||
		    !check_page(v, bytes_of(page, len), e))
			return false;
	return true;
}

/* Heads that are longer than the backup are for the gap. */
static bool expect_heads(const struct work *w, struct verify *v, struct err *e)
{
	for (size_t i = 0; i < w->restore->head_count; i++) {
		const struct head *head = &w->restore->heads[i];

		if (head->size <= w->end.size && !verify_expect(v, head, e))
			return false;
	}
	return true;
}

static bool check_backup(struct work *w, struct err *e)
{
	AUTO(verify) v = NULL;
	struct verify_counts counts;

	ledger_head(w->ledger, &w->end);
	if (w->end.size == 0)
		return err_set(e, ERR_INVALID, "it is empty");
	return verify_new(&v, e) && expect_heads(w, v, e) && check_entries(w, v, e) &&
	       verify_end(v, NULL, &counts, e) && ledger_rebuild(w->ledger, e);
}

/* --- whose it is --- */

static bool check_station(const struct work *w, const struct entry *first, struct err *e)
{
	if (bytes_equal(first->station, bytes_text(w->settings.station)))
		return true;
	return err_set(
		e, ERR_REFUSED,
		"this is a backup of station %.*s, and etc/signer.yaml says that this is %s: "
		"find its own, or correct the name",
		(int)first->station.len, (const char *)first->station.data, w->settings.station);
}

static bool find_key(struct work *w, struct bytes spki, const char *what,
		     struct token_key **ret_key, struct err *e)
{
	if (token_key(w->token, spki, ret_key, e))
		return true;
	if (e->code == ERR_NOT_FOUND)
		err_set(e, ERR_REFUSED,
			"token %s does not hold %s of this backup: is it this station's token? If "
			"its keys are lost, no backup brings them back: begin anew with imprint "
			"ca create",
			w->settings.token.label, what);
	return false;
}

static bool check_head_key(struct work *w, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry first;
	size_t len;

	return ledger_latest(w->ledger, ENTRY_LEDGER, &data, &len, e) &&
	       entry_decode(bytes_of(data, len), &first, e) && check_station(w, &first, e) &&
	       token_open(&w->settings.token, &w->token, e) &&
	       find_key(w, first.key, "the key of the heads", &w->head_key, e);
}

static bool check_ca_key(struct work *w, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	AUTO(ca) ca = NULL;
	struct token_key *key;
	struct entry entry;
	size_t len;

	if (!ledger_latest(w->ledger, ENTRY_CA, &data, &len, e))
		return e->code == ERR_NOT_FOUND; /* it was not made yet */
	return entry_decode(bytes_of(data, len), &entry, e) &&
	       ca_load(entry.certificate, entry.chain, CA_ANY_TIME, &ca, e) &&
	       find_key(w, ca_spki(ca), "the CA key", &key, e);
}

/* --- what is missing --- */

static bool is_ours(const struct work *w, const struct head *head)
{
	struct head ours = { 0 };
	struct err ignored;

	ours.size = 1;
	return memcmp(head->ledger_id, w->end.ledger_id, LEDGER_ID_LEN) == 0 &&
	       seal_head(w->head_key, &ours, &ignored) &&
	       bytes_equal(bytes_of(head->key, head->key_len), bytes_of(ours.key, ours.key_len));
}

static void take(struct work *w, const struct head *head)
{
	if (head->size > w->old.size)
		w->old = *head;
	if (head->epoch > w->epoch)
		w->epoch = head->epoch;
}

static bool take_shown(struct work *w, struct err *e)
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

static bool take_present(struct work *w, struct err *e)
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

static bool check_gap(const struct work *w, struct err *e)
{
	uint64_t first = w->end.size + 1, last = w->old.size;
	const struct restore *r = w->restore;
	char time[CLOCK_TEXT_SIZE];

	if (last < first)
		return r->gap_first == 0 ||
		       err_set(e, ERR_USAGE,
			       "--gap-accepted: no entry is known to be missing: show the head "
			       "that "
			       "says so; after a restore that was broken off, put back what stands "
			       "in ledger-kept-…");
	if (r->gap_first == first && r->gap_last == last)
		return true;
	return err_set(e, ERR_REFUSED,
		       "the backup is too old: it ends with entry %" PRIu64
		       ", and the ledger had %" PRIu64 " on %s. Look for a newer one; if there is "
		       "none, give up what is missing: --gap-accepted %" PRIu64 "-%" PRIu64,
		       w->end.size, last, clock_format(w->old.time_s, time), first, last);
}

/* A ledger that stood here has no signature on where it ended, nor has the backup: they get one. */
static bool find_old_head(struct work *w, struct err *e)
{
	w->old = w->end;
	w->epoch = w->end.epoch;
	return take_shown(w, e) && take_present(w, e) && check_gap(w, e) &&
	       (w->old.signature_len > 0 || seal_head(w->head_key, &w->old, e));
}

/* --- the new epoch --- */

static bool enter(struct work *w, struct err *e)
{
	char head[HEAD_TEXT_MAX];
	struct entry entries[] = {
		{ .type = ENTRY_LEDGER,
		  .epoch = w->epoch + 1,
		  .station = bytes_text(w->settings.station),
		  .key = bytes_of(w->old.key, w->old.key_len),
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

static void say_missing(const struct work *w, FILE *to)
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

static void say(const struct work *w, uint32_t epoch, char ret_text[static RESTORE_TEXT_MAX])
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

static bool open_backup(struct work *w, struct err *e)
{
	char path[PATH_MAX];

	if (!place_path(PLACE_LIB_SIGNER, "ledger.db", path, e) ||
	    !exchange_begin(path, w->restore->backup_fd, &w->exchange, e)) {
		if (e->code == ERR_BUSY)
			err_set(e, ERR_BUSY,
				"stop the signer first: systemctl stop imprint-signer (the ledger "
				"%s is in use)",
				path);
		return false;
	}
	w->ledger = exchange_fresh(w->exchange);
	return true;
}

static bool run(struct work *w, char ret_text[static RESTORE_TEXT_MAX], struct err *e)
{
	struct head today;

	if (!ceremony_settings(&w->settings, e) || !open_backup(w, e))
		return false;
	if (!check_backup(w, e))
		return err_add(e, "the backup");
	if (!check_head_key(w, e) || !check_ca_key(w, e) || !find_old_head(w, e) || !enter(w, e))
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
	AUTO_FREE struct work *w = calloc(1, sizeof(*w));
	bool done;

	if (!w)
		return err_set(e, ERR_SYSTEM, "no memory");
	w->restore = restore;
	done = run(w, ret_text, e);
	token_close(w->token);
	exchange_free(w->exchange);
	return done;
}
