/* index: a hash table from keys to row numbers (open addressing). The rows, and the keys in them,
 * are the caller's: it says by a function what the key of a row is. The hash is seeded, so that who
 * writes the rows cannot make them collide on purpose. Private to this folder. Threads: one.
 * Layer above: replay. Below: bytes. */
#ifndef HSM_API_PROOF_INDEX_H
#define HSM_API_PROOF_INDEX_H

#include "base/bytes.h"
#include "base/err.h"

#define INDEX_NONE UINT32_MAX

typedef struct bytes (*index_key)(const void *rows, uint32_t row);

struct index {
	index_key key_of;
	const void *rows; /* for key_of */
	uint64_t seed;
	uint32_t *slots;
	size_t size, count; /* size: a power of two, or 0 */
};

void index_start(struct index *x, index_key key_of, const void *rows);
void index_free(struct index *x);
/* The row with that key, or INDEX_NONE. */
uint32_t index_find(const struct index *x, struct bytes key);
/* Enters a row, in place of one with the same key. ERR_SYSTEM. */
MUST_CHECK bool index_put(struct index *x, uint32_t row, struct err *e);

/* Room for one more element: a growing array's pointer, count and capacity. ERR_SYSTEM. */
MUST_CHECK bool index_room(void **array, size_t count, size_t *capacity, size_t element,
			   struct err *e);

#endif
