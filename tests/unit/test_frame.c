#include "serial/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define SIZE 1024
#define WIRE_SIZE 2048
#define FIRST "\x06\x09"
#define NEXT "\x04\x14"

static void crc_has_the_check_value(void **state)
{
	(void)state;
	assert_int_equal(frame_crc(bytes_text("123456789")), 0x31c3);
	assert_int_equal(frame_crc(bytes_text("")), 0);
}

static size_t encode(struct bytes message, uint8_t wire[WIRE_SIZE])
{
	struct frame_encoder f = frame_encoder_start(message);
	size_t len = 0, line_len;

	while ((line_len = frame_encode_line(&f, wire + len)) > 0) {
		assert_in_range(line_len, 7, FRAME_LINE_MAX);
		assert_int_equal(wire[len + line_len - 1], '\n');
		len += line_len;
	}
	return len;
}

static void every_length_comes_back(void **state)
{
	uint8_t message[SIZE], wire[WIRE_SIZE], buffer[SIZE + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 37 ^ i >> 3);
	for (size_t len = 0; len <= sizeof(message); len++) {
		size_t wire_len = encode(bytes_of(message, len), wire);
		struct frame_decoder d = frame_decoder_start(buffer, len + 2);
		struct bytes got = { 0 };

		assert_int_equal(wire_len, frame_wire_len(len));
		for (size_t i = 0; i < wire_len; i++)
			assert_int_equal(frame_decode(&d, wire[i], &got), i + 1 == wire_len);
		assert_true(bytes_equal(got, bytes_of(message, len)));
		assert_int_equal(d.dropped, 0);
	}
}

/* "AAIAAA==" is a message without a byte: its length is 2, for the CRC. */
static const struct {
	const char *name;
	const char *wire;
	unsigned packets, dropped;
} cases[] = {
	{ "one line", FIRST "AAIAAA==\n", 1, 0 },
	{ "two packets", FIRST "AAIAAA==\n" FIRST "AAIAAA==\n", 2, 0 },
	{ "CR before LF", FIRST "AAIAAA==\r\n", 1, 0 },
	{ "behind a prompt", "uart:~$ \x1b[8D\x1b[J" FIRST "AAIAAA==\n", 1, 0 },
	{ "behind a boot message", "*** Booting ***\r\n" FIRST "AAIAAA==\n", 1, 0 },
	{ "half a marker before", "\x06" FIRST "AAIAAA==\n", 1, 0 },
	{ "in two lines", FIRST "AAIA\n" NEXT "AA==\n", 1, 0 },
	{ "length in two lines", FIRST "AA==\n" NEXT "AgAA\n", 1, 0 },
	{ "text between two lines", FIRST "AAIA\nlog: \x04 hello\r\n" NEXT "AA==\n", 1, 0 },
	{ "a line without base64", FIRST "\n" NEXT "AAIAAA==\n", 1, 0 },
	{ "only a next line", NEXT "AAIAAA==\n", 0, 0 },
	{ "a new first line resets", FIRST "AAIA\n" FIRST "AAIAAA==\n", 1, 1 },
	{ "bad crc is silent", FIRST "AAIAAQ==\n", 0, 1 },
	{ "next line after a bad crc", FIRST "AAIAAQ==\n" NEXT "AA==\n", 0, 1 },
	{ "good after bad", FIRST "AAIAAQ==\n" FIRST "AAIAAA==\n", 1, 1 },
	{ "length 0", FIRST "AAAAAA==\n", 0, 1 },
	{ "length 1", FIRST "AAEA\n", 0, 1 },
	{ "length beyond the buffer", FIRST "//8A\n", 0, 1 },
	{ "more than its length", FIRST "AAIAAAAA\n", 0, 1 },
	{ "no base64", FIRST "AAI*AA==\n", 0, 1 },
	{ "three characters", FIRST "AAIAAA=\n", 0, 1 },
	{ "padding in the middle", FIRST "AA==AgAA\n", 0, 1 },
	{ "padding first", FIRST "====\n", 0, 1 },
	{ "padding then letter", FIRST "AA=A\n", 0, 1 },
	{ "marker inside a line", FIRST "AAI" FIRST "AAIAAA==\n", 1, 1 },
	{ "a log line cuts in", FIRST "AAIA[00:01] log\n" NEXT "AA==\n", 0, 1 },
	{ "bytes above 127", "\xff\xfe\x80" FIRST "\xc3\xa4\n", 0, 1 },
};

static void noise_is_told_from_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buffer[64];
		struct frame_decoder d = frame_decoder_start(buffer, sizeof(buffer));
		unsigned packets = 0;
		struct bytes message;

		for (const char *c = cases[i].wire; *c; c++)
			if (frame_decode(&d, (uint8_t)*c, &message)) {
				assert_int_equal(message.len, 0);
				packets++;
			}
		if (packets != cases[i].packets || d.dropped != cases[i].dropped)
			fail_msg("%s: %u packets, %u dropped", cases[i].name, packets, d.dropped);
		assert_int_equal(d.received, strlen(cases[i].wire));
	}
}

static void no_flipped_bit_passes(void **state)
{
	uint8_t message[150], wire[WIRE_SIZE], buffer[256];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 11);
	len = encode(BYTES(message), wire);
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct frame_decoder d = frame_decoder_start(buffer, sizeof(buffer));
		struct bytes got;

		wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (size_t i = 0; i < len; i++)
			if (frame_decode(&d, wire[i], &got) && !bytes_equal(got, BYTES(message)))
				fail_msg("bit %zu", bit);
		wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_has_the_check_value),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(noise_is_told_from_packets),
		cmocka_unit_test(no_flipped_bit_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
