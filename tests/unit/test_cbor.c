#include "base/cbor.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SIZE 256

static struct bytes from_hex(const char *hex, uint8_t data[SIZE])
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= SIZE && hex_decode(hex, data, len));
	return bytes_of(data, len);
}

/* RFC 8949, appendix A, and the edges of each length. */
static const struct {
	int64_t value;
	const char *hex;
} integers[] = {
	{ 0, "00" },
	{ 23, "17" },
	{ 24, "1818" },
	{ 255, "18ff" },
	{ 256, "190100" },
	{ 65535, "19ffff" },
	{ 65536, "1a00010000" },
	{ 4294967295, "1affffffff" },
	{ 4294967296, "1b0000000100000000" },
	{ INT64_MAX, "1b7fffffffffffffff" },
	{ -1, "20" },
	{ -24, "37" },
	{ -25, "3818" },
	{ -1000, "3903e7" },
	{ INT64_MIN, "3b7fffffffffffffff" },
};

static void integers_have_one_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		uint8_t data[16];
		char hex[2 * sizeof(data) + 1];
		struct cbor_writer w = { .data = data, .size = sizeof(data) };
		struct cbor_reader r;
		struct cbor_item item;
		int64_t value = integers[i].value;

		cbor_put_integer(&w, value);
		assert_string_equal(hex_encode(bytes_of(data, w.len), hex), integers[i].hex);
		r = cbor_reader_start(bytes_of(data, w.len));
		item = cbor_next(&r);
		assert_int_equal(item.type, value < 0 ? CBOR_NEGATIVE : CBOR_UNSIGNED);
		assert_true(item.value == (value < 0 ? ~(uint64_t)value : (uint64_t)value));
		assert_true(cbor_at_end(&r));
	}
}

static void a_writer_never_runs_over(void **state)
{
	uint8_t data[64];
	size_t whole = 0;

	(void)state;
	for (size_t size = sizeof(data); size-- > 0;) {
		struct cbor_writer w = { .data = data, .size = size };

		memset(data, 0xee, sizeof(data));
		cbor_put_map(&w, 2);
		cbor_put_key(&w, "a");
		cbor_put_bytes(&w, bytes_text("0123456789012345678901234567890"));
		cbor_put_key(&w, "b");
		cbor_put_array(&w, 2);
		cbor_put_bool(&w, true);
		cbor_put_bool(&w, false);
		whole = whole ? whole : w.len;
		assert_int_equal(w.overflow, size < whole);
		assert_int_equal(data[size], 0xee);
	}
	assert_int_equal(whole, 41);
}

/* Reads {"a": 1, "b": [h'', "x", {}], "c": true} in each form that means it. */
static const struct {
	const char *name, *hex;
} same[] = {
	{ "definite", "a3616101616283406178a06163f5" },
	{ "indefinite map", "bf616101616283406178a06163f5ff" },
	{ "indefinite inside", "a361610161629f406178bfffff6163f5" },
	{ "longer lengths", "b803616101616299000340780178a06163f5" },
};

static void definite_and_indefinite_read_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		uint8_t data[SIZE];
		struct cbor_reader r = cbor_reader_start(from_hex(same[i].hex, data));

		cbor_want(&r, CBOR_MAP);
		assert_true(bytes_equal(cbor_want_string(&r, CBOR_TEXT, 8), bytes_text("a")));
		assert_int_equal(cbor_want_unsigned(&r), 1);
		cbor_next(&r);
		cbor_want(&r, CBOR_ARRAY);
		assert_int_equal(cbor_want_string(&r, CBOR_BYTES, 8).len, 0);
		assert_true(bytes_equal(cbor_want_string(&r, CBOR_TEXT, 8), bytes_text("x")));
		cbor_want(&r, CBOR_MAP);
		assert_int_equal(cbor_next(&r).type, CBOR_END);
		cbor_leave(&r);
		assert_int_equal(cbor_next(&r).type, CBOR_END);
		cbor_leave(&r);
		cbor_next(&r);
		assert_int_equal(cbor_next(&r).value, 1);
		assert_int_equal(cbor_next(&r).type, CBOR_END);
		cbor_leave(&r);
		if (!cbor_at_end(&r))
			fail_msg("%s: something is left", same[i].name);
	}
}

static void leaving_skips_what_was_not_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		uint8_t data[SIZE];
		struct cbor_reader r = cbor_reader_start(from_hex(same[i].hex, data));

		cbor_want(&r, CBOR_MAP);
		cbor_next(&r);
		cbor_leave(&r);
		assert_true(cbor_at_end(&r));
	}
}

