/* product: what the signer's part may say, where a mistake is, and what the words become. */
#include "hsm/product/product.h"

#include "hsm/x509/der.h"
#include "hsm/x509/name.h"
#include "hsm/product/unit_pattern.h"

#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNIT "unit: {pattern: \"[A-Z0-9-]{4,16}\"}"
#define FILES "files: [{name: c, content: [certificate], encoding: der}]"
#define REST "  validity: 10 days\n  " UNIT "\n  " FILES "\n"
#define SUBJECT "certificate:\n  subject: \"CN={unit}\"\n"

static char folder[] = "/tmp/imprint-test-product-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/p.yaml", folder);
	return 0;
}

static int drop_folder(void **state)
{
	char root[64];

	(void)state;
	snprintf(root, sizeof(root), "%s/root.pem", folder);
	unlink(root);
	unlink(path);
	return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
	char file_path[96];
	AUTO(FILE) file = NULL;

	snprintf(file_path, sizeof(file_path), "%s/%s", folder, name);
	file = fopen(file_path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static const struct {
	const char *name, *text, *sentence; /* what comes after the folder; NULL: it is taken */
} cases[] = {
	{ "least", SUBJECT REST, NULL },
	{ "the board part is not ours", SUBJECT REST "board: [whatever, {a: 1}]\n", NULL },
	{ "another part", SUBJECT REST "jig: {}\n",
	  "p.yaml:6:1: unknown key \"jig\"; allowed here: certificate, board" },
	{ "unknown key", SUBJECT "  colour: red\n" REST,
	  "p.yaml:3:3: unknown key \"colour\"; allowed here: subject, san," },
	{ "no certificate part", "board: {}\n",
	  "p.yaml:1:1: the key \"certificate\" is missing here" },

	{ "escaped comma", "certificate:\n  subject: 'O=A\\, B,CN={unit}'\n" REST, NULL },
	{ "odd attribute", "certificate:\n  subject: 'XX=a,CN={unit}'\n" REST,
	  "p.yaml:2:12: subject: \"XX\" is no attribute type" },
	{ "no equals", "certificate:\n  subject: '{unit}'\n" REST, "p.yaml:2:12: subject: " },
	{ "two values in an RDN", "certificate:\n  subject: 'O=a+CN={unit}'\n" REST,
	  "p.yaml:2:12: subject: " },
	{ "long country", "certificate:\n  subject: 'C=NLD,CN={unit}'\n" REST,
	  "p.yaml:2:12: subject: C has 3 characters" },
	{ "no unit", "certificate:\n  subject: 'CN=x'\n" REST,
	  "p.yaml:2:12: neither subject nor san holds {unit}" },
	{ "unit in the SAN", "certificate:\n  subject: 'CN=x'\n  san: ['URI:urn:b:{unit}']\n" REST,
	  NULL },
	{ "unknown word", "certificate:\n  subject: 'CN={unit}{serial}'\n" REST,
	  "p.yaml:2:12: \"{serial}\" is no word to fill in; allowed here: {unit}, {order}, "
	  "{product}" },
	{ "open brace", "certificate:\n  subject: 'CN={unit},O={uni'\n" REST,
	  "p.yaml:2:12: \"{uni\" is no word" },
	{ "closing brace", "certificate:\n  subject: 'CN={unit}}'\n" REST,
	  "p.yaml:2:12: \"}\" is no word" },
	{ "all words", "certificate:\n  subject: 'CN={unit},OU={order},O={product}'\n" REST, NULL },

	{ "all SANs",
	  SUBJECT "  san: ['DNS:{unit}.a.com', 'EMAIL:{unit}@a.com', 'IP:192.0.2.1', "
		  "'IP:2001:db8::1']\n" REST,
	  NULL },
	{ "SAN of no kind", SUBJECT "  san: ['DNS:a.com', 'a.com']\n" REST,
	  "p.yaml:3:22: \"a.com\" begins with none of DNS: URI: EMAIL: IP:" },
	{ "SAN that is no host", SUBJECT "  san: ['DNS:a b']\n" REST,
	  "p.yaml:3:9: \"a b\" is not a host name" },
	{ "SAN that is no address", SUBJECT "  san: ['IP:1.2.3']\n" REST,
	  "p.yaml:3:9: \"1.2.3\" is not an IPv4" },
	{ "nine SANs", SUBJECT "  san: [a, a, a, a, a, a, a, a, a]\n" REST,
	  "p.yaml:3:8: 9 entries in this list; allowed here: 1 to 8" },

	{ "one day", SUBJECT "  validity: 1 day\n  " UNIT "\n  " FILES "\n", NULL },
	{ "hundred years", SUBJECT "  validity: 36500 days\n  " UNIT "\n  " FILES "\n", NULL },
	{ "more", SUBJECT "  validity: 36501 days\n  " UNIT "\n  " FILES "\n",
	  "p.yaml:3:13: \"36501 days\" is no validity; allowed here: no-well" },
	{ "no days", SUBJECT "  validity: 0 days\n  " UNIT "\n  " FILES "\n",
	  "p.yaml:3:13: \"0 days\"" },
	{ "negative", SUBJECT "  validity: -5 days\n  " UNIT "\n  " FILES "\n",
	  "p.yaml:3:13: \"-5 days\"" },
	{ "years", SUBJECT "  validity: 10 years\n  " UNIT "\n  " FILES "\n",
	  "p.yaml:3:13: \"10 years\"" },
	{ "a number that wraps",
	  SUBJECT "  validity: 18446744073709551617 days\n  " UNIT "\n  " FILES "\n",
	  "p.yaml:3:13: " },

	{ "all keys", SUBJECT "  keys: [ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096]\n" REST,
	  NULL },
	{ "weak key", SUBJECT "  keys: [ec-p256, rsa-1024]\n" REST,
	  "p.yaml:3:19: \"rsa-1024\" is unknown; allowed here: ec-p256" },
	{ "no keys", SUBJECT "  keys: []\n" REST, "p.yaml:3:9: 0 entries" },

	{ "CA certificate", SUBJECT "  key_usage: [digitalSignature, keyCertSign]\n" REST,
	  "p.yaml:3:33: keyCertSign is refused: a product must not make CA certificates" },
	{ "CRL", SUBJECT "  key_usage: [cRLSign]\n" REST, "p.yaml:3:15: cRLSign is refused" },
	{ "unknown usage", SUBJECT "  key_usage: [signing]\n" REST,
	  "p.yaml:3:15: \"signing\" is unknown; allowed here: digitalSignature, nonRepudiation, "
	  "contentCommitment, keyEncipherment, dataEncipherment, keyAgreement, encipherOnly, "
	  "decipherOnly" },
	{ "RSA enciphers", SUBJECT "  keys: [rsa-2048]\n  key_usage: [keyEncipherment]\n" REST,
	  NULL },
	{ "EC does not", SUBJECT "  key_usage: [keyEncipherment]\n" REST,
	  "p.yaml:3:14: keyEncipherment and" },
	{ "encipherOnly alone", SUBJECT "  key_usage: [encipherOnly]\n" REST,
	  "p.yaml:3:14: encipherOnly and" },
	{ "key agreement", SUBJECT "  key_usage: [keyAgreement, encipherOnly]\n" REST, NULL },

	{ "EKUs",
	  SUBJECT "  extended_key_usage: [clientAuth, serverAuth, 1.3.6.1.4.1.311.20.2.2]\n" REST,
	  NULL },
	{ "no EKU", SUBJECT "  extended_key_usage: [none]\n" REST, NULL },
	{ "any EKU", SUBJECT "  extended_key_usage: [anyExtendedKeyUsage]\n" REST,
	  "p.yaml:3:24: anyExtendedKeyUsage is refused" },
	{ "any EKU by number", SUBJECT "  extended_key_usage: [2.5.29.37.0]\n" REST,
	  "p.yaml:3:24: 2.5.29.37.0 is refused" },
	{ "OCSP", SUBJECT "  extended_key_usage: [OCSPSigning]\n" REST,
	  "p.yaml:3:24: OCSPSigning is refused" },
	{ "OCSP by number", SUBJECT "  extended_key_usage: [1.3.6.1.5.5.7.3.9]\n" REST,
	  "p.yaml:3:24: 1.3.6.1.5.5.7.3.9 is refused" },
	{ "unknown EKU", SUBJECT "  extended_key_usage: [webAuth]\n" REST,
	  "p.yaml:3:24: \"webAuth\" is unknown; allowed here: clientAuth, serverAuth" },
	{ "bad OID", SUBJECT "  extended_key_usage: [9.9.9]\n" REST,
	  "p.yaml:3:24: \"9.9.9\" is unknown" },
	{ "OID of two", SUBJECT "  extended_key_usage: ['1.3']\n" REST,
	  "p.yaml:3:24: \"1.3\" is unknown" },
	{ "EKU twice", SUBJECT "  extended_key_usage: [clientAuth, clientAuth]\n" REST,
	  "p.yaml:3:36: it is in the list already" },

	{ "no source",
	  SUBJECT "  validity: 1 day\n  unit: {pattern: '[A-Z]{4}', source: air}\n  " FILES "\n",
	  "p.yaml:4:39: \"air\" is unknown; allowed here: board, file, label, list" },
	{ "no pattern", SUBJECT "  validity: 1 day\n  unit: {pattern: '[A-Z'}\n  " FILES "\n",
	  "p.yaml:4:19: this is no pattern of unit ids: it is no POSIX" },
	{ "rekey", SUBJECT "  rekey: always\n" REST,
	  "p.yaml:3:10: \"always\" is unknown; allowed here: never, before_installed" },

	{ "file name",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a/b, content: [certificate], encoding: der}]\n",
	  "p.yaml:5:18: \"a/b\" is no file name" },
	{ "file twice",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate], encoding: der},\n"
		  "    {name: a, content: [issuer], encoding: pem}]\n",
	  "p.yaml:6:12: a file is called \"a\" already" },
	{ "content twice",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate, certificate], encoding: pem}]\n",
	  "p.yaml:5:44: certificate is in this file already" },
	{ "two in DER",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate, issuer], encoding: der}]\n",
	  "p.yaml:5:63: several certificates in DER are not a file format; allowed here: pem" },
	{ "chain in DER",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: c, content: [certificate], encoding: der}, {name: a, "
		  "content: [chain], encoding: der}]\n",
	  "p.yaml:5:99: several" },
	{ "encoding",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate], encoding: p12}]\n",
	  "p.yaml:5:55: \"p12\" is unknown; allowed here: der, pem, pem-crlf, "
	  "pem-nul" },
	{ "content",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [key], encoding: pem}]\n",
	  "p.yaml:5:31: \"key\" is unknown; allowed here: certificate, issuer, chain, "
	  "server_root" },
	{ "no certificate",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [issuer], encoding: pem}]\n",
	  "p.yaml:5:10: no file holds the certificate" },
	{ "root is missing",
	  SUBJECT "  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate, server_root], encoding: pem}]\n",
	  "p.yaml:5:11: it holds server_root, but the key" },
	{ "root is not used", SUBJECT "  server_root: root.pem\n" REST,
	  "p.yaml:3:16: no file holds it" },
	{ "no root file",
	  SUBJECT "  server_root: absent.pem\n  validity: 1 day\n  " UNIT
		  "\n  files: [{name: a, content: [certificate, server_root], encoding: pem}]\n",
	  "p.yaml:3:16: cannot open" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO(product) product = NULL;
		struct err e = { 0 };
		const char *said;
		bool done;

		write_file("p.yaml", cases[i].text);
		done = product_load(path, &product, &e);
		said = done ? "was taken" : e.text;
		if (!done && strncmp(said, folder, strlen(folder)) == 0)
			said += strlen(folder) + 1;
		if (cases[i].sentence ? done || strncmp(said, cases[i].sentence,
							strlen(cases[i].sentence)) != 0
				      : !done)
			fail_msg("%s: %s", cases[i].name, said);
	}
}

