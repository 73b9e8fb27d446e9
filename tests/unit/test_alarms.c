/* alarms: raised, raised again, over, acknowledged; and more than there is room for. */
#include "station/alarms.h"

#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum what { RAISE, CLEAR, HOLD, LET_GO, SEEN };

#define STEPS_MAX 5

/* What becomes of one alarm. */
static const struct {
	const char *name;
	size_t count;
	enum what steps[STEPS_MAX];
	uint64_t times, active, open; /* 9: it is not there */
} cases[] = {
	{ "raised", 1, { RAISE }, 1, 1, 1 },
	{ "raised twice", 2, { RAISE, RAISE }, 2, 1, 1 },
	{ "held twice is once", 2, { HOLD, HOLD }, 1, 1, 1 },
	{ "let go without being held", 1, { LET_GO }, 9, 0, 0 },
	{ "cleared without being raised", 1, { CLEAR }, 9, 0, 0 },
	{ "over, and not seen", 2, { RAISE, CLEAR }, 1, 0, 1 },
	{ "seen, and it stands", 2, { HOLD, SEEN }, 1, 1, 0 },
	{ "seen and held on", 3, { HOLD, SEEN, HOLD }, 1, 1, 0 },
	{ "seen and over", 3, { HOLD, SEEN, LET_GO }, 1, 0, 0 },
	{ "over and seen", 3, { RAISE, CLEAR, SEEN }, 1, 0, 0 },
	{ "again after it was over", 4, { HOLD, SEEN, LET_GO, HOLD }, 2, 1, 1 },
	{ "again after it was seen", 3, { RAISE, SEEN, RAISE }, 2, 1, 1 },
};

static struct alarms *fresh(void)
{
	struct alarms *alarms = NULL;
	struct err e;

	assert_true(alarms_new(&alarms, &e));
	return alarms;
}

static void do_step(struct alarms *alarms, enum what what)
{
	struct err e;

	switch (what) {
	case RAISE:
		alarms_raise(alarms, ALARM_JIG_STOP, "A1", "text");
		break;
	case CLEAR:
		alarms_clear(alarms, ALARM_JIG_STOP, "A1");
		break;
	case HOLD:
	case LET_GO:
		alarms_hold(alarms, ALARM_JIG_STOP, "A1", what == HOLD, "text");
		break;
	case SEEN:
		assert_true(alarms_acknowledge(alarms, 1, "Wang", &e));
		break;
	}
}

static void the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(alarms) alarms = fresh();
		struct control_alarm alarm = { .count = 9 };

		for (size_t j = 0; j < cases[i].count; j++)
			do_step(alarms, cases[i].steps[j]);
		alarms_next(alarms, 0, &alarm);
		if (alarm.count != cases[i].times || alarm.active != cases[i].active ||
		    alarms_open(alarms) != cases[i].open)
			fail_msg("%s: %d times, active %d, open %d", cases[i].name,
				 (int)alarm.count, (int)alarm.active, (int)alarms_open(alarms));
		assert_false(alarms_next(alarms, 1, &alarm));
	}
}

static void each_has_code_and_remedy(void **state)
{
	AUTO(alarms) alarms = fresh();
	struct control_alarm alarm;
	uint64_t after = 0;

	(void)state;
	for (enum alarm a = 0; a < ALARM_COUNT; a++)
		alarms_raise(alarms, a, "", "a \"text\" with \033 in it");
	for (enum alarm a = 0; a < ALARM_COUNT; a++) {
		assert_true(alarms_next(alarms, after, &alarm));
		assert_string_equal(alarm.code, alarms_code(a));
		assert_true(*alarm.code && strlen(alarm.code) < CONTROL_CODE_MAX);
		assert_true(*alarm.remedy && strlen(alarm.remedy) < CONTROL_REMEDY_MAX);
		assert_null(strchr(alarm.text, '\033'));
		assert_true(a != ALARM_TOKEN || strstr(alarm.remedy, "a PIN was refused"));
		for (enum alarm other = 0; other < a; other++)
			assert_string_not_equal(alarm.code, alarms_code(other));
		after = alarm.number;
	}
}

static void who_saw_it(void **state)
{
	AUTO(alarms) alarms = fresh();
	struct control_alarm alarm;
	struct err e;

	(void)state;
	alarms_raise(alarms, ALARM_TOKEN, "", "one");
	alarms_raise(alarms, ALARM_NEST_STOPPED, "A1", "two");
	alarms_raise(alarms, ALARM_NEST_STOPPED, "A2", "three");
	assert_int_equal(alarms_open(alarms), 3);
	assert_false(alarms_acknowledge(alarms, 4, "Wang", &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(alarms_acknowledge(alarms, 2, "Wang", &e));
	assert_true(alarms_acknowledge(alarms, 0, "Lee", &e));
	assert_int_equal(alarms_open(alarms), 0);
	assert_true(alarms_next(alarms, 1, &alarm));
	assert_string_equal(alarm.person, "Wang"); /* who was first */
	assert_true(alarms_next(alarms, 2, &alarm));
	assert_string_equal(alarm.person, "Lee");
}

/* The ones that are over and seen go first, then those that are over; numbers rise on. */
static void more_than_there_is_room_for(void **state)
{
	AUTO(alarms) alarms = fresh();
	struct control_alarm alarm;
	char nest[CONTROL_NEST_MAX + 1];
	struct err e;

	(void)state;
	for (int i = 1; i <= ALARMS_MAX; i++) {
		snprintf(nest, sizeof(nest), "N%d", i);
		alarms_raise(alarms, ALARM_RECORD, nest, "text");
	}
	alarms_clear(alarms, ALARM_RECORD, "N7");
	alarms_clear(alarms, ALARM_RECORD, "N9");
	assert_true(alarms_acknowledge(alarms, 9, "Wang", &e));
	alarms_raise(alarms, ALARM_TOKEN, "", "text");
	assert_true(alarms_next(alarms, 8, &alarm));
	assert_int_equal(alarm.number, 10);
	alarms_raise(alarms, ALARM_DISK, "", "text");
	assert_true(alarms_next(alarms, 6, &alarm));
	assert_int_equal(alarm.number, 8);
	alarms_raise(alarms, ALARM_CLOCK, "", "text");
	assert_true(alarms_next(alarms, 0, &alarm));
	assert_int_equal(alarm.number, 2);
	assert_int_equal(alarms_open(alarms), ALARMS_MAX);
}

static void text_from_outside_writes_no_keys(void **state)
{
	AUTO(alarms) alarms = fresh();
	int stderr_fd = dup(STDERR_FILENO);
	char line[1024] = "";
	FILE *log = tmpfile();

	(void)state;
	assert_true(log && stderr_fd >= 0 && dup2(fileno(log), STDERR_FILENO) >= 0);
	alarms_raise(alarms, ALARM_GOLDEN_FAIL, "A1", "it says \" code=none x=\"");
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	rewind(log);
	assert_non_null(fgets(line, sizeof(line), log));
	fclose(log);
	assert_non_null(strstr(line, "text=\"it says ' code=none x='\""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(each_has_code_and_remedy),
		cmocka_unit_test(who_saw_it),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(text_from_outside_writes_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