static void find_looks_at_one_level_only(void **state)
{
	static const struct {
		const char *hex, *key;
		bool found, ok;
		uint64_t value;
	} cases[] = {
		{ "a2616101616202", "b", true, true, 2 },
		{ "a2616101616202", "c", false, true, 0 },
		{ "a2616101616202", "", false, true, 0 },
		{ "bf616101616202ff", "b", true, true, 2 },
		{ "a26161a1616209616203", "b", true, true, 3 },
		{ "a2616261786161616b", "k", false, true, 0 }, /* a value is no key */
		{ "a30102ff", "b", false, false, 0 },
		{ "a201026162182a", "b", true, true, 42 },		  /* an integer as a key */
		{ "a26161c11a514b67b0616207", "b", true, true, 7 },	  /* a tag is passed over */
		{ "a26161fb3ff199999999999a616207", "b", true, true, 7 }, /* and a float */
		{ "a261615f4101ff616207", "b", true, true, 7 }, /* and a string in pieces */
		{ "a16162", "b", true, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t data[SIZE];
		struct cbor_reader map = cbor_reader_start(from_hex(cases[i].hex, data)), r;
		bool found;

		cbor_want(&map, CBOR_MAP);
		r = cbor_find(&map, cases[i].key, &found);
		if (found != cases[i].found)
			fail_msg("%s in %s", cases[i].key, cases[i].hex);
		if (found)
			assert_int_equal(cbor_want_unsigned(&r), cases[i].value);
		assert_int_equal(cbor_ok(&r), cases[i].ok);
	}
}

static const struct {
	const char *name, *hex;
	bool read_ok, skip_ok; /* item by item; as one skipped item */
} odd[] = {
	{ "nothing", "", true, true },
	{ "float", "fb3ff199999999999a", false, true },
	{ "half float", "f93c00", false, true },
	{ "tag", "c101", false, true },
	{ "undefined", "f7", false, true },
	{ "bytes in pieces", "5f42010243030405ff", false, true },
	{ "text in pieces of bytes", "7f4101ff", false, false },
	{ "pieces without an end", "5f4101", false, false },
	{ "reserved length", "1c", false, false },
	{ "length cut off", "19ff", false, false },
	{ "string cut off", "4401", false, false },
	{ "string of 2^64-1", "5bffffffffffffffff", false, false },
	{ "array of 2^64-1", "9bffffffffffffffff", false, false },
	{ "map of 2^63", "bb8000000000000000", false, false },
	{ "array cut off", "8201", false, false },
	{ "map without its value", "a101", false, false },
	{ "break in a definite array", "81ff", false, false },
	{ "break between key and value", "bf01ff", false, false },
	{ "break on its own", "ff", false, false },
	{ "no break", "9f01", false, false },
	{ "eight levels", "818181818181818100", true, true },
	{ "nine levels", "81818181818181818100", false, false },
};

static void read_all(struct cbor_reader *r)
{
	for (size_t i = 0; i < SIZE && !r->bad; i++)
		if (cbor_next(r).type == CBOR_END && r->depth > 0)
			cbor_leave(r);
}

static void odd_input_is_refused_or_passed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint8_t data[SIZE];
		struct bytes input = from_hex(odd[i].hex, data);
		struct cbor_reader r = cbor_reader_start(input);

		read_all(&r);
		if (cbor_at_end(&r) != odd[i].read_ok)
			fail_msg("%s: read", odd[i].name);
		r = cbor_reader_start(input);
		cbor_skip(&r);
		if (cbor_at_end(&r) != odd[i].skip_ok)
			fail_msg("%s: skipped", odd[i].name);
	}
}

static void what_is_wanted_must_be_there(void **state)
{
	uint8_t data[SIZE];
	struct bytes text = from_hex("6161", data);
	struct cbor_reader r = cbor_reader_start(text);

	(void)state;
	assert_int_equal(cbor_want_unsigned(&r), 0);
	assert_false(cbor_ok(&r));
	r = cbor_reader_start(text);
	assert_int_equal(cbor_want_string(&r, CBOR_BYTES, 8).len, 0);
	assert_false(cbor_ok(&r));
	r = cbor_reader_start(text);
	assert_int_equal(cbor_want_string(&r, CBOR_TEXT, 0).len, 0);
	assert_false(cbor_ok(&r));
	r = cbor_reader_start(text);
	cbor_want(&r, CBOR_MAP);
	assert_false(cbor_ok(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_have_one_form),
		cmocka_unit_test(a_writer_never_runs_over),
		cmocka_unit_test(definite_and_indefinite_read_the_same),
		cmocka_unit_test(leaving_skips_what_was_not_read),
		cmocka_unit_test(find_looks_at_one_level_only),
		cmocka_unit_test(odd_input_is_refused_or_passed_over),
		cmocka_unit_test(what_is_wanted_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
