#include "station/policy.h"

#include "base/clock.h"
#include "station/verdict.h"

uint64_t policy_tries_left(const struct station_settings *settings, struct runs *runs,
			   const char *unit)
{
	unsigned tries = settings->work.retest_tries, fails;

	if (tries == 0 || !runs || !*unit)
		return CONTROL_NO_LIMIT;
	fails = runs_unit_fails(runs, unit);
	return fails < tries ? tries - fails : 0;
}

bool policy_allows(const struct recipe_input *in, const char *unit, struct err *e)
{
	bool golden = station_is_golden(in->settings, unit);

	if (golden && in->mode == MODE_NORMAL)
		return err_set(e, POLICY_GOLDEN, "%s is a golden unit, which gets no certificate",
			       unit);
	if (!golden && in->mode == MODE_GOLDEN)
		return err_set(e, POLICY_GOLDEN,
			       "%s is no golden unit, and the station is in golden mode", unit);
	if (in->mode == MODE_NORMAL && policy_tries_left(in->settings, in->runs, unit) == 0)
		return err_set(e, POLICY_TRIES, "%s has failed %u times, and may be tried %u times",
			       unit, runs_unit_fails(in->runs, unit),
			       in->settings->work.retest_tries);
	return true;
}

bool policy_stops(const struct station_settings *settings, struct runs *runs, const char *nest)
{
	unsigned stop_after = settings->work.stop_after;

	return stop_after && runs_nest_fails(runs, nest) >= stop_after;
}

bool policy_free(const struct station_settings *settings, struct runs *runs,
		 const struct control_nest *nest, const char *person, const char *operator,
		 struct err * e)
{
	struct runs_act act = { .kind = ACT_FREE,
				.shift = station_shift_began(settings, clock_wall_s()) };

	control_copy_text(act.nest, sizeof(act.nest), nest->name);
	control_copy_text(act.unit, sizeof(act.unit), nest->unit);
	control_copy_text(act.person, sizeof(act.person), person);
	control_copy_text(act.operator, sizeof(act.operator), operator);
	return runs_do(runs, &act, e);
}
