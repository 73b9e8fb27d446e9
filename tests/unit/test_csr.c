#include "hsm/certificate/csr.h"

#include "hsm/x509/crypto.h"
#include "hsm/x509/der.h"
#include "hsm/token/spki.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PLENTY (1024 * 1024)

AUTO_DEFINE(X509_REQ, X509_REQ *, X509_REQ_free)

struct request {
	uint8_t der[CSR_DER_MAX];
	size_t len;
};

static struct csr_checker *checker;
static EVP_PKEY *p256, *p384, *rsa2048;

static int up(void **state)
{
	struct err e;

	(void)state;
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	rsa2048 = EVP_RSA_gen(2048);
	return p256 && p384 && rsa2048 && csr_checker_new(&checker, &e) ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	csr_checker_free(checker);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa2048);
	return 0;
}

static void add_extensions(X509_REQ *request)
{
	X509_EXTENSION *usage =
		X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "critical,digitalSignature");
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();

	sk_X509_EXTENSION_push(extensions, usage);
	X509_REQ_add_extensions(request, extensions);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

/* A request as OpenSSL makes it; pss: signed with RSA-PSS. */
static void make(EVP_PKEY *key, const EVP_MD *hash, bool extensions, bool pss,
		 struct request *ret_request)
{
	AUTO(X509_REQ) request = X509_REQ_new();
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context;
	uint8_t *at = ret_request->der;

	X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
				   (const uint8_t *)"T-0001", -1, -1, 0);
	X509_REQ_set_pubkey(request, key);
	if (extensions)
		add_extensions(request);
	assert_int_equal(EVP_DigestSignInit(context, &key_context, hash, NULL, key), 1);
	if (pss)
		EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
	assert_true(X509_REQ_sign_ctx(request, context) > 0);
	ret_request->len = (size_t)i2d_X509_REQ(request, &at);
}

static bool check(const uint8_t *der, size_t len, struct csr *ret_csr, struct err *e)
{
	/* A copy of the exact size, so that the address sanitizer sees a read past the end. */
	AUTO_FREE uint8_t *copy = malloc(len + (len == 0));

	memcpy(copy, der, len);
	return csr_check(checker, bytes_of(copy, len), ret_csr, e);
}

/* The slow path: what OpenSSL says of exactly these bytes. */
static bool oracle(const uint8_t *der, size_t len)
{
	const uint8_t *at = der;
	AUTO(X509_REQ) request = d2i_X509_REQ(NULL, &at, (long)len);
	bool good = request && at == der + len &&
		    X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) == 1;

	ERR_clear_error();
	return good;
}

