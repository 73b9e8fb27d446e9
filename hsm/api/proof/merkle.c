#include "hsm/api/proof/merkle.h"

#include "hsm/api/proof/sha256.h"

static void hash_node(const uint8_t *left, const uint8_t *right, uint8_t *ret_hash)
{
	static const uint8_t mark[] = { 1 };

	sha256((struct bytes[]) { BYTES(mark), bytes_of(left, MERKLE_HASH),
				  bytes_of(right, MERKLE_HASH) },
	       3, ret_hash);
}

void merkle_leaf(struct bytes entry, uint8_t ret_hash[static MERKLE_HASH])
{
	static const uint8_t mark[] = { 0 };

	sha256((struct bytes[]) { BYTES(mark), entry }, 2, ret_hash);
}

/* Like adding one to a binary number: each full subtree on the way is joined into the carry. */
void merkle_add(struct merkle *tree, const uint8_t leaf[static MERKLE_HASH])
{
	uint8_t carry[MERKLE_HASH];
	unsigned level = 0;

	memcpy(carry, leaf, MERKLE_HASH);
	while (tree->size >> level & 1)
		hash_node(tree->roots[level++], carry, carry);
	memcpy(tree->roots[level], carry, MERKLE_HASH);
	tree->size++;
}

void merkle_root(const struct merkle *tree, uint8_t ret_root[static MERKLE_HASH])
{
	bool any = false;

	if (tree->size == 0)
		sha256(NULL, 0, ret_root);
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		if (!(tree->size >> level & 1))
			continue;
		if (any)
			hash_node(tree->roots[level], ret_root, ret_root);
		else
			memcpy(ret_root, tree->roots[level], MERKLE_HASH);
		any = true;
	}
}
