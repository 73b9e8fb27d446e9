/* A head as signed bytes, as text and in a message; and the page's example. */
#include "tests/unit/ledger_page.h"

#include "hsm/api/proof/merkle.h"
#include "hsm/api/proof/signature.h"

/* The head of the page's first three entries, with the signature that the page shows. */
static struct head example(void)
{
	struct head head = { .epoch = 1, .size = 3, .time_s = PAGE_TIME + 3 };
	struct merkle tree = { 0 };
	struct page_entries p;
	uint8_t data[4096], leaf[MERKLE_HASH];
	char signature[2 * HEAD_SIGNATURE_MAX + 1];
	struct err e;
	size_t len;

	page_fill(&p);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(entry_encode(&p.rows[i], data, sizeof(data), &len, &e));
		merkle_leaf(bytes_of(data, len), leaf);
		merkle_add(&tree, leaf);
	}
	merkle_root(&tree, head.root);
	memcpy(head.ledger_id, p.bytes, LEDGER_ID_LEN);
	memcpy(head.key, p.key, sizeof(p.key));
	head.key_len = sizeof(p.key);
	page_value("signature", signature, sizeof(signature));
	head.signature_len = strlen(signature) / 2;
	assert_true(hex_decode(signature, head.signature, head.signature_len));
	return head;
}

static void page_tree(void **state)
{
	struct merkle tree = { 0 };
	struct page_entries p;
	uint8_t data[4096], hash[MERKLE_HASH];
	struct err e;
	char name[32];
	size_t len;

	(void)state;
	page_fill(&p);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(entry_encode(&p.rows[i], data, sizeof(data), &len, &e));
		merkle_leaf(bytes_of(data, len), hash);
		snprintf(name, sizeof(name), "leaf %u", i + 1);
		page_compare(name, BYTES(hash));
		merkle_add(&tree, hash);
		merkle_root(&tree, hash);
		snprintf(name, sizeof(name), "root of %u", i + 1);
		page_compare(name, BYTES(hash));
	}
}

static void page_head(void **state)
{
	struct head head = example();
	uint8_t data[HEAD_SIGNED_MAX];
	char text[HEAD_TEXT_MAX], value[HEAD_TEXT_MAX];
	struct err e;

	(void)state;
	page_compare("signed bytes", bytes_of(data, head_signed_bytes(&head, data)));
	page_value("head", value, sizeof(value));
	if (strcmp(value, head_format(&head, text)))
		fail_msg("%s must say\nhead: %s", PAGE, text);
	if (!head_verify(&head, &e))
		fail_msg("%s", e.text);
}

static void text_and_back(void **state)
{
	struct head head = example(), parsed;
	char text[HEAD_TEXT_MAX], padded[HEAD_TEXT_MAX + 8], line[HEAD_TEXT_MAX + 8];
	struct err e;

	(void)state;
	head_format(&head, text);
	snprintf(padded, sizeof(padded), "\r\n %s \r\n", text);
	assert_true(head_parse(padded, &parsed, &e));
	assert_memory_equal(&head, &parsed, sizeof(head));
	for (size_t cut = 0; cut < strlen(text); cut++) {
		snprintf(line, sizeof(line), "%.*s", (int)cut, text);
		assert_false(head_parse(line, &parsed, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	snprintf(line, sizeof(line), "%sx", text);
	assert_false(head_parse(line, &parsed, &e));
}

static void bad_text(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "\"epoch\":1", "\"epoch\":4294967296" },
		{ "\"epoch\":1", "\"epoch\":-1" },
		{ "\"epoch\":1", "\"epoch\":" },
		{ "\"size\":3", "\"size\":99999999999999999999" },
		{ "\"size\":3", "\"size\":3.0" },
		{ "\"root\":\"", "\"root\":\"00" },
		{ "\"root\":\"", "\"root\":\"g" },
		{ "\"time\":\"2", "\"time\":\"x" },
		{ "\"key\":\"30", "\"key\":\"3" },
		{ "{\"ledger\"", "{ \"ledger\"" },
	};
	struct head head = example(), parsed;
	char text[HEAD_TEXT_MAX], line[2 * HEAD_TEXT_MAX];
	struct err e;

	(void)state;
	head_format(&head, text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(text, cases[i].from);

		assert_non_null(at);
		snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - text), text, cases[i].to,
			 at + strlen(cases[i].from));
		if (head_parse(line, &parsed, &e))
			fail_msg("taken: %s", line);
	}
}

/* Each thing that is signed, changed. */
static void forged(void **state)
{
	struct head head;
	struct err e;

	(void)state;
#define FORGED(change)                                                                             \
	head = example();                                                                          \
	change;                                                                                    \
	assert_false(head_verify(&head, &e));                                                      \
	assert_int_equal(e.code, ERR_CORRUPT)
	FORGED(head.size++);
	FORGED(head.epoch++);
	FORGED(head.time_s++);
	FORGED(head.root[31] ^= 1);
	FORGED(head.ledger_id[0] ^= 1);
	FORGED(head.signature[9] ^= 1);
	FORGED(head.signature_len = 0);
	FORGED(head.key[60] ^= 1);
	FORGED(head.key_len--);
	FORGED(head.key_len = 0);
}

static void message(void **state)
{
	struct head head = example(), read;
	uint8_t record[1024], type;
	struct writer w = writer_start(record, sizeof(record), 9);
	struct reader r;

	(void)state;
	head_write(&w, &head);
	assert_true(writer_ok(&w));
	r = reader_start(bytes_of(record, w.len), &type);
	head_read(&r, &read);
	assert_true(reader_end(&r));
	assert_memory_equal(&head, &read, sizeof(head));
	for (size_t cut = 2; cut < w.len; cut++) {
		r = reader_start(bytes_of(record, cut), &type);
		head_read(&r, &read);
		assert_false(reader_end(&r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_tree),	 cmocka_unit_test(page_head),
		cmocka_unit_test(text_and_back), cmocka_unit_test(bad_text),
		cmocka_unit_test(forged),	 cmocka_unit_test(message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
