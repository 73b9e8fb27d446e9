/* bench-requests: makes the requests that a benchmark asks certificates for: a new P-256 key for
 * each, as boards do. See --help. */
#include "base/err.h"
#include "hsm/x509/crypto.h"
#include "hsm/x509/der.h"
#include "tests/bench/pool.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define POINT_LEN 65
#define SIGNATURE_MAX 80

/* RFC 5480: id-ecPublicKey with prime256v1; RFC 5758: ecdsa-with-SHA256; RFC 5280: commonName. */
static const uint8_t key_algorithm[] = { 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
					 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
					 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t signature_algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };

struct arguments {
	const char *out, *prefix, *pem;
	size_t count;
};

static const struct argp_option options[] = {
	{ "count", 'c', "N", 0, "How many (default 1000)", 0 },
	{ "prefix", 'p', "TEXT", 0, "Units are TEXT000000 and so on (default B-)", 0 },
	{ "out", 'o', "FILE", 0, "The file to write", 0 },
	{ "pem", 'P', "FOLDER", 0, "And each as PEM in this folder", 0 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'c':
		if (!pool_number(text, POOL_COUNT_MAX, &a->count))
			argp_error(state, "\"%s\" is no count", text);
		return 0;
	case 'p':
		a->prefix = text;
		return 0;
	case 'o':
		a->out = text;
		return 0;
	case 'P':
		a->pem = text;
		return 0;
	case ARGP_KEY_END:
		if (!a->out)
			argp_error(state, "--out is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Makes certificate signing requests, each of a new P-256 key.",
};

static void put_bits(struct der_writer *w, struct bytes bits)
{
	uint8_t content[1 + POINT_LEN + SIGNATURE_MAX] = { 0 };

	memcpy(content + 1, bits.data, bits.len);
	der_put(w, DER_BIT_STRING, bytes_of(content, 1 + bits.len));
}

static void put_subject(struct der_writer *w, const char *unit)
{
	size_t name = der_begin(w, DER_SEQUENCE), set = der_begin(w, DER_SET);
	size_t pair = der_begin(w, DER_SEQUENCE);

	der_put(w, DER_OID, BYTES(common_name));
	der_put(w, DER_UTF8, bytes_text(unit));
	der_end(w, pair);
	der_end(w, set);
	der_end(w, name);
}

/* RFC 2986: CertificationRequestInfo. */
static void put_info(struct der_writer *w, const char *unit, struct bytes point)
{
	size_t info = der_begin(w, DER_SEQUENCE), spki;

	der_put_small(w, 0);
	put_subject(w, unit);
	spki = der_begin(w, DER_SEQUENCE);
	der_put_raw(w, BYTES(key_algorithm));
	put_bits(w, point);
	der_end(w, spki);
	der_put(w, DER_CONTEXT_CONSTRUCTED | 0, bytes_of("", 0));
	der_end(w, info);
}

static bool sign(EVP_PKEY *key, struct bytes data, uint8_t ret_signature[static SIGNATURE_MAX],
		 size_t *ret_len, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();

	*ret_len = SIGNATURE_MAX;
	if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(context, ret_signature, ret_len, data.data, data.len) == 1)
		return true;
	return crypto_failed("sign a request", e);
}

static bool make_request(const char *unit, uint8_t ret_der[static POOL_REQUEST_MAX],
			 size_t *ret_len, struct err *e)
{
	AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
	uint8_t point[POINT_LEN], info_der[POOL_REQUEST_MAX], signature[SIGNATURE_MAX];
	struct der_writer info = der_writer(info_der, sizeof(info_der));
	struct der_writer all = der_writer(ret_der, POOL_REQUEST_MAX);
	size_t len, mark;

	if (!key ||
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					    &len) != 1 ||
	    len != POINT_LEN)
		return crypto_failed("make a key", e);
	put_info(&info, unit, BYTES(point));
	if (!sign(key, der_written(&info), signature, &len, e))
		return false;
	mark = der_begin(&all, DER_SEQUENCE);
	der_put_raw(&all, der_written(&info));
	der_put_raw(&all, BYTES(signature_algorithm));
	put_bits(&all, bytes_of(signature, len));
	der_end(&all, mark);
	*ret_len = all.len;
	return (der_ok(&info) && der_ok(&all)) ||
	       err_set(e, ERR_INVALID, "the request of %s would be too long", unit);
}

static bool write_pem(const char *folder, const char *unit, struct bytes der, struct err *e)
{
	char path[PATH_MAX];
	AUTO(FILE) file = NULL;

	snprintf(path, sizeof(path), "%s/%s.pem", folder, unit);
	file = fopen(path, "we");
	if (!file || PEM_write(file, PEM_STRING_X509_REQ, "", der.data, (long)der.len) <= 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	return true;
}

static bool run(const struct arguments *a, struct err *e)
{
	AUTO(FILE) file = fopen(a->out, "we");
	uint8_t der[POOL_REQUEST_MAX];
	char unit[POOL_UNIT_SIZE];
	size_t len;

	if (!file || (a->pem && mkdir(a->pem, 0755) < 0 && errno != EEXIST))
		return err_errno(e, ERR_SYSTEM, "cannot make %s", file ? a->pem : a->out);
	for (size_t i = 0; i < a->count; i++) {
		pool_unit(a->prefix, i, unit);
		if (!make_request(unit, der, &len, e) || !pool_write(file, bytes_of(der, len), e) ||
		    (a->pem && !write_pem(a->pem, unit, bytes_of(der, len), e)))
			return false;
	}
	return fflush(file) == 0 || err_errno(e, ERR_SYSTEM, "cannot write %s", a->out);
}

int main(int argc, char **argv)
{
	struct arguments a = { .prefix = "B-", .count = 1000 };
	struct err e;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (run(&a, &e))
		return EXIT_SUCCESS;
	fprintf(stderr, "bench-requests: %s\n", e.text);
	return EXIT_FAILURE;
}
