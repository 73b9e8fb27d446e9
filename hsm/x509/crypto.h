/* crypto: libcrypto's objects released by scope, and its trouble as an err.
 * Threads: any. Layer above: all of hsm that uses libcrypto. Below: libcrypto. */
#ifndef HSM_CRYPTO_H
#define HSM_CRYPTO_H

#include "hsm/api/proof/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
AUTO_DEFINE(X509_STORE, X509_STORE *, X509_STORE_free)
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX *, X509_STORE_CTX_free)
AUTO_DEFINE(BIO, BIO *, BIO_free_all)
AUTO_DEFINE(BIGNUM, BIGNUM *, BN_free)

/* What libcrypto itself could not do ("cannot make a key: malloc failure"): ERR_SYSTEM. Empties
 * its error queue. Always returns false. */
static inline bool crypto_failed(const char *doing, struct err *e)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	err_set(e, ERR_SYSTEM, "cannot %s: %s", doing, reason ? reason : "no reason given");
	ERR_clear_error();
	return false;
}

#endif
