#include "hsm/token/spki.h"

#include "hsm/x509/crypto.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#define UNCOMPRESSED 0x04
#define POINT_MAX 97
#define RSA_BYTES_MAX 512
#define EXPONENT_BYTES_MAX 8
#define EXPONENT_MIN 65537

/* The elements as they stand in DER: 1.2.840.10045.2.1, 1.2.840.113549.1.1.1, prime256v1,
 * secp384r1; then AlgorithmIdentifiers of ecdsa-with-SHA256, -SHA384, sha256WithRSAEncryption. */
static const uint8_t ec_public_key[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t rsa_encryption[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					  0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t prime256v1[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t secp384r1[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				      0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t null_element[] = { 0x05, 0x00 };

static const struct type {
	const char *name, *group;
	unsigned bits;
	struct bytes curve;
	const EVP_MD *(*hash)(void);
	struct bytes algorithm;
} types[] = {
	[KEY_EC_P256] = { "ec-p256",
			  "P-256",
			  256,
			  { prime256v1, sizeof(prime256v1) },
			  EVP_sha256,
			  { ecdsa_sha256, sizeof(ecdsa_sha256) } },
	[KEY_EC_P384] = { "ec-p384",
			  "P-384",
			  384,
			  { secp384r1, sizeof(secp384r1) },
			  EVP_sha384,
			  { ecdsa_sha384, sizeof(ecdsa_sha384) } },
	[KEY_RSA_2048] = { "rsa-2048",
			   NULL,
			   2048,
			   { NULL, 0 },
			   EVP_sha256,
			   { rsa_sha256, sizeof(rsa_sha256) } },
	[KEY_RSA_3072] = { "rsa-3072",
			   NULL,
			   3072,
			   { NULL, 0 },
			   EVP_sha256,
			   { rsa_sha256, sizeof(rsa_sha256) } },
	[KEY_RSA_4096] = { "rsa-4096",
			   NULL,
			   4096,
			   { NULL, 0 },
			   EVP_sha256,
			   { rsa_sha256, sizeof(rsa_sha256) } },
};
#define TYPE_COUNT (sizeof(types) / sizeof(*types))

static const struct type *type_of(enum token_key_type type)
{
	assert(type > 0 && type < TYPE_COUNT);
	return &types[type];
}

const char *token_key_type_name(enum token_key_type type)
{
	return type_of(type)->name;
}

bool token_key_type_of(const char *name, enum token_key_type *ret_type)
{
	for (size_t i = KEY_EC_P256; i < TYPE_COUNT; i++) {
		if (strcmp(types[i].name, name) == 0) {
			*ret_type = (enum token_key_type)i;
			return true;
		}
	}
	return false;
}

bool spki_is_ec(enum token_key_type type)
{
	return type_of(type)->group != NULL;
}

unsigned spki_bits(enum token_key_type type)
{
	return type_of(type)->bits;
}

const EVP_MD *spki_hash(enum token_key_type type)
{
	return type_of(type)->hash();
}

struct bytes spki_algorithm(enum token_key_type type)
{
	return type_of(type)->algorithm;
}

struct bytes spki_curve_oid(enum token_key_type type)
{
	return type_of(type)->curve;
}

static bool parse_ec(struct bytes parameters, struct spki *spki, struct err *e)
{
	size_t coordinate;

	for (spki->type = KEY_EC_P256; spki_is_ec(spki->type); spki->type++)
		if (bytes_equal(parameters, types[spki->type].curve))
			break;
	if (!spki_is_ec(spki->type))
		return err_set(e, ERR_INVALID,
			       "the public key's curve is neither P-256 nor P-384 by name");
	coordinate = spki_bits(spki->type) / 8;
	if (spki->bits.len == 1 && spki->bits.data[0] == 0)
		return err_set(e, ERR_INVALID, "the public key is the point at infinity");
	if (spki->bits.len != 1 + 2 * coordinate || spki->bits.data[0] != UNCOMPRESSED)
		return err_set(e, ERR_INVALID,
			       "the public key is no uncompressed point of its curve");
	return true;
}

/* A positive, minimal INTEGER without its leading zero. */
static bool read_positive(struct bytes *input, struct bytes *ret_octets)
{
	struct bytes octets;

	if (!der_read(input, DER_INTEGER, &octets) || octets.len == 0 || octets.data[0] >= 0x80)
		return false;
	if (octets.data[0] == 0) {
		octets = bytes_of(octets.data + 1, octets.len - 1);
		if (octets.len == 0 || octets.data[0] < 0x80)
			return false;
	}
	*ret_octets = octets;
	return true;
}

static bool good_exponent(struct bytes exponent)
{
	uint64_t value = 0;

	if (exponent.len > EXPONENT_BYTES_MAX)
		return false;
	for (size_t i = 0; i < exponent.len; i++)
		value = value << 8 | exponent.data[i];
	return value >= EXPONENT_MIN && value % 2 == 1;
}

static bool parse_rsa(struct bytes parameters, struct spki *spki, struct err *e)
{
	struct bytes key;

	if (!bytes_equal(parameters, BYTES(null_element)) ||
	    !der_only(spki->bits, DER_SEQUENCE, &key) || !read_positive(&key, &spki->modulus) ||
	    !read_positive(&key, &spki->exponent) || key.len != 0)
		return err_set(e, ERR_INVALID, "the public key is no RSA key in DER");
	for (spki->type = KEY_RSA_2048; spki->type < TYPE_COUNT; spki->type++)
		if (spki->modulus.len == spki_bits(spki->type) / 8 && spki->modulus.data[0] >= 0x80)
			break;
	if (spki->type == TYPE_COUNT)
		return err_set(e, ERR_INVALID,
			       "the RSA key is of about %zu bits; 2048, 3072 or 4096 are allowed",
			       spki->modulus.len * 8);
	if (spki->modulus.data[spki->modulus.len - 1] % 2 == 0)
		return err_set(e, ERR_INVALID, "the RSA key's modulus is even");
	if (!good_exponent(spki->exponent))
		return err_set(e, ERR_INVALID,
			       "the RSA key's exponent is not odd, at least 65537 and below 2^64");
	return true;
}

bool spki_parse(struct bytes der, struct spki *ret_spki, struct err *e)
{
	struct spki spki = { 0 };
	struct bytes info, algorithm, parameters;
	struct der_element oid;
	bool ec;

	if (der.len > SPKI_MAX)
		return err_set(e, ERR_INVALID, "the public key is longer than %d bytes", SPKI_MAX);
	if (!der_only(der, DER_SEQUENCE, &info) || !der_read(&info, DER_SEQUENCE, &algorithm) ||
	    !der_only(info, DER_BIT_STRING, &spki.bits) || !der_next(&algorithm, &oid) ||
	    spki.bits.len < 2 || spki.bits.data[0] != 0)
		return err_set(e, ERR_INVALID, "the public key is not in DER");
	parameters = algorithm;
	spki.bits = bytes_of(spki.bits.data + 1, spki.bits.len - 1);
	ec = bytes_equal(oid.whole, BYTES(ec_public_key));
	if (!ec && !bytes_equal(oid.whole, BYTES(rsa_encryption)))
		return err_set(e, ERR_INVALID, "the public key is neither an EC nor an RSA key");
	if (ec ? !parse_ec(parameters, &spki, e) : !parse_rsa(parameters, &spki, e))
		return false;
	*ret_spki = spki;
	return true;
}

static bool key_from(const char *algorithm, OSSL_PARAM *parameters, int selection,
		     EVP_PKEY **ret_key)
{
	AUTO(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);

	*ret_key = NULL;
	return context && EVP_PKEY_fromdata_init(context) == 1 &&
	       EVP_PKEY_fromdata(context, ret_key, selection, parameters) == 1;
}

bool spki_curve(enum token_key_type type, EVP_PKEY **ret_key, struct err *e)
{
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 (char *)type_of(type)->group, 0),
		OSSL_PARAM_construct_end(),
	};

	return key_from("EC", parameters, EVP_PKEY_KEY_PARAMETERS, ret_key) ||
	       crypto_failed("prepare a curve", e);
}

/* OSSL_PARAM wants integers in the machine's order. */
static void native_integer(struct bytes octets, uint8_t *ret_integer)
{
	for (size_t i = 0; i < octets.len; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		ret_integer[i] = octets.data[octets.len - 1 - i];
#else
		ret_integer[i] = octets.data[i];
#endif
}

static bool rsa_key(const struct spki *spki, EVP_PKEY **ret_key, struct err *e)
{
	uint8_t modulus[RSA_BYTES_MAX], exponent[EXPONENT_BYTES_MAX];
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus, spki->modulus.len),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, exponent, spki->exponent.len),
		OSSL_PARAM_construct_end(),
	};

	native_integer(spki->modulus, modulus);
	native_integer(spki->exponent, exponent);
	return key_from("RSA", parameters, EVP_PKEY_PUBLIC_KEY, ret_key) ||
	       crypto_failed("prepare an RSA key", e);
}