static void good_requests_pass_both_ways(void **state)
{
	AUTO(EVP_PKEY) rsa3072 = EVP_RSA_gen(3072);
	AUTO(EVP_PKEY) rsa4096 = EVP_RSA_gen(4096);
	const struct {
		EVP_PKEY *key;
		const EVP_MD *hash;
		bool extensions;
		enum token_key_type type;
	} cases[] = {
		{ p256, EVP_sha256(), false, KEY_EC_P256 },
		{ p256, EVP_sha384(), true, KEY_EC_P256 },
		{ p256, EVP_sha512(), false, KEY_EC_P256 },
		{ p384, EVP_sha384(), true, KEY_EC_P384 },
		{ p384, EVP_sha256(), false, KEY_EC_P384 },
		{ rsa2048, EVP_sha256(), true, KEY_RSA_2048 },
		{ rsa2048, EVP_sha384(), false, KEY_RSA_2048 },
		{ rsa3072, EVP_sha512(), false, KEY_RSA_3072 },
		{ rsa4096, EVP_sha256(), true, KEY_RSA_4096 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct request request;
		struct csr csr;
		struct err e = { 0 };
		uint8_t *spki = NULL;
		int len = i2d_PUBKEY(cases[i].key, &spki);

		make(cases[i].key, cases[i].hash, cases[i].extensions, false, &request);
		assert_true(oracle(request.der, request.len));
		if (!check(request.der, request.len, &csr, &e))
			fail_msg("case %zu: %s", i, e.text);
		assert_int_equal(csr.key_type, cases[i].type);
		assert_true(
			bytes_equal(bytes_of(csr.spki, csr.spki_len), bytes_of(spki, (size_t)len)));
		csr_clear(&csr);
		assert_int_equal(csr.spki_len, 0);
		OPENSSL_free(spki);
	}
}

/* Answers of real nRF91 modems to AT%KEYGEN; two of them with NULL beside ECDSA. Data from the
 * public test suite of nRFCloud/utils (BSD-3-Clause). */
static const char *const modems[] = {
	"MIIBCjCBrwIBADAvMS0wKwYDVQQDDCQ1MDM2MzE1NC0zOTMxLTQ0ZjAtODAyMi0xMjFiNjQwMTYyN2QwWTATBgcqhk"
	"jOPQIBBggqhkjOPQMBBwNCAAQqD6pNfa29o_EXnw62bnQWr8-JqsNh_HZxS3k3bMD4KZ8-qxnvgeoiqQ5zAycEP_Wc"
	"mzqypvwyf3qWMrZ2VB5aoB4wHAYJKoZIhvcNAQkOMQ8wDTALBgNVHQ8EBAMCA-gwDAYIKoZIzj0EAwIFAANIADBFAi"
	"EAv7OLZ_dXbszfhhjcLMUT72wTmw-z6GlgWxVhyWgR27ACIAvY_lPu3yfYZY5AL6uYTkUFp4GQkbSOUC_"
	"lsHyCxOuG",
	"MIIBBzCBrwIBADAvMS0wKwYDVQQDDCQ1MDM0Mzk1Ni0zMDM3LTQ3MzgtODAwZC0xZjI5ZTBhMGY3YmYwWTATBgcqhk"
	"jOPQIBBggqhkjOPQMBBwNCAAR0N0OGqO91QKMOJdJpSsAQbotqXNto_B-3rAggRKfvLNjQxhwnNoBAZ-b8ecoNLAR3"
	"kZnx5G5K3PjNCSj3KD8hoB4wHAYJKoZIhvcNAQkOMQ8wDTALBgNVHQ8EBAMCA-gwCgYIKoZIzj0EAwIDRwAwRAIgV0"
	"WWIwPLZCMXsl8a-Umc7yTL3V4FuA3a9IEB0I1zjLECIHkrki8nS8X27nfYSLnbz_5lBvOZQjMn1ttZChLW31WO",
	"MIIBCzCBrwIBADAvMS0wKwYDVQQDDCQ1MDM2Mzk1My0zMjM0LTQ3MjMtODBiOS0xNTAzZDg4MjcxYmYwWTATBgcqhk"
	"jOPQIBBggqhkjOPQMBBwNCAAQ37lDghqs2kF2iiH8lYRDDxNMiziQRPPdw9Meb1iHfTEZNdlB1xZzMV-oK6i52p1GH"
	"YQszjoDzUAZF2zU2MTGGoB4wHAYJKoZIhvcNAQkOMQ8wDTALBgNVHQ8EBAMCA-gwDAYIKoZIzj0EAwIFAANJADBGAi"
	"EAzaMPi5NcWFYZBJGBMk0tU-TBoNDVlQUzhHWJzXKRTWsCIQCWYpYqjccA281F5Geb8SwOP3tnjS_ZbAXUgVWhTVNu"
	"vg",
};

static void decode_modem(const char *text, struct request *ret_request)
{
	char padded[1024];
	size_t len = strlen(text);
	int decoded;

	for (size_t i = 0; i < len; i++)
		padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	for (size_t pad = len; pad % 4; pad++)
		padded[pad] = '=';
	decoded =
		EVP_DecodeBlock(ret_request->der, (const uint8_t *)padded, (int)(len + 3) / 4 * 4);
	assert_true(decoded > 0);
	ret_request->len = (size_t)decoded - (4 - len % 4) % 4;
}

static void requests_of_real_modems_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(modems) / sizeof(*modems); i++) {
		struct request request;
		struct csr csr;
		struct err e = { 0 };

		decode_modem(modems[i], &request);
		assert_true(oracle(request.der, request.len));
		if (!check(request.der, request.len, &csr, &e))
			fail_msg("modem %zu: %s", i, e.text);
		assert_int_equal(csr.key_type, KEY_EC_P256);
	}
}

