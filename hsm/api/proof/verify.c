#include "hsm/api/proof/verify.h"

#include "hsm/api/proof/index.h"
#include "hsm/api/proof/merkle.h"
#include "hsm/api/proof/replay.h"

#include <inttypes.h>

struct verify {
	struct merkle tree;
	struct replay *replay;
	struct head *expected;
	size_t expected_count, expected_capacity, met;
	struct verify_counts counts;
	uint8_t id[LEDGER_ID_LEN];
	uint32_t epoch;
	int64_t time_s;
	enum entry_type last;
	uint8_t key[HEAD_KEY_MAX]; /* of the epoch's heads */
	size_t key_len;
};

bool verify_new(struct verify **ret_verify, struct err *e)
{
	AUTO(verify) v = calloc(1, sizeof(*v));

	if (!v)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (!replay_new(&v->replay, e))
		return false;
	*ret_verify = TAKE(v);
	return true;
}

void verify_free(struct verify *v)
{
	if (!v)
		return;
	replay_free(v->replay);
	free(v->expected);
	free(v);
}

bool verify_expect(struct verify *v, const struct head *head, struct err *e)
{
	void *rows = v->expected;

	if (v->tree.size > 0 || head->size == 0)
		return err_set(e, ERR_INVALID, "a head of size %" PRIu64 " cannot be expected",
			       head->size);
	if (!head_verify(head, e) ||
	    !index_room(&rows, v->expected_count, &v->expected_capacity, sizeof(*head), e))
		return false;
	v->expected = rows;
	v->expected[v->expected_count++] = *head;
	return true;
}

static bool bad(struct err *e, const char *finding)
{
	return err_set(e, ERR_CORRUPT, "%s", finding);
}

static bool check_epoch(const struct verify *v, const struct entry *entry, struct err *e)
{
	bool after_new_epoch = v->last == ENTRY_LEDGER && v->epoch > 1;

	if (v->tree.size == 0 && entry->type != ENTRY_LEDGER)
		return bad(e, "a ledger does not begin so");
	if (entry->epoch != v->epoch + (entry->type == ENTRY_LEDGER))
		return bad(e, "the epoch is wrong");
	if (after_new_epoch != (entry->type == ENTRY_RESTORED))
		return bad(e, "a new epoch does not begin so");
	return true;
}

static bool check_place(const struct verify *v, const struct entry *entry, struct err *e)
{
	if (entry->number != v->tree.size + 1)
		return err_set(e, ERR_CORRUPT, "it says that it is number %" PRIu64, entry->number);
	if (v->tree.size > 0 && memcmp(entry->ledger_id, v->id, LEDGER_ID_LEN))
		return bad(e, "it is of another ledger");
	if (v->tree.size > 0 && entry->time_s < v->time_s && entry->type != ENTRY_TIME_ACCEPTED)
		return bad(e, "its time lies before that of the entry before it");
	return check_epoch(v, entry, e);
}

static bool take_head_key(struct verify *v, const struct entry *entry, struct err *e)
{
	if (entry->type != ENTRY_LEDGER)
		return true;
	if (entry->key.len > sizeof(v->key))
		return bad(e, "the key of its heads is too long");
	memcpy(v->key, entry->key.data, entry->key.len);
	v->key_len = entry->key.len;
	return true;
}

static void count(struct verify_counts *counts, enum entry_type type)
{
	counts->entries++;
	counts->reserved += type == ENTRY_RESERVED;
	counts->issued += type == ENTRY_ISSUED;
	counts->installed += type == ENTRY_INSTALLED;
	counts->voided += type == ENTRY_VOID;
	counts->revoked += type == ENTRY_REVOKED;
	counts->alarms += type == ENTRY_ALARM;
}

/* Does the head say what the ledger is at this size? */
static bool check_head(const struct verify *v, const struct head *head, struct err *e)
{
	uint8_t root[MERKLE_HASH];

	merkle_root(&v->tree, root);
	if (memcmp(head->ledger_id, v->id, LEDGER_ID_LEN))
		return bad(e, "it is of another ledger");
	if (!bytes_equal(bytes_of(head->key, head->key_len), bytes_of(v->key, v->key_len)))
		return bad(e, "it is signed by another key than the ledger names");
	if (head->epoch != v->epoch)
		return err_set(e, ERR_CORRUPT,
			       "it is of epoch %" PRIu32
			       ", the ledger was restored since and is in "
			       "epoch %" PRIu32 " there",
			       head->epoch, v->epoch);
	if (head->size != v->tree.size || memcmp(head->root, root, MERKLE_HASH))
		return bad(e, "the ledger was not this at that size: entries were changed");
	return true;
}

static bool meet_heads(struct verify *v, struct err *e)
{
	for (size_t i = 0; i < v->expected_count; i++) {
		if (v->expected[i].size != v->tree.size)
			continue;
		if (!check_head(v, &v->expected[i], e))
			return err_add(e, "the head of size %" PRIu64, v->tree.size);
		v->met++;
	}
	return true;
}

static bool take_entry(struct verify *v, struct bytes data, struct err *e)
{
	struct entry entry;
	uint8_t leaf[MERKLE_HASH];

	if (!entry_decode(data, &entry, e)) {
		e->code = ERR_CORRUPT;
		return false;
	}
	if (!check_place(v, &entry, e) || !take_head_key(v, &entry, e) ||
	    !replay_entry(v->replay, &entry, e))
		return false;
	memcpy(v->id, entry.ledger_id, LEDGER_ID_LEN);
	v->epoch = entry.epoch;
	v->time_s = entry.time_s;
	v->last = entry.type;
	count(&v->counts, entry.type);
	merkle_leaf(data, leaf);
	merkle_add(&v->tree, leaf);
	return true;
}

bool verify_entry(struct verify *v, struct bytes entry, struct err *e)
{
	if (!take_entry(v, entry, e))
		return err_add(e, "entry %" PRIu64, v->tree.size + 1);
	return meet_heads(v, e);
}

bool verify_issuance(const struct verify *v, uint64_t id, struct issuance *ret_issuance,
		     struct err *e)
{
	return replay_issuance(v->replay, id, ret_issuance, e);
}

static bool all_met(const struct verify *v, struct err *e)
{
	if (v->met == v->expected_count)
		return true;
	for (size_t i = 0; i < v->expected_count; i++)
		if (v->expected[i].size > v->tree.size)
			return err_set(e, ERR_CORRUPT,
				       "the ledger ends at entry %" PRIu64
				       ", but there is a head of size %" PRIu64
				       ": entries are missing",
				       v->tree.size, v->expected[i].size);
	return bad(e, "a head was not met");
}

bool verify_end(struct verify *v, const struct head *today, struct verify_counts *ret_counts,
		struct err *e)
{
	if (today && (!head_verify(today, e) || !check_head(v, today, e)))
		return err_add(e, "today's head");
	if (!all_met(v, e))
		return false;
	*ret_counts = v->counts;
	return true;
}
