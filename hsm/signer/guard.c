#include "hsm/signer/guard.h"

#include "base/clock.h"
#include "hsm/api/refusal.h"

#include <stdlib.h>

#define BACK_MAX_S 5
#define DRIFT_MAX_S 60
#define STALE_S (30LL * 24 * 3600)
#define REMEDY "set the clock, then let a supervisor run: imprint ledger accept-time --reason TEXT"

static int64_t ahead_ms(void)
{
	return clock_wall_ms() - clock_boot_ms();
}

void guard_start(struct guard *g, int64_t last_entry_s)
{
	*g = (struct guard) { .ahead_ms = ahead_ms(), .last_s = last_entry_s };
	g->stale = last_entry_s && clock_wall_s() - last_entry_s > STALE_S;
}

int64_t guard_now(const struct guard *g)
{
	int64_t now_s = clock_wall_s();

	return now_s < g->last_s ? g->last_s : now_s;
}

/* A jump by whole seconds is told as such, whatever lies between two looks at the clocks. */
static int64_t rounded_s(int64_t ms)
{
	return (ms + (ms < 0 ? -500 : 500)) / 1000;
}

bool guard_check(const struct guard *g, struct err *e)
{
	int64_t now_s = clock_wall_s(), drift_s = rounded_s(ahead_ms() - g->ahead_ms);
	char now[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];

	clock_format(now_s, now);
	clock_format(g->last_s, last);
	if (g->last_s - now_s > BACK_MAX_S)
		return err_set(e, REFUSAL_CLOCK,
			       "the clock says %s, but the ledger's last entry is of %s; " REMEDY,
			       now, last);
	if (llabs(drift_s) > DRIFT_MAX_S)
		return err_set(e, REFUSAL_CLOCK,
			       "the clock jumped by %lld s while the signer ran; " REMEDY,
			       (long long)drift_s);
	if (g->stale)
		return err_set(e, REFUSAL_CLOCK,
			       "the clock says %s, more than 30 days after the ledger's last entry "
			       "of %s; " REMEDY,
			       now, last);
	return true;
}

void guard_entry(struct guard *g, int64_t time_s)
{
	g->last_s = time_s;
}

int64_t guard_accept(struct guard *g)
{
	guard_start(g, 0);
	return g->last_s = clock_wall_s();
}
