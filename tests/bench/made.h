/* made: the ledger of bench-export, entry by entry as the signer would have written it: really signed,
 * with a known few issuances of each kind. Threads: one. Layer above: export_main. Below: mint. */
#ifndef BENCH_MADE_H
#define BENCH_MADE_H

#include "hsm/api/head.h"
#include "hsm/api/proof/merkle.h"
#include "tests/bench/mint.h"

#include <stdio.h>

/* What became of an issuance: its last entry, what AWS IoT says ("": nothing), the class. */
struct kind {
	enum entry_type end;
	const char *status, *class;
};
const struct kind *made_kind(size_t index);

struct made {
	const char *station;
	size_t count;
	int64_t from_s, until_s; /* of the first and the last issuance */
	FILE *ledger;
	struct mint mint;
	EVP_PKEY *head_key;
	struct head head; /* ledger id, epoch, key; the rest at the end */
	struct merkle tree;
	int64_t now_s;
	uint64_t *numbers;	    /* of each issuance: its reserved entry */
	uint8_t (*ids)[SHA256_LEN]; /* of each issuance: its certificate */
};

/* When the issuance was. */
int64_t made_time(const struct made *m, size_t index);
/* Everything up to and with the head. */
MUST_CHECK bool made_write(struct made *m, struct err *e);

#endif
