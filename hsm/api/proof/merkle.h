/* merkle: the RFC 6962 tree over the ledger's entries: leaf hash = SHA-256(00 | entry), node =
 * SHA-256(01 | left | right). The frontier holds the roots of the complete subtrees of a tree that
 * grows at its right edge: one a set bit of the size. Nothing here can fail or allocates. Threads:
 * one a frontier. Layer above: ledger, verify. Below: sha256. */
#ifndef HSM_API_PROOF_MERKLE_H
#define HSM_API_PROOF_MERKLE_H

#include "base/bytes.h"

#include <stdbool.h>

#define MERKLE_HASH 32
#define MERKLE_LEVELS 64

struct merkle {
	uint64_t size;
	/* [i]: the complete subtree of 2^i leaves, if bit i of size is set */
	uint8_t roots[MERKLE_LEVELS][MERKLE_HASH];
};

void merkle_leaf(struct bytes entry, uint8_t ret_hash[static MERKLE_HASH]);
void merkle_add(struct merkle *tree, const uint8_t leaf[static MERKLE_HASH]);
/* SHA-256 of the empty string for size 0, as RFC 6962 2.1 has it. */
void merkle_root(const struct merkle *tree, uint8_t ret_root[static MERKLE_HASH]);

#endif
