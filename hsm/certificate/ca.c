#include "hsm/certificate/certificate.h"

#include "base/clock.h"
#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>

#define PATH_CERTIFICATES_MAX 8
#define NAME_TEXT_MAX 128
#define SECURITY_LEVEL 2 /* no SHA-1, no RSA below 2048 bits anywhere in the path */

typedef STACK_OF(X509) * auto_type_path;
static inline void auto_path(auto_type_path *path)
{
	sk_X509_pop_free(*path, X509_free);
}

static const char *name_text(X509 *certificate, char text[static NAME_TEXT_MAX])
{
	return X509_NAME_oneline(X509_get_subject_name(certificate), text, NAME_TEXT_MAX);
}

static int64_t time_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : -1;
}

static bool keep_certificate(struct bytes der, struct ca *ca, struct err *e)
{
	const uint8_t *at = der.data;
	struct x509_view view;
	struct spki spki;

	if (der.len > sizeof(ca->der))
		return err_set(e, ERR_INVALID, "the CA certificate is longer than %zu bytes",
			       sizeof(ca->der));
	memcpy(ca->der, der.data, der.len);
	ca->der_len = der.len;
	ca->certificate = d2i_X509(NULL, &at, (long)der.len);
	if (!ca->certificate || at != der.data + der.len) {
		ERR_clear_error();
		return err_set(e, ERR_INVALID, "this is no certificate");
	}
	if (!x509_view(bytes_of(ca->der, ca->der_len), &view, e))
		return false;
	if (!spki_parse(view.spki, &spki, e) || !spki_key(&spki, &ca->key, e))
		return err_add(e, "the CA certificate");
	ca->key_type = spki.type;
	ca->subject = view.subject;
	ca->spki = view.spki;
	return SHA256(ca->der, ca->der_len, ca->id) || crypto_failed("hash the CA certificate", e);
}

/* RFC 5280 4.2.1.1: the AKI's keyIdentifier is the issuer's SKI; without one it is made the same
 * way from the key. */
static bool keep_key_id(struct ca *ca, struct err *e)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca->certificate);
	size_t len = id ? (size_t)ASN1_STRING_length(id) : 0;

	if (len > CA_KEY_ID_MAX)
		return err_set(e, ERR_INVALID,
			       "the CA's subjectKeyIdentifier is longer than %d bytes",
			       CA_KEY_ID_MAX);
	ca->key_id_len = len ? len : X509_KEY_ID_LEN;
	if (len == 0)
		return x509_key_id(ca->spki, ca->key_id, e);
	memcpy(ca->key_id, ASN1_STRING_get0_data(id), len);
	return true;
}

/* The seeds' CAs have no keyUsage at all: then it may sign certificates. */
static bool check_purpose(X509 *certificate, struct err *e)
{
	char name[NAME_TEXT_MAX];
	uint32_t flags;

	X509_check_purpose(certificate, -1, 0); /* fills its cache, which threads share later */
	flags = X509_get_extension_flags(certificate);
	if (flags & EXFLAG_INVALID)
		return err_set(e, ERR_INVALID, "the extensions of %s are malformed",
			       name_text(certificate, name));
	if (!(flags & EXFLAG_BCONS) || !(flags & EXFLAG_CA))
		return err_set(e, ERR_INVALID,
			       "%s is no CA certificate: its basicConstraints do not say CA:TRUE",
			       name_text(certificate, name));
	if (flags & EXFLAG_KUSAGE && !(X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN))
		return err_set(e, ERR_INVALID,
			       "%s may not sign certificates: its keyUsage lacks keyCertSign",
			       name_text(certificate, name));
	return true;
}

static bool check_validity(struct ca *ca, int64_t now_s, struct err *e)
{
	char text[CLOCK_TEXT_SIZE];

	ca->not_before = time_of(X509_get0_notBefore(ca->certificate));
	ca->not_after = time_of(X509_get0_notAfter(ca->certificate));
	if (now_s == CA_ANY_TIME)
		return true;
	if (now_s < ca->not_before)
		return err_set(e, ERR_INVALID, "the CA certificate begins only at %s",
			       clock_format(ca->not_before, text));
	if (now_s > ca->not_after)
		return err_set(e, ERR_INVALID, "the CA certificate ended at %s",
			       clock_format(ca->not_after, text));
	return true;
}

/* Sorts the certificates above the CA into roots and those between. */
static bool read_chain(struct bytes chain, STACK_OF(X509) * between, X509_STORE *roots,
		       size_t *ret_count, struct err *e)
{
	size_t count = 0;

	for (; chain.len > 0; count++) {
		const uint8_t *at = chain.data;
		AUTO(X509) certificate = d2i_X509(NULL, &at, (long)chain.len);

		if (!certificate || count + 1 == PATH_CERTIFICATES_MAX)
			return err_set(e, ERR_INVALID,
				       "the chain is not made of 1 to %d certificates",
				       PATH_CERTIFICATES_MAX - 1);
		if (!check_purpose(certificate, e))
			return err_add(e, "the chain");
		if (X509_get_extension_flags(certificate) & EXFLAG_SS) {
			if (X509_STORE_add_cert(roots, certificate) != 1)
				return crypto_failed("keep a root certificate", e);
		} else if (sk_X509_push(between, certificate)) {
			TAKE(certificate);
		}
		chain = bytes_of(at, chain.len - (size_t)(at - chain.data));
	}
	*ret_count = count;
	return true;
}

