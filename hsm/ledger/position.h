/* position: where the ledger stands: its tree's frontier, epoch, last entry. It lies in one row
 * beside the entries and is written once a transaction. Private to this folder. Threads: the
 * ledger's. Layer above: ledger. Below: store. */
#ifndef HSM_LEDGER_POSITION_H
#define HSM_LEDGER_POSITION_H

#include "hsm/api/proof/merkle.h"
#include "hsm/ledger/ledger.h"

struct position {
	struct merkle tree;
	uint32_t epoch;
	int64_t time_s; /* of the last entry */
	enum entry_type last;
	uint64_t latest[ENTRY_TYPE_COUNT]; /* number of the last entry of each type, 0 = none */
};

/* Reads the row and holds it against the last entry: ERR_CORRUPT. */
MUST_CHECK bool position_load(struct ledger *l, struct err *e);
/* Writes the row, in the transaction under way. */
MUST_CHECK bool position_save(struct ledger *l, struct err *e);
/* Goes one entry further. */
void position_advance(struct position *p, const struct entry *entry, struct bytes data);
/* ERR_CORRUPT with what is wrong with the file and what to do; always false. */
bool position_corrupt(const struct ledger *l, const char *what, struct err *e);

#endif
