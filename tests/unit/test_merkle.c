/* The tree against the definition of RFC 6962 2.1, and against its published vectors. */
#include "base/hex.h"
#include "hsm/api/proof/merkle.h"
#include "hsm/api/proof/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define LEAVES_MAX 200

/* The test vectors of the reference implementation of RFC 6962. */
static const char *const inputs[] = {
	"",
	"00",
	"10",
	"2021",
	"3031",
	"40414243",
	"5051525354555657",
	"606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void vectors(void **state)
{
	struct merkle tree = { 0 };
	uint8_t data[16], hash[MERKLE_HASH];
	char text[2 * MERKLE_HASH + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		merkle_root(&tree, hash);
		assert_string_equal(hex_encode(BYTES(hash), text), roots[i]);
		if (i == sizeof(inputs) / sizeof(inputs[0]))
			break;
		assert_true(hex_decode(inputs[i], data, strlen(inputs[i]) / 2));
		merkle_leaf(bytes_of(data, strlen(inputs[i]) / 2), hash);
		merkle_add(&tree, hash);
	}
}

/* RFC 6962 2.1, word for word: the largest power of two below n splits the list. */
static void naive(uint8_t (*leaves)[MERKLE_HASH], size_t count, uint8_t *ret_hash)
{
	static const uint8_t mark[] = { 1 };
	uint8_t left[MERKLE_HASH], right[MERKLE_HASH];
	size_t split = 1;

	if (count == 1) {
		memcpy(ret_hash, leaves[0], MERKLE_HASH);
		return;
	}
	while (2 * split < count)
		split *= 2;
	naive(leaves, split, left);
	naive(leaves + split, count - split, right);
	sha256((struct bytes[]) { BYTES(mark), BYTES(left), BYTES(right) }, 3, ret_hash);
}

static void any_size(void **state)
{
	static uint8_t leaves[LEAVES_MAX][MERKLE_HASH];
	struct merkle tree = { 0 };
	uint8_t wanted[MERKLE_HASH], root[MERKLE_HASH];

	(void)state;
	for (uint8_t i = 0; i < LEAVES_MAX; i++) {
		merkle_leaf(bytes_of(&i, 1), leaves[i]);
		merkle_add(&tree, leaves[i]);
		merkle_root(&tree, root);
		naive(leaves, i + 1u, wanted);
		assert_memory_equal(root, wanted, MERKLE_HASH);
		assert_int_equal(tree.size, i + 1u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
