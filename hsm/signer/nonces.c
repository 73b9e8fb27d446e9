#include "hsm/signer/nonces.h"

void nonces_add(struct nonces *n, const struct nonce *nonce)
{
	n->open[n->next] = *nonce;
	n->next = (n->next + 1) % NONCES_MAX;
}

bool nonces_take(struct nonces *n, const uint8_t nonce[static 32], uint64_t issuance,
		 struct nonce *ret_nonce)
{
	for (size_t i = 0; i < NONCES_MAX; i++) {
		struct nonce *open = &n->open[i];

		if (!open->issuance || open->issuance != issuance || memcmp(open->nonce, nonce, 32))
			continue;
		*ret_nonce = *open;
		open->issuance = 0;
		return true;
	}
	return false;
}
