/* message, hex, clock: what every record of ours is made of. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void every_field_comes_back(void **state)
{
	uint8_t record[256], raw[3] = { 1, 2, 3 }, raw_back[3];
	struct writer w = writer_start(record, sizeof(record), 7);
	char text[16];
	uint8_t type;
	struct reader r;
	struct bytes bytes;

	(void)state;
	write_u8(&w, 0xfe);
	write_u16(&w, 0xfedc);
	write_u32(&w, 0xfedcba98);
	write_u64(&w, 0xfedcba9876543210);
	write_raw(&w, raw, sizeof(raw));
	write_bytes(&w, bytes_text("abc"));
	write_text(&w, "nest A1");
	assert_true(writer_ok(&w));

	r = reader_start(bytes_of(record, w.len), &type);
	assert_int_equal(type, 7);
	assert_int_equal(read_u8(&r), 0xfe);
	assert_int_equal(read_u16(&r), 0xfedc);
	assert_int_equal(read_u32(&r), 0xfedcba98);
	assert_true(read_u64(&r) == 0xfedcba9876543210);
	read_raw(&r, raw_back, sizeof(raw_back));
	assert_memory_equal(raw, raw_back, sizeof(raw));
	bytes = read_bytes(&r, 3);
	assert_memory_equal(bytes.data, "abc", 3);
	read_text(&r, text, sizeof(text));
	assert_string_equal(text, "nest A1");
	assert_true(reader_end(&r));
}

static void a_short_record_is_bad_at_every_length(void **state)
{
	uint8_t record[64], type;
	struct writer w = writer_start(record, sizeof(record), 7);
	char text[16];

	(void)state;
	write_u32(&w, 5);
	write_text(&w, "unit");
	for (size_t len = 0; len <= w.len; len++) {
		struct reader r = reader_start(bytes_of(record, len), &type);

		read_u32(&r);
		read_text(&r, text, sizeof(text));
		assert_int_equal(reader_end(&r), len == w.len);
	}
}

static const struct {
	const char *name;
	const char *wire; /* behind version and type */
	size_t len;
	bool good;
} texts[] = {
	{ "plain", "\0\3abc", 5, true },
	{ "empty", "\0\0", 2, true },
	{ "as long as the room", "\0\7abcdefg", 9, true },
	{ "too long by one", "\0\10abcdefgh", 10, false },
	{ "longer than the record", "\0\4abc", 5, false },
	{ "a NUL inside", "\0\3a\0c", 5, false },
	{ "an escape", "\0\3a\33c", 5, false },
	{ "an escape of one character", "\0\2\xc2\x9b", 4, false },
	{ "umlaut and euro", "\0\5\xc3\x9b\xe2\x82\xac", 7, true },
	{ "a line feed", "\0\3a\nc", 5, true },
	{ "a byte left over", "\0\3abcd", 6, false },
};

static void texts_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint8_t record[32] = { MESSAGE_VERSION, 1 }, type;
		struct reader r;
		char text[8];

		memcpy(record + 2, texts[i].wire, texts[i].len);
		r = reader_start(bytes_of(record, texts[i].len + 2), &type);
		read_text(&r, text, sizeof(text));
		if (reader_end(&r) != texts[i].good)
			fail_msg("%s", texts[i].name);
	}
}

static void another_version_is_bad(void **state)
{
	uint8_t record[2] = { MESSAGE_VERSION + 1, 1 }, type;
	struct reader r = reader_start(BYTES(record), &type);

	(void)state;
	assert_false(reader_end(&r));
}

static void a_full_writer_says_so(void **state)
{
	uint8_t record[8];
	struct writer w = writer_start(record, sizeof(record), 1);

	(void)state;
	write_u32(&w, 1);
	assert_true(writer_ok(&w));
	write_u32(&w, 1);
	assert_false(writer_ok(&w));
	assert_int_equal(w.len, 6);
}

static void hex_goes_both_ways(void **state)
{
	uint8_t data[4];
	char text[9];

	(void)state;
	assert_true(hex_decode("00fFa5", data, 3));
	assert_string_equal(hex_encode(bytes_of(data, 3), text), "00ffa5");
	assert_false(hex_decode("00ff", data, 3));
	assert_false(hex_decode("00ffag", data, 3));
	assert_false(hex_decode("00ffa500", data, 3));
}

static const struct {
	const char *text;
	bool good;
	int64_t wall_s;
} times[] = {
	{ "2026-11-22T05:13:36Z", true, 1795324416 },
	{ "2026-11-22", true, 1795305600 },
	{ "2026-02-31", false, 0 },
	{ "2026-11-22T05:13:36", false, 0 },
	{ "2026-11-22T25:00:00Z", false, 0 },
	{ "tomorrow", false, 0 },
	{ "", false, 0 },
};

static void times_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t wall_s = 0;

		if (clock_parse(times[i].text, &wall_s) != times[i].good ||
		    wall_s != times[i].wall_s)
			fail_msg("%s gives %lld", times[i].text, (long long)wall_s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(a_short_record_is_bad_at_every_length),
		cmocka_unit_test(texts_are_checked),
		cmocka_unit_test(another_version_is_bad),
		cmocka_unit_test(a_full_writer_says_so),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(times_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
