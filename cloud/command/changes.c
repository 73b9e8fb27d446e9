#include "cloud/command/changes.h"

#include "cloud/ledger/source.h"
#include "hsm/api/proof/sha256.h"

#include <inttypes.h>
#include <string.h>

struct record {
	uint64_t id, issued, last; /* entries: reserved, issued (0: not), its last move */
	int64_t updated_s;
	struct change *names; /* second pass, from reserved to issued */
	enum state state;
};

struct changes {
	struct changes_mark mark;
	struct record *records; /* by id */
	size_t count, capacity;
};

bool changes_new(const struct changes_mark *mark, struct changes **ret_changes, struct err *e)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ERR_SYSTEM, "out of memory");
	c->mark = *mark;
	*ret_changes = c;
	return true;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		free(c->records[i].names);
	free(c->records);
	free(c);
}

static int by_id(const void *key, const void *element)
{
	uint64_t id = *(const uint64_t *)key, other = ((const struct record *)element)->id;

	return id < other ? -1 : id > other;
}

static struct record *find(const struct changes *c, uint64_t id)
{
	return c->count ? bsearch(&id, c->records, c->count, sizeof(*c->records), by_id) : NULL;
}

static bool add(struct changes *c, const struct entry *entry, struct err *e)
{
	if (c->count && c->records[c->count - 1].id >= entry->number)
		return err_set(e, ERR_CORRUPT, "its number is not behind the last one");
	if (c->count == c->capacity) {
		size_t capacity = c->capacity * 2 + 256;
		void *more = reallocarray(c->records, capacity, sizeof(*c->records));

		if (!more)
			return err_set(e, ERR_SYSTEM, "out of memory");
		c->records = more;
		c->capacity = capacity;
	}
	c->records[c->count++] = (struct record) { .id = entry->number, .state = STATE_RESERVED };
	return true;
}

bool changes_note(struct changes *c, const struct entry *entry, struct err *e)
{
	enum state state = source_state_after(entry->type);
	struct record *record;

	if (state == STATE_RESERVED)
		return add(c, entry, e);
	if (!state)
		return true;
	record = find(c, entry->issuance);
	if (!record || !state_may_follow(record->state, state))
		return err_set(e, ERR_CORRUPT, "issuance %" PRIu64 " cannot become %s here",
			       entry->issuance, state_name(state));
	if (state == STATE_ISSUED)
		record->issued = entry->number;
	record->state = state;
	record->last = entry->number;
	record->updated_s = entry->time_s;
	return true;
}

static bool is_new(const struct changes *c, const struct record *record)
{
	bool by_broken_run =
		record->issued <= c->mark.run_entry && record->last <= c->mark.run_size;

	return record->issued > 0 && record->last > c->mark.size && !by_broken_run;
}

uint64_t changes_count(const struct changes *c)
{
	uint64_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		count += is_new(c, &c->records[i]);
	return count;
}

static bool keep_names(struct record *record, const struct entry *entry, struct err *e)
{
	struct change *names = record->names ? record->names : calloc(1, sizeof(*names));

	if (!names)
		return err_set(e, ERR_SYSTEM, "out of memory");
	record->names = names;
	source_name(entry->unit, names->unit);
	source_name(entry->product, names->product);
	source_name(entry->order, names->order);
	memcpy(names->ca_id, entry->ca_id.data, SHA256_LEN);
	return true;
}

static void yield(struct record *record, const struct entry *entry, struct change *ret_change)
{
	*ret_change = *record->names;
	ret_change->entry = entry->number;
	ret_change->state = record->state;
	ret_change->updated_s = record->updated_s;
	sha256(&entry->certificate, 1, ret_change->id);
	free(TAKE(record->names));
}

bool changes_next(struct changes *c, const struct entry *entry, bool *ret_found,
		  struct change *ret_change, struct err *e)
{
	bool reserved = entry->type == ENTRY_RESERVED, issued = entry->type == ENTRY_ISSUED;
	struct record *record = NULL;

	*ret_found = false;
	if (reserved || issued)
		record = find(c, reserved ? entry->number : entry->issuance);
	if (!record || !is_new(c, record))
		return true;
	if (reserved)
		return keep_names(record, entry, e);
	if (!record->names)
		return err_set(e, ERR_CORRUPT, "it is issued before it was reserved");
	yield(record, entry, ret_change);
	*ret_found = true;
	return true;
}
