#include "cloud/rehearsal/rest/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

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

static bool check_dates(struct pem *pem, const char *what, struct err *e)
{
	int64_t now_ms = registry_now_ms(), from_s, until_s;

	if (!cert_dates(pem->x509, &from_s, &until_s, e))
		return invalid(what, "has dates that cannot be read", e);
	pem->not_before_ms = from_s * 1000;
	pem->not_after_ms = until_s * 1000;
	if (now_ms < pem->not_before_ms)
		return invalid(what, "is not valid yet: check its dates and the clock", e);
	return now_ms <= pem->not_after_ms || invalid(what, "has expired", e);
}

bool pem_read(const char *text, const char *what, struct pem **ret_pem, struct err *e)
{
	AUTO(pem) pem = calloc(1, sizeof(*pem));
	const char *weakness;

	if (!pem)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!parse(text, what, &pem->x509, e))
		return false;
	weakness = cert_weakness(pem->x509);
	if (weakness)
		return invalid(what, weakness, e);
	if (!check_dates(pem, what, e) || !cert_id(pem->x509, pem->id, e))
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
