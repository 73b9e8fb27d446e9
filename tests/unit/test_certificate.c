#include "hsm/certificate/certificate.h"

#include "base/clock.h"
#include "hsm/api/refusal.h"
#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"
#include "tests/unit/soft.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW INT64_C(1795324416) /* 2026-11-22T05:13:36Z */
#define DAY INT64_C(86400)
#define CODE_WITH_G "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CODE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

AUTO_DEFINE(X509_CRL, X509_CRL *, X509_CRL_free)

static struct token_config config;
static struct token *token;
static struct token_key *keys[2]; /* P-256 and RSA-2048: the CA's */
static struct ca *cas[2];
static EVP_PKEY *board;
static uint8_t board_spki[SPKI_MAX];
static size_t board_spki_len;
static const uint8_t serial[16] = { 0x5a, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
static struct product product;

/* A self-signed CA for a key in the token. */
static struct ca *make_ca(struct token_key *key, struct bytes spki, struct err *e)
{
	uint8_t extensions[256], body[2048], der[CERTIFICATE_MAX];
	static const uint8_t name[] = { 0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
					0x55, 0x04, 0x03, 0x0c, 0x02, 'C',  'A' };
	struct der_writer ext = der_writer(extensions, sizeof(extensions));
	struct der_writer w = der_writer(body, sizeof(body));
	struct x509_body parts = { .serial = BYTES(serial),
				   .algorithm = token_algorithm(key),
				   .issuer = BYTES(name),
				   .subject = BYTES(name),
				   .spki = spki,
				   .not_before = NOW - DAY,
				   .not_after = NOW + 1000 * DAY };
	uint8_t id[X509_KEY_ID_LEN];
	struct ca *ca = NULL;
	size_t len;

	if (!x509_key_id(spki, id, e))
		return NULL;
	x509_write_constraints(&ext, true);
	x509_write_usage(&ext, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	x509_write_key_id(&ext, BYTES(id));
	parts.extensions = der_written(&ext);
	x509_write_body(&w, &parts);
	if (!x509_sign(key, token_public(key), der_written(&w), der, sizeof(der), &len, e) ||
	    !ca_load(bytes_of(der, len), bytes_of(NULL, 0), NOW, &ca, e))
		return NULL;
	ca->signer = key;
	return ca;
}

static int up(void **state)
{
	static const enum token_key_type types[] = { KEY_EC_P256, KEY_RSA_2048 };
	uint8_t spki[2][SPKI_MAX], *at = board_spki;
	struct err e = { 0 };
	size_t len[2];

	(void)state;
	board = EVP_EC_gen("P-256");
	board_spki_len = (size_t)i2d_PUBKEY(board, &at);
	if (!soft_up(&config, &e) || !token_open(&config, &token, &e))
		goto failed;
	for (size_t i = 0; i < 2; i++)
		if (!token_make_key(token, types[i], "ca", spki[i], &len[i], &e))
			goto failed;
	for (size_t i = 0; i < 2; i++) {
		if (!token_key(token, bytes_of(spki[i], len[i]), &keys[i], &e))
			goto failed;
		cas[i] = make_ca(keys[i], bytes_of(spki[i], len[i]), &e);
		if (!cas[i])
			goto failed;
	}
	return 0;
failed:
	print_error("%s\n", e.text);
	return -1;
}

static int down(void **state)
{
	(void)state;
	ca_free(cas[0]);
	ca_free(cas[1]);
	token_close(token);
	EVP_PKEY_free(board);
	soft_down();
	return 0;
}

static int reset_product(void **state)
{
	(void)state;
	memset(&product, 0, sizeof(product));
	strcpy(product.name, "thermostat");
	strcpy(product.subject, "O=Brand\\, Inc.,C=DE,CN={unit}");
	product.key_types = 1u << KEY_EC_P256;
	product.key_usage = KU_DIGITAL_SIGNATURE;
	strcpy(product.extended_key_usage[0], "clientAuth");
	product.extended_key_usage_count = 1;
	return 0;
}

static struct certificate_plan plan_for(const char *unit)
{
	return (struct certificate_plan) { .product = &product,
					   .unit = unit,
					   .order = "WO-1",
					   .spki = bytes_of(board_spki, board_spki_len),
					   .serial = BYTES(serial),
					   .now_s = NOW };
}

static X509 *issue(const struct ca *ca, const struct certificate_plan *plan, uint8_t *ret_der,
		   size_t *ret_len)
{
	const uint8_t *at = ret_der;
	struct err e = { 0 };
	struct tbs tbs;
	X509 *certificate;

	if (!certificate_compose(ca, plan, &tbs, &e) ||
	    !certificate_sign(ca, &tbs, ret_der, ret_len, &e))
		fail_msg("%s", e.text);
	certificate = d2i_X509(NULL, &at, (long)*ret_len);
	assert_non_null(certificate);
	assert_ptr_equal(at, ret_der + *ret_len);
	return certificate;
}

static void verify_strictly(X509 *certificate, const struct ca *ca, bool crl_too, X509_CRL *crl,
			    int wanted)
{
	AUTO(X509_STORE) store = X509_STORE_new();
	AUTO(X509_STORE_CTX) context = X509_STORE_CTX_new();

	X509_STORE_add_cert(store, ca->certificate);
	if (crl_too)
		X509_STORE_add_crl(store, crl);
	X509_STORE_CTX_init(context, store, certificate, NULL);
	X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE |
						  (crl_too ? X509_V_FLAG_CRL_CHECK : 0));
	X509_STORE_CTX_set_time(context, 0, (time_t)NOW);
	X509_verify_cert(context);
	if (X509_STORE_CTX_get_error(context) != wanted)
		fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
}

static const char *text_of(BIO *output)
{
	char *data;

	BIO_write(output, "", 1);
	BIO_get_mem_data(output, &data);
	return data;
}

static void certificates_are_strictly_valid(void **state)
{
	const struct certificate_plan plan = plan_for("T-0001");
	uint8_t der[CERTIFICATE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(X509) certificate = issue(cas[i], &plan, der, &len);
		AUTO(BIO) output = BIO_new(BIO_s_mem());

		verify_strictly(certificate, cas[i], false, NULL, X509_V_OK);
		assert_int_equal(X509_get_version(certificate), X509_VERSION_3);
		assert_int_equal(X509_check_ca(certificate), 0);
		assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
		assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_CLIENT);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), board), 1);
		assert_int_equal(X509_check_issued(cas[i]->certificate, certificate), X509_V_OK);
		X509_NAME_print_ex(output, X509_get_subject_name(certificate), 0,
				   XN_FLAG_RFC2253 & ~(unsigned long)XN_FLAG_DN_REV);
		assert_string_equal(text_of(output), "O=Brand\\, Inc.,C=DE,CN=T-0001");
	}
}

