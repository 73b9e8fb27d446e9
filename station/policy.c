#include "station/policy.h"

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
