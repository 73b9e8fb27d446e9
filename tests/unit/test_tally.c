/* tally: units and runs of a shift, an order, the last units. */
#include "station/control/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define RUNS_MAX 8
#define P OUTCOME_PASS
#define F OUTCOME_FAIL

struct row {
	const char *nest, *unit;
	enum outcome outcome;
	int64_t shift;
	const char *order;
	enum control_mode mode;
};

static const struct {
	const char *name;
	struct row runs[RUNS_MAX];
	struct control_tally shift, lot,
		last; /* of shift 2 and order WO: good bad tried first retests */
} cases[] = {
	{ "nothing", { { 0 } }, { 0 }, { 0 }, { 0 } },
	{ "two that pass",
	  { { "A1", "U1", P, 2 }, { "A2", "U2", P, 2 } },
	  { 2, 0, 2, 2, 0 },
	  { 2, 0, 2, 2, 0 },
	  { 2, 0, 2, 2, 0 } },
	{ "one fails, and passes again in another nest",
	  { { "A1", "U1", F, 2 }, { "B1", "U1", P, 2 } },
	  { 1, 0, 1, 0, 1 },
	  { 1, 0, 1, 0, 1 },
	  { 1, 0, 1, 0, 1 } },
	{ "the last try counts, also when it is worse",
	  { { "A1", "U1", P, 2 }, { "A1", "U1", F, 2 }, { "A1", "U1", F, 2 } },
	  { 0, 1, 1, 1, 2 },
	  { 0, 1, 1, 1, 2 },
	  { 0, 1, 1, 1, 2 } },
	{ "ERROR and ABORTED count nothing",
	  { { "A1", "U1", OUTCOME_ERROR, 2 },
	    { "A1", "U1", OUTCOME_ABORTED, 2 },
	    { "A1", "U1", P, 2 } },
	  { 1, 0, 1, 1, 0 },
	  { 1, 0, 1, 1, 0 },
	  { 1, 0, 1, 1, 0 } },
	{ "dry-run and golden count nothing",
	  { { "A1", "U1", F, 2, "WO", MODE_DRY_RUN }, { "A1", "G1", P, 2, "WO", MODE_GOLDEN } },
	  { 0 },
	  { 0 },
	  { 0 } },
	{ "a silent board that speaks after it was seated again",
	  { { "A1", "", F, 2 }, { "A1", "", F, 2 }, { "A1", "U1", P, 2 }, { "A1", "U2", P, 2 } },
	  { 2, 0, 2, 1, 2 },
	  { 2, 0, 2, 1, 2 },
	  { 2, 0, 2, 1, 2 } },
	{ "a silent board is a unit of its nest",
	  { { "A1", "", F, 2 }, { "A2", "", F, 2 }, { "A3", "U1", P, 2 } },
	  { 1, 2, 3, 1, 0 },
	  { 1, 2, 3, 1, 0 },
	  { 1, 2, 3, 1, 0 } },
	{ "a silent board is none that was tried before",
	  { { "A1", "U1", P, 2 }, { "A1", "", F, 2 }, { "A1", "U1", P, 2 } },
	  { 1, 1, 2, 1, 1 },
	  { 1, 1, 2, 1, 1 },
	  { 1, 1, 2, 1, 1 } },
	{ "the shift begins anew; a unit of the one before is a retest",
	  { { "A1", "U1", F, 1 }, { "A2", "U2", P, 1 }, { "A1", "U1", P, 2 } },
	  { 1, 0, 0, 0, 1 },
	  { 2, 0, 2, 1, 1 },
	  { 2, 0, 2, 1, 1 } },
	{ "a clock that was wrong for a while",
	  { { "A1", "U1", P, 1000000 }, { "A2", "U2", P, 2 }, { "A3", "U3", P, 1 } },
	  { 2, 0, 2, 2, 0 },
	  { 3, 0, 3, 3, 0 },
	  { 3, 0, 3, 3, 0 } },
	{ "an order counts its own",
	  { { "A1", "U1", F, 2, "OTHER" }, { "A2", "U2", P, 2 }, { "A1", "U1", P, 2 } },
	  { 2, 0, 2, 1, 1 },
	  { 2, 0, 2, 2, 0 },
	  { 2, 0, 2, 1, 1 } },
};

static struct tally *fresh(void)
{
	struct tally *tally = NULL;
	struct err e;

	assert_true(tally_new(&tally, &e));
	return tally;
}

static void add(struct tally *tally, const struct row *row, int64_t at)
{
	tally_add(tally, &(struct tally_run) { .nest = row->nest,
					       .unit = row->unit,
					       .order = row->order ? row->order : "WO",
					       .outcome = row->outcome,
					       .mode = row->mode,
					       .shift = row->shift,
					       .started_at = at,
					       .ended_at = at + 10 });
}

static void same(const char *name, const char *what, struct control_tally got,
		 struct control_tally expected)
{
	if (memcmp(&got, &expected, sizeof(got)) != 0)
		fail_msg("%s, %s: good %d bad %d tried %d first %d retests %d", name, what,
			 (int)got.good, (int)got.bad, (int)got.tried, (int)got.first_pass,
			 (int)got.retests);
}