static int64_t time_at(const ASN1_TIME *time)
{
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
	return timegm(&tm);
}

static void times_are_as_the_product_says(void **state)
{
	static const struct {
		uint32_t days;
		int64_t not_after;
		int type;
	} cases[] = {
		{ PRODUCT_NO_END, X509_NO_END, V_ASN1_GENERALIZEDTIME },
		{ 30, NOW + 30 * DAY, V_ASN1_UTCTIME },
		{ 8440, NOW + 8440 * DAY, V_ASN1_UTCTIME },	    /* 2049-12-31 */
		{ 8441, NOW + 8441 * DAY, V_ASN1_GENERALIZEDTIME }, /* 2050-01-01 */
	};
	uint8_t der[CERTIFICATE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct certificate_plan plan = plan_for("T-0001");
		AUTO(X509) certificate = NULL;

		product.validity_days = cases[i].days;
		certificate = issue(cas[0], &plan, der, &len);
		assert_int_equal(time_at(X509_get0_notBefore(certificate)), NOW - 3600);
		assert_int_equal(time_at(X509_get0_notAfter(certificate)), cases[i].not_after);
		assert_int_equal(X509_get0_notAfter(certificate)->type, cases[i].type);
		verify_strictly(certificate, cas[0], false, NULL, X509_V_OK);
	}
}

static void the_ca_bounds_the_beginning(void **state)
{
	struct certificate_plan plan = plan_for("T-0001");
	static const struct {
		int64_t now_s;
		bool good;
	} cases[] = {
		{ NOW - DAY - 1, false },	 { NOW - DAY, true },
		{ NOW - DAY + 10, true },	 { NOW + 1000 * DAY, true },
		{ NOW + 1000 * DAY + 1, false },
	};
	struct err e = { 0 };
	struct tbs tbs;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		plan.now_s = cases[i].now_s;
		assert_int_equal(certificate_compose(cas[0], &plan, &tbs, &e), cases[i].good);
		if (!cases[i].good)
			assert_int_equal(e.code, REFUSAL_CA);
	}
	plan.now_s = NOW - DAY + 10;
	{
		uint8_t der[CERTIFICATE_MAX];
		size_t len;
		AUTO(X509) certificate = issue(cas[0], &plan, der, &len);

		assert_int_equal(time_at(X509_get0_notBefore(certificate)), NOW - DAY);
	}
}

/* A unit id is a value, whatever it holds: one CN, and it reads back as it was. */
static void a_unit_id_is_never_syntax(void **state)
{
	static const char *const units[] = {
		"T-0001", "a,CN=evil", "a+O=evil", "#0401ff", " lead", "trail ",
		"back\\", "\\,",       "a=b",	   "\"q\"",   "<>;",   "{order}",
		"%s%n",	  "a\\2cb",    ",",	   "+",	      "  ",    "\\\\",
	};
	uint8_t der[CERTIFICATE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct certificate_plan plan = plan_for(units[i]);
		AUTO(X509) certificate = issue(cas[0], &plan, der, &len);
		X509_NAME *name = X509_get_subject_name(certificate);
		char text[128];

		assert_int_equal(X509_NAME_entry_count(name), 3);
		X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text));
		assert_string_equal(text, units[i]);
	}
}

