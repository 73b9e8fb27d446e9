/* table: the certificates of all sides, 46 bytes each, and an index over their ids of about 5 more.
 * Rows stand ledger by ledger in the order of their reservations; behind them those that no ledger
 * knows. The index is open addressing over a hash with random multipliers (multilinear, so who
 * writes the ids cannot choose which ones collide); it is built from the rows alone and can so be
 * thrown away before it grows.
 * Pointers to rows are valid until the next table_add. Threads: one. Errors: ERR_SYSTEM. Layer
 * above: reconcile. Below: issuance. */
#ifndef CLOUD_RECONCILE_TABLE_H
#define CLOUD_RECONCILE_TABLE_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#define TABLE_ROWS_MAX 268000000 /* their numbers have 28 bits */
#define TABLE_NO_CA 127

struct table_row {
	uint8_t id[SHA256_LEN];
	uint32_t number; /* of the reserved entry */
	uint32_t issued_s, registered_s;
	uint16_t ca : 7;	       /* the caller's number of it */
	uint16_t state : 3;	       /* enum state; 0: never issued here */
	uint16_t status : 3;	       /* enum iot_status; 0: not listed */
	uint16_t issued : 1;	       /* it has an id */
	uint16_t entered : 1;	       /* in the index, and compared */
} __attribute__((packed, aligned(2))); /* there are millions */

struct table {
	struct table_row *rows;
	uint32_t count, capacity;
	uint32_t *slots; /* 4 bits of the hash, row + 1; 0: empty */
	uint32_t size, used;
	uint64_t multipliers[SHA256_LEN / 4 + 1];
};

MUST_CHECK bool table_start(struct table *t, struct err *e);
void table_free(struct table *t);

/* A row at the end, all zero. */
MUST_CHECK bool table_add(struct table *t, struct table_row **ret_row, struct err *e);
/* The row with that number among those from row `first` on; NULL if there is none. Quick near the
 * end. */
struct table_row *table_numbered(const struct table *t, uint32_t first, uint64_t number);

/* Room in the index for so many, at once; it grows by itself, too. */
MUST_CHECK bool table_reserve(struct table *t, uint32_t count, struct err *e);
/* Enters the row by its id. False in *ret_new, and not entered, if that id is there already. */
MUST_CHECK bool table_enter(struct table *t, struct table_row *row, bool *ret_new, struct err *e);
/* NULL if there is none. */
struct table_row *table_find(const struct table *t, const uint8_t id[static SHA256_LEN]);
/* The rows from `first` on by their id. The index is gone then: no table_enter, no table_find. */
void table_sort(struct table *t, uint32_t first);

#endif
