/* guard: the clock rules, with the wall clock set through a time that the test chooses. */
#include "base/clock.h"
#include "hsm/api/refusal.h"
#include "hsm/signer/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DAY 86400LL

/* What the guard saw at its start, against the real clock now. */
static const struct {
	const char *name;
	int64_t last_back_s; /* the last entry, before now */
	int64_t wall_back_s; /* the wall clock at the start, before now (the boot clock says 0) */
	bool good;
} cases[] = {
	{ "a new ledger", 0, 0, true },
	{ "the last entry a minute ago", 60, 0, true },
	{ "the last entry 29 days ago", 29 * DAY, 0, true },
	{ "the last entry 31 days ago", 31 * DAY, 0, false },
	{ "5 s back", -5, 0, true },
	{ "an hour back", -3600, 0, false },
	{ "jumped on by an hour since the start", 3600, 3600, false },
	{ "jumped back by an hour since the start", 7200, -3600, false },
	{ "drifted by 59 s", 60, 58, true },
};

static struct guard set_up(size_t i)
{
	struct guard g;
	int64_t now_s = clock_wall_s();

	guard_start(&g, cases[i].last_back_s ? now_s - cases[i].last_back_s : 0);
	g.ahead_ms -= cases[i].wall_back_s * 1000;
	return g;
}

static void each_case_is_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard g = set_up(i);
		struct err e = { 0 };

		if (guard_check(&g, &e) != cases[i].good)
			fail_msg("%s: %s", cases[i].name, e.text);
		if (!cases[i].good)
			assert_int_equal(e.code, REFUSAL_CLOCK);
	}
}

static void a_time_accepted_lets_issuing_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guard g = set_up(i);
		int64_t before_s = clock_wall_s();
		struct err e;

		assert_true(guard_accept(&g) >= before_s);
		assert_true(guard_check(&g, &e));
	}
}

static void an_entry_is_never_before_the_last_one(void **state)
{
	struct guard g;
	int64_t later_s = clock_wall_s() + 3;

	(void)state;
	guard_start(&g, later_s);
	assert_true(guard_now(&g) == later_s);
	guard_entry(&g, later_s - 100);
	assert_true(guard_now(&g) >= later_s - 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_is_as_the_table_says),
		cmocka_unit_test(a_time_accepted_lets_issuing_go_on),
		cmocka_unit_test(an_entry_is_never_before_the_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