static void test_values(void **state)
{
	AUTO(product) p = NULL;
	struct err e;

	(void)state;
	write_file("p.yaml",
		   "certificate:\n  subject: 'O=B,CN={unit}'\n  san: ['DNS:{unit}.b.com']\n"
		   "  validity: no-well-defined-expiration\n  keys: [ec-p384, rsa-3072]\n"
		   "  key_usage: [digitalSignature, contentCommitment]\n"
		   "  extended_key_usage: [1.2.3.4, serverAuth]\n"
		   "  unit: {pattern: '^[0-9]{4}$', source: label}\n  rekey: before_installed\n"
		   "  files:\n    - {name: one, content: [certificate], encoding: der}\n"
		   "    - {name: two, content: [certificate, chain], encoding: pem}\n");
	assert_true(product_load(path, &p, &e));
	assert_string_equal(p->name, "p");
	assert_string_equal(p->subject, "O=B,CN={unit}");
	assert_int_equal(p->san_count, 1);
	assert_int_equal(p->validity_days, PRODUCT_NO_END);
	assert_true(product_allows_key(p, KEY_EC_P384) && product_allows_key(p, KEY_RSA_3072));
	assert_false(product_allows_key(p, KEY_EC_P256) || product_allows_key(p, KEY_RSA_2048));
	assert_int_equal(p->key_usage, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
	assert_int_equal(p->extended_key_usage_count, 2);
	assert_string_equal(p->extended_key_usage[0], "1.2.3.4");
	assert_int_equal(p->unit_source, SOURCE_LABEL);
	assert_true(p->rekey_before_installed);
	assert_int_equal(p->file_count, 2);
	assert_false(p->files[0].pem);
	assert_true(p->files[1].pem);
	assert_int_equal(p->files[1].content[1], CONTENT_CHAIN);
	assert_true(product_allows_unit(p, "0001"));
	assert_false(product_allows_unit(p, "00001") || product_allows_unit(p, "000"));
}

static void test_defaults(void **state)
{
	AUTO(product) p = NULL;
	struct err e;

	(void)state;
	write_file("p.yaml", SUBJECT REST);
	assert_true(product_load(path, &p, &e));
	assert_int_equal(p->validity_days, 10);
	assert_int_equal(p->key_types, 1 << KEY_EC_P256);
	assert_int_equal(p->key_usage, KU_DIGITAL_SIGNATURE);
	assert_int_equal(p->extended_key_usage_count, 1);
	assert_string_equal(p->extended_key_usage[0], "clientAuth");
	assert_int_equal(p->unit_source, SOURCE_BOARD);
	assert_false(p->rekey_before_installed);
}

static void count_mistakes(void *context, const struct err *mistake)
{
	(void)mistake;
	++*(size_t *)context;
}

static void test_every_mistake(void **state)
{
	struct product *p = NULL;
	size_t count = 0;
	struct err e;

	(void)state;
	write_file("p.yaml", "certificate:\n  subject: 'XX=1'\n  validity: soon\n  keys: [dsa]\n"
			     "  key_usage: [keyCertSign]\n  unit: {pattern: '.*'}\n"
			     "  files: [{name: a, content: [issuer, chain], encoding: der}]\n");
	assert_false(product_load_reported(path, count_mistakes, &count, &p, &e));
	assert_int_equal(count, 8); /* no {unit} and no certificate, too */
	assert_null(p);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} names[] = { { "a.yaml", true },   { "a.yml", false },	   { ".yaml", false },
		      { "-a.yaml", false }, { "a b.yaml", false }, { "T-1_x.2.yaml", true } };
	char name_path[96];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		AUTO(product) p = NULL;

		write_file(names[i].name, SUBJECT REST);
		snprintf(name_path, sizeof(name_path), "%s/%s", folder, names[i].name);
		assert_int_equal(product_load(name_path, &p, &e), names[i].good);
		unlink(name_path);
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *sentence; /* NULL: it is taken */
	} rows[] = {
		{ "[A-Za-z0-9-]{4,32}", NULL },
		{ "^[A-Za-z0-9-]{4,32}$", NULL },
		{ "T-[0-9]{6}|U-[0-9]{6}", NULL },
		{ "[0-9]{64}", NULL },
		{ "(AB|CD)?[0-9]{1,10}", NULL },
		{ "[0-9]{65}", "it matches more than 64" },
		{ "[0-9]+", "it matches more than 64" },
		{ "T-[0-9]+", "it matches more than 64" },
		{ "T-[0-9]{4,}", "it matches more than 64" },
		{ "[0-9]{0,4}", "it matches the empty text" },
		{ ".{4,32}", "it matches characters that are not printable" },
		{ "[^ ]{4}", "it matches characters that are not printable" },
		{ "a|b*", "it matches the empty text" },
		{ "(a)\\1", "back-references (\\1)" },
		{ "((a{64}){64}){2}", "its repetitions are too many" },
		{ "a{99999}", "its repetitions are too many" },
		{ "(", "it is no POSIX extended regular expression" },
		{ "a)(b", "it is no POSIX extended regular expression" },
		{ "a{2,1}", "it is no POSIX extended regular expression" },
		{ "a{2\\", "it is no POSIX extended regular expression" },
	};
	struct err e = { 0 };
	regex_t pattern;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool done = unit_pattern_compile(rows[i].pattern, &pattern, &e);

		if (done)
			regfree(&pattern);
		if (rows[i].sentence ? done || strncmp(e.text, rows[i].sentence,
						       strlen(rows[i].sentence)) != 0
				     : !done)
			fail_msg("%s: %s", rows[i].pattern, done ? "was taken" : e.text);
	}
}

