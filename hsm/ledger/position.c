#include "hsm/ledger/position.h"

#include "hsm/ledger/store.h"

#define END_LEVELS 8

bool position_corrupt(const struct ledger *l, const char *what, struct err *e)
{
	return err_set(
		e, ERR_CORRUPT,
		"the ledger %s is not as it was written: %s; keep a copy of it, then restore a "
		"backup",
		l->path, what);
}

static bool read_frontier(struct ledger *l, struct bytes frontier, struct err *e)
{
	struct merkle *tree = &l->now.tree;

	if (frontier.len != (size_t)__builtin_popcountll(tree->size) * MERKLE_HASH)
		return position_corrupt(l, "its tree does not have its size", e);
	for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
		if (!(tree->size >> level & 1))
			continue;
		memcpy(tree->roots[level], frontier.data, MERKLE_HASH);
		frontier.data += MERKLE_HASH;
	}
	return true;
}

static bool read_tree(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, SQL_TREE_GET, NULL, &query, e) || !store_row(l, query, &row, e))
		return false;
	if (!row || store_blob(query, 0, l->id, LEDGER_ID_LEN) != LEDGER_ID_LEN)
		return position_corrupt(l, "its tree is missing", e);
	l->now.epoch = (uint32_t)sqlite3_column_int64(query, 1);
	l->now.tree.size = (uint64_t)sqlite3_column_int64(query, 2);
	l->now.time_s = sqlite3_column_int64(query, 4);
	l->now.last = (enum entry_type)sqlite3_column_int64(query, 5);
	return read_frontier(l, store_view(query, 3), e);
}

static bool read_latest(struct ledger *l, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, SQL_LATEST_GET, NULL, &query, e))
		return false;
	for (;;) {
		int64_t type;

		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			return true;
		type = sqlite3_column_int64(query, 0);
		if (type < 0 || type >= ENTRY_TYPE_COUNT)
			return position_corrupt(l, "it has an entry of no known type", e);
		l->now.latest[type] = (uint64_t)sqlite3_column_int64(query, 1);
	}
}

/* The last entry must be the one that the tree ends with. */
static bool check_last(struct ledger *l, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	uint8_t leaf[MERKLE_HASH];
	struct entry last;
	int64_t number;
	size_t len;

	if (!store_number(l, SQL_ENTRY_LAST, NULL, 0, &number, e))
		return false;
	if ((uint64_t)number != l->now.tree.size)
		return position_corrupt(l, "the number of its last entry is not its size", e);
	if (number == 0)
		return true;
	if (!ledger_entry(l, (uint64_t)number, &data, &len, e))
		return false;
	merkle_leaf(bytes_of(data, len), leaf);
	if (!entry_decode(bytes_of(data, len), &last, e) || last.number != (uint64_t)number ||
	    last.epoch != l->now.epoch || last.time_s != l->now.time_s ||
	    last.type != l->now.last || memcmp(last.ledger_id, l->id, LEDGER_ID_LEN) ||
	    (number % 2 && memcmp(leaf, l->now.tree.roots[0], MERKLE_HASH)))
		return position_corrupt(l, "its last entry is not the one that its tree ends with",
					e);
	return true;
}

/* Leaves that lie in the complete subtrees of fewer than 2^END_LEVELS: with those alone the roots of
 * these must come out again. */
bool ledger_check_end(struct ledger *l, struct err *e)
{
	uint64_t size = l->now.tree.size;
	struct merkle end = { 0 };

	for (uint64_t number = size - size % (1u << END_LEVELS) + 1; number <= size; number++) {
		AUTO_FREE uint8_t *data = NULL;
		uint8_t leaf[MERKLE_HASH];
		size_t len;

		if (!ledger_entry(l, number, &data, &len, e))
			return false;
		merkle_leaf(bytes_of(data, len), leaf);
		merkle_add(&end, leaf);
	}
	for (int level = 0; level < END_LEVELS; level++)
		if (size >> level & 1 &&
		    memcmp(end.roots[level], l->now.tree.roots[level], MERKLE_HASH) != 0)
			return position_corrupt(l, "its last entries are not those of its tree", e);
	return true;
}

bool position_load(struct ledger *l, struct err *e)
{
	if (!read_tree(l, e) || !read_latest(l, e) || !check_last(l, e))
		return false;
	l->committed = l->now;
	return true;
}

static bool write_tree(struct ledger *l, struct err *e)
{
	uint8_t frontier[MERKLE_LEVELS * MERKLE_HASH];
	const struct position *p = &l->now;
	size_t len = 0;

	for (int level = MERKLE_LEVELS - 1; level >= 0; level--) {
		if (!(p->tree.size >> level & 1))
			continue;
		memcpy(frontier + len, p->tree.roots[level], MERKLE_HASH);
		len += MERKLE_HASH;
	}
	return store_run(l, SQL_TREE_PUT,
			 VALUES(INTEGER(p->epoch), INTEGER(p->tree.size),
				BLOB(bytes_of(frontier, len)), INTEGER(p->time_s),
				INTEGER(p->last)),
			 e);
}

static bool write_latest(struct ledger *l, struct err *e)
{
	for (int type = 1; type < ENTRY_TYPE_COUNT; type++) {
		if (l->now.latest[type] == l->committed.latest[type])
			continue;
		if (!store_run(l, SQL_LATEST_PUT,
			       VALUES(INTEGER(type), INTEGER(l->now.latest[type])), e))
			return false;
	}
	return true;
}

bool position_save(struct ledger *l, struct err *e)
{
	return write_tree(l, e) && write_latest(l, e);
}

void position_advance(struct position *p, const struct entry *entry, struct bytes data)
{
	uint8_t leaf[MERKLE_HASH];

	merkle_leaf(data, leaf);
	merkle_add(&p->tree, leaf);
	p->epoch = entry->epoch;
	p->time_s = entry->time_s;
	p->last = entry->type;
	p->latest[entry->type] = entry->number;
}
