/* The certificates one by one: their words come from a second pass over the ledgers, so that they
 * need not be kept. */
#include "cloud/reconcile/reconcile_inside.h"

#include "base/hex.h"

struct showing {
	struct reconcile *r;
	unsigned classes;
	reconcile_each each;
	void *context;
	const struct reconcile_ledger *ledger;
	uint32_t next, end; /* rows of the ledger that are not shown yet */
	int64_t newest_s;   /* of all heads */
};

static bool show(struct showing *s, const struct table_row *from, const struct entry *entry,
		 struct err *e)
{
	struct reconcile_row row = {
		.class = reconcile_class_of(from),
		.here = from->state,
		.there = from->status,
		.issued_s = from->issued_s,
		.registered_s = from->registered_s,
	};

	hex_encode(BYTES(from->id), row.id);
	if (from->ca != TABLE_NO_CA)
		hex_encode(BYTES(s->r->summary.cas[from->ca].id), row.ca_id);
	row.after_head = !entry && row.registered_s > s->newest_s;
	if (entry) {
		source_name(entry->unit, row.unit);
		source_name(entry->product, row.product);
		source_name(entry->order, row.order);
		strcpy(row.station, s->ledger->station);
	}
	return s->each(s->context, &row, e);
}

static bool is_wanted(const struct showing *s, const struct table_row *row)
{
	return row->entered && s->classes >> reconcile_class_of(row) & 1;
}

/* True if the row that is shown next, which is found on the way, was made by that entry. */
static bool wants(void *context, uint64_t number)
{
	struct showing *s = context;
	const struct table_row *rows = s->r->table.rows;

	while (s->next < s->end && !is_wanted(s, &rows[s->next]))
		s->next++;
	return s->next < s->end && rows[s->next].number == number;
}

static bool changed(struct err *e)
{
	return err_set(e, ERR_INVALID, "the ledger was changed while it was read; do it again");
}

static bool take_entry(void *context, const struct entry *entry, struct err *e)
{
	struct showing *s = context;

	if (!wants(s, entry->number))
		return true;
	return entry->type == ENTRY_RESERVED ? show(s, &s->r->table.rows[s->next++], entry, e)
					     : changed(e);
}

static bool show_ledger(struct showing *s, size_t ledger, struct err *e)
{
	struct reconcile *r = s->r;

	s->ledger = &r->summary.ledgers[ledger];
	s->next = r->first_rows[ledger];
	s->end = r->first_rows[ledger + 1];
	if (s->ledger->head.time_s > s->newest_s)
		s->newest_s = s->ledger->head.time_s;
	wants(s, 0);
	if (s->next == s->end)
		return true;
	if (!source_again(r->sources[ledger], wants, take_entry, s, e))
		return false;
	return s->next == s->end || changed(e);
}

bool reconcile_rows(struct reconcile *r, unsigned classes, reconcile_each each, void *context,
		    struct err *e)
{
	struct showing s = { .r = r, .classes = classes, .each = each, .context = context };
	size_t count = r->summary.ledger_count;

	for (size_t i = 0; i < count; i++)
		if (!show_ledger(&s, i, e))
			return false;
	for (uint32_t i = r->first_rows[count]; i < r->table.count; i++)
		if (is_wanted(&s, &r->table.rows[i]) && !show(&s, &r->table.rows[i], NULL, e))
			return false;
	return true;
}
