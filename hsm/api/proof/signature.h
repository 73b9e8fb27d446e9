/* signature: public keys and certificates from outside, and what they signed. Every parse is
 * bounded and takes exactly the bytes given. Signatures are ECDSA (DER) or RSA PKCS#1 v1.5, over
 * SHA-256; P-384 keys sign SHA-384 in certificates. Errors: ERR_CORRUPT with a sentence; the
 * library's error queue is left empty. Threads: any. Layer above: verify, head. Below: libcrypto.
 */
#ifndef HSM_API_PROOF_SIGNATURE_H
#define HSM_API_PROOF_SIGNATURE_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

AUTO_DEFINE(EVP_PKEY, EVP_PKEY *, EVP_PKEY_free)
AUTO_DEFINE(X509, X509 *, X509_free)
AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX *, EVP_MD_CTX_free)

/* A public key from its SPKI. */
MUST_CHECK bool signature_key(struct bytes spki, EVP_PKEY **ret_key, struct err *e);
/* Did the key sign data with SHA-256? */
MUST_CHECK bool signature_check(EVP_PKEY *key, struct bytes data, struct bytes signature,
				struct err *e);

/* One certificate, DER with nothing behind it. */
MUST_CHECK bool signature_certificate(struct bytes der, X509 **ret_certificate, struct err *e);
/* Did the issuer's key sign the certificate, and does the issuer's name stand in it? */
MUST_CHECK bool signature_issued(X509 *certificate, X509 *issuer, struct err *e);
/* What was signed in a certificate: a view into its DER. */
MUST_CHECK bool signature_tbs(struct bytes der, struct bytes *ret_tbs, struct err *e);
/* The SPKI of a certificate, DER; the caller frees it with OPENSSL_free. */
MUST_CHECK bool signature_spki(X509 *certificate, uint8_t **ret_spki, size_t *ret_len,
			       struct err *e);

#endif
