#include "hsm/certificate/csr.h"

#include "hsm/x509/crypto.h"
#include "hsm/x509/der.h"
#include "hsm/token/spki.h"

#include <openssl/sha.h>

#define SUBJECT_MAX 1024
#define ATTRIBUTES_MAX 2048

/* One EC key a curve: putting a point into it is far cheaper than making a key. */
struct csr_checker {
	EVP_PKEY *curves[KEY_EC_P384 + 1];
};

/* RFC 2986: CertificationRequest and its CertificationRequestInfo, as views. */
struct request {
	struct bytes info, spki, algorithm, signature;
};

/* Signature algorithms: the OIDs' content, hash, and whether the key is an EC key. */
static const struct algorithm {
	uint8_t oid[9];
	size_t oid_len;
	const EVP_MD *(*hash)(void);
	bool ec;
} algorithms[] = {
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 }, 8, EVP_sha256, true },
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3 }, 8, EVP_sha384, true },
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4 }, 8, EVP_sha512, true },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11 }, 9, EVP_sha256, false },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12 }, 9, EVP_sha384, false },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13 }, 9, EVP_sha512, false },
};

bool csr_checker_new(struct csr_checker **ret_checker, struct err *e)
{
	AUTO(csr_checker) checker = calloc(1, sizeof(*checker));

	if (!checker)
		return err_set(e, ERR_SYSTEM, "no memory to check requests");
	if (!spki_curve(KEY_EC_P256, &checker->curves[KEY_EC_P256], e) ||
	    !spki_curve(KEY_EC_P384, &checker->curves[KEY_EC_P384], e))
		return false;
	*ret_checker = TAKE(checker);
	return true;
}

void csr_checker_free(struct csr_checker *checker)
{
	if (!checker)
		return;
	EVP_PKEY_free(checker->curves[KEY_EC_P256]);
	EVP_PKEY_free(checker->curves[KEY_EC_P384]);
	free(checker);
}

static bool broken(struct err *e, const char *rule)
{
	return err_set(e, ERR_INVALID, "%s", rule);
}

/* SET OF pairs of an OID and something: what a Name and the attributes consist of. */
static bool read_pairs(struct bytes set)
{
	struct bytes pair, oid;
	struct der_element value;

	if (set.len == 0)
		return false;
	while (set.len > 0)
		if (!der_read(&set, DER_SEQUENCE, &pair) || !der_read(&pair, DER_OID, &oid) ||
		    !der_next(&pair, &value) || pair.len != 0)
			return false;
	return true;
}

static bool read_subject(struct bytes *info, struct err *e)
{
	struct bytes name, set;

	if (!der_read(info, DER_SEQUENCE, &name) || name.len > SUBJECT_MAX)
		return broken(e, "the CSR's subject is missing or too long");
	while (name.len > 0)
		if (!der_read(&name, DER_SET, &set) || !read_pairs(set))
			return broken(e, "the CSR's subject is malformed");
	return true;
}

static bool read_attributes(struct bytes *info, struct err *e)
{
	struct bytes attributes, attribute, oid, values;

	if (!der_read(info, DER_CONTEXT_CONSTRUCTED | 0, &attributes) || info->len != 0)
		return broken(e, "the CSR's attributes are missing, or bytes follow them");
	if (attributes.len > ATTRIBUTES_MAX)
		return broken(e, "the CSR's attributes are too long");
	while (attributes.len > 0)
		if (!der_read(&attributes, DER_SEQUENCE, &attribute) ||
		    !der_read(&attribute, DER_OID, &oid) ||
		    !der_only(attribute, DER_SET, &values) || values.len == 0)
			return broken(e, "the CSR's attributes are malformed");
	return true;
}

static bool read_info(struct bytes info, struct request *request, struct err *e)
{
	struct bytes version;
	struct der_element spki;

	if (!der_read(&info, DER_INTEGER, &version) || version.len != 1 || version.data[0] != 0)
		return broken(e, "the CSR's version is not 0");
	if (!read_subject(&info, e))
		return false;
	if (!der_next(&info, &spki))
		return broken(e, "the CSR has no public key");
	request->spki = spki.whole;
	return read_attributes(&info, e);
}

static bool read_request(struct bytes der, struct request *request, struct err *e)
{
	struct der_element info;
	struct bytes all;

	if (der.len > CSR_DER_MAX)
		return err_set(e, ERR_INVALID, "the CSR has %zu bytes; at most %d are allowed",
			       der.len, CSR_DER_MAX);
	if (!der_only(der, DER_SEQUENCE, &all))
		return broken(e, "the CSR is cut off, has bytes behind its end, or is no DER");
	if (!der_strict(der))
		return broken(e, "the CSR is not strict DER");
	if (!der_next(&all, &info) || info.tag != DER_SEQUENCE ||
	    !der_read(&all, DER_SEQUENCE, &request->algorithm) ||
	    !der_only(all, DER_BIT_STRING, &request->signature) || request->signature.len < 2 ||
	    request->signature.data[0] != 0)
		return broken(e, "the CSR is not made of info, algorithm and signature");
	request->info = info.whole;
	request->signature = bytes_of(request->signature.data + 1, request->signature.len - 1);
	return read_info(info.content, request, e);
}