static void test_units(void **state)
{
	static const struct {
		const char *pattern, *unit;
		bool matches;
	} rows[] = {
		{ "[A-Z]{2}", "AB", true },	 { "[A-Z]{2}", "ABC", false },
		{ "[A-Z]{2}", "xAB", false },	 { "A|AB", "AB", true }, /* whole, not first */
		{ "A$|B", "A\nB", false },	 { "[A-Z]{2}", "", false },
		{ "[A-Z]{2}", "AB\n", false },	 { "[!-~]{1,8}", "A B", false },
		{ "[ -~]{1,8}", "A,B\"", true },
	};
	char example[NAME_MAX_LEN + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		regex_t pattern;

		assert_true(unit_pattern_compile(rows[i].pattern, &pattern, &e));
		if (unit_pattern_matches(&pattern, rows[i].unit) != rows[i].matches)
			fail_msg("%s with %s", rows[i].pattern, rows[i].unit);
		if (unit_pattern_example(&pattern, example))
			assert_true(unit_pattern_matches(&pattern, example));
		regfree(&pattern);
	}
}

static void test_fill(void **state)
{
	char text[64], small[8];
	struct err e;

	(void)state;
	assert_true(product_fill("CN={unit},O={order}/{product}", "a,b=c", "o", "p", true, text,
				 sizeof(text), &e));
	assert_string_equal(text, "CN=a\\,b\\=c,O=o/p");
	assert_true(product_fill("DNS:{unit}", "{order}", "o", "p", false, text, sizeof(text), &e));
	assert_string_equal(text, "DNS:{order}"); /* a value is never a template */
	assert_true(product_fill("{unit}", "1234567", "o", "p", false, small, sizeof(small), &e));
	assert_false(product_fill("{unit}", "12345678", "o", "p", false, small, sizeof(small), &e));
	assert_int_equal(e.code, ERR_INVALID);
}

