#include "station/shift.h"

#include "base/clock.h"

void shift_active(struct shift *s)
{
	s->active_at = clock_monotonic_ms();
}

/* --- what is next --- */

static void name_nests(const struct shift *s, uint64_t nests,
		       char ret_nests[static CONTROL_NAMES_MAX + 1])
{
	size_t len = 0;

	ret_nests[0] = '\0';
	for (size_t i = 0; i < s->config->settings->nest_count; i++)
		if (nests >> i & 1)
			len += (size_t)snprintf(ret_nests + len, CONTROL_NAMES_MAX + 1 - len,
						"%s%s", len ? " " : "",
						s->config->settings->nests[i].name);
}

static bool is_login_missing(const struct shift *s)
{
	struct control_badge badge;

	return s->config->settings->work.login_needed && !people_now(s->config->people, &badge);
}

enum control_next shift_next(const struct shift *s, char ret_nests[static CONTROL_NAMES_MAX + 1])
{
	const struct overview *o = s->overview;
	const struct signer_status *status = &o->status;

	ret_nests[0] = '\0';
	if (*s->record_trouble || (o->answered_at && (*o->trouble || *status->trouble)))
		return NEXT_SIGNER;
	if (o->answered_at && (!*status->order || status->used >= status->quantity))
		return NEXT_ORDER;
	if (is_login_missing(s))
		return NEXT_LOGIN;
	name_nests(s, s->unlabelled & -s->unlabelled, ret_nests); /* one after the other */
	if (s->unlabelled)
		return NEXT_LABEL;
	return s->golden_due && runs_mode(s->config->runs) == MODE_NORMAL ? NEXT_GOLDEN : NEXT_NONE;
}

bool shift_may_start(const struct shift *s, struct err *e)
{
	if (!runs_settle(s->config->runs, e))
		return err_add(e, "nothing was started");
	return !is_login_missing(s) ||
	       err_set(e, ERR_REFUSED, "nobody is logged in, nothing was started; scan your badge");
}

/* What a nest of a bench wants of its operator; the first row that any nest wants comes first. */
static const struct {
	enum control_next next;
	uint64_t state;
	enum { PASSED, FAILED, SPOILT, TRIED_OUT } ended; /* SPOILT: not by the board */
} bench[] = {
	{ NEXT_WAIT, CONTROL_RUNNING },		{ NEXT_UNLOAD_FAILED, CONTROL_ENDED, TRIED_OUT },
	{ NEXT_AGAIN, CONTROL_ENDED, SPOILT },	{ NEXT_RESEAT, CONTROL_ENDED, FAILED },
	{ NEXT_START, CONTROL_READY },		{ NEXT_FREE, CONTROL_STOPPED },
	{ NEXT_UNLOAD, CONTROL_ENDED, PASSED },
};

#define BENCH_ROWS (sizeof(bench) / sizeof(bench[0]))

static size_t bench_row(const struct control_nest *nest)
{
	bool is_ended = nest->state == CONTROL_ENDED;
	unsigned ended = nest->outcome == OUTCOME_PASS	 ? PASSED
			 : nest->tries_left == 0	 ? TRIED_OUT
			 : nest->outcome == OUTCOME_FAIL ? FAILED
							 : SPOILT;
	size_t i = 0;

	while (i < BENCH_ROWS &&
	       (bench[i].state != nest->state || (is_ended && bench[i].ended != ended)))
		i++;
	return i;
}

static enum control_next bench_next(const struct shift *s,
				    char ret_nests[static CONTROL_NAMES_MAX + 1])
{
	uint64_t nests[BENCH_ROWS + 1] = { 0 };
	size_t first = 0;

	for (size_t i = 0; i < s->config->settings->nest_count; i++) {
		struct control_nest nest;

		box_show(nest_box(s->config->nests[i]), &nest);
		nests[bench_row(&nest)] |= UINT64_C(1) << i;
	}
	while (first < BENCH_ROWS && !nests[first])
		first++;
	if (first == BENCH_ROWS)
		return NEXT_LOAD;
	name_nests(s, nests[first], ret_nests);
	return bench[first].next;
}

/* --- what is shown --- */

static void show_health(const struct shift *s, struct control_station *station)
{
	const struct overview *o = s->overview;
	const struct signer_status *status = &o->status;

	station->jig_health = s->jig;
	station->clock_health = s->clock;
	station->disk_health = s->disk;
	if (o->answered_at == 0)
		return;
	station->token_health = *o->trouble || !status->token_ok    ? HEALTH_BAD
				: status->signing_s >= TOKEN_SLOW_S ? HEALTH_WARN
								    : HEALTH_OK;
	station->ledger_health = *o->trouble	    ? HEALTH_BAD
				 : *status->trouble ? HEALTH_WARN
						    : HEALTH_OK;
	if (s->ledger_disk > s->disk)
		station->disk_health = s->ledger_disk;
}

void shift_show(const struct shift *s, struct control_station *station)
{
	const struct signer_status *status = &s->overview->status;
	struct control_badge badge;
	struct runs_counts counts;

	runs_count(s->config->runs, status->order, s->began, &counts);
	station->shift = counts.shift;
	station->lot = counts.lot;
	station->last = counts.last;
	station->uph = counts.uph;
	station->takt_ms = (uint64_t)s->config->settings->work.takt_s * 1000;
	station->shift_began = s->began;
	people_now(s->config->people, &badge);
	control_copy_text(station->person, sizeof(station->person), badge.person);
	station->role = badge.role;
	station->mode = runs_mode(s->config->runs);
	station->test_ca = status->training;
	station->ca_ends = status->ca_ends;
	station->alarms = alarms_open(s->config->alarms);
	station->next = shift_next(s, station->next_nests);
	if (station->next == NEXT_NONE)
		station->next = bench_next(s, station->next_nests);
	show_health(s, station);
}