/* NULL parameters belong to RSA only (RFC 4055, RFC 5758); nRF91 modems put them beside ECDSA, too,
 * where they change nothing. */
static bool find_algorithm(struct bytes identifier, bool ec, const EVP_MD **ret_hash, struct err *e)
{
	struct bytes oid, null;

	if (!der_read(&identifier, DER_OID, &oid))
		return broken(e, "the CSR's signature algorithm is malformed");
	if (identifier.len == 0 ? !ec : !der_only(identifier, DER_NULL, &null))
		return broken(e, "the CSR's signature algorithm has wrong parameters");
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		if (!bytes_equal(oid, bytes_of(algorithms[i].oid, algorithms[i].oid_len)))
			continue;
		if (algorithms[i].ec != ec)
			return broken(e, "the CSR's signature algorithm does not fit its key");
		*ret_hash = algorithms[i].hash();
		return true;
	}
	return broken(e, "the CSR's signature algorithm is not ECDSA or RSA (PKCS#1 v1.5) with "
			 "SHA-256, SHA-384 or SHA-512");
}

/* The key to verify with: the checker's own for a curve, a fresh one for RSA. */
static bool take_key(struct csr_checker *checker, const struct spki *spki, EVP_PKEY **ret_key,
		     struct err *e)
{
	if (!spki_is_ec(spki->type))
		return spki_key(spki, ret_key, e);
	if (EVP_PKEY_set1_encoded_public_key(checker->curves[spki->type], spki->bits.data,
					     spki->bits.len) != 1 ||
	    EVP_PKEY_up_ref(checker->curves[spki->type]) != 1) {
		ERR_clear_error();
		return broken(e, "the public key is a point that is not on its curve");
	}
	*ret_key = checker->curves[spki->type];
	return true;
}

static bool check_possession(struct csr_checker *checker, const struct request *request,
			     const struct spki *spki, struct err *e)
{
	AUTO(EVP_MD_CTX) context = NULL;
	AUTO(EVP_PKEY) key = NULL;
	const EVP_MD *hash = NULL;
	bool good;

	if (!find_algorithm(request->algorithm, spki_is_ec(spki->type), &hash, e))
		return false;
	if (!take_key(checker, spki, &key, e))
		return err_add(e, "the CSR");
	context = EVP_MD_CTX_new();
	if (!context || EVP_DigestVerifyInit(context, NULL, hash, NULL, key) != 1)
		return crypto_failed("verify a CSR", e);
	good = EVP_DigestVerify(context, request->signature.data, request->signature.len,
				request->info.data, request->info.len) == 1;
	ERR_clear_error();
	return good || broken(e, "the CSR's signature is not by its own key");
}

bool csr_check(struct csr_checker *checker, struct bytes der, struct csr *ret_csr, struct err *e)
{
	struct request request;
	struct spki spki;

	if (!read_request(der, &request, e))
		return false;
	if (!spki_parse(request.spki, &spki, e))
		return err_add(e, "the CSR");
	if (!check_possession(checker, &request, &spki, e))
		return false;
	if (!SHA256(request.spki.data, request.spki.len, ret_csr->key_sha256))
		return crypto_failed("hash a public key", e);
	ret_csr->key_type = spki.type;
	memcpy(ret_csr->spki, request.spki.data, request.spki.len);
	ret_csr->spki_len = request.spki.len;
	return true;
}

void csr_clear(struct csr *csr)
{
	memset(csr, 0, sizeof(*csr));
}

static bool is_request(const char *label)
{
	return strcmp(label, PEM_STRING_X509_REQ) == 0 ||
	       strcmp(label, PEM_STRING_X509_REQ_OLD) == 0;
}

/* The first request among the PEM blocks of a text; others, such as EC PARAMETERS, are passed. */
static bool read_pem(struct bytes text, uint8_t *ret_der, size_t *ret_len, struct err *e)
{
	AUTO(BIO) input = BIO_new_mem_buf(text.data, (int)text.len);
	bool found = false, fits = false;
	uint8_t *data;
	char *label, *header;
	long len;

	if (!input)
		return crypto_failed("read a CSR", e);
	while (!found && PEM_read_bio(input, &label, &header, &data, &len) == 1) {
		found = is_request(label);
		fits = found && len <= CSR_DER_MAX;
		if (fits) {
			memcpy(ret_der, data, (size_t)len);
			*ret_len = (size_t)len;
		}
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	ERR_clear_error();
	if (found && !fits)
		return broken(e, "the CSR is too long");
	return found || broken(e, "this is no CSR: neither PEM (\"BEGIN CERTIFICATE REQUEST\") nor "
				  "DER");
}

bool csr_read(struct bytes text, uint8_t *ret_der, size_t *ret_len, struct err *e)
{
	if (text.len > CSR_PEM_MAX)
		return err_set(e, ERR_INVALID, "the CSR has %zu bytes; at most %d are allowed",
			       text.len, CSR_PEM_MAX);
	if (text.len == 0 || text.data[0] != DER_SEQUENCE)
		return read_pem(text, ret_der, ret_len, e);
	if (text.len > CSR_DER_MAX)
		return broken(e, "the CSR is too long");
	memcpy(ret_der, text.data, text.len);
	*ret_len = text.len;
	return true;
}
