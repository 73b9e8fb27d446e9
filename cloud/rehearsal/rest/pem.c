#include "cloud/rehearsal/rest/pem.h"

#include "base/clock.h"
#include "base/hex.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#define RSA_BITS_MIN 2048

AUTO_DEFINE(BIO, BIO *, BIO_free_all)

static const int curves[] = { NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1 };
static const int hashes[] = { NID_sha256, NID_sha384, NID_sha512 };

#define IS_ONE_OF(list, nid) is_one_of((list), sizeof(list) / sizeof((list)[0]), (nid))

static bool is_one_of(const int *list, size_t count, int nid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == nid)
			return true;
	return false;
}

static bool invalid(const char *what, const char *why, struct err *e)
{
	ERR_clear_error();
	return err_set(e, AWS_CERTIFICATE_VALIDATION, "%s %s", what, why);
}

static bool parse(const char *text, const char *what, X509 **ret_x509, struct err *e)
{
	AUTO(BIO) bio = BIO_new_mem_buf(text, -1);
	AUTO(X509) x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, (void *)"") : NULL;
	AUTO(X509) second = NULL;

	if (!x509)
		return invalid(what, "is not a PEM certificate", e);
	second = PEM_read_bio_X509(bio, NULL, NULL, (void *)"");
	ERR_clear_error();
	if (second)
		return invalid(what, "is followed by another one: send one certificate", e);
	*ret_x509 = TAKE(x509);
	return true;
}

static bool check_key(X509 *x509, const char *what, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(x509);
	char curve[64] = "";

	if (!key)
		return invalid(what, "has no key that can be read", e);
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN ||
		       invalid(what, "has an RSA key below 2048 bits", e);
	if (!EVP_PKEY_is_a(key, "EC") ||
	    !EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) ||
	    !IS_ONE_OF(curves, OBJ_sn2nid(curve)))
		return invalid(what, "has a key that is neither RSA nor of P-256, P-384 or P-521",
			       e);
	return true;
}

static bool check_signature(X509 *x509, const char *what, struct err *e)
{
	int hash = NID_undef;

	if (!X509_get_signature_info(x509, &hash, NULL, NULL, NULL) || !IS_ONE_OF(hashes, hash))
		return invalid(what, "is not signed with SHA-256, SHA-384 or SHA-512", e);
	return true;
}

static bool to_ms(const ASN1_TIME *time, int64_t *ret_ms)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm))
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool check_dates(struct pem *pem, const char *what, struct err *e)
{
	int64_t now_ms = registry_now_ms();

	if (!to_ms(X509_get0_notBefore(pem->x509), &pem->not_before_ms) ||
	    !to_ms(X509_get0_notAfter(pem->x509), &pem->not_after_ms))
		return invalid(what, "has dates that cannot be read", e);
	if (now_ms < pem->not_before_ms)
		return invalid(what, "is not valid yet: check its dates and the clock", e);
	return now_ms <= pem->not_after_ms || invalid(what, "has expired", e);
}

static bool make_id(struct pem *pem, const char *what, struct err *e)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (!X509_digest(pem->x509, EVP_sha256(), hash, NULL))
		return invalid(what, "cannot be hashed", e);
	hex_encode(bytes_of(hash, 32), pem->id);
	return true;
}

bool pem_read(const char *text, const char *what, struct pem **ret_pem, struct err *e)
{
	AUTO(pem) pem = calloc(1, sizeof(*pem));

	if (!pem)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!parse(text, what, &pem->x509, e) || !check_key(pem->x509, what, e) ||
	    !check_signature(pem->x509, what, e) || !check_dates(pem, what, e) ||
	    !make_id(pem, what, e))
		return false;
	*ret_pem = TAKE(pem);
	return true;
}

void pem_free(struct pem *pem)
{
	if (!pem)
		return;
	X509_free(pem->x509);
	free(pem);
}

bool pem_is_ca(const struct pem *pem)
{
	return X509_check_ca(pem->x509) == 1;
}

bool pem_signed_by(const struct pem *pem, const struct pem *ca)
{
	bool fits = X509_NAME_cmp(X509_get_issuer_name(pem->x509),
				  X509_get_subject_name(ca->x509)) == 0 &&
		    X509_verify(pem->x509, X509_get0_pubkey(ca->x509)) == 1;

	ERR_clear_error();
	return fits;
}

bool pem_has_common_name(const struct pem *pem, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(pem->x509);
	int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = index < 0
			  ? -1
			  : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(
							       subject, index)));
	bool same = len >= 0 && bytes_equal(bytes_of(text, (size_t)len), bytes_text(name));

	OPENSSL_free(text);
	ERR_clear_error();
	return same;
}

static struct bytes name_der(const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t len = 0;

	if (!X509_NAME_get0_der(name, &der, &len))
		return bytes_of("", 0);
	return bytes_of(der, len);
}

struct bytes pem_subject(const struct pem *pem)
{
	return name_der(X509_get_subject_name(pem->x509));
}

struct bytes pem_issuer(const struct pem *pem)
{
	return name_der(X509_get_issuer_name(pem->x509));
}
