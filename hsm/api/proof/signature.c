#include "hsm/api/proof/signature.h"

#include "hsm/api/issuance.h"

#include <openssl/err.h>

#define SPKI_MAX 1024

static bool fail(struct err *e, const char *sentence)
{
	ERR_clear_error();
	return err_set(e, ERR_CORRUPT, "%s", sentence);
}

bool signature_key(struct bytes spki, EVP_PKEY **ret_key, struct err *e)
{
	const uint8_t *at = spki.data;
	AUTO(EVP_PKEY) key = NULL;

	if (spki.len == 0 || spki.len > SPKI_MAX)
		return fail(e, "the public key has no possible length");
	key = d2i_PUBKEY(NULL, &at, (long)spki.len);
	if (!key || at != spki.data + spki.len)
		return fail(e, "this is not a public key");
	*ret_key = TAKE(key);
	return true;
}

bool signature_check(EVP_PKEY *key, struct bytes data, struct bytes signature, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();

	if (!context || EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestVerify(context, signature.data, signature.len, data.data, data.len) != 1)
		return fail(e, "the signature is not the key's");
	return true;
}

bool signature_certificate(struct bytes der, X509 **ret_certificate, struct err *e)
{
	const uint8_t *at = der.data;
	AUTO(X509) certificate = NULL;

	if (der.len == 0 || der.len > CERTIFICATE_MAX)
		return fail(e, "the certificate has no possible length");
	certificate = d2i_X509(NULL, &at, (long)der.len);
	if (!certificate || at != der.data + der.len || !X509_get0_pubkey(certificate))
		return fail(e, "this is not a certificate");
	*ret_certificate = TAKE(certificate);
	return true;
}

bool signature_issued(X509 *certificate, X509 *issuer, struct err *e)
{
	if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)))
		return fail(e, "the certificate names another issuer than its CA");
	if (X509_verify(certificate, X509_get0_pubkey(issuer)) != 1)
		return fail(e, "the certificate is not signed by its CA");
	return true;
}

bool signature_tbs(struct bytes der, struct bytes *ret_tbs, struct err *e)
{
	const uint8_t *at = der.data, *tbs;
	long len = 0;
	int tag, class;

	if (der.len == 0 || der.len > CERTIFICATE_MAX ||
	    ASN1_get_object(&at, &len, &tag, &class, (long)der.len) != V_ASN1_CONSTRUCTED ||
	    tag != V_ASN1_SEQUENCE)
		return fail(e, "this is not a certificate");
	tbs = at;
	if (ASN1_get_object(&at, &len, &tag, &class, len) != V_ASN1_CONSTRUCTED ||
	    tag != V_ASN1_SEQUENCE)
		return fail(e, "this is not a certificate");
	*ret_tbs = bytes_of(tbs, (size_t)(at + len - tbs));
	return true;
}

bool signature_spki(X509 *certificate, uint8_t **ret_spki, size_t *ret_len, struct err *e)
{
	uint8_t *spki = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);

	if (len <= 0)
		return fail(e, "the certificate's public key cannot be read");
	*ret_spki = spki;
	*ret_len = (size_t)len;
	return true;
}