static void refuse_every_mutation(const struct request *good, const char *name)
{
	uint8_t bad[CSR_DER_MAX + 2];
	struct csr csr;
	struct err e = { 0 };

	assert_true(check(good->der, good->len, &csr, &e));
	for (size_t len = 0; len < good->len; len++) {
		if (check(good->der, len, &csr, &e))
			fail_msg("%s: accepted when cut off at byte %zu", name, len);
		assert_int_equal(e.code, ERR_INVALID);
	}
	memcpy(bad, good->der, good->len);
	for (size_t bit = 0; bit < 8 * good->len; bit++) {
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (check(bad, good->len, &csr, &e))
			fail_msg("%s: accepted with bit %zu of byte %zu flipped", name, bit % 8,
				 bit / 8);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned byte = 0; byte < 256; byte++) {
		bad[good->len] = (uint8_t)byte;
		if (check(bad, good->len + 1, &csr, &e))
			fail_msg("%s: accepted with a trailing byte %02x", name, byte);
	}
	memcpy(bad + good->len, "\5", 2); /* NULL: a whole element */
	assert_false(check(bad, good->len + 2, &csr, &e));
}

static void every_mutation_is_refused(void **state)
{
	struct request request;

	(void)state;
	make(p256, EVP_sha256(), true, false, &request);
	refuse_every_mutation(&request, "P-256");
	make(p384, EVP_sha384(), false, false, &request);
	refuse_every_mutation(&request, "P-384");
	make(rsa2048, EVP_sha256(), false, false, &request);
	refuse_every_mutation(&request, "RSA-2048");
	decode_modem(modems[0], &request);
	refuse_every_mutation(&request, "nRF91");
}

/* Requests that are signed by their key all right, and break a rule nevertheless: written by hand.
 */
struct shape {
	const char *name, *says;
	EVP_PKEY *key;
	const char *hash;
	struct bytes version, subject, attributes, algorithm; /* empty: a good one */
};

static const uint8_t good_name[] = { 0x30, 0 };
static const uint8_t no_attributes[] = { 0xa0, 0 };

static struct bytes either(struct bytes wanted, struct bytes usual)
{
	return wanted.data ? wanted : usual;
}

static void build(const struct shape *shape, struct bytes spki, struct request *ret_request)
{
	static const uint8_t version[] = { 0x02, 1, 0 }, unused_bits = 0;
	uint8_t info[CSR_DER_MAX], signature[600];
	struct der_writer w = der_writer(info, sizeof(info));
	struct der_writer out = der_writer(ret_request->der, sizeof(ret_request->der));
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	size_t mark = der_begin(&w, DER_SEQUENCE), len = sizeof(signature);

	der_put_raw(&w, either(shape->version, BYTES(version)));
	der_put_raw(&w, either(shape->subject, BYTES(good_name)));
	der_put_raw(&w, spki);
	der_put_raw(&w, either(shape->attributes, BYTES(no_attributes)));
	der_end(&w, mark);
	assert_true(der_ok(&w));
	assert_int_equal(
		EVP_DigestSignInit_ex(context, NULL, shape->hash, NULL, NULL, shape->key, NULL), 1);
	assert_int_equal(EVP_DigestSign(context, signature, &len, w.data, w.len), 1);
	mark = der_begin(&out, DER_SEQUENCE);
	der_put_raw(&out, der_written(&w));
	der_put_raw(&out, either(shape->algorithm,
				 spki_algorithm(EVP_PKEY_is_a(shape->key, "RSA") ? KEY_RSA_2048
										 : KEY_EC_P256)));
	w.len = 0;
	der_put_raw(&w, bytes_of(&unused_bits, 1));
	der_put_raw(&w, bytes_of(signature, len));
	der_put(&out, DER_BIT_STRING, der_written(&w));
	der_end(&out, mark);
	assert_true(der_ok(&out));
	ret_request->len = out.len;
}

