#include "hsm/api/proof/chain.h"

#include "hsm/api/proof/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void chain_free(struct chain *c)
{
	free(c->expected);
}

static bool bad(struct err *e, const char *finding)
{
	return err_set(e, ERR_CORRUPT, "%s", finding);
}

bool chain_expect(struct chain *c, const struct head *head, struct err *e)
{
	void *rows = c->expected;

	if (c->tree.size > 0 || head->size == 0)
		return err_set(e, ERR_INVALID, "a head of size %" PRIu64 " cannot be expected",
			       head->size);
	if (!head_verify(head, e) ||
	    !index_room(&rows, c->expected_count, &c->expected_capacity, sizeof(*head), e))
		return false;
	c->expected = rows;
	c->expected[c->expected_count++] = *head;
	return true;
}

/* The first is 1. A restore may skip those that it knows to be lost. */
static bool is_next_epoch(const struct chain *c, const struct entry *entry)
{
	if (entry->type != ENTRY_LEDGER)
		return entry->epoch == c->epoch;
	return c->tree.size == 0 ? entry->epoch == 1 : entry->epoch > c->epoch;
}

static bool check_epoch(const struct chain *c, const struct entry *entry, struct err *e)
{
	bool after_new_epoch = c->last == ENTRY_LEDGER && c->epoch > 1;

	if (c->tree.size == 0 && entry->type != ENTRY_LEDGER)
		return bad(e, "a ledger does not begin so");
	if (!is_next_epoch(c, entry))
		return bad(e, "the epoch is wrong");
	if (after_new_epoch != (entry->type == ENTRY_RESTORED))
		return bad(e, "a new epoch does not begin so");
	return true;
}

bool chain_check(const struct chain *c, const struct entry *entry, struct err *e)
{
	if (entry->number != c->tree.size + 1)
		return err_set(e, ERR_CORRUPT, "it says that it is number %" PRIu64, entry->number);
	if (c->tree.size > 0 && memcmp(entry->ledger_id, c->id, LEDGER_ID_LEN))
		return bad(e, "it is of another ledger");
	if (c->tree.size > 0 && entry->time_s < c->time_s && entry->type != ENTRY_TIME_ACCEPTED)
		return bad(e, "its time lies before that of the entry before it");
	if (entry->type == ENTRY_LEDGER && entry->key.len > sizeof(c->key))
		return bad(e, "the key of its heads is too long");
	return check_epoch(c, entry, e);
}

/* Does the head say what the ledger is at this size? */
static bool check_head(const struct chain *c, const struct head *head, struct err *e)
{
	uint8_t root[MERKLE_HASH];

	merkle_root(&c->tree, root);
	if (memcmp(head->ledger_id, c->id, LEDGER_ID_LEN))
		return bad(e, "it is of another ledger");
	if (!bytes_equal(bytes_of(head->key, head->key_len), bytes_of(c->key, c->key_len)))
		return bad(e, "it is signed by another key than the ledger names");
	if (head->epoch != c->epoch)
		return err_set(e, ERR_CORRUPT,
			       "it is of epoch %" PRIu32
			       ", the ledger was restored since and is in "
			       "epoch %" PRIu32 " there",
			       head->epoch, c->epoch);
	if (head->size != c->tree.size || memcmp(head->root, root, MERKLE_HASH))
		return bad(e, "the ledger was not this at that size: entries were changed");
	return true;
}

static bool meet_heads(struct chain *c, struct err *e)
{
	for (size_t i = 0; i < c->expected_count; i++) {
		if (c->expected[i].size != c->tree.size)
			continue;
		if (!check_head(c, &c->expected[i], e))
			return err_add(e, "the head of size %" PRIu64, c->tree.size);
		c->met++;
	}
	return true;
}

bool chain_add(struct chain *c, const struct entry *entry, struct bytes data, struct err *e)
{
	uint8_t leaf[MERKLE_HASH];

	if (entry->type == ENTRY_LEDGER) {
		memcpy(c->key, entry->key.data, entry->key.len);
		c->key_len = entry->key.len;
	}
	memcpy(c->id, entry->ledger_id, LEDGER_ID_LEN);
	c->epoch = entry->epoch;
	c->time_s = entry->time_s;
	c->last = entry->type;
	merkle_leaf(data, leaf);
	merkle_add(&c->tree, leaf);
	return meet_heads(c, e);
}

static bool all_met(const struct chain *c, struct err *e)
{
	if (c->met == c->expected_count)
		return true;
	for (size_t i = 0; i < c->expected_count; i++)
		if (c->expected[i].size > c->tree.size)
			return err_set(e, ERR_CORRUPT,
				       "the ledger ends at entry %" PRIu64
				       ", but there is a head of size %" PRIu64
				       ": entries are missing",
				       c->tree.size, c->expected[i].size);
	return bad(e, "a head was not met");
}

bool chain_end(const struct chain *c, const struct head *today, struct err *e)
{
	if (today && (!head_verify(today, e) || !check_head(c, today, e)))
		return err_add(e, "today's head");
	return all_met(c, e);
}

/* The epoch began one entry before this one, after the last that was left. */
bool chain_missing(const struct entry *entry, uint64_t *ret_missing, struct err *e)
{
	char text[HEAD_TEXT_MAX];
	uint64_t left = entry->number - 2;
	struct head old;

	*ret_missing = 0;
	if (entry->type != ENTRY_RESTORED || entry->head.len == 0)
		return true;
	snprintf(text, sizeof(text), "%.*s", (int)entry->head.len, (const char *)entry->head.data);
	if (!head_parse(text, &old, e) || !head_verify(&old, e) ||
	    memcmp(old.ledger_id, entry->ledger_id, LEDGER_ID_LEN))
		return err_set(e, ERR_CORRUPT, "the old head that it names is none of this ledger");
	*ret_missing = old.size > left ? old.size - left : 0;
	return true;
}
