#include "hsm/signer/guard.h"

#include "base/clock.h"
#include "hsm/api/refusal.h"

#include <stdlib.h>

#define BACK_MAX_S 5
#define DRIFT_MAX_S 60
#define STALE_S (30LL * 24 * 3600)
#define REMEDY "set the clock, then let a supervisor run: imprint ledger accept-time --reason TEXT"

void guard_start(struct guard *g, int64_t last_entry_s)
{
	*g = (struct guard) { .wall_s = clock_wall_s(),
			      .boot_ms = clock_boot_ms(),
			      .last_s = last_entry_s };
	g->stale = last_entry_s && g->wall_s - last_entry_s > STALE_S;
}

int64_t guard_now(const struct guard *g)
{
	int64_t now_s = clock_wall_s();

	return now_s < g->last_s ? g->last_s : now_s;
}

bool guard_check(const struct guard *g, struct err *e)
{
	int64_t now_s = clock_wall_s();
	int64_t drift_s = now_s - g->wall_s - (clock_boot_ms() - g->boot_ms) / 1000;
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
	g->last_s = g->wall_s;
	return g->wall_s;
}