static void subjects_are_read_or_refused(void **state)
{
	static const struct {
		const char *subject, *says; /* says NULL: good */
	} cases[] = {
		{ "CN={unit}", NULL },
		{ "  CN = {unit} , O = x ", NULL },
		{ "serialNumber={unit},dnQualifier=1,DC=example,UID=u,2.5.4.97=v", NULL },
		{ "CN=\xc3\xbc{unit}", NULL },
		{ "CN=\\C3\\BC", NULL },
		{ "CN=a=b", NULL },
		{ "", "TYPE=VALUE" },
		{ "CN", "TYPE=VALUE" },
		{ "CN={unit},", "TYPE=VALUE" },
		{ "=x", "attribute type" },
		{ "CN=", "0 characters" },
		{ "XX=1", "attribute type" },
		{ "1.2.999999999999999999999999999999999999999999999999999999999999999=1",
		  "attribute type" },
		{ "C=DEU", "1 to 2" },
		{ "C=D\xc3\x84", "not allowed" },
		{ "serialNumber=a_b", "not allowed" },
		{ "CN=a+O=b", "backslash" },
		{ "CN=\"a\"", "backslash" },
		{ "CN=#0401", "hexadecimal" },
		{ "CN=a\\", "escapes nothing" },
		{ "CN=a\\x", "escapes nothing" },
		{ "CN=\\00", "not allowed" },
		{ "CN=\xff", "not allowed" },
		{ "CN=\xc0\x80", "not allowed" },
		{ "CN=\xed\xa0\x80", "not allowed" },
		{ "CN=12345678901234567890123456789012345678901234567890123456789012345",
		  "1 to 64" },
		{ "CN={board}", "{board}" },
		{ "O=1,O=2,O=3,O=4,O=5,O=6,O=7,O=8,O=9,O=10,O=11,O=12,O=13,O=14,O=15,O=16,O=17",
		  "at most 16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct certificate_plan plan = plan_for("T-0001");
		struct err e = { 0 };
		struct tbs tbs;
		bool good;

		strcpy(product.subject, cases[i].subject);
		good = certificate_compose(cas[0], &plan, &tbs, &e);
		if (good != !cases[i].says || (!good && !strstr(e.text, cases[i].says)))
			fail_msg("%s: %s", cases[i].subject, good ? "accepted" : e.text);
	}
}

static void alternative_names_are_written_or_refused(void **state)
{
	static const struct {
		const char *san, *unit, *shown; /* shown NULL: refused */
	} cases[] = {
		{ "DNS:{unit}.example.com", "t-1", "DNS:t-1.example.com" },
		{ "URI:urn:brand:{unit}", "t-1", "URI:urn:brand:t-1" },
		{ "EMAIL:{unit}@example.com", "t-1", "email:t-1@example.com" },
		{ "IP:192.0.2.1", "t-1", "IP Address:192.0.2.1" },
		{ "IP:2001:db8::1", "t-1", "IP Address:2001:DB8:0:0:0:0:0:1" },
		{ "DNS:{unit}.example.com", "a b", NULL },
		{ "DNS:{unit}.example.com", "a,DNS", NULL },
		{ "DNS:{unit}.example.com", "-a", NULL },
		{ "DNS:{unit}.example.com", ".", NULL },
		{ "URI:urn:brand:{unit}", "a b", NULL },
		{ "URI:{unit}", "nothing", NULL },
		{ "EMAIL:{unit}@example.com", "a@b", NULL },
		{ "IP:{unit}", "1.2.3", NULL },
		{ "{unit}:x", "DNS", NULL },
		{ "{unit}", "DNS:evil.example.com", NULL },
		{ "RID:1.2.3", "t", NULL },
	};
	uint8_t der[CERTIFICATE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct certificate_plan plan = plan_for(cases[i].unit);
		struct err e = { 0 };
		struct tbs tbs;

		strcpy(product.san[0], cases[i].san);
		product.san_count = 1;
		if (certificate_compose(cas[0], &plan, &tbs, &e) != !!cases[i].shown)
			fail_msg("%s with %s: %s", cases[i].san, cases[i].unit, e.text);
		if (cases[i].shown) {
			AUTO(X509) certificate = issue(cas[0], &plan, der, &len);
			AUTO(BIO) output = BIO_new(BIO_s_mem());
			int index = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);

			X509V3_EXT_print(output, X509_get_ext(certificate, index), 0, 0);
			assert_string_equal(text_of(output), cases[i].shown);
			verify_strictly(certificate, cas[0], false, NULL, X509_V_OK);
		}
	}
}

