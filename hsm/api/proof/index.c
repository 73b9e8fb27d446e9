#include "hsm/api/proof/index.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_SIZE 64
#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

void index_start(struct index *x, index_key key_of, const void *rows)
{
	*x = (struct index) { .key_of = key_of, .rows = rows };
	/* Without it the table is merely easier to slow down. */
	if (getrandom(&x->seed, sizeof(x->seed), GRND_NONBLOCK) != sizeof(x->seed))
		x->seed = (uintptr_t)x;
}

void index_free(struct index *x)
{
	free(x->slots);
	x->slots = NULL;
}

static uint64_t hash(const struct index *x, struct bytes key)
{
	uint64_t h = x->seed ^ key.len;

	for (size_t i = 0; i < key.len; i++) {
		h = (h ^ key.data[i]) * MULTIPLIER;
		h ^= h >> 29;
	}
	return h;
}

/* The slot that holds the key, or the empty one where it belongs. */
static size_t slot_of(const struct index *x, struct bytes key)
{
	size_t at = hash(x, key) & (x->size - 1);

	while (x->slots[at] != INDEX_NONE && !bytes_equal(x->key_of(x->rows, x->slots[at]), key))
		at = (at + 1) & (x->size - 1);
	return at;
}

uint32_t index_find(const struct index *x, struct bytes key)
{
	return x->size ? x->slots[slot_of(x, key)] : INDEX_NONE;
}

static bool grow(struct index *x, struct err *e)
{
	struct index bigger = *x;

	bigger.size = x->size ? 2 * x->size : FIRST_SIZE;
	bigger.slots = malloc(bigger.size * sizeof(*bigger.slots));
	if (!bigger.slots)
		return err_set(e, ERR_SYSTEM, "out of memory");
	memset(bigger.slots, 0xff, bigger.size * sizeof(*bigger.slots));
	for (size_t i = 0; i < x->size; i++)
		if (x->slots[i] != INDEX_NONE)
			bigger.slots[slot_of(&bigger, x->key_of(x->rows, x->slots[i]))] =
				x->slots[i];
	free(x->slots);
	*x = bigger;
	return true;
}

bool index_put(struct index *x, uint32_t row, struct err *e)
{
	size_t at;

	if (2 * x->count >= x->size && !grow(x, e))
		return false;
	at = slot_of(x, x->key_of(x->rows, row));
	if (x->slots[at] == INDEX_NONE)
		x->count++;
	x->slots[at] = row;
	return true;
}

bool index_room(void **array, size_t count, size_t *capacity, size_t element, struct err *e)
{
	size_t more = *capacity ? 2 * *capacity : FIRST_SIZE;
	void *bigger;

	if (count < *capacity)
		return true;
	bigger = more < INDEX_NONE ? reallocarray(*array, more, element) : NULL;
	if (!bigger)
		return err_set(e, ERR_SYSTEM, "out of memory");
	*array = bigger;
	*capacity = more;
	return true;
}
