/* What modems attest of their keys: the answers of three real ones, whole, changed and cut off. */
#include "serial/attest.h"
#include "serial/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#define DATA "tests/data/nrf91-keygen.txt"
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *uuid;
	uint32_t sec_tag;
} modems[] = {
	{ "50363154-3931-44f0-8022-121b6401627d", 17 },
	{ "50343956-3037-4738-800d-1f29e0a0f7bf", 1235 }, /* its CSR has lost a NULL */
	{ "50363953-3234-4723-80b9-1503d88271bf", 52 },
};

static struct {
	uint8_t csr[512], cose[512];
	size_t csr_len, cose_len;
} answers[COUNT(modems)];

static int read_answers(void **state)
{
	FILE *file = fopen(DATA, "r");
	char line[1024];
	size_t count = 0;

	(void)state;
	if (!file)
		fail_msg("cannot open %s", DATA);
	while (fgets(line, sizeof(line), file)) {
		char *dot = strchr(line, '.');

		if (line[0] == '#')
			continue;
		assert_true(dot && count < COUNT(answers));
		line[strcspn(line, "\n")] = '\0';
		assert_true(base64_decode(bytes_of(line, (size_t)(dot - line)), BASE64_URL,
					  answers[count].csr, sizeof(answers[count].csr),
					  &answers[count].csr_len));
		assert_true(base64_decode(bytes_text(dot + 1), BASE64_URL, answers[count].cose,
					  sizeof(answers[count].cose), &answers[count].cose_len));
		count++;
	}
	fclose(file);
	assert_int_equal(count, COUNT(answers));
	return 0;
}

static struct bytes csr_of(size_t i)
{
	return bytes_of(answers[i].csr, answers[i].csr_len);
}

static struct bytes cose_of(size_t i)
{
	return bytes_of(answers[i].cose, answers[i].cose_len);
}

static void real_modems_attest_their_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(modems); i++) {
		struct attest attest;

		assert_true(attest_decode(cose_of(i), &attest));
		assert_string_equal(attest.uuid, modems[i].uuid);
		assert_int_equal(attest.sec_tag, modems[i].sec_tag);
		for (size_t j = 0; j < COUNT(modems); j++) {
			assert_int_equal(attest_covers(&attest, csr_of(j)), i == j);
			assert_int_equal(attest_names(&attest, csr_of(j)), i == j);
		}
	}
}

static void every_byte_of_a_csr_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(modems); i++) {
		struct attest attest;

		assert_true(attest_decode(cose_of(i), &attest));
		for (size_t at = 0; at < answers[i].csr_len; at++) {
			answers[i].csr[at] ^= 1;
			if (attest_covers(&attest, csr_of(i)))
				fail_msg("modem %zu, byte %zu", i, at);
			answers[i].csr[at] ^= 1;
		}
		for (size_t len = 0; len < answers[i].csr_len; len++)
			assert_false(attest_covers(&attest, bytes_of(answers[i].csr, len)));
	}
}

/* A change is refused, or it is one of what is attested: UUID, sec_tag, hash; or else it lies in
 * nonce, signature or the identity key's number, which nothing here can judge. */
static void a_message_is_whole_or_refused(void **state)
{
	struct attest whole, other;
	size_t judged = 0;

	(void)state;
	assert_true(attest_decode(cose_of(0), &whole));
	for (size_t len = 0; len < answers[0].cose_len; len++)
		assert_false(attest_decode(bytes_of(answers[0].cose, len), &other));
	for (size_t at = 0; at < answers[0].cose_len; at++) {
		answers[0].cose[at] ^= 0x40;
		memset(&other, 0, sizeof(other));
		judged += !attest_decode(cose_of(0), &other) ||
			  strcmp(other.uuid, whole.uuid) != 0 || other.sec_tag != whole.sec_tag ||
			  memcmp(other.csr_sha256, whole.csr_sha256, 32) != 0;
		answers[0].cose[at] ^= 0x40;
	}
	assert_int_equal(judged, answers[0].cose_len - 16 - 64 - 1);
}

static void a_sec_tag_has_32_bits(void **state)
{
	/* -4 in a byte string, where the first modem's answer has 17. */
	struct attest attest;

	(void)state;
	for (size_t i = 0; i + 1 < answers[0].cose_len; i++)
		if (answers[0].cose[i] == 0x41 && answers[0].cose[i + 1] == 0x11)
			answers[0].cose[i + 1] = 0x23;
	assert_true(attest_decode(cose_of(0), &attest));
	assert_int_equal(attest.sec_tag, 4294967292);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_modems_attest_their_keys),
		cmocka_unit_test(every_byte_of_a_csr_counts),
		cmocka_unit_test(a_message_is_whole_or_refused),
		cmocka_unit_test(a_sec_tag_has_32_bits),
	};

	return cmocka_run_group_tests(tests, read_answers, NULL);
}
