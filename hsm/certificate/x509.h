/* x509: X.509 structures as DER (RFC 5280): the body of a certificate, its extensions, the envelope
 * that the token's signature makes of a body, and where the parts of a certificate lie. Writers
 * append to the caller's buffer and overflow silently: der_ok at the end. Threads: any. Layer
 * above: certificate, ca, ceremony. Below: der, spki, name, token. */
#ifndef HSM_X509_H
#define HSM_X509_H

#include "hsm/x509/der.h"
#include "hsm/token/token.h"

#define X509_KEY_ID_LEN 20
#define X509_NO_END INT64_C(253402300799) /* 99991231235959Z, RFC 5280 4.1.2.5 */
#define X509_ENVELOPE_MAX 640		  /* what x509_sign adds to a body at most */

/* TBSCertificate, version 3. All but the times is DER; serial is the integer's octets. */
struct x509_body {
	struct bytes serial, algorithm, issuer, subject, spki;
	struct bytes extensions; /* Extension after Extension */
	int64_t not_before, not_after;
};
void x509_write_body(struct der_writer *w, const struct x509_body *body);

/* One Extension each. */
void x509_write_constraints(struct der_writer *w, bool ca);	   /* basicConstraints, critical */
void x509_write_usage(struct der_writer *w, uint32_t usage);	   /* KU_… bits, critical */
void x509_write_key_id(struct der_writer *w, struct bytes key_id); /* subjectKeyIdentifier */
void x509_write_authority(struct der_writer *w, struct bytes key_id); /* its keyIdentifier */
/* Any other one that is not critical: the DER of its OID and of its value. */
void x509_write_extension(struct der_writer *w, struct bytes oid, struct bytes value);

/* SHA-1 of the key's bits: RFC 5280 4.2.1.2 (1). */
MUST_CHECK bool x509_key_id(struct bytes spki, uint8_t ret_id[static X509_KEY_ID_LEN],
			    struct err *e);

/* SEQUENCE { body, AlgorithmIdentifier, BIT STRING }: signs in the token, then verifies with `key`
 * over the same bytes. ERR_TOKEN if the token fails or signed wrongly, ERR_INVALID if it does not
 * fit. */
MUST_CHECK bool x509_sign(struct token_key *signer, EVP_PKEY *key, struct bytes body,
			  uint8_t *ret_der, size_t size, size_t *ret_len, struct err *e);

/* Where things lie in a certificate: views, each with its tag and length but the serial. */
struct x509_view {
	struct bytes body, serial, issuer, subject, spki;
};
/* ERR_INVALID if it is not DER. */
MUST_CHECK bool x509_view(struct bytes certificate, struct x509_view *ret_view, struct err *e);

#endif