/* The bytes of the extension's value: DER drops trailing zero bits. */
static void usage_is(X509 *certificate, const char *wanted, size_t len)
{
	int index = X509_get_ext_by_NID(certificate, NID_key_usage, -1);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, index));

	assert_int_equal(ASN1_STRING_length(value), len);
	assert_memory_equal(ASN1_STRING_get0_data(value), wanted, len);
}

static void key_usages_are_written(void **state)
{
	static const struct {
		uint32_t usage;
		const char *der;
		size_t len;
	} cases[] = {
		{ KU_DIGITAL_SIGNATURE, "\3\2\7\x80", 4 },
		{ KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT, "\3\2\3\x88", 4 },
		{ KU_KEY_AGREEMENT | KU_ENCIPHER_ONLY, "\3\2\0\x09", 4 },
		{ KU_KEY_AGREEMENT | KU_DECIPHER_ONLY, "\3\3\7\x08\x80", 5 },
		{ KU_DATA_ENCIPHERMENT | KU_NON_REPUDIATION, "\3\2\4\x50", 4 },
	};
	uint8_t der[CERTIFICATE_MAX];
	size_t len;

	(void)state;
	product.extended_key_usage_count = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct certificate_plan plan = plan_for("T-0001");
		AUTO(X509) certificate = NULL;

		product.key_usage = cases[i].usage;
		certificate = issue(cas[0], &plan, der, &len);
		assert_int_equal(X509_get_key_usage(certificate), cases[i].usage);
		usage_is(certificate, cases[i].der, cases[i].len);
		assert_int_equal(X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1), -1);
		verify_strictly(certificate, cas[0], false, NULL, X509_V_OK);
	}
}

static void only_what_was_reserved_is_signed(void **state)
{
	struct certificate_plan plan = plan_for("T-0001");
	uint8_t der[CERTIFICATE_MAX] = { 0 };
	struct token_key *own = cas[0]->signer;
	struct err e = { 0 };
	struct tbs tbs;
	size_t len = 4711;

	(void)state;
	assert_true(certificate_compose(cas[0], &plan, &tbs, &e));
	tbs.der[tbs.len - 1] ^= 1;
	assert_false(certificate_sign(cas[0], &tbs, der, &len, &e));
	tbs.der[tbs.len - 1] ^= 1;
	cas[0]->signer = keys[1];
	assert_false(certificate_sign(cas[0], &tbs, der, &len, &e));
	assert_int_equal(e.code, ERR_TOKEN);
	cas[0]->signer = own;
	assert_int_equal(len, 4711);
	assert_int_equal(der[0], 0);
	assert_true(certificate_sign(cas[0], &tbs, der, &len, &e));
}

static void serials_are_positive_and_differ(void **state)
{
	static const uint8_t prefix[] = { 0x5a, 0x31 }, negative[] = { 0x80 }, zero[] = { 0, 1 };
	uint8_t first[16], second[16];
	struct err e;

	(void)state;
	assert_true(certificate_serial(BYTES(prefix), first, &e));
	assert_true(certificate_serial(BYTES(prefix), second, &e));
	assert_memory_equal(first, prefix, 2);
	assert_memory_not_equal(first, second, 16);
	for (int i = 0; i < 100; i++) {
		assert_true(certificate_serial(bytes_of(NULL, 0), first, &e));
		assert_in_range(first[0], 1, 0x7f);
	}
	assert_false(certificate_serial(BYTES(negative), first, &e));
	assert_false(certificate_serial(BYTES(zero), first, &e));
	assert_false(certificate_serial(bytes_of(serial, 9), first, &e));
}

static void write_seconds(int64_t wall_s, uint8_t ret_octets[static 4])
{
	for (int i = 0; i < 4; i++)
		ret_octets[i] = (uint8_t)(wall_s >> 8 * (3 - i));
}

/* What lies between prefix and random octets is the time: a later serial is larger. */
static void serials_rise(void **state)
{
	static const uint8_t prefix[] = { 0x5a, 0x31, 1, 2, 3, 4, 5, 6 };
	static const struct timespec moment = { .tv_nsec = 10000000 };
	uint8_t first[16], second[16], begin[4], end[4];
	struct err e;

	(void)state;
	for (size_t len = 1; len <= sizeof(prefix); len++) {
		size_t shown = 8 - len < 4 ? 8 - len : 4; /* of the whole seconds */

		write_seconds(clock_wall_s(), begin);
		assert_true(certificate_serial(bytes_of(prefix, len), first, &e));
		nanosleep(&moment, NULL);
		assert_true(certificate_serial(bytes_of(prefix, len), second, &e));
		write_seconds(clock_wall_s() + 1, end); /* time() lags by up to a tick */
		assert_memory_equal(second, prefix, len);
		assert_true(memcmp(first + len, begin, shown) >= 0);
		assert_true(memcmp(second + len, end, shown) <= 0);
		if (len <= 3)
			assert_true(memcmp(first, second, 8) < 0);
		assert_memory_not_equal(first + 8, second + 8, 8);
	}
}

