/* csr: a certificate request (PKCS#10, RFC 2986) from outside, checked.
 * Size limit, DER strictness, version 0, SPKI and curve OIDs, uncompressed point of the right
 * length on the curve, RSA size and exponent, signature algorithm at least SHA-256 and fitting the
 * key, no trailing bytes, signature over the original bytes (proof of possession). Subject and
 * attributes are bounded and never used. The fast path: our own strict DER reader, no
 * d2i_X509_REQ. Any input is safe. Errors: ERR_INVALID with the rule that it breaks ("the CSR: the
 * public key is the point at infinity"). Threads: any, each with its own struct csr_checker. Layer
 * above: signer, issue. Below: der, spki, libcrypto. */
#ifndef HSM_CSR_H
#define HSM_CSR_H

#include "hsm/token/token.h"

#define CSR_DER_MAX 4096
#define CSR_PEM_MAX 8192
#define CSR_SPKI_MAX 600

struct csr {
	enum token_key_type key_type;
	uint8_t spki[CSR_SPKI_MAX]; /* DER, exactly as a certificate will hold it */
	size_t spki_len;
	uint8_t key_sha256[32]; /* of the SPKI */
};

struct csr_checker; /* per-thread: template keys and contexts that are costly to make */

MUST_CHECK bool csr_checker_new(struct csr_checker **ret_checker, struct err *e);
void csr_checker_free(struct csr_checker *checker);
AUTO_DEFINE(csr_checker, struct csr_checker *, csr_checker_free)

/* Checks DER bytes. */
MUST_CHECK bool csr_check(struct csr_checker *checker, struct bytes der, struct csr *ret_csr,
			  struct err *e);
/* Forgets a request, so that nothing of it is taken for the next one's. */
void csr_clear(struct csr *csr);

/* PEM ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST") or DER, from a file: gives the DER.
 * ret_der is CSR_DER_MAX long. */
MUST_CHECK bool csr_read(struct bytes text, uint8_t *ret_der, size_t *ret_len, struct err *e);

#endif