static const uint8_t version_1[] = { 0x02, 1, 1 }, version_long[] = { 0x02, 2, 0, 0 };
static const uint8_t name_not_set[] = { 0x30, 3, 0x04, 1, 0 };
static const uint8_t name_empty_set[] = { 0x30, 2, 0x31, 0 };
static const uint8_t name_indefinite[] = { 0x30, 0x80, 0, 0 };
static const uint8_t name_long_length[] = { 0x30, 0x81, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06,
					    0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 'C',  'A' };
static const uint8_t attributes_bad[] = { 0xa0, 2, 0x30, 0 };
static const uint8_t attributes_missing[] = { 0x05, 0 };
static const uint8_t ecdsa_sha1[] = { 0x30, 9, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1 };
static const uint8_t ecdsa_odd[] = { 0x30, 13, 0x06, 8, 0x2a, 0x86, 0x48, 0xce,
				     0x3d, 4,  3,    2, 0x02, 1,    0 };
static const uint8_t rsa_md5[] = { 0x30, 13,   0x06, 9, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 1,    1, 4,    0x05, 0 };
static const uint8_t rsa_sha1[] = { 0x30, 13,	0x06, 9, 0x2a, 0x86, 0x48, 0x86,
				    0xf7, 0x0d, 1,    1, 5,    0x05, 0 };
static const uint8_t rsa_no_null[] = { 0x30, 11,   0x06, 9, 0x2a, 0x86, 0x48,
				       0x86, 0xf7, 0x0d, 1, 1,	  11 };

static void rules_hold_even_when_signed(void **state)
{
	static uint8_t long_name[1100] = { 0x30, 0x82, 0x04, 0x48 };
	static uint8_t deep[64];
	const struct shape shapes[] = {
		{ .name = "good EC", .key = p256, .hash = "SHA256" },
		{ .name = "good RSA", .key = rsa2048, .hash = "SHA256" },
		{ "version 1", "version", p256, "SHA256", .version = BYTES(version_1) },
		{ "long version", "DER", p256, "SHA256", .version = BYTES(version_long) },
		{ "subject no set", "subject", p256, "SHA256", .subject = BYTES(name_not_set) },
		{ "subject empty set", "subject", p256, "SHA256",
		  .subject = BYTES(name_empty_set) },
		{ "subject indefinite", "DER", p256, "SHA256", .subject = BYTES(name_indefinite) },
		{ "subject long length", "DER", p256, "SHA256",
		  .subject = BYTES(name_long_length) },
		{ "subject too long", "subject", p256, "SHA256", .subject = BYTES(long_name) },
		{ "deep nesting", "DER", p256, "SHA256", .subject = BYTES(deep) },
		{ "attributes bad", "attributes", p256, "SHA256",
		  .attributes = BYTES(attributes_bad) },
		{ "attributes missing", "attributes", p256, "SHA256",
		  .attributes = BYTES(attributes_missing) },
		{ "ECDSA SHA-1", "SHA-256", p256, "SHA1", .algorithm = BYTES(ecdsa_sha1) },
		{ "odd parameters", "parameters", p256, "SHA256", .algorithm = BYTES(ecdsa_odd) },
		{ "MD5", "SHA-256", rsa2048, "MD5", .algorithm = BYTES(rsa_md5) },
		{ "RSA SHA-1", "SHA-256", rsa2048, "SHA1", .algorithm = BYTES(rsa_sha1) },
		{ "RSA without NULL", "parameters", rsa2048, "SHA256",
		  .algorithm = BYTES(rsa_no_null) },
		{ "RSA algorithm, EC key", "fit", p256, "SHA256",
		  .algorithm = spki_algorithm(KEY_RSA_2048) },
		{ "wrong hash", "own key", p256, "SHA384", .version = { NULL, 0 } },
	};

	(void)state;
	for (size_t i = 4; i < sizeof(long_name); i += 2) /* 04 00: an empty OCTET STRING */
		long_name[i] = 0x04;
	for (size_t i = 0; i < sizeof(deep); i += 2) {
		deep[i] = i ? 0x31 : 0x30;
		deep[i + 1] = (uint8_t)(sizeof(deep) - i - 2);
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct request request;
		struct csr csr;
		struct err e = { 0 };
		uint8_t *spki = NULL;
		int len = i2d_PUBKEY(shapes[i].key, &spki);
		bool good;

		build(&shapes[i], bytes_of(spki, (size_t)len), &request);
		OPENSSL_free(spki);
		good = check(request.der, request.len, &csr, &e);
		if (good != !shapes[i].says || (!good && !strstr(e.text, shapes[i].says)))
			fail_msg("%s: %s", shapes[i].name, good ? "accepted" : e.text);
	}
}