bool spki_key(const struct spki *spki, EVP_PKEY **ret_key, struct err *e)
{
	AUTO(EVP_PKEY) key = NULL;

	if (!spki_is_ec(spki->type))
		return rsa_key(spki, ret_key, e);
	if (!spki_curve(spki->type, &key, e))
		return false;
	if (EVP_PKEY_set1_encoded_public_key(key, spki->bits.data, spki->bits.len) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INVALID,
			       "the public key is a point that is not on its curve");
	}
	*ret_key = TAKE(key);
	return true;
}

static void write_spki(struct der_writer *w, struct bytes oid, struct bytes parameters,
		       struct bytes bits)
{
	static const uint8_t unused_bits = 0;
	size_t info = der_begin(w, DER_SEQUENCE);
	size_t part = der_begin(w, DER_SEQUENCE);

	der_put_raw(w, oid);
	der_put_raw(w, parameters);
	der_end(w, part);
	part = der_begin(w, DER_BIT_STRING);
	der_put_raw(w, bytes_of(&unused_bits, 1));
	der_put_raw(w, bits);
	der_end(w, part);
	der_end(w, info);
}

void spki_write_ec(struct der_writer *w, enum token_key_type type, struct bytes point)
{
	write_spki(w, BYTES(ec_public_key), spki_curve_oid(type), point);
}

void spki_write_rsa(struct der_writer *w, struct bytes modulus, struct bytes exponent)
{
	uint8_t key[SPKI_MAX];
	struct der_writer inner = der_writer(key, sizeof(key));
	size_t sequence = der_begin(&inner, DER_SEQUENCE);

	der_put_integer(&inner, modulus);
	der_put_integer(&inner, exponent);
	der_end(&inner, sequence);
	w->overflow |= !der_ok(&inner);
	write_spki(w, BYTES(rsa_encryption), BYTES(null_element), der_written(&inner));
}