static size_t pem_of(struct bytes der, char *text)
{
	AUTO(BIO) output = BIO_new(BIO_s_mem());
	char *data;
	long len;

	PEM_write_bio(output, "CERTIFICATE", "", der.data, (long)der.len);
	len = BIO_get_mem_data(output, &data);
	memcpy(text, data, (size_t)len);
	return (size_t)len;
}

/* The same text with other line ends, and with a NUL behind it. */
static void check_other_pem(const struct ca *ca, struct product_file file, struct bytes der,
			    const char *wanted, size_t wanted_len)
{
	AUTO_FREE uint8_t *crlf = NULL, *nul = NULL;
	size_t crlf_len, nul_len, at = 0;
	struct err e;

	file.crlf = true;
	assert_true(certificate_file(ca, &product, &file, der, &crlf, &crlf_len, &e));
	file.crlf = false;
	file.nul = true;
	assert_true(certificate_file(ca, &product, &file, der, &nul, &nul_len, &e));
	for (size_t i = 0; i < wanted_len; i++) {
		if (wanted[i] == '\n')
			assert_int_equal(crlf[at++], '\r');
		assert_int_equal(crlf[at++], wanted[i]);
	}
	assert_int_equal(at, crlf_len);
	assert_int_equal(nul_len, wanted_len + 1);
	assert_memory_equal(nul, wanted, wanted_len);
	assert_int_equal(nul[wanted_len], 0);
}

static void files_hold_what_the_product_says(void **state)
{
	static const struct {
		enum content content[PRODUCT_CONTENT_MAX];
		size_t count;
		bool pem;
		const char *wanted; /* c certificate, i issuer, r server root, twice */
	} cases[] = {
		{ { CONTENT_CERTIFICATE }, 1, false, "c" },
		{ { CONTENT_CERTIFICATE }, 1, true, "c" },
		{ { CONTENT_CERTIFICATE, CONTENT_ISSUER }, 2, true, "ci" },
		{ { CONTENT_CERTIFICATE, CONTENT_CHAIN }, 2, true, "cia" },
		{ { CONTENT_CHAIN }, 1, true, "ia" },
		{ { CONTENT_SERVER_ROOT }, 1, true, "rr" },
		{ { CONTENT_ISSUER }, 1, false, "i" },
	};
	const struct certificate_plan plan = plan_for("T-0001");
	uint8_t der[CERTIFICATE_MAX], roots[2 * CERTIFICATE_MAX];
	struct ca *ca = cas[0];
	struct bytes parts[128] = { { NULL, 0 } };
	size_t len;
	AUTO(X509) certificate = issue(ca, &plan, der, &len);

	(void)state;
	parts['c'] = bytes_of(der, len);
	parts['i'] = bytes_of(ca->der, ca->der_len);
	parts['a'] = parts['r'] = bytes_of(cas[1]->der, cas[1]->der_len);
	memcpy(ca->chain, cas[1]->der, cas[1]->der_len);
	ca->chain_len = cas[1]->der_len;
	memcpy(roots, cas[1]->der, cas[1]->der_len);
	memcpy(roots + cas[1]->der_len, cas[1]->der, cas[1]->der_len);
	product.server_root = roots;
	product.server_root_len = 2 * cas[1]->der_len;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct product_file file = { .name = "f",
					     .content_count = cases[i].count,
					     .pem = cases[i].pem };
		char wanted[4 * CERTIFICATE_MAX];
		AUTO_FREE uint8_t *data = NULL;
		size_t wanted_len = 0, data_len;
		struct err e = { 0 };

		memcpy(file.content, cases[i].content, sizeof(file.content));
		for (const char *c = cases[i].wanted; *c; c++) {
			if (cases[i].pem) {
				wanted_len += pem_of(parts[(int)*c], wanted + wanted_len);
				continue;
			}
			memcpy(wanted + wanted_len, parts[(int)*c].data, parts[(int)*c].len);
			wanted_len += parts[(int)*c].len;
		}
		if (!certificate_file(ca, &product, &file, bytes_of(der, len), &data, &data_len,
				      &e))
			fail_msg("%s", e.text);
		assert_int_equal(data_len, wanted_len);
		assert_memory_equal(data, wanted, wanted_len);
		if (cases[i].pem)
			check_other_pem(ca, file, bytes_of(der, len), wanted, wanted_len);
	}
	ca->chain_len = 0;
}

static void the_verification_certificate_is_what_aws_wants(void **state)
{
	static const char *const bad[] = { "", "12ab", CODE "0", CODE_WITH_G };
	uint8_t der[CERTIFICATE_MAX];
	const uint8_t *at = der;
	struct err e = { 0 };
	char text[80];
	size_t len;
	AUTO(X509) certificate = NULL;

	(void)state;
	assert_true(certificate_verification(cas[0], CODE, BYTES(serial), NOW, der, &len, &e));
	certificate = d2i_X509(NULL, &at, (long)len);
	verify_strictly(certificate, cas[0], false, NULL, X509_V_OK);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
				  sizeof(text));
	assert_string_equal(text, CODE);
	assert_int_equal(time_at(X509_get0_notAfter(certificate)), NOW + DAY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(certificate_verification(cas[0], bad[i], BYTES(serial), NOW, der, &len,
						      &e));
}