/* Public keys that no certificate may hold. The signature does not matter: they fall before it. */
static void bad_keys_are_refused(void **state)
{
	AUTO(EVP_PKEY) rsa1024 = EVP_RSA_gen(1024);
	AUTO(EVP_PKEY) p521 = EVP_EC_gen("P-521");
	AUTO(EVP_PKEY) ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	static uint8_t good_point[65] = { 4 }, off_curve[65] = { 4, 1, 2, 3 },
		       compressed[33] = { 2, 1 }, infinity[1] = { 0 }, short_point[64] = { 4 },
		       modulus[256], even[256], exponent_one[] = { 1 },
		       exponent_even[] = { 1, 0, 0 }, exponent_3[] = { 3 },
		       exponent_long[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 }, exponent[] = { 1, 0, 1 };
	const struct {
		const char *name, *says;
		struct bytes point, modulus, exponent;
		EVP_PKEY *key;
	} cases[] = {
		{ "off curve", "not on its curve", BYTES(off_curve), .key = NULL },
		{ "zero point", "not on its curve", BYTES(good_point), .key = NULL },
		{ "infinity", "infinity", BYTES(infinity), .key = NULL },
		{ "compressed", "uncompressed", BYTES(compressed), .key = NULL },
		{ "short", "uncompressed", BYTES(short_point), .key = NULL },
		{ "RSA-1024", "1024", .key = rsa1024 },
		{ "P-521", "curve", .key = p521 },
		{ "Ed25519", "neither", .key = ed25519 },
		{ "e = 1", "exponent", .modulus = BYTES(modulus), .exponent = BYTES(exponent_one) },
		{ "e = 3", "exponent", .modulus = BYTES(modulus), .exponent = BYTES(exponent_3) },
		{ "e even", "exponent", .modulus = BYTES(modulus),
		  .exponent = BYTES(exponent_even) },
		{ "e above 2^64", "exponent", .modulus = BYTES(modulus),
		  .exponent = BYTES(exponent_long) },
		{ "even modulus", "even", .modulus = BYTES(even), .exponent = BYTES(exponent) },
		{ "no key of this modulus", "own key", .modulus = BYTES(modulus),
		  .exponent = BYTES(exponent) },
	};

	(void)state;
	memset(modulus, 0xff, sizeof(modulus));
	memset(even, 0xfe, sizeof(even));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t spki[1024], *at = spki;
		struct der_writer w = der_writer(spki, sizeof(spki));
		struct shape shape = { .key = cases[i].modulus.data ? rsa2048 : p256,
				       .hash = "SHA256" };
		struct request request;
		struct csr csr;
		struct err e = { 0 };

		if (cases[i].key)
			w.len = (size_t)i2d_PUBKEY(cases[i].key, &at);
		else if (cases[i].modulus.data)
			spki_write_rsa(&w, cases[i].modulus, cases[i].exponent);
		else
			spki_write_ec(&w, KEY_EC_P256, cases[i].point);
		build(&shape, der_written(&w), &request);
		if (check(request.der, request.len, &csr, &e) || !strstr(e.text, cases[i].says))
			fail_msg("%s: %s", cases[i].name, e.text);
		assert_int_equal(e.code, ERR_INVALID);
	}
}

/* A point whose last bit is zero may not be said to be one bit shorter. */
static void unused_bits_are_refused(void **state)
{
	static const size_t unused_at = 25;
	struct request request;
	struct csr csr;
	struct err e = { 0 };
	int len;

	(void)state;
	do {
		AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
		struct shape shape = { .key = key, .hash = "SHA256" };
		uint8_t spki[SPKI_MAX], *at = spki;

		len = i2d_PUBKEY(key, &at);
		if (spki[len - 1] & 1) {
			len = 0;
			continue;
		}
		spki[unused_at] = 1;
		build(&shape, bytes_of(spki, (size_t)len), &request);
	} while (len == 0);
	assert_false(check(request.der, request.len, &csr, &e));
	assert_non_null(strstr(e.text, "DER"));
}

