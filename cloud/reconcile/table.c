#include "cloud/reconcile/table.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_ROWS 1024
#define FIRST_SLOTS 2048
#define SLOT_ROW_BITS 28
#define SLOT_ROW (UINT32_MAX >> (32 - SLOT_ROW_BITS))

bool table_start(struct table *t, struct err *e)
{
	*t = (struct table) { 0 };
	return getrandom(t->multipliers, sizeof(t->multipliers), 0) == sizeof(t->multipliers) ||
	       err_errno(e, ERR_SYSTEM, "no random numbers");
}

void table_free(struct table *t)
{
	free(t->rows);
	free(t->slots);
}

/* Large blocks are moved by the kernel's page tables: there is never twice the memory, and what is
 * not used yet costs nothing. */
bool table_add(struct table *t, struct table_row **ret_row, struct err *e)
{
	if (t->count == t->capacity) {
		uint32_t capacity = t->capacity > TABLE_ROWS_MAX / 2 ? TABLE_ROWS_MAX
				    : t->capacity		     ? 2 * t->capacity
								     : FIRST_ROWS;
		struct table_row *rows = capacity > t->capacity
						 ? reallocarray(t->rows, capacity, sizeof(*rows))
						 : NULL;

		if (!rows)
			return err_set(e, ERR_SYSTEM, "no memory for %u certificates", t->count);
		t->rows = rows;
		t->capacity = capacity;
	}
	*ret_row = &t->rows[t->count++];
	**ret_row = (struct table_row) { 0 };
	return true;
}

struct table_row *table_numbered(const struct table *t, uint32_t first, uint64_t number)
{
	uint32_t low = first, high = t->count, step = 1;

	/* Entries of an issuance come soon after each other: from the end, in growing steps. */
	while (step < t->count - first && t->rows[t->count - step].number > number)
		step *= 2;
	if (step < t->count - first)
		low = t->count - step;
	high -= step / 2;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->rows[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->rows[low].number == number ? &t->rows[low] : NULL;
}

static uint32_t hash(const struct table *t, const uint8_t *id)
{
	uint64_t h = t->multipliers[SHA256_LEN / 4];
	uint32_t words[SHA256_LEN / 4];

	memcpy(words, id, sizeof(words));
	for (size_t i = 0; i < SHA256_LEN / 4; i++)
		h += t->multipliers[i] * words[i];
	return (uint32_t)(h >> 32);
}

static uint32_t first_slot(const struct table *t, uint32_t h)
{
	return (uint32_t)((uint64_t)h * t->size >> 32);
}

static uint32_t next_slot(const struct table *t, uint32_t at)
{
	return at + 1 < t->size ? at + 1 : 0;
}

static struct table_row *row_of(const struct table *t, uint32_t slot)
{
	return &t->rows[(slot & SLOT_ROW) - 1];
}

/* What stands in the slot of a row. */
static uint32_t slot_for(uint32_t h, uint32_t row)
{
	return h << SLOT_ROW_BITS | (row + 1);
}

/* The slot that holds the id, or the empty one where it belongs. Of the rows on the way only those
 * are looked at whose hash agrees: each costs a miss of the cache. */
static uint32_t slot_of(const struct table *t, const uint8_t *id, uint32_t h)
{
	uint32_t at = first_slot(t, h);

	while (t->slots[at] && ((t->slots[at] ^ slot_for(h, 0)) & ~SLOT_ROW ||
				memcmp(row_of(t, t->slots[at])->id, id, SHA256_LEN)))
		at = next_slot(t, at);
	return at;
}

/* What is entered already is not there twice. */
static bool make_index(struct table *t, uint32_t size, struct err *e)
{
	free(t->slots);
	t->slots = calloc(size, sizeof(*t->slots));
	t->size = t->slots ? size : 0;
	if (!t->slots)
		return err_set(e, ERR_SYSTEM, "no memory for %u certificates", t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t h = hash(t, t->rows[i].id), at = first_slot(t, h);

		if (!t->rows[i].entered)
			continue;
		while (t->slots[at])
			at = next_slot(t, at);
		t->slots[at] = slot_for(h, i);
	}
	return true;
}

/* At most seven eighths full. */
bool table_reserve(struct table *t, uint32_t count, struct err *e)
{
	uint32_t size = count + count / 7 + FIRST_SLOTS;

	return size <= t->size || make_index(t, size, e);
}

bool table_enter(struct table *t, struct table_row *row, bool *ret_new, struct err *e)
{
	uint32_t h = hash(t, row->id), at;

	if (t->used >= t->size / 8 * 7 && !table_reserve(t, t->size, e))
		return false;
	at = slot_of(t, row->id, h);
	*ret_new = !t->slots[at];
	if (!*ret_new)
		return true;
	t->slots[at] = slot_for(h, (uint32_t)(row - t->rows));
	t->used++;
	row->entered = true;
	return true;
}

struct table_row *table_find(const struct table *t, const uint8_t id[static SHA256_LEN])
{
	uint32_t slot = t->size ? t->slots[slot_of(t, id, hash(t, id))] : 0;

	return slot ? row_of(t, slot) : NULL;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct table_row *)a)->id, ((const struct table_row *)b)->id,
		      SHA256_LEN);
}

void table_sort(struct table *t, uint32_t first)
{
	free(t->slots);
	t->slots = NULL;
	t->size = 0;
	qsort(t->rows + first, t->count - first, sizeof(*t->rows), by_id);
}
