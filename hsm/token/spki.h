/* spki: a SubjectPublicKeyInfo (RFC 5280 4.1.2.7): the public key as certificates, requests and the
 * ledger hold it, in the five types that we know. Strict DER, named curve, uncompressed point of
 * the right length (the one-octet point at infinity is refused), RSA modulus odd and of 2048, 3072
 * or 4096 bits, exponent odd, at least 65537 and below 2^64. Whether a point lies on its curve
 * shows in spki_key. Errors: ERR_INVALID, "the public key is the point at infinity". Threads: any.
 * Layer above: csr, token, certificate. Below: der, libcrypto. */
#ifndef HSM_SPKI_H
#define HSM_SPKI_H

#include "hsm/x509/der.h"
#include "hsm/token/token.h"

#define SPKI_MAX 600

/* Views into the DER. */
struct spki {
	enum token_key_type type;
	struct bytes bits;		/* what the BIT STRING holds: a point, or an RSAPublicKey */
	struct bytes modulus, exponent; /* RSA: big endian, no leading zero */
};

MUST_CHECK bool spki_parse(struct bytes der, struct spki *ret_spki, struct err *e);

/* A new key for verifying. ERR_INVALID if the point is not on its curve. */
MUST_CHECK bool spki_key(const struct spki *spki, EVP_PKEY **ret_key, struct err *e);
/* An EC key that has its curve and no point yet. */
MUST_CHECK bool spki_curve(enum token_key_type type, EVP_PKEY **ret_key, struct err *e);

void spki_write_ec(struct der_writer *w, enum token_key_type type, struct bytes point);
void spki_write_rsa(struct der_writer *w, struct bytes modulus, struct bytes exponent);

/* Facts about a type. The hash is that of signatures by such a key; the algorithm is the DER of its
 * AlgorithmIdentifier; the parameters are the DER of the curve's OID, empty for RSA. */
bool spki_is_ec(enum token_key_type type);
unsigned spki_bits(enum token_key_type type);
const EVP_MD *spki_hash(enum token_key_type type);
struct bytes spki_algorithm(enum token_key_type type);
struct bytes spki_curve_oid(enum token_key_type type);

#endif
