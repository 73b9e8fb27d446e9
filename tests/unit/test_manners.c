/* manners and sessions: tables of the rehearsal's broker, with times that the test chooses. */
#include "cloud/rehearsal/broker/manners.h"
#include "cloud/rehearsal/broker/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Pauses between refused attempts: the last one is repeated. reported_at: which attempt, 0 for none. */
static const struct {
	const char *name;
	int64_t pauses_ms[12];
	unsigned attempts, reported_at;
} cases[] = {
	{ "none at all", { 0 }, 100, 5 },
	{ "four attempts prove nothing", { 0 }, 4, 0 },
	{ "every second", { 1000 }, 100, 6 },
	{ "every 5 s", { 5000 }, 100, 9 },
	{ "every 30 s is slow enough", { 30000 }, 100, 0 },
	{ "doubling", { 1000, 2000, 4000, 8000, 16000, 32000, 64000 }, 100, 0 },
	{ "doubling, with half of it as jitter",
	  { 500, 1000, 2000, 4000, 8000, 16000, 32000 },
	  100,
	  0 },
	{ "twice in a row, then patient", { 100, 2000, 8000, 8000, 16000, 32000, 64000 }, 100, 0 },
	{ "a quiet while starts anew",
	  { 0, 0, 0, MANNERS_QUIET_MS, 0, 0, 0, MANNERS_QUIET_MS },
	  9,
	  0 },
};

static struct manners *table(void)
{
	struct manners *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	return m;
}

static unsigned reported_at(size_t i)
{
	const int64_t *pauses_ms = cases[i].pauses_ms;
	AUTO_FREE struct manners *m = table();
	int64_t now_ms = 0, elapsed_ms;
	uint32_t attempts;
	size_t last = COUNT(cases[i].pauses_ms) - 1;

	while (last > 0 && pauses_ms[last] == 0)
		last--;
	for (unsigned attempt = 1; attempt <= cases[i].attempts; attempt++) {
		if (manners_refused(m, "a", now_ms, &attempts, &elapsed_ms)) {
			assert_true(attempts <= attempt && elapsed_ms <= now_ms);
			return attempt;
		}
		now_ms += pauses_ms[attempt - 1 < last ? attempt - 1 : last];
	}
	return 0;
}

static void hasty_ones_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (reported_at(i) != cases[i].reported_at)
			fail_msg("%s: reported at %u", cases[i].name, reported_at(i));
}

static void it_is_said_once_a_minute(void **state)
{
	AUTO_FREE struct manners *m = table();
	unsigned said = 0;
	int64_t elapsed_ms;
	uint32_t attempts;

	(void)state;
	for (int64_t now_ms = 0; now_ms < 3 * MANNERS_TELL_MS; now_ms += 100)
		said += manners_refused(m, "a", now_ms, &attempts, &elapsed_ms);
	assert_int_equal(said, 3);
}

static void an_accepted_one_starts_anew(void **state)
{
	AUTO_FREE struct manners *m = table();
	int64_t elapsed_ms;
	uint32_t attempts;

	(void)state;
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 0)
			manners_accepted(m, "a");
		assert_false(manners_refused(m, "a", i, &attempts, &elapsed_ms));
	}
}

static void the_table_is_bounded(void **state)
{
	AUTO_FREE struct manners *m = table();
	int64_t elapsed_ms, now_ms = 0;
	uint32_t attempts;
	char key[16];

	(void)state;
	for (int i = 0; i < 10 * MANNERS_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_false(manners_refused(m, key, now_ms++, &attempts, &elapsed_ms));
		/* One that keeps on knocking is not forgotten for the many. */
		if (manners_refused(m, "often", now_ms++, &attempts, &elapsed_ms))
			return;
	}
	fail_msg("the one that knocks often was forgotten");
}

static void many_keys_of_any_length_are_told_apart(void **state)
{
	AUTO_FREE struct manners *m = table();
	char key[2 * MANNERS_KEY_SIZE];

	(void)state;
	memset(key, 'x', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	assert_true(manners_may_tell(m, key, 0));
	assert_false(manners_may_tell(m, key, 1));
	assert_true(manners_may_tell(m, "y", 1));
	assert_true(manners_may_tell(m, key, MANNERS_TELL_MS));
}

static void sessions_come_and_go(void **state)
{
	AUTO_FREE struct sessions *s = calloc(1, sizeof(*s));
	char clients[SESSIONS_MAX + 1], id[8];

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		snprintf(id, sizeof(id), "c%zu", i);
		assert_true(sessions_add(s, &clients[i], "a", id));
	}
	assert_false(sessions_add(s, &clients[SESSIONS_MAX], "a", "one more"));
	assert_true(sessions_add(s, &clients[7], "b", "c7"));
	assert_null(sessions_clash(s, "b", "c7"));
	assert_ptr_equal(sessions_clash(s, "a", "c7")->client, &clients[7]);
	sessions_remove(s, &clients[7]);
	sessions_remove(s, &clients[7]);
	sessions_remove(s, NULL);
	assert_null(sessions_clash(s, "a", "c7"));
	assert_true(sessions_add(s, &clients[SESSIONS_MAX], "a", "one more"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hasty_ones_are_found),
		cmocka_unit_test(it_is_said_once_a_minute),
		cmocka_unit_test(an_accepted_one_starts_anew),
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(many_keys_of_any_length_are_told_apart),
		cmocka_unit_test(sessions_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
