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
	uint32_t next;	  /* row */
	int64_t newest_s; /* of all heads */
};

static void copy(char *to, struct bytes text)
{
	memcpy(to, text.data, text.len);
	to[text.len] = '\0';
}

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

	if (!from->entered || !(s->classes >> row.class & 1))
		return true;
	hex_encode(BYTES(from->id), row.id);
	if (from->ca != TABLE_NO_CA)
		hex_encode(BYTES(s->r->summary.cas[from->ca].id), row.ca_id);
	row.after_head = !entry && row.registered_s > s->newest_s;
	if (entry) {
		copy(row.unit, entry->unit);
		copy(row.product, entry->product);
		copy(row.order, entry->order);
		strcpy(row.station, s->ledger->station);
	}
	return s->each(s->context, &row, e);
}

/* A row was made for each reservation, in their order. */
static bool take_entry(void *context, const struct entry *entry, struct err *e)
{
	struct showing *s = context;
	const struct table *t = &s->r->table;

	if (entry->type != ENTRY_RESERVED)
		return true;
	if (s->next >= t->count || t->rows[s->next].number != entry->number)
		return err_set(e, ERR_INVALID, "the ledger was changed while it was read");
	return show(s, &t->rows[s->next++], entry, e);
}

static bool any_wanted(const struct showing *s, uint32_t from, uint32_t to)
{
	const struct table_row *rows = s->r->table.rows;

	for (uint32_t i = from; i < to; i++)
		if (rows[i].entered && s->classes >> reconcile_class_of(&rows[i]) & 1)
			return true;
	return false;
}

bool reconcile_rows(struct reconcile *r, unsigned classes, reconcile_each each, void *context,
		    struct err *e)
{
	struct showing s = { .r = r, .classes = classes, .each = each, .context = context };
	size_t count = r->summary.ledger_count;

	for (size_t i = 0; i < count; i++) {
		s.ledger = &r->summary.ledgers[i];
		s.next = r->first_rows[i];
		if (s.ledger->head.time_s > s.newest_s)
			s.newest_s = s.ledger->head.time_s;
		if (any_wanted(&s, r->first_rows[i], r->first_rows[i + 1]) &&
		    !source_read(r->sources[i], take_entry, &s, e))
			return false;
	}
	for (uint32_t i = r->first_rows[count]; i < r->table.count; i++)
		if (!show(&s, &r->table.rows[i], NULL, e))
			return false;
	return true;
}
