/* nonces: what the signer asked boards to sign, until they did. A nonce serves once, for one
 * issuance. Bounded: when full, the oldest is forgotten (its board asks for its certificate again
 * and gets a new one). Threads: the loop. Layer above: signer. Below: none. */
#ifndef HSM_SIGNER_NONCES_H
#define HSM_SIGNER_NONCES_H

#include "hsm/api/request.h"

#define NONCES_MAX 1024

struct nonce {
	uint8_t nonce[32];
	uint64_t issuance;
	uint8_t digests[REPLY_FILES_MAX * SHA256_LEN]; /* of the files, in the product's order */
	size_t digests_len;
};

struct nonces {
	size_t next;
	struct nonce open[NONCES_MAX];
};

void nonces_add(struct nonces *n, const struct nonce *nonce);
/* Finds and closes it; false if it is not open for that issuance. */
bool nonces_take(struct nonces *n, const uint8_t nonce[static 32], uint64_t issuance,
		 struct nonce *ret_nonce);

#endif
