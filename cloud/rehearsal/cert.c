#include "cloud/rehearsal/cert.h"

#include "base/hex.h"

#include <openssl/err.h>
#include <time.h>

#define RSA_BITS_MIN 2048
#define GROUP_SIZE 64
#define IS_ONE_OF(list, nid) is_one_of((list), sizeof(list) / sizeof((list)[0]), (nid))

static const int curves[] = { NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1 };
static const int hashes[] = { NID_sha256, NID_sha384, NID_sha512 };

bool cert_id(const X509 *x509, char ret_id[static REGISTRY_ID_SIZE], struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!X509_digest(x509, EVP_sha256(), digest, &len))
		return err_set(e, ERR_SYSTEM, "cannot hash a certificate");
	hex_encode(bytes_of(digest, len), ret_id);
	return true;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_s, struct err *e)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm))
		return err_set(e, ERR_INVALID, "a date of the certificate cannot be read");
	*ret_s = timegm(&tm);
	return true;
}

bool cert_dates(const X509 *x509, int64_t *ret_not_before_s, int64_t *ret_not_after_s,
		struct err *e)
{
	return read_time(X509_get0_notBefore(x509), ret_not_before_s, e) &&
	       read_time(X509_get0_notAfter(x509), ret_not_after_s, e);
}

static bool is_one_of(const int *list, size_t count, int nid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == nid)
			return true;
	return false;
}

static const char *key_weakness(const EVP_PKEY *key)
{
	char group[GROUP_SIZE] = "";

	if (!key)
		return "has no key that can be read";
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) < RSA_BITS_MIN ? "has an RSA key below 2048 bits"
							     : NULL;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    !EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) ||
	    !IS_ONE_OF(curves, OBJ_sn2nid(group)))
		return "has a key that is neither RSA nor of P-256, P-384 or P-521";
	return NULL;
}

const char *cert_weakness(X509 *x509)
{
	const char *weakness = key_weakness(X509_get0_pubkey(x509));
	int hash = NID_undef;

	if (!weakness &&
	    (!X509_get_signature_info(x509, &hash, NULL, NULL, NULL) || !IS_ONE_OF(hashes, hash)))
		weakness = "is not signed with SHA-256, SHA-384 or SHA-512";
	ERR_clear_error();
	return weakness;
}
