/* pool: the requests of a benchmark in one file, made once and read by each of its programs.
 *	u16 length (big endian), DER		of one CSR, and so on
 * The unit of the index-th request is PREFIX and the index, from 0, in six digits. Threads: one.
 * Layer above: the programs of tests/bench. Below: none. */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#define POOL_REQUEST_MAX 4096
#define POOL_COUNT_MAX 1000000
#define POOL_UNIT_SIZE 65

struct pool {
	struct bytes *requests; /* views into data */
	size_t count;
	uint8_t *data;
};

MUST_CHECK bool pool_read(const char *path, struct pool **ret_pool, struct err *e);
void pool_free(struct pool *pool);
AUTO_DEFINE(pool, struct pool *, pool_free)

MUST_CHECK bool pool_write(FILE *file, struct bytes request, struct err *e);

void pool_unit(const char *prefix, size_t index, char ret_unit[static POOL_UNIT_SIZE]);

/* A decimal number of 1 to max, for the programs' options; false if the text is none. */
bool pool_number(const char *text, size_t max, size_t *ret_number);

#endif