/* Whatever a unit id holds, it stays one value of one attribute. */
static void test_escape(void **state)
{
	static const char *const units[] = { "a,b", "a+b",  "a\"b",	 "a\\b", "a<b>c",
					     "a;b", "a=b",  " ab ",	 "#ab",	 "a b",
					     "\\",  "\\2c", ",CN=admin", "  " };
	char text[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		uint8_t der[NAME_DER_MAX];
		struct der_writer w = der_writer(der, sizeof(der));
		struct bytes name, set, pair, content, rest;

		assert_true(product_fill("CN={unit}", units[i], "o", "p", true, text, sizeof(text),
					 &e));
		if (!name_subject(text, &w, &e))
			fail_msg("%s: %s", units[i], e.text);
		assert_true(der_only(der_written(&w), DER_SEQUENCE, &name));
		assert_true(der_only(name, DER_SET, &set));
		assert_true(der_only(set, DER_SEQUENCE, &pair));
		rest = pair;
		assert_true(der_read(&rest, DER_OID, &content));
		assert_true(der_only(rest, DER_UTF8, &content));
		assert_true(bytes_equal(content, bytes_text(units[i])));
	}
}

/* A self-signed P-256 certificate, made for this test; its key was not kept. */
#define ROOT "-----BEGIN CERTIFICATE-----\n" ROOT_BASE64 "-----END CERTIFICATE-----\n"
#define ROOT_LEN 376
#define ROOT_BASE64                                                                                \
	"MIIBdDCCARugAwIBAgIUXE6agJU4M6Pn+6BdT2sn0cjzYWcwCgYIKoZIzj0EAwIw\n"                       \
	"DzENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjIwNTU2NTNaGA8yMTI2MTAyOTA1NTY1\n"                       \
	"M1owDzENMAsGA1UEAwwEUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBnI\n"                       \
	"Sz6gqKkLYI0x9xR2/7NH0xk6VyX3W3SfJs9kb85PZyv79fz/FMNZ+2IqUd842idi\n"                       \
	"S/0fG8JBYz9DO/T+OLyjUzBRMB0GA1UdDgQWBBSUufPwxXzxHa87eZQI3Bpxakvk\n"                       \
	"ZjAfBgNVHSMEGDAWgBSUufPwxXzxHa87eZQI3BpxakvkZjAPBgNVHRMBAf8EBTAD\n"                       \
	"AQH/MAoGCCqGSM49BAMCA0cAMEQCIGEM0EyxhWtSiP2NIhZLkWrorAImyehdbCN3\n"                       \
	"jh+m9Ll4AiBdMZDH2vfqz0gO+mGo9jVlyDosPYHqxU8CwoHihgK9Kg==\n"
