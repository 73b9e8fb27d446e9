#include "hsm/certificate/certificate.h"

#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"

#include <openssl/sha.h>

#define PROVE_LABEL "imprint-prove-v1" /* its NUL is signed, too */
#define NONCE_LEN 32

static bool certificate_key(struct bytes certificate, EVP_PKEY **ret_key, struct err *e)
{
	struct x509_view view;
	struct spki spki;

	return x509_view(certificate, &view, e) && spki_parse(view.spki, &spki, e) &&
	       spki_key(&spki, ret_key, e);
}

bool certificate_proof(struct bytes certificate, const uint8_t nonce[static 32], const char *unit,
		       struct bytes digests, struct bytes signature, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	AUTO(EVP_PKEY) key = NULL;
	uint8_t id[SHA256_LEN];
	const struct bytes parts[] = {
		{ (const uint8_t *)PROVE_LABEL, sizeof(PROVE_LABEL) },
		{ nonce, NONCE_LEN },
		{ id, sizeof(id) },
		bytes_text(unit),
		digests,
	};
	bool good;

	if (!certificate_key(certificate, &key, e))
		return false;
	if (!SHA256(certificate.data, certificate.len, id))
		return crypto_failed("hash a certificate", e);
	good = context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && good; i++)
		good = EVP_DigestVerifyUpdate(context, parts[i].data, parts[i].len) == 1;
	if (!good)
		return crypto_failed("verify a proof", e);
	good = EVP_DigestVerifyFinal(context, signature.data, signature.len) == 1;
	ERR_clear_error();
	return good || err_set(e, ERR_INVALID,
			       "the board's signature over its files does not verify with the key "
			       "of its certificate");
}