static X509_CRL *make_crl(const struct crl_entry *entries, size_t count)
{
	AUTO_FREE uint8_t *der = NULL;
	const uint8_t *at;
	struct err e = { 0 };
	X509_CRL *crl;
	size_t len;

	if (!certificate_crl(cas[0], 42, NOW, 30, entries, count, &der, &len, &e))
		fail_msg("%s", e.text);
	at = der;
	crl = d2i_X509_CRL(NULL, &at, (long)len);
	assert_non_null(crl);
	assert_ptr_equal(at, der + len);
	assert_int_equal(X509_CRL_verify(crl, cas[0]->key), 1);
	return crl;
}

static void a_crl_revokes(void **state)
{
	struct certificate_plan plan = plan_for("T-0001");
	struct crl_entry entries[2] = { { .serial_len = 16, .revoked_at = NOW - 5 },
					{ { 0x11 }, 1, NOW - 9 } };
	uint8_t der[CERTIFICATE_MAX];
	size_t len;
	AUTO(X509) certificate = issue(cas[0], &plan, der, &len);
	AUTO(X509_CRL) empty = make_crl(NULL, 0);
	AUTO(X509_CRL) full = NULL;
	ASN1_INTEGER *number;

	(void)state;
	memcpy(entries[0].serial, serial, 16);
	full = make_crl(entries, 2);
	verify_strictly(certificate, cas[0], true, empty, X509_V_OK);
	verify_strictly(certificate, cas[0], true, full, X509_V_ERR_CERT_REVOKED);
	assert_null(X509_CRL_get_REVOKED(empty));
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(full)), 2);
	assert_int_equal(time_at(X509_CRL_get0_nextUpdate(full)), NOW + 30 * DAY);
	number = X509_CRL_get_ext_d2i(full, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 42);
	ASN1_INTEGER_free(number);
}

static void a_long_crl_is_made(void **state)
{
	const size_t count = 20000;
	AUTO_FREE struct crl_entry *entries = calloc(count, sizeof(*entries));
	AUTO(X509_CRL) crl = NULL;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		entries[i].serial_len = SERIAL_MAX;
		memset(entries[i].serial, 0x7f, SERIAL_MAX);
		entries[i].revoked_at = X509_NO_END;
	}
	crl = make_crl(entries, count);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), (int)count);
}

static size_t prove(EVP_PKEY *key, const uint8_t *nonce, struct bytes certificate, const char *unit,
		    struct bytes digests, uint8_t *ret_signature)
{
	static const char label[] = "imprint-prove-v1";
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	uint8_t text[512], *at = text;
	size_t len = 600;

	at = mempcpy(at, label, sizeof(label));
	at = mempcpy(at, nonce, 32);
	EVP_Digest(certificate.data, certificate.len, at, NULL, EVP_sha256(), NULL);
	at = mempcpy(at + 32, unit, strlen(unit));
	at = mempcpy(at, digests.data, digests.len);
	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, ret_signature, &len, text, (size_t)(at - text)),
			 1);
	return len;
}

static void a_proof_binds_all_its_parts(void **state)
{
	const struct certificate_plan plan = plan_for("T-0001");
	uint8_t der[CERTIFICATE_MAX], other_der[CERTIFICATE_MAX], signature[600];
	uint8_t nonce[32] = { 1 }, other_nonce[32] = { 2 }, digests[64] = { 3 };
	struct certificate_plan other_plan = plan;
	size_t len, other_len, signature_len;
	struct err e = { 0 };
	AUTO(X509) certificate = issue(cas[0], &plan, der, &len);
	AUTO(X509) other = NULL;

	(void)state;
	other_plan.unit = "T-0002";
	other = issue(cas[0], &other_plan, other_der, &other_len);
	signature_len =
		prove(board, nonce, bytes_of(der, len), "T-0001", BYTES(digests), signature);
	struct bytes good = bytes_of(signature, signature_len);
	assert_true(
		certificate_proof(bytes_of(der, len), nonce, "T-0001", BYTES(digests), good, &e));
	const struct {
		const char *name;
		struct bytes certificate;
		const uint8_t *nonce;
		const char *unit;
		struct bytes digests, signature;
	} cases[] = {
		{ "nonce", bytes_of(der, len), other_nonce, "T-0001", BYTES(digests), good },
		{ "unit", bytes_of(der, len), nonce, "T-0002", BYTES(digests), good },
		{ "certificate", bytes_of(other_der, other_len), nonce, "T-0001", BYTES(digests),
		  good },
		{ "fewer files", bytes_of(der, len), nonce, "T-0001", bytes_of(digests, 32), good },
		{ "cut signature", bytes_of(der, len), nonce, "T-0001", BYTES(digests),
		  bytes_of(signature, signature_len - 1) },
		{ "no signature", bytes_of(der, len), nonce, "T-0001", BYTES(digests),
		  bytes_of(signature, 0) },
		{ "no certificate", bytes_of(der, 10), nonce, "T-0001", BYTES(digests), good },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (certificate_proof(cases[i].certificate, cases[i].nonce, cases[i].unit,
				      cases[i].digests, cases[i].signature, &e))
			fail_msg("%s", cases[i].name);
		assert_int_equal(e.code, ERR_INVALID);
	}
}

