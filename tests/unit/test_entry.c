/* Entries as bytes: what is written is read, nothing else is, and docs/ledger.md tells it so. */
#include "tests/unit/ledger_page.h"

#include <stddef.h>

#define DATA_MAX 4096

/* An entry of a type with every field filled. */
static void fill(void *context, const char *name, enum entry_field_kind kind, struct bytes value,
		 uint64_t number)
{
	(void)value;
	(void)number;
	snprintf((char *)context + strlen(context), 256 - strlen(context), "%s%s %s",
		 *(char *)context ? ", " : "", name,
		 kind == FIELD_TEXT    ? "text"
		 : kind == FIELD_BYTES ? "bytes"
				       : "number");
}

static struct entry full(enum entry_type type)
{
	static uint8_t bytes[600];
	struct bytes hash = bytes_of(bytes, 32), some = bytes_of(bytes, 6);
	struct bytes text = bytes_text("Gr\xc3\xbc\xc3\x9f"
				       "e \xe4\xba\x8c \xf0\x9f\x94\x91");
	struct entry entry = {
		.ledger_id = { 1 },
		.epoch = 3,
		.number = 70000,
		.time_s = 1790000000,
		.type = type,
		.station = text,
		.subject = text,
		.order = text,
		.product = text,
		.unit = text,
		.other_unit = text,
		.nest = bytes_text("A1"),
		.operator= text,
		.by = text,
		.reason = text,
		.pattern = bytes_text("T.*"),
		.list = bytes_text("T-1\nT-2\n"),
		.text = text,
		.code = text,
		.head = bytes_text("{}"),
		.key = some,
		.prefix = some,
		.certificate = bytes_of(bytes, 600),
		.chain = some,
		.serial = some,
		.key_sha256 = hash,
		.tbs_sha256 = hash,
		.ca_id = hash,
		.nonce = hash,
		.digests = hash,
		.signature = some,
		.sha256 = hash,
		.issuance = 23,
		.quantity = 24,
		.units = 2,
		.until = 1800000000,
		.source = 1,
		.evidence = 3,
		.rekeyed = 1,
		.kind = 255,
		.crl_number = UINT32_MAX + UINT64_C(1),
	};

	return entry;
}

static size_t encode(const struct entry *entry, uint8_t data[static DATA_MAX])
{
	struct err e;
	size_t len = 0;

	if (!entry_encode(entry, data, DATA_MAX, &len, &e))
		fail_msg("%s: %s", entry_type_name(entry->type), e.text);
	return len;
}

static void every_type(void **state)
{
	uint8_t data[DATA_MAX], again[DATA_MAX];
	struct entry entry, decoded;
	struct err e;
	size_t len;

	(void)state;
	for (int type = 1; type < ENTRY_TYPE_COUNT; type++) {
		entry = full((enum entry_type)type);
		len = encode(&entry, data);
		if (!entry_decode(bytes_of(data, len), &decoded, &e))
			fail_msg("%s: %s", entry_type_name(entry.type), e.text);
		assert_int_equal(decoded.number, 70000);
		assert_int_equal(decoded.type, type);
		assert_int_equal(encode(&decoded, again), len);
		assert_memory_equal(data, again, len);
		assert_false(entry_encode(&entry, again, len - 1, &len, &e));
	}
	assert_string_equal(entry_type_name(0), "?");
	assert_string_equal(entry_type_name(ENTRY_TYPE_COUNT), "?");
}

