/* mint: certificates for benchmarks as the signer makes them: a CA, and boards each with a P-256 key
 * of its own, really signed, about 600 bytes; and the proof that the board holds it. Keys are in
 * this process. Threads: one. Layer above: bench-export. Below: hsm/certificate, libcrypto. */
#ifndef BENCH_MINT_H
#define BENCH_MINT_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#include <openssl/evp.h>

#define MINT_CERTIFICATE_MAX 1024
#define MINT_KEY_MAX 128
#define MINT_SIGNATURE_MAX 80
#define MINT_SERIAL_LEN 16

struct mint {
	EVP_PKEY *key;
	uint8_t spki[MINT_KEY_MAX], certificate[MINT_CERTIFICATE_MAX];
	size_t spki_len, certificate_len;
	uint8_t id[SHA256_LEN];
	const char *subject;
};

struct minted {
	EVP_PKEY *key;
	uint8_t certificate[MINT_CERTIFICATE_MAX];
	size_t certificate_len;
	uint8_t serial[MINT_SERIAL_LEN];
	uint8_t id[SHA256_LEN], key_sha256[SHA256_LEN], tbs_sha256[SHA256_LEN];
};

MUST_CHECK bool mint_open(struct mint *ret_mint, const char *subject, int64_t now_s, struct err *e);
void mint_close(struct mint *mint);
/* mint_drop frees the key. */
MUST_CHECK bool mint_make(const struct mint *mint, const char *unit, int64_t now_s,
			  struct minted *ret_minted, struct err *e);
void mint_drop(struct minted *minted);

MUST_CHECK bool mint_key(EVP_PKEY **ret_key, uint8_t ret_spki[static MINT_KEY_MAX], size_t *ret_len,
			 struct err *e);
MUST_CHECK bool mint_sign(EVP_PKEY *key, struct bytes data,
			  uint8_t ret_signature[static MINT_SIGNATURE_MAX], size_t *ret_len,
			  struct err *e);

#endif