static void somebody_elses_key_and_pss_are_refused(void **state)
{
	AUTO(EVP_PKEY) other = EVP_EC_gen("P-256");
	struct shape shape = { .key = other, .hash = "SHA256" };
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(p256, &spki);
	struct request request;
	struct csr csr;
	struct err e = { 0 };

	(void)state;
	build(&shape, bytes_of(spki, (size_t)len), &request);
	OPENSSL_free(spki);
	assert_false(check(request.der, request.len, &csr, &e));
	assert_non_null(strstr(e.text, "own key"));
	make(rsa2048, EVP_sha256(), false, true, &request);
	assert_false(check(request.der, request.len, &csr, &e));
	/* A refusal leaves nothing behind: the next good one passes. */
	make(p256, EVP_sha256(), false, false, &request);
	assert_true(check(request.der, request.len, &csr, &e));
}

static void nothing_and_much_are_refused(void **state)
{
	AUTO_FREE uint8_t *zeros = calloc(1, PLENTY);
	uint8_t der[CSR_DER_MAX];
	struct csr csr;
	struct err e = { 0 };
	size_t len;

	(void)state;
	assert_false(check(zeros, PLENTY, &csr, &e));
	assert_non_null(strstr(e.text, "1048576 bytes"));
	assert_false(check(zeros, 0, &csr, &e));
	assert_false(check(zeros, CSR_DER_MAX, &csr, &e));
	assert_false(csr_read(bytes_of(zeros, PLENTY), der, &len, &e));
	assert_false(csr_read(bytes_of(zeros, 100), der, &len, &e));
	assert_false(csr_read(bytes_of(zeros, 0), der, &len, &e));
}

static size_t pem(const struct request *request, const char *label, const char *before,
		  char *ret_text, size_t size)
{
	AUTO(BIO) output = BIO_new(BIO_s_mem());
	char *data;
	size_t len;

	BIO_puts(output, before);
	PEM_write_bio(output, label, "", request->der, (long)request->len);
	len = (size_t)BIO_get_mem_data(output, &data);
	assert_true(len <= size);
	memcpy(ret_text, data, len);
	return len;
}

static void files_are_read(void **state)
{
	static const struct {
		const char *label, *before;
		bool good;
	} cases[] = {
		{ "CERTIFICATE REQUEST", "", true },
		{ "NEW CERTIFICATE REQUEST", "", true },
		{ "CERTIFICATE REQUEST", "Certificate Request:\n    Data:\n", true },
		{ "CERTIFICATE REQUEST",
		  "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		  true },
		{ "CERTIFICATE", "", false },
		{ "PRIVATE KEY", "", false },
	};
	struct request request;
	uint8_t der[CSR_DER_MAX];
	struct err e = { 0 };
	size_t len;

	(void)state;
	make(p256, EVP_sha256(), false, false, &request);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[CSR_PEM_MAX];
		size_t text_len =
			pem(&request, cases[i].label, cases[i].before, text, sizeof(text));

		assert_int_equal(csr_read(bytes_of(text, text_len), der, &len, &e), cases[i].good);
		if (cases[i].good)
			assert_true(bytes_equal(bytes_of(der, len),
						bytes_of(request.der, request.len)));
	}
	assert_true(csr_read(bytes_of(request.der, request.len), der, &len, &e));
	assert_int_equal(len, request.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_requests_pass_both_ways),
		cmocka_unit_test(requests_of_real_modems_pass),
		cmocka_unit_test(every_mutation_is_refused),
		cmocka_unit_test(rules_hold_even_when_signed),
		cmocka_unit_test(bad_keys_are_refused),
		cmocka_unit_test(unused_bits_are_refused),
		cmocka_unit_test(somebody_elses_key_and_pss_are_refused),
		cmocka_unit_test(nothing_and_much_are_refused),
		cmocka_unit_test(files_are_read),
	};

	return cmocka_run_group_tests(tests, up, down);
}
