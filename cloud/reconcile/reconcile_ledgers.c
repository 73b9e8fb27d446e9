/* The side of the ledgers: what was issued here, and what became of it. */
#include "cloud/reconcile/reconcile_inside.h"

#include "base/file.h"
#include "base/hex.h"
#include "hsm/api/proof/chain.h"
#include "hsm/api/proof/sha256.h"

#include <inttypes.h>

static const char *name_of(const char *path)
{
	return path ? path : "this station's ledger";
}

static bool nothing(void *context, const struct entry *entry, struct err *e)
{
	(void)context;
	(void)entry;
	(void)e;
	return true;
}

/* Which of them is newer only their ends say. */
static bool refuse_twice(struct reconcile *r, size_t other, const char *path, struct source *s,
			 struct err *e)
{
	const char *before = name_of(r->summary.ledgers[other].path);
	uint64_t size, size_before;

	if (!source_read(r->sources[other], nothing, NULL, e) || !source_read(s, nothing, NULL, e))
		return false;
	size = source_head(s)->size;
	size_before = source_head(r->sources[other])->size;
	if (size == size_before)
		return err_set(e, ERR_INVALID, "%s and %s are the same ledger; give it once",
			       before, name_of(path));
	return err_set(e, ERR_INVALID,
		       "%s and %s are of one ledger; leave the first out, %s is newer",
		       size > size_before ? before : name_of(path),
		       size > size_before ? name_of(path) : before,
		       size > size_before ? name_of(path) : before);
}

bool reconcile_ledger(struct reconcile *r, const char *path, struct err *e)
{
	struct reconcile_summary *s = &r->summary;
	AUTO(source) source = NULL;

	if (s->ledger_count == RECONCILE_LEDGERS_MAX)
		return err_set(e, ERR_USAGE, "at most %d ledgers can be reconciled at a time",
			       RECONCILE_LEDGERS_MAX);
	if (!source_open(path, &source, e))
		return false;
	for (size_t i = 0; i < s->ledger_count; i++)
		if (!memcmp(source_ledger_id(r->sources[i]), source_ledger_id(source),
			    LEDGER_ID_LEN))
			return refuse_twice(r, i, path, source, e);
	s->ledgers[s->ledger_count].path = path;
	r->sources[s->ledger_count++] = TAKE(source);
	return true;
}

static bool read_head(const char *path, struct head *ret_head, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len;

	if (!file_read(path, HEAD_TEXT_MAX, &text, &len, e)) {
		if (e->code == ERR_INVALID)
			err_put(e, ERR_INVALID,
				"%s: this is no head; imprint ledger head > FILE makes one", path);
		return false;
	}
	return head_parse((const char *)text, ret_head, e) || err_add(e, "%s", path);
}

bool reconcile_head(struct reconcile *r, const char *path, struct err *e)
{
	struct reconcile_summary *s = &r->summary;
	struct head head;
	bool taken = false;

	if (!read_head(path, &head, e))
		return false;
	for (size_t i = 0; i < s->ledger_count; i++) {
		struct reconcile_ledger *ledger = &s->ledgers[i];

		if (!source_expect(r->sources[i], &head, &taken, e))
			return err_add(e, "%s", path);
		if (!taken)
			continue;
		if (!ledger->head_file || head.time_s > ledger->head_file_time_s) {
			ledger->head_file = path;
			ledger->head_file_time_s = head.time_s;
		}
		return true;
	}
	return err_set(e, ERR_CORRUPT,
		       "%s: it is the head of a ledger that was not given; name its export "
		       "with --ledger",
		       path);
}

bool reconcile_is_unproven(const struct reconcile_ledger *ledger)
{
	return ledger->path && !ledger->head_file;
}

void reconcile_key_hash(const struct reconcile_ledger *ledger, uint8_t ret_hash[static SHA256_LEN])
{
	struct bytes key = bytes_of(ledger->head.key, ledger->head.key_len);

	sha256(&key, 1, ret_hash);
}

/* --- entries --- */

struct reading {
	struct reconcile *r;
	uint8_t ledger;
	const char *name;
};

static bool reserve(struct reading *reading, const struct entry *entry, struct err *e)
{
	struct table_row *row;
	uint8_t ca;

	if (entry->number > UINT32_MAX)
		return err_set(e, ERR_INVALID, "a ledger of more than %" PRIu32 " entries",
			       UINT32_MAX);
	if (!reconcile_ca_number(reading->r, entry->ca_id.data, true, &ca, e) ||
	    !table_add(&reading->r->table, &row, e))
		return false;
	row->number = (uint32_t)entry->number;
	row->ca = ca;
	row->state = STATE_RESERVED;
	return true;
}

