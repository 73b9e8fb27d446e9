/* orders: the orders of a ledger as replayed in memory: open or closed, until when, their quantity
 * and what of it is used, which units are theirs. Private to this folder. Threads: one. Errors:
 * ERR_CORRUPT, ERR_SYSTEM. Layer above: replay. Below: texts. */
#ifndef HSM_API_PROOF_ORDERS_H
#define HSM_API_PROOF_ORDERS_H

#include "hsm/api/entry.h"
#include "hsm/api/proof/pattern.h"
#include "hsm/api/proof/texts.h"

struct orders_row {
	uint32_t id, product, pattern; /* texts */
	uint32_t quantity, used;
	int64_t until; /* 0: for ever */
	uint8_t units;
	bool open;
};

struct orders_unit {
	uint32_t order, unit; /* row, text */
};

struct orders {
	struct texts *texts; /* not owned */
	struct orders_row *rows;
	size_t count, capacity;
	struct index by_id;
	struct orders_unit *units;
	size_t unit_count, unit_capacity;
	struct index by_unit;
	struct pattern pattern;
};

void orders_start(struct orders *o, struct texts *texts);
void orders_free(struct orders *o);
/* ENTRY_ORDER_…, and ENTRY_RESTORED, which closes all. */
MUST_CHECK bool orders_entry(struct orders *o, const struct entry *entry, struct err *e);
/* ENTRY_RESERVED: takes one of the order's quantity. */
MUST_CHECK bool orders_take(struct orders *o, const struct entry *entry, uint32_t *ret_row,
			    struct err *e);
/* A quantity that comes back. */
void orders_give_back(struct orders *o, uint32_t row);

#endif
