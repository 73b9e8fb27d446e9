/* interlock: every combination of conditions, what is, and what is wished. The expectations are
 * written out as sentences of the design, not as the module's tables. */
#include "fixtures/interlock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool has(unsigned conditions, unsigned wanted)
{
	return (conditions & wanted) == wanted;
}

static void check_power(unsigned have, uint64_t present, const struct interlock_outputs *wish,
			const struct interlock_outputs *out)
{
	bool allowed = has(have, BUS_UP) && has(have, HEARTBEAT) && has(have, ESTOP_OK) &&
		       has(have, LID_CLOSED) && has(have, CLAMPED) && has(have, NOT_TRIPPED);

	assert_int_equal(out->power, allowed ? wish->power & present : 0);
}

static void check_moves(unsigned have, const struct interlock_outputs *is,
			const struct interlock_outputs *wish, const struct interlock_outputs *out)
{
	bool in_command = has(have, BUS_UP) && has(have, HEARTBEAT) && has(have, NOT_TRIPPED);

	/* Out of command nothing moves. */
	if (!in_command) {
		assert_int_equal(out->clamp, is->clamp);
		assert_int_equal(out->lid_lock, is->lid_lock);
		return;
	}
	/* Under power nothing opens. */
	if (!has(have, UNPOWERED)) {
		assert_true(out->clamp || !is->clamp || wish->clamp);
		assert_true(out->clamp >= is->clamp);
		assert_true(out->lid_lock >= is->lid_lock);
	}
	/* Nothing closes on a hand. */
	if (!is->clamp && out->clamp)
		assert_true(has(have, LID_CLOSED) && has(have, ESTOP_OK) && has(have, AIR_OK));
	/* What is not wished does not happen; what may happen does. */
	assert_true(out->clamp == is->clamp || out->clamp == wish->clamp);
	assert_true(out->lid_lock == is->lid_lock || out->lid_lock == wish->lid_lock);
	if (has(have, CONDITIONS_END - 1)) {
		assert_int_equal(out->clamp, wish->clamp);
		assert_int_equal(out->lid_lock, wish->lid_lock);
	}
}

static void test_allow(void **state)
{
	(void)state;
	for (unsigned have = 0; have < CONDITIONS_END; have++)
		for (unsigned bits = 0; bits < 64; bits++) {
			struct interlock_outputs is = { bits & 1, bits >> 1 & 1, 0 };
			struct interlock_outputs wish = { bits >> 2 & 1, bits >> 3 & 1,
							  bits >> 4 & 1 ? 5 : 0 };
			uint64_t present = bits >> 5 & 1 ? UINT64_MAX : 4;
			struct interlock_outputs out = interlock_allow(have, present, &is, &wish);

			check_power(have, present, &wish, &out);
			check_moves(have, &is, &wish, &out);
		}
}

/* What must trip, by the condition that is missing and what hangs on it. */
static enum jig_trip expected(unsigned have, bool power, bool clamp)
{
	if (!has(have, ESTOP_OK))
		return TRIP_ESTOP;
	if (!has(have, BUS_UP))
		return TRIP_BUS;
	if (!has(have, HEARTBEAT))
		return TRIP_STALE;
	if (!has(have, LID_CLOSED) && (power || clamp))
		return TRIP_LID;
	if (!has(have, AIR_OK) && (power || clamp))
		return TRIP_AIR;
	if (!has(have, NOT_RESTARTED))
		return TRIP_RESTARTED;
	if (!has(have, CLAMPED) && power)
		return TRIP_CLAMP_LOST;
	if (!has(have, READ_BACK_OK))
		return TRIP_READ_BACK;
	return has(have, SENSORS_OK) ? TRIP_NONE : TRIP_SENSORS;
}

static void test_trip(void **state)
{
	(void)state;
	for (unsigned have = 0; have < CONDITIONS_END; have++)
		for (unsigned on = 0; on < 4; on++) {
			bool power = on & 1, clamp = on >> 1;
			unsigned dependences =
				(power ? POWER_IS_ON : 0u) | (clamp ? CLAMP_IS_ON : 0u);

			assert_int_equal(interlock_trip(have, dependences),
					 expected(have, power, clamp));
		}
}

static void test_sentences(void **state)
{
	(void)state;
	assert_string_equal(interlock_sentence(TRIP_NONE), "");
	assert_string_equal(jig_trip_name(TRIP_NONE), "");
	for (enum jig_trip trip = TRIP_NONE + 1; trip < TRIP_COUNT; trip++) {
		assert_non_null(strstr(interlock_sentence(trip), "then RESET"));
		assert_true(*jig_trip_name(trip) != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_trip),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
