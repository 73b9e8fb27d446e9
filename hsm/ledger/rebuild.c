#include "hsm/ledger/ledger.h"

#include "hsm/ledger/state.h"

static bool is_next_epoch(const struct position *p, const struct entry *entry)
{
	return entry->type == ENTRY_LEDGER ? entry->epoch > p->epoch : entry->epoch == p->epoch;
}

/* One entry of the file, as it was when it was appended. */
static bool replay_entry(struct ledger *l, struct bytes data, struct err *e)
{
	struct entry entry;

	if (!entry_decode(data, &entry, e) || entry.number != l->now.tree.size + 1 ||
	    !is_next_epoch(&l->now, &entry) || memcmp(entry.ledger_id, l->id, LEDGER_ID_LEN))
		return position_corrupt(l, "an entry is out of its place", e);
	if (!state_check(l, &entry, e)) {
		if (e->code == ERR_REFUSED)
			e->code = ERR_CORRUPT;
		return err_add(e, "entry %llu", (unsigned long long)entry.number);
	}
	if (!state_apply(l, &entry, e))
		return false;
	position_advance(&l->now, &entry, data);
	return true;
}

static bool same_tree(const struct merkle *a, const struct merkle *b)
{
	uint8_t root_a[MERKLE_HASH], root_b[MERKLE_HASH];

	merkle_root(a, root_a);
	merkle_root(b, root_b);
	return a->size == b->size && memcmp(root_a, root_b, MERKLE_HASH) == 0;
}

static bool replay(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!state_clear(l, e) || !store_start(l, SQL_ENTRIES_FROM, VALUES(INTEGER(1)), &query, e))
		return false;
	for (;;) {
		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			break;
		if (!replay_entry(l, store_view(query, 1), e))
			return false;
	}
	if (!same_tree(&l->now.tree, &l->committed.tree))
		return position_corrupt(l, "its entries do not make its tree", e);
	return position_save(l, e);
}

bool ledger_rebuild(struct ledger *l, struct err *e)
{
	if (!ledger_begin(l, e))
		return false;
	l->now = (struct position) { 0 };
	if (!replay(l, e)) {
		ledger_rollback(l);
		return false;
	}
	return ledger_commit(l, e);
}