static bool move(struct reading *reading, const struct entry *entry, enum state state,
		 struct err *e)
{
	struct reconcile *r = reading->r;
	struct table_row *row =
		table_numbered(&r->table, r->first_rows[reading->ledger], entry->issuance);

	if (!row || !state_may_follow(row->state, state))
		return err_set(e, ERR_CORRUPT,
			       "entry %" PRIu64 ": the issuance %" PRIu64 " cannot become %s",
			       entry->number, entry->issuance, state_name(state));
	row->state = state & 7;
	if (state == STATE_ISSUED) {
		sha256(&entry->certificate, 1, row->id);
		row->issued_s = reconcile_seconds(entry->time_s);
		row->issued = true;
	}
	return true;
}

static bool lose(struct reading *reading, const struct entry *entry, struct err *e)
{
	uint64_t missing;

	if (!chain_missing(entry, &missing, e))
		return err_add(e, "entry %" PRIu64, entry->number);
	reading->r->summary.ledgers[reading->ledger].missing += missing;
	return true;
}

static bool take_entry(void *context, const struct entry *entry, struct err *e)
{
	enum state state = source_state_after(entry->type);
	struct reading *reading = context;
	uint8_t id[SHA256_LEN], ca;

	reconcile_tell(reading->r, reading->name, "entry");
	if (entry->type == ENTRY_RESTORED)
		return lose(reading, entry, e);
	if (entry->type == ENTRY_CA) {
		sha256(&entry->certificate, 1, id);
		return reconcile_ca_number(reading->r, id, true, &ca, e);
	}
	if (state == STATE_RESERVED)
		return reserve(reading, entry, e);
	return !state || move(reading, entry, state, e);
}

static bool read_ledger(struct reconcile *r, uint8_t number, struct err *e)
{
	struct reconcile_ledger *ledger = &r->summary.ledgers[number];
	size_t ca_count = r->summary.ca_count;
	struct reading reading = { r, number, name_of(ledger->path) };
	bool done;

	r->first_rows[number] = r->table.count;
	done = source_read(r->sources[number], take_entry, &reading, e);
	reconcile_told(r);
	if (!done)
		return false;
	strcpy(ledger->station, source_station(r->sources[number]));
	ledger->head = *source_head(r->sources[number]);
	ledger->other_key = !source_key_is_known(r->sources[number]);
	r->summary.other_keys += ledger->other_key;
	for (size_t i = ca_count; i < r->summary.ca_count; i++)
		r->summary.cas[i].station = ledger->station;
	return true;
}

/* Once their number is known, in one go: quicker, and the index is no larger than it must be. */
static bool enter_all(struct reconcile *r, struct err *e)
{
	struct table *t = &r->table;
	char id[IOT_ID_SIZE];
	bool is_new;

	if (!table_reserve(t, t->count, e))
		return false;
	for (uint32_t i = 0; i < t->count; i++) {
		struct table_row *row = &t->rows[i];

		if (!row->issued)
			continue;
		if (!table_enter(t, row, &is_new, e))
			return false;
		if (!is_new)
			return err_set(e, ERR_CORRUPT,
				       "%s: entry %" PRIu32
				       ": its certificate %s is issued twice, here or in another "
				       "ledger",
				       name_of(reconcile_ledger_of(r, i)->path), row->number,
				       hex_encode(BYTES(row->id), id));
	}
	return true;
}

bool reconcile_read_ledgers(struct reconcile *r, struct err *e)
{
	for (size_t i = 0; i < r->summary.ledger_count; i++)
		if (!read_ledger(r, (uint8_t)i, e))
			return false;
	r->first_rows[r->summary.ledger_count] = r->table.count;
	return enter_all(r, e);
}

/* --- meanwhile --- */

static bool leave_out(void *context, const struct entry *entry, struct err *e)
{
	struct reconcile *r = context;
	struct table_row *row;
	uint8_t id[SHA256_LEN];

	(void)e;
	if (source_state_after(entry->type) != STATE_ISSUED)
		return true;
	sha256(&entry->certificate, 1, id);
	row = table_find(&r->table, id);
	if (row && row->entered && !row->state) {
		row->entered = false;
		r->summary.listed--;
		r->summary.meanwhile++;
	}
	return true;
}

bool reconcile_look_again(struct reconcile *r, struct err *e)
{
	const struct reconcile_summary *s = &r->summary;
	size_t own = 0;
	AUTO(source) source = NULL;
	bool taken;

	while (own < s->ledger_count && s->ledgers[own].path)
		own++;
	if (own == s->ledger_count || r->table.count == r->first_rows[s->ledger_count])
		return true;
	return source_open(NULL, &source, e) &&
	       source_expect(source, &s->ledgers[own].head, &taken, e) &&
	       source_read(source, leave_out, r, e);
}