/* pathLenConstraint counts the CAs below that are not self-issued; our CA is one of them, and
 * libcrypto, which checks it as the end of the path, does not count it. */
static bool check_lengths(STACK_OF(X509) * path, struct err *e)
{
	char name[NAME_TEXT_MAX];
	long below = 0, allowed;

	for (int i = 0; i < sk_X509_num(path); i++) {
		allowed = X509_get_pathlen(sk_X509_value(path, i));
		if (allowed >= 0 && below > allowed)
			return err_set(e, ERR_INVALID,
				       "%s allows no CA so far below it (pathLenConstraint %ld)",
				       name_text(sk_X509_value(path, i), name), allowed);
		below += !(X509_get_extension_flags(sk_X509_value(path, i)) & EXFLAG_SI);
	}
	return true;
}

static bool keep_path(struct ca *ca, STACK_OF(X509) * path, size_t given, struct err *e)
{
	if ((size_t)sk_X509_num(path) != given + 1)
		return err_set(e, ERR_INVALID,
			       "the chain holds a certificate that is not above the CA: give the "
			       "CA's own certificate first, then only those above it");
	if (!check_lengths(path, e))
		return false;
	for (int i = 1; i < sk_X509_num(path); i++) {
		uint8_t *at = ca->chain + ca->chain_len;
		int len = i2d_X509(sk_X509_value(path, i), NULL);

		if (len <= 0 || (size_t)len > sizeof(ca->chain) - ca->chain_len)
			return err_set(e, ERR_INVALID, "the chain is longer than %zu bytes",
				       sizeof(ca->chain));
		ca->chain_len += (size_t)i2d_X509(sk_X509_value(path, i), &at);
	}
	return true;
}

static bool path_error(X509_STORE_CTX *context, struct err *e)
{
	X509 *at = X509_STORE_CTX_get_current_cert(context);
	int error = X509_STORE_CTX_get_error(context);
	char name[NAME_TEXT_MAX];

	ERR_clear_error();
	if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT)
		return err_set(e, ERR_INVALID,
			       "the issuer of %s is not there: give the certificates above the CA, "
			       "too, up to the self-signed root",
			       at ? name_text(at, name) : "a certificate");
	return err_set(e, ERR_INVALID, "the path from the CA to its root: %s: %s",
		       at ? name_text(at, name) : "a certificate",
		       X509_verify_cert_error_string(error));
}

static bool check_path(struct ca *ca, struct bytes chain, int64_t now_s, struct err *e)
{
	AUTO(X509_STORE) roots = X509_STORE_new();
	AUTO(X509_STORE_CTX) context = X509_STORE_CTX_new();
	AUTO(path) between = sk_X509_new_null();
	X509_VERIFY_PARAM *parameters;
	size_t given;

	if (!roots || !context || !between)
		return crypto_failed("check the CA's path", e);
	if (!read_chain(chain, between, roots, &given, e)) {
		ERR_clear_error();
		return false;
	}
	if (X509_get_extension_flags(ca->certificate) & EXFLAG_SS)
		X509_STORE_add_cert(roots, ca->certificate);
	if (X509_STORE_CTX_init(context, roots, ca->certificate, between) != 1)
		return crypto_failed("check the CA's path", e);
	parameters = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CHECK_SS_SIGNATURE);
	if (now_s == CA_ANY_TIME) /* a time that is set would win over this flag */
		X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
	else
		X509_VERIFY_PARAM_set_time(parameters, (time_t)now_s);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	if (X509_verify_cert(context) != 1)
		return path_error(context, e);
	return keep_path(ca, X509_STORE_CTX_get0_chain(context), given, e);
}

bool ca_load(struct bytes der, struct bytes chain, int64_t now_s, struct ca **ret_ca, struct err *e)
{
	AUTO(ca) ca = calloc(1, sizeof(*ca));
	bool done;

	if (!ca)
		return err_set(e, ERR_SYSTEM, "no memory for the CA certificate");
	done = keep_certificate(der, ca, e) && check_purpose(ca->certificate, e) &&
	       check_validity(ca, now_s, e) && check_path(ca, chain, now_s, e) &&
	       keep_key_id(ca, e);
	ERR_clear_error(); /* libcrypto's, of what was looked at */
	if (done)
		*ret_ca = TAKE(ca);
	return done;
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
	free(ca);
}

struct bytes ca_spki(const struct ca *ca)
{
	return ca->spki;
}