/* Certificates as an offline CA makes them: issuer and subject by their index below. */
struct paper {
	const char *constraints, *usage;
	int64_t from, to;
	int issuer;
};
enum { ROOT, MIDDLE, LOW, PAPERS };

static size_t print_paper(const struct paper *paper, EVP_PKEY *const *pairs, int index,
			  uint8_t *ret_der)
{
	AUTO(X509) certificate = X509_new();
	X509V3_CTX context;
	char name[2] = "0";
	uint8_t *at = ret_der;
	const struct {
		int nid;
		const char *value;
	} extensions[] = { { NID_basic_constraints, paper->constraints },
			   { NID_key_usage, paper->usage },
			   { NID_subject_key_identifier, "hash" } };

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), index + 1);
	ASN1_TIME_set(X509_getm_notBefore(certificate), paper->from);
	ASN1_TIME_set(X509_getm_notAfter(certificate), paper->to);
	name[0] = (char)('0' + index);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (uint8_t *)name, -1, -1, 0);
	name[0] = (char)('0' + paper->issuer);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN", MBSTRING_ASC,
				   (uint8_t *)name, -1, -1, 0);
	X509_set_pubkey(certificate, pairs[index]);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	for (size_t i = 0; i < 3; i++) {
		X509_EXTENSION *extension;

		if (!extensions[i].value)
			continue;
		extension =
			X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
		assert_non_null(extension);
		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(certificate, pairs[paper->issuer], EVP_sha256()) > 0);
	return (size_t)i2d_X509(certificate, &at);
}

#define YEAR (365 * DAY)
#define GOOD_CA "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NOW - YEAR, NOW + YEAR