static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(tally) tally = fresh();
		uint64_t uph;

		for (size_t j = 0; j < RUNS_MAX && cases[i].runs[j].nest; j++)
			add(tally, &cases[i].runs[j], 1000);
		same(cases[i].name, "shift", tally_shift(tally, 2), cases[i].shift);
		same(cases[i].name, "order", tally_order(tally, "WO"), cases[i].lot);
		same(cases[i].name, "last", tally_last(tally, &uph), cases[i].last);
		same(cases[i].name, "another shift", tally_shift(tally, 9),
		     (struct control_tally) { 0 });
	}
}

static void fails_are_counted_until_a_pass(void **state)
{
	AUTO(tally) tally = fresh();

	(void)state;
	assert_int_equal(tally_fails(tally, "U1"), 0);
	for (unsigned i = 0; i < 300; i++)
		add(tally, &(struct row) { "A1", "U1", F, 2 }, 1000);
	assert_int_equal(tally_fails(tally, "U1"), 255);
	tally_let_off(tally, "U1");
	assert_int_equal(tally_fails(tally, "U1"), 0);
	add(tally, &(struct row) { "A1", "U1", F, 2 }, 1000);
	add(tally, &(struct row) { "A1", "U1", F, 2, "WO", MODE_DRY_RUN }, 1000);
	assert_int_equal(tally_fails(tally, "U1"), 1);
	add(tally, &(struct row) { "A1", "U1", P, 2 }, 1000);
	assert_int_equal(tally_fails(tally, "U1"), 0);
}

/* Two panels of four, 60 s from start to start: 8 units in 70 s. The idle night before them does
 * not count, for it lies in another shift. */
static void units_per_hour(void **state)
{
	AUTO(tally) tally = fresh();
	uint64_t uph = 1;
	char unit[16];

	(void)state;
	tally_last(tally, &uph);
	assert_int_equal(uph, 0);
	add(tally, &(struct row) { "A1", "U0", P, 1 }, 1000);
	for (int i = 0; i < 8; i++) {
		snprintf(unit, sizeof(unit), "U%d", i + 1);
		add(tally, &(struct row) { "A1", unit, P, 2 }, 50000 + i / 4 * 60);
	}
	tally_last(tally, &uph);
	assert_int_equal(uph, 8 * 3600 / 70);
}

/* Far more units than are remembered: each count stays right, and the oldest are forgotten. */
static void many_units(void **state)
{
	enum { MANY = 5 * TALLY_UNITS };
	AUTO(tally) tally = fresh();
	struct control_tally shift, last;
	uint64_t uph;
	char unit[16], order[16];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(unit, sizeof(unit), "U%d", i);
		snprintf(order, sizeof(order), "WO%d", i / TALLY_UNITS);
		add(tally, &(struct row) { "A1", unit, i % 10 ? P : F, 2, order }, 1000 + i);
	}
	shift = tally_shift(tally, 2);
	assert_int_equal(shift.tried, MANY);
	assert_int_equal(shift.bad, MANY / 10);
	assert_int_equal(shift.first_pass, MANY - MANY / 10);
	assert_int_equal(tally_order(tally, "WO4").tried, TALLY_UNITS);
	last = tally_last(tally, &uph);
	assert_int_equal(last.tried, TALLY_LAST);
	assert_int_equal(last.good + last.bad, TALLY_LAST);
	/* One of the newest TALLY_UNITS is known, the first of all is new. */
	snprintf(unit, sizeof(unit), "U%d", MANY - TALLY_UNITS);
	add(tally, &(struct row) { "A1", unit, P, 2 }, 2000);
	assert_int_equal(tally_shift(tally, 2).tried, MANY);
	add(tally, &(struct row) { "A1", "U0", P, 2 }, 2000);
	assert_int_equal(tally_shift(tally, 2).tried, MANY + 1);
}

static void orders_give_way(void **state)
{
	AUTO(tally) tally = fresh();
	char unit[16], order[16];

	(void)state;
	for (int i = 0; i <= TALLY_ORDERS; i++) {
		snprintf(unit, sizeof(unit), "U%d", i);
		snprintf(order, sizeof(order), "WO%d", i);
		add(tally, &(struct row) { "A1", unit, P, 2, order }, 1000);
		if (i == TALLY_ORDERS - 1) /* WO0 is used again: WO1 is the oldest now */
			add(tally, &(struct row) { "A1", "V", P, 2, "WO0" }, 1000);
	}
	assert_int_equal(tally_order(tally, "WO0").tried, 2);
	assert_int_equal(tally_order(tally, "WO1").tried, 0);
	assert_int_equal(tally_order(tally, "WO2").tried, 1);
	assert_int_equal(tally_order(tally, order).tried, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),	   cmocka_unit_test(fails_are_counted_until_a_pass),
		cmocka_unit_test(units_per_hour),  cmocka_unit_test(many_units),
		cmocka_unit_test(orders_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
