/* The bridge's noise: what it does to bytes, how often, and that a seed gives the same again. */
#include "tests/rig/bridge_noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define BYTES_SENT 200000
#define LINE_LEN 50

struct result {
	size_t bytes, changed, lines; /* came through; unlike what was sent; newlines among them */
	unsigned stalls;
	uint64_t sum;
};

static uint8_t sent_byte(size_t i)
{
	return i % LINE_LEN == LINE_LEN - 1 ? '\n' : (uint8_t)('A' + i % 26);
}

static struct result send_through(const unsigned rates[NOISE_KIND_COUNT], uint64_t seed,
				  struct noise *ret_noise)
{
	struct noise noise = noise_start(rates, seed);
	struct result r = { 0 };

	for (size_t i = 0; i < BYTES_SENT; i++) {
		uint8_t bytes[2];
		size_t len;

		r.stalls += noise_stalls(&noise, sent_byte(i));
		len = noise_byte(&noise, sent_byte(i), bytes);
		for (size_t k = 0; k < len; k++) {
			r.bytes++;
			r.changed += bytes[k] != sent_byte(i);
			r.lines += bytes[k] == '\n';
			r.sum = r.sum * 31 + bytes[k];
		}
	}
	*ret_noise = noise;
	return r;
}

static void no_noise_changes_nothing(void **state)
{
	static const unsigned rates[NOISE_KIND_COUNT];
	struct noise noise;
	struct result r = send_through(rates, 1, &noise);

	(void)state;
	assert_int_equal(r.bytes, BYTES_SENT);
	assert_int_equal(r.changed, 0);
	assert_int_equal(r.stalls, 0);
}

static void each_kind_does_its_own(void **state)
{
	static const struct {
		const char *name;
		enum noise_kind kind;
		unsigned rate;
		size_t times; /* expected, within a quarter */
		int bytes;    /* more or fewer of them for each time */
	} cases[] = {
		{ "flip", NOISE_FLIP, 200, BYTES_SENT / 200, 0 },
		{ "drop", NOISE_DROP, 200, BYTES_SENT / 200, -1 },
		{ "duplicate", NOISE_DUPLICATE, 200, BYTES_SENT / 200, 1 },
		{ "lose line", NOISE_LOSE_LINE, 10, BYTES_SENT / LINE_LEN / 10, -LINE_LEN },
		{ "stall", NOISE_STALL, 10, BYTES_SENT / LINE_LEN / 10, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned rates[NOISE_KIND_COUNT] = { 0 };
		struct noise noise;
		struct result r;
		size_t times;

		rates[cases[i].kind] = cases[i].rate;
		r = send_through(rates, 7, &noise);
		times = (size_t)noise.counts[cases[i].kind];
		if (times < cases[i].times * 3 / 4 || times > cases[i].times * 5 / 4)
			fail_msg("%s: %zu times, not about %zu", cases[i].name, times,
				 cases[i].times);
		if ((int64_t)r.bytes != BYTES_SENT + (int64_t)times * cases[i].bytes)
			fail_msg("%s: %zu bytes came", cases[i].name, r.bytes);
		assert_int_equal(r.changed, cases[i].kind == NOISE_FLIP ? times : 0);
		assert_int_equal(r.stalls, cases[i].kind == NOISE_STALL ? times : 0);
		if (cases[i].kind == NOISE_LOSE_LINE)
			assert_int_equal(r.lines, BYTES_SENT / LINE_LEN - times);
	}
}

static void a_seed_gives_the_same_again(void **state)
{
	static const unsigned rates[NOISE_KIND_COUNT] = { 100, 100, 100, 20, 20, 0 };
	struct noise noise;
	struct result first = send_through(rates, 3, &noise);
	struct result same = send_through(rates, 3, &noise);
	struct result other = send_through(rates, 4, &noise);

	(void)state;
	assert_true(first.sum == same.sum);
	assert_true(first.sum != other.sum);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_noise_changes_nothing),
		cmocka_unit_test(each_kind_does_its_own),
		cmocka_unit_test(a_seed_gives_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
