#include "hsm/ceremony/restore_work.h"

#include "hsm/api/proof/verify.h"

/* --- the bytes --- */

static bool check_page(struct verify *v, struct bytes page, struct err *e)
{
	struct reader r = { .data = page.data, .len = page.len };

	while (r.at < r.len)
		if (!verify_entry(v, read_bytes(&r, ENTRY_MAX), e))
			return false;
	return true;
}

static bool check_entries(struct restore_work *w, struct verify *v, struct err *e)
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
static bool expect_heads(const struct restore_work *w, struct verify *v, struct err *e)
{
	for (size_t i = 0; i < w->restore->head_count; i++) {
		const struct head *head = &w->restore->heads[i];

		if (head->size <= w->end.size && !verify_expect(v, head, e))
			return false;
	}
	return true;
}

bool restore_check_backup(struct restore_work *w, struct err *e)
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

static bool check_station(const struct restore_work *w, const struct entry *first, struct err *e)
{
	if (bytes_equal(first->station, bytes_text(w->settings.station)))
		return true;
	return err_set(
		e, ERR_REFUSED,
		"this is a backup of station %.*s, and etc/signer.yaml says that this is %s: "
		"find its own, or correct the name",
		(int)first->station.len, (const char *)first->station.data, w->settings.station);
}

static bool find_key(struct restore_work *w, struct bytes spki, const char *what,
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

bool restore_check_head_key(struct restore_work *w, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry first;
	size_t len;

	if (!ledger_latest(w->ledger, ENTRY_LEDGER, &data, &len, e) ||
	    !entry_decode(bytes_of(data, len), &first, e) || !check_station(w, &first, e))
		return false;
	/* The chain of entries was checked: the key is no longer than this. */
	memcpy(w->key, first.key.data, first.key.len);
	w->key_len = first.key.len;
	return token_open(&w->settings.token, &w->token, e) &&
	       find_key(w, first.key, "the key of the heads", &w->head_key, e);
}

bool restore_check_ca_key(struct restore_work *w, struct err *e)
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
