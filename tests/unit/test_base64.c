/* base64 against the vectors of RFC 4648, what is refused, and the answers of real modems. */
#include "serial/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWERS "tests/data/nrf91-keygen.txt" /* from the top of the checkout */
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *text, *bytes; /* NULL: refused */
	enum base64_alphabet alphabet;
} cases[] = {
	{ "", "", BASE64_STANDARD },
	{ "Zg==", "f", BASE64_STANDARD },
	{ "Zm8=", "fo", BASE64_STANDARD },
	{ "Zm9v", "foo", BASE64_STANDARD },
	{ "Zm9vYg==", "foob", BASE64_STANDARD },
	{ "Zm9vYmE=", "fooba", BASE64_STANDARD },
	{ "Zm9vYmFy", "foobar", BASE64_STANDARD },
	{ "Zm9vYmE", "fooba", BASE64_URL },
	{ "Zg", "f", BASE64_URL },
	{ "-_-_", "\xfb\xff\xbf", BASE64_URL },
	{ "+/+/", "\xfb\xff\xbf", BASE64_STANDARD },
	{ "-_-_", NULL, BASE64_STANDARD },
	{ "+/+/", NULL, BASE64_URL },
	{ "Zm9vYmE", NULL, BASE64_STANDARD },
	{ "Zm9vYmE=", NULL, BASE64_URL },
	{ "Z", NULL, BASE64_URL },
	{ "Z===", NULL, BASE64_STANDARD },
	{ "====", NULL, BASE64_STANDARD },
	{ "Zh==", NULL, BASE64_STANDARD }, /* bits behind the last byte */
	{ "Zm9=", NULL, BASE64_STANDARD },
	{ "Zm9v\n", NULL, BASE64_STANDARD },
	{ "Zm 9", NULL, BASE64_STANDARD },
	{ "Zm9vYm=y", NULL, BASE64_STANDARD },
	{ "Zm\xc3\xa9", NULL, BASE64_URL },
};

static void every_text_is_taken_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t data[16];
		size_t len = 0;
		bool taken = base64_decode(bytes_text(cases[i].text), cases[i].alphabet, data,
					   sizeof(data), &len);

		if (taken != (cases[i].bytes != NULL))
			fail_msg("\"%s\" was %s", cases[i].text, taken ? "taken" : "refused");
		if (!taken)
			continue;
		assert_int_equal(len, strlen(cases[i].bytes));
		assert_memory_equal(data, cases[i].bytes, len);
	}
}

static void what_is_encoded_decodes(void **state)
{
	uint8_t data[64], again[64];
	char text[BASE64_TEXT_LEN(sizeof(data)) + 1];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 200);
	for (size_t i = 0; i <= sizeof(data); i++) {
		base64_encode(bytes_of(data, i), text);
		assert_int_equal(strlen(text), BASE64_TEXT_LEN(i));
		assert_true(base64_decode(bytes_text(text), BASE64_STANDARD, again, i, &len));
		assert_int_equal(len, i);
		assert_memory_equal(again, data, i);
		assert_int_equal(base64_decode(bytes_text(text), BASE64_STANDARD, again,
					       i ? i - 1 : 0, &len),
				 i == 0);
	}
}

/* True if the second part names the SHA-256 of the first, as two of these do. */
static bool check_answer(const char *answer)
{
	const char *dot = strchr(answer, '.');
	uint8_t csr[512], cose[512], digest[SHA256_DIGEST_LENGTH];
	const uint8_t *at = csr;
	size_t csr_len, cose_len;
	X509_REQ *request;

	assert_non_null(dot);
	assert_true(base64_decode(bytes_of(answer, (size_t)(dot - answer)), BASE64_URL, csr,
				  sizeof(csr), &csr_len));
	assert_true(base64_decode(bytes_text(dot + 1), BASE64_URL, cose, sizeof(cose), &cose_len));
	request = d2i_X509_REQ(NULL, &at, (long)csr_len);
	assert_non_null(request);
	assert_ptr_equal(at, csr + csr_len);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	X509_REQ_free(request);
	SHA256(csr, csr_len, digest);
	return memmem(cose, cose_len, digest, sizeof(digest)) != NULL;
}

static void real_modems_are_understood(void **state)
{
	char line[1024];
	FILE *file = fopen(ANSWERS, "r");
	size_t count = 0, named = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		named += check_answer(line);
		count++;
	}
	fclose(file);
	assert_int_equal(count, 3);
	assert_int_equal(named, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_is_taken_or_refused),
		cmocka_unit_test(what_is_encoded_decodes),
		cmocka_unit_test(real_modems_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
