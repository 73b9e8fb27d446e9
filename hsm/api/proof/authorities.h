/* authorities: the CA keys and CA certificates that a ledger names, in their order, and what they
 * signed. Private to this folder. Threads: one. Errors: ERR_CORRUPT, ERR_SYSTEM. Layer above:
 * replay. Below: signature. */
#ifndef HSM_API_PROOF_AUTHORITIES_H
#define HSM_API_PROOF_AUTHORITIES_H

#include "hsm/api/entry.h"
#include "hsm/api/proof/signature.h"

struct authority {
	X509 *certificate;
	uint8_t id[SHA256_LEN];
	uint64_t crl_number; /* of its last CRL */
};

struct authorities {
	struct authority *rows; /* the last one is in use */
	size_t count, capacity;
	uint8_t (*keys)[SHA256_LEN]; /* hashes of the SPKIs made in the token */
	size_t key_count, key_capacity;
};

void authorities_free(struct authorities *a);
/* ENTRY_CA_KEY, ENTRY_CA, ENTRY_CRL, ENTRY_VERIFICATION. */
MUST_CHECK bool authorities_add_key(struct authorities *a, const struct entry *entry,
				    struct err *e);
MUST_CHECK bool authorities_add(struct authorities *a, const struct entry *entry, struct err *e);
MUST_CHECK bool authorities_crl(struct authorities *a, const struct entry *entry, struct err *e);
MUST_CHECK bool authorities_verification(const struct authorities *a, const struct entry *entry,
					 struct err *e);
/* Is that the CA in use? */
MUST_CHECK bool authorities_in_use(const struct authorities *a, struct bytes ca_id,
				   uint32_t *ret_row, struct err *e);

/* What a reservation says of its certificate. */
struct promise {
	struct bytes serial, key_sha256, tbs_sha256;
};
/* Is the certificate what was promised, and signed by that CA? Its key's SPKI is freed with
 * OPENSSL_free. */
MUST_CHECK bool authorities_issued(const struct authorities *a, uint32_t row,
				   struct bytes certificate, const struct promise *promise,
				   uint8_t **ret_spki, size_t *ret_len, struct err *e);

#endif