/* Cut anywhere, one bit flipped anywhere: refused, or another entry's exact bytes. */
static void any_damage(void **state)
{
	uint8_t data[DATA_MAX], again[DATA_MAX];
	struct entry entry, decoded;
	struct err e;
	size_t len;

	(void)state;
	for (int type = 1; type < ENTRY_TYPE_COUNT; type++) {
		entry = full((enum entry_type)type);
		len = encode(&entry, data);
		for (size_t cut = 0; cut < len; cut++)
			assert_false(entry_decode(bytes_of(data, cut), &decoded, &e));
		data[len] = 0;
		assert_false(entry_decode(bytes_of(data, len + 1), &decoded, &e));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (entry_decode(bytes_of(data, len), &decoded, &e)) {
				assert_int_equal(encode(&decoded, again), len);
				assert_memory_equal(data, again, len);
			} else {
				assert_int_equal(e.code, ERR_INVALID);
			}
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* "order-used" of epoch 1, number 1, time 1, order "A", by "": other spellings of the same. */
#define ID "50000102030405060708090a0b0c0d0e0f"
static void other_spellings(void **state)
{
	static const struct {
		const char *name, *hex;
		bool good;
	} cases[] = {
		{ "shortest",
		  "8801" ID "010101"
		  "07"
		  "6141"
		  "60",
		  true },
		{ "version in two bytes",
		  "881801" ID "010101"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "number in nine bytes",
		  "8801" ID "01"
		  "1b0000000000000001"
		  "01"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "length in two bytes",
		  "8801" ID "010101"
		  "07"
		  "780141"
		  "60",
		  false },
		{ "array count in two bytes",
		  "980801" ID "010101"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "indefinite array",
		  "9f01" ID "010101"
		  "07"
		  "6141"
		  "60"
		  "ff",
		  false },
		{ "indefinite text",
		  "8801" ID "010101"
		  "07"
		  "7f6141ff"
		  "60",
		  false },
		{ "a tag",
		  "8801" ID "010101"
		  "07"
		  "c06141"
		  "60",
		  false },
		{ "bytes for text",
		  "8801" ID "010101"
		  "07"
		  "4141"
		  "60",
		  false },
		{ "a field more",
		  "8901" ID "010101"
		  "07"
		  "6141"
		  "60"
		  "60",
		  false },
		{ "a field less",
		  "8701" ID "010101"
		  "07"
		  "6141",
		  false },
		{ "version 2",
		  "8802" ID "010101"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "epoch 0",
		  "8801" ID "000101"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "number 0",
		  "8801" ID "010001"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "negative time",
		  "8801" ID "010120"
		  "07"
		  "6141"
		  "60",
		  false },
		{ "type 0",
		  "8801" ID "010101"
		  "00"
		  "6141"
		  "60",
		  false },
		{ "type 23",
		  "8801" ID "010101"
		  "17"
		  "6141"
		  "60",
		  false },
		{ "no order",
		  "8801" ID "010101"
		  "07"
		  "60"
		  "60",
		  false },
		{ "a NUL",
		  "8801" ID "010101"
		  "07"
		  "6100"
		  "60",
		  false },
		{ "a line feed",
		  "8801" ID "010101"
		  "07"
		  "610a"
		  "60",
		  false },
		{ "DEL",
		  "8801" ID "010101"
		  "07"
		  "617f"
		  "60",
		  false },
		{ "a control character of Latin-1",
		  "8801" ID "010101"
		  "07"
		  "62c285"
		  "60",
		  false },
		{ "half a character",
		  "8801" ID "010101"
		  "07"
		  "61c3"
		  "60",
		  false },
		{ "an overlong slash",
		  "8801" ID "010101"
		  "07"
		  "62c0af"
		  "60",
		  false },
		{ "a surrogate",
		  "8801" ID "010101"
		  "07"
		  "63eda080"
		  "60",
		  false },
		{ "beyond Unicode",
		  "8801" ID "010101"
		  "07"
		  "64f4908080"
		  "60",
		  false },
		{ "an umlaut",
		  "8801" ID "010101"
		  "07"
		  "62c3bc"
		  "60",
		  true },
		{ "empty", "", false },
		{ "a map", "a0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t data[256];
		struct entry entry;
		struct err e;
		bool good;

		assert_true(hex_decode(cases[i].hex, data, strlen(cases[i].hex) / 2));
		good = entry_decode(bytes_of(data, strlen(cases[i].hex) / 2), &entry, &e);
		if (good != cases[i].good)
			fail_msg("%s: %s", cases[i].name, good ? "taken" : e.text);
	}
}

static void limits(void **state)
{
	static uint8_t bytes[ENTRY_MAX];
	static const struct {
		const char *name;
		enum entry_type type;
		size_t offset;
		size_t len;
		bool good;
	} cases[] = {
#define LENGTH(type, member, len, good)                                                            \
	{ #type " " #member " " #len, type, offsetof(struct entry, member), len, good }
		LENGTH(ENTRY_RESERVED, unit, NAME_MAX_LEN, true),
		LENGTH(ENTRY_RESERVED, unit, NAME_MAX_LEN + 1, false),
		LENGTH(ENTRY_RESERVED, unit, 0, false),
		LENGTH(ENTRY_RESERVED, nest, 0, true),
		LENGTH(ENTRY_RESERVED, nest, NEST_MAX_LEN + 1, false),
		LENGTH(ENTRY_RESERVED, serial, SERIAL_MAX + 1, false),
		LENGTH(ENTRY_RESERVED, ca_id, SHA256_LEN - 1, false),
		LENGTH(ENTRY_RESERVED, tbs_sha256, SHA256_LEN + 1, false),
		LENGTH(ENTRY_ISSUED, certificate, CERTIFICATE_MAX, true),
		LENGTH(ENTRY_ISSUED, certificate, CERTIFICATE_MAX + 1, false),
		LENGTH(ENTRY_VOID, reason, REASON_MAX_LEN, true),
		LENGTH(ENTRY_VOID, reason, REASON_MAX_LEN + 1, false),
		LENGTH(ENTRY_VOID, reason, 0, false),
		LENGTH(ENTRY_ORDER_UNITS, list, LIST_MAX_LEN, true),
		LENGTH(ENTRY_ORDER_UNITS, list, LIST_MAX_LEN + 1, false),
		LENGTH(ENTRY_INSTALLED, digests, ENTRY_FILES_MAX * SHA256_LEN, true),
		LENGTH(ENTRY_INSTALLED, digests, ENTRY_FILES_MAX * SHA256_LEN + 1, false),
	};

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static uint8_t data[ENTRY_MAX];
		struct entry entry = full(cases[i].type);
		struct bytes *field = (struct bytes *)((uintptr_t)&entry + cases[i].offset);
		struct err e;
		size_t len;
		bool good;

		*field = bytes_of(bytes, cases[i].len);
		good = entry_encode(&entry, data, sizeof(data), &len, &e);
		if (good != cases[i].good)
			fail_msg("%s: %s", cases[i].name, good ? "taken" : e.text);
	}
}

static void numbers(void **state)
{
	uint8_t data[DATA_MAX];
	struct entry entry;
	struct err e;
	size_t len;

	(void)state;
#define REFUSED(type, change)                                                                      \
	entry = full(type);                                                                        \
	change;                                                                                    \
	assert_false(entry_encode(&entry, data, sizeof(data), &len, &e))
	REFUSED(ENTRY_INSTALLED, entry.evidence = 0);
	REFUSED(ENTRY_INSTALLED, entry.evidence = 4);
	REFUSED(ENTRY_ORDER_OPENED, entry.quantity = 0);
	REFUSED(ENTRY_ORDER_OPENED, entry.quantity = UINT32_MAX + UINT64_C(1));
	REFUSED(ENTRY_ORDER_OPENED, entry.until = UINT64_MAX);
	REFUSED(ENTRY_VOID, entry.rekeyed = 2);
	REFUSED(ENTRY_VOID, entry.issuance = 0);
	REFUSED(ENTRY_VOID, entry.issuance = UINT64_MAX);
	REFUSED(ENTRY_VOID, entry.time_s = -1);
	REFUSED(ENTRY_VOID, entry.epoch = 0);
	REFUSED(ENTRY_VOID, entry.number = 0);
	REFUSED(ENTRY_VOID, entry.type = ENTRY_TYPE_COUNT);
}

static void page_vectors(void **state)
{
	static const char *const names[] = { "ledger", "order-opened", "reserved", "issued",
					     "installed" };
	struct page_entries p;
	uint8_t data[DATA_MAX];

	(void)state;
	page_fill(&p);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64];

		assert_string_equal(names[i], entry_type_name(p.rows[i].type));
		snprintf(name, sizeof(name), "entry %zu", i + 1);
		page_compare(name, bytes_of(data, encode(&p.rows[i], data)));
	}
}

/* The table of types: "| 7 | order-used | order text, by text |" */
static void page_table(void **state)
{
	(void)state;
	for (int type = 1; type < ENTRY_TYPE_COUNT; type++) {
		struct entry entry = { .type = (enum entry_type)type };
		char fields[256] = "", row[512];

		entry_fields(&entry, fill, fields);
		snprintf(row, sizeof(row), "\n| %d | %s | %s |", type, entry_type_name(entry.type),
			 fields);
		if (!strstr(page_text(), row))
			fail_msg("%s must have the row%s", PAGE, row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type),	   cmocka_unit_test(any_damage),
		cmocka_unit_test(other_spellings), cmocka_unit_test(limits),
		cmocka_unit_test(numbers),	   cmocka_unit_test(page_vectors),
		cmocka_unit_test(page_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