static void ca_certificates_are_checked(void **state)
{
	static const struct {
		const char *name, *says; /* NULL: taken */
		struct paper papers[PAPERS];
		int own, chain[3]; /* indexes, -1 ends */
	} cases[] = {
		{ "self-signed", NULL, { { GOOD_CA, ROOT } }, ROOT, { -1 } },
		{ "no keyUsage",
		  NULL,
		  { { "CA:TRUE", NULL, NOW - YEAR, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
		{ "below a root",
		  NULL,
		  { { GOOD_CA, ROOT }, { GOOD_CA, ROOT } },
		  MIDDLE,
		  { ROOT, -1 } },
		{ "two above",
		  NULL,
		  { { GOOD_CA, ROOT }, { GOOD_CA, ROOT }, { GOOD_CA, MIDDLE } },
		  LOW,
		  { MIDDLE, ROOT, -1 } },
		{ "in any order",
		  NULL,
		  { { GOOD_CA, ROOT }, { GOOD_CA, ROOT }, { GOOD_CA, MIDDLE } },
		  LOW,
		  { ROOT, MIDDLE, -1 } },
		{ "issuer missing",
		  "issuer of",
		  { { GOOD_CA, ROOT }, { GOOD_CA, ROOT } },
		  MIDDLE,
		  { -1 } },
		{ "root missing",
		  "issuer of",
		  { { GOOD_CA, ROOT }, { GOOD_CA, ROOT }, { GOOD_CA, MIDDLE } },
		  LOW,
		  { MIDDLE, -1 } },
		{ "one too many",
		  "not above",
		  { { GOOD_CA, ROOT }, { GOOD_CA, MIDDLE } },
		  ROOT,
		  { MIDDLE, -1 } },
		{ "no CA",
		  "CA:TRUE",
		  { { "CA:FALSE", NULL, NOW - YEAR, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
		{ "no constraints",
		  "CA:TRUE",
		  { { NULL, NULL, NOW - YEAR, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
		{ "no keyCertSign",
		  "keyCertSign",
		  { { "CA:TRUE", "digitalSignature", NOW - YEAR, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
		{ "ended",
		  "ended",
		  { { "CA:TRUE", NULL, NOW - YEAR, NOW - 1, ROOT } },
		  ROOT,
		  { -1 } },
		{ "not yet",
		  "begins only",
		  { { "CA:TRUE", NULL, NOW + 1, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
		{ "root ended",
		  "expired",
		  { { "CA:TRUE", NULL, NOW - YEAR, NOW - 1, ROOT }, { GOOD_CA, ROOT } },
		  MIDDLE,
		  { ROOT, -1 } },
		{ "root is no CA",
		  "CA:TRUE",
		  { { "CA:FALSE", NULL, NOW - YEAR, NOW + YEAR, ROOT }, { GOOD_CA, ROOT } },
		  MIDDLE,
		  { ROOT, -1 } },
		{ "path length",
		  "pathLenConstraint",
		  { { "CA:TRUE,pathlen:0", NULL, NOW - YEAR, NOW + YEAR, ROOT },
		    { GOOD_CA, ROOT } },
		  MIDDLE,
		  { ROOT, -1 } },
		{ "path length enough",
		  NULL,
		  { { "CA:TRUE,pathlen:1", NULL, NOW - YEAR, NOW + YEAR, ROOT },
		    { GOOD_CA, ROOT } },
		  MIDDLE,
		  { ROOT, -1 } },
		{ "own path length 0",
		  NULL,
		  { { "CA:TRUE,pathlen:0", NULL, NOW - YEAR, NOW + YEAR, ROOT } },
		  ROOT,
		  { -1 } },
	};
	EVP_PKEY *pairs[PAPERS];

	(void)state;
	for (int i = 0; i < PAPERS; i++)
		pairs[i] = EVP_EC_gen("P-256");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t own[CERTIFICATE_MAX], chain[CA_CHAIN_MAX];
		size_t chain_len = 0, own_len;
		struct err e = { 0 };
		AUTO(ca) ca = NULL;
		bool good;

		own_len = print_paper(&cases[i].papers[cases[i].own], pairs, cases[i].own, own);
		for (const int *c = cases[i].chain; *c >= 0; c++)
			chain_len +=
				print_paper(&cases[i].papers[*c], pairs, *c, chain + chain_len);
		good = ca_load(bytes_of(own, own_len), bytes_of(chain, chain_len), NOW, &ca, &e);
		if (good != !cases[i].says || (!good && !strstr(e.text, cases[i].says)))
			fail_msg("%s: %s", cases[i].name, good ? "taken" : e.text);
		if (good)
			assert_int_equal(ca->chain_len, chain_len);
		else
			assert_int_equal(e.code, ERR_INVALID);
	}
	for (int i = 0; i < PAPERS; i++)
		EVP_PKEY_free(pairs[i]);
}

static void what_is_no_certificate_is_refused(void **state)
{
	uint8_t der[CERTIFICATE_MAX + 1] = { 0 };
	struct ca *ca = NULL;
	struct err e = { 0 };

	(void)state;
	assert_false(ca_load(bytes_of(der, 0), bytes_of(NULL, 0), NOW, &ca, &e));
	assert_false(ca_load(bytes_of(der, 100), bytes_of(NULL, 0), NOW, &ca, &e));
	assert_false(ca_load(bytes_of(der, sizeof(der)), bytes_of(NULL, 0), NOW, &ca, &e));
	memcpy(der, cas[0]->der, cas[0]->der_len);
	assert_false(ca_load(bytes_of(der, cas[0]->der_len + 1), bytes_of(NULL, 0), NOW, &ca, &e));
	assert_false(ca_load(bytes_of(der, cas[0]->der_len), bytes_of(der, 5), NOW, &ca, &e));
	der[cas[0]->der_len - 1] ^= 1; /* the self-signature */
	assert_false(ca_load(bytes_of(der, cas[0]->der_len), bytes_of(NULL, 0), NOW, &ca, &e));
	assert_int_equal(e.code, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(certificates_are_strictly_valid, reset_product),
		cmocka_unit_test_setup(times_are_as_the_product_says, reset_product),
		cmocka_unit_test_setup(the_ca_bounds_the_beginning, reset_product),
		cmocka_unit_test_setup(a_unit_id_is_never_syntax, reset_product),
		cmocka_unit_test_setup(subjects_are_read_or_refused, reset_product),
		cmocka_unit_test_setup(alternative_names_are_written_or_refused, reset_product),
		cmocka_unit_test_setup(key_usages_are_written, reset_product),
		cmocka_unit_test_setup(only_what_was_reserved_is_signed, reset_product),
		cmocka_unit_test_setup(serials_are_positive_and_differ, reset_product),
		cmocka_unit_test_setup(serials_rise, reset_product),
		cmocka_unit_test_setup(files_hold_what_the_product_says, reset_product),
		cmocka_unit_test_setup(the_verification_certificate_is_what_aws_wants,
				       reset_product),
		cmocka_unit_test_setup(a_crl_revokes, reset_product),
		cmocka_unit_test_setup(a_long_crl_is_made, reset_product),
		cmocka_unit_test_setup(a_proof_binds_all_its_parts, reset_product),
		cmocka_unit_test_setup(ca_certificates_are_checked, reset_product),
		cmocka_unit_test_setup(what_is_no_certificate_is_refused, reset_product),
	};

	return cmocka_run_group_tests(tests, up, down);
}
