#include "station/history.h"

bool history_init(struct history *h, struct err *e)
{
	*h = (struct history) { 0 };
	return tally_new(&h->tally, e);
}

void history_close(struct history *h)
{
	tally_free(TAKE(h->tally));
}

static struct nest_history *find(const struct history *h, const char *nest)
{
	for (size_t i = 0; i < h->nest_count; i++)
		if (strcmp(h->nests[i].nest, nest) == 0)
			return (struct nest_history *)&h->nests[i];
	return NULL;
}

/* NULL for nests of earlier settings that find no room: only their counts are lost. */
static struct nest_history *take(struct history *h, const char *nest)
{
	struct nest_history *n = find(h, nest);

	if (n || h->nest_count == CONTROL_NESTS_MAX)
		return n;
	n = &h->nests[h->nest_count++];
	*n = (struct nest_history) { .passed = true };
	snprintf(n->nest, sizeof(n->nest), "%s", nest);
	return n;
}

unsigned history_tries(const struct history *h, const char *nest, const char *unit)
{
	const struct nest_history *n = find(h, nest);

	return n && !n->passed && strcmp(n->unit, unit) == 0 ? n->tries + n->used_up : 1;
}

/* Only boards that said who they are: a nest without a board may be as silent as a broken one. */
static void count_failed(struct nest_history *n, const char *unit)
{
	uint64_t key = tally_key("", unit);

	if (!*unit || n->failed_count == RUNS_FAILS_MAX)
		return;
	for (size_t i = 0; i < n->failed_count; i++)
		if (n->failed[i] == key)
			return;
	n->failed[n->failed_count++] = key;
}

void history_run(struct history *h, const struct run *run)
{
	struct nest_history *n = take(h, run->nest);

	tally_add(h->tally, &(struct tally_run) { .nest = run->nest,
						  .unit = run->unit,
						  .order = run->order,
						  .outcome = run->outcome,
						  .mode = run->mode,
						  .shift = run->shift,
						  .started_at = run->started_at,
						  .ended_at = run->ended_at });
	if (run->mode == MODE_GOLDEN && run->outcome == OUTCOME_PASS)
		h->golden_passed_at = run->ended_at;
	if (!n)
		return;
	n->tries = history_tries(h, run->nest, run->unit);
	n->passed = run->outcome == OUTCOME_PASS;
	n->used_up = run->outcome == OUTCOME_FAIL;
	snprintf(n->unit, sizeof(n->unit), "%s", run->unit);
	if (run->mode != MODE_NORMAL)
		return;
	if (run->outcome == OUTCOME_PASS)
		n->failed_count = 0;
	if (run->outcome == OUTCOME_FAIL)
		count_failed(n, run->unit);
}

void history_act(struct history *h, const struct runs_act *act)
{
	struct nest_history *n = find(h, act->nest);

	if (act->kind == ACT_MODE)
		h->mode = act->mode;
	if (act->kind != ACT_FREE)
		return;
	if (n)
		n->failed_count = 0;
	if (*act->unit)
		tally_let_off(h->tally, act->unit);
}

size_t history_nest_fails(const struct history *h, const char *nest)
{
	const struct nest_history *n = find(h, nest);

	return n ? n->failed_count : 0;
}