#define WITH_ROOT(encoding)                                                                        \
	SUBJECT "  server_root: root.pem\n  validity: 1 day\n  " UNIT                              \
		"\n  files: [{name: c, content: [certificate], encoding: der}, {name: r, "         \
		"content: [server_root], encoding: " encoding "}]\n"

static void test_roots(void **state)
{
	static const struct {
		const char *name, *root, *product, *sentence; /* NULL: it is taken */
		size_t count;
	} rows[] = {
		{ "one", ROOT, WITH_ROOT("der"), NULL, 1 },
		{ "two", "first\n" ROOT "second\n" ROOT, WITH_ROOT("pem"), NULL, 2 },
		{ "two in DER", ROOT ROOT, WITH_ROOT("der"), "server_root holds several", 0 },
		{ "none", "nothing\n", WITH_ROOT("pem"), "it holds no certificate in PEM", 0 },
		{ "cut", "-----BEGIN CERTIFICATE-----\nMIIB\n", WITH_ROOT("pem"),
		  "it is damaged PEM", 0 },
		{ "no certificate",
		  "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		  WITH_ROOT("pem"), "a certificate that is damaged", 0 },
		{ "a key", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
		  WITH_ROOT("pem"), "it holds a \"PRIVATE KEY\"", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO(product) p = NULL;
		struct err e = { 0 };
		bool done;

		write_file("root.pem", rows[i].root);
		write_file("p.yaml", rows[i].product);
		done = product_load(path, &p, &e);
		if (rows[i].sentence ? done || !strstr(e.text, rows[i].sentence) : !done)
			fail_msg("%s: %s", rows[i].name, done ? "was taken" : e.text);
		if (done)
			assert_int_equal(p->server_root_len, rows[i].count * ROOT_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	 cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_mistake),
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_units),	 cmocka_unit_test(test_fill),
		cmocka_unit_test(test_escape),	 cmocka_unit_test(test_roots),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
