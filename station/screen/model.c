#include "station/screen/model.h"

#include <string.h>

#define FAR_BEYOND 1000 /* any row, column or step of a station */

/* What is reckoned with to draw it. */
static bool is_possible(const struct control_nest *nest)
{
	return nest->index < CONTROL_NESTS_MAX && nest->row < FAR_BEYOND &&
	       nest->column < FAR_BEYOND && nest->step_index < FAR_BEYOND &&
	       nest->step_count < FAR_BEYOND;
}

bool model_take_nests(struct model *m, const struct control_reply *reply)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;

	if (reply->type != CONTROL_NESTS)
		return false;
	m->station = reply->station;
	while (control_nest_read(&r, &nest)) {
		if (!is_possible(&nest))
			return false;
		m->nests[nest.index] = nest;
		m->told_at[nest.index] = m->now_ms;
		if (nest.index >= m->count)
			m->count = nest.index + 1;
	}
	return reader_end(&r);
}

bool model_take_alarms(struct model *m, const struct control_reply *reply)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_alarm alarm;

	if (reply->type != CONTROL_ROWS)
		return false;
	m->alarm_count = 0;
	while (control_alarm_read(&r, &alarm)) { /* they come by number: the newest last */
		size_t keep =
			m->alarm_count < MODEL_ALARMS_MAX ? m->alarm_count : MODEL_ALARMS_MAX - 1;

		memmove(m->alarms + 1, m->alarms, keep * sizeof(alarm));
		m->alarms[0] = alarm;
		m->alarm_count = keep + 1;
	}
	return reader_end(&r);
}

/* --- nests --- */

static bool has_jig(const struct model *m)
{
	return m->station.phase != PHASE_BENCH;
}

uint64_t model_elapsed_ms(const struct model *m, size_t nest)
{
	uint64_t elapsed = m->nests[nest].elapsed_ms;

	if (m->nests[nest].state == CONTROL_RUNNING && m->is_up && m->now_ms > m->told_at[nest])
		elapsed += (uint64_t)(m->now_ms - m->told_at[nest]);
	return elapsed;
}

bool model_shows_result(const struct model *m, const struct control_nest *nest)
{
	if (nest->outcome == OUTCOME_NONE || nest->state == CONTROL_RUNNING)
		return false;
	if (nest->state == CONTROL_STOPPED && nest->batch != m->station.batch)
		return nest->marked; /* else another board may lie there since */
	return nest->state == CONTROL_ENDED || nest->state == CONTROL_STOPPED || nest->marked;
}

bool model_is_marked(const struct model *m, const struct control_nest *nest)
{
	return nest->marked || (model_shows_result(m, nest) && nest->outcome != OUTCOME_PASS);
}

struct model_counts model_count(const struct model *m)
{
	struct model_counts counts = { 0 };

	for (size_t i = 0; i < m->count; i++) {
		const struct control_nest *nest = &m->nests[i];
		bool shows = model_shows_result(m, nest);

		counts.ready += nest->state == CONTROL_READY;
		counts.running += nest->state == CONTROL_RUNNING;
		counts.ended += shows;
		counts.boards +=
			shows || nest->state == CONTROL_READY || nest->state == CONTROL_RUNNING;
		if (shows && nest->outcome < OUTCOME_COUNT)
			counts.outcome[nest->outcome]++;
	}
	return counts;
}

bool model_is_working(const struct model *m)
{
	uint64_t phase = m->station.phase;

	return m->is_up && (phase == PHASE_CLAMP || phase == PHASE_RUNNING ||
			    phase == PHASE_RELEASE || model_count(m).running > 0);
}

char *model_names(const struct model *m, model_test *test, char *ret_names, size_t size)
{
	size_t len = 0;

	ret_names[0] = '\0';
	for (size_t i = 0; i < m->count; i++) {
		size_t need = strlen(m->nests[i].name) + 1;

		if (!test(m, &m->nests[i]))
			continue;
		if (len + need + sizeof(" ...") > size)
			return strcpy(ret_names + len, " ..."), ret_names;
		len += (size_t)snprintf(ret_names + len, size - len, "%s%s", len ? " " : "",
					m->nests[i].name);
	}
	return ret_names;
}

/* --- the word --- */

/* In the order of the phrases BIG_… and SAID_…. */
static const enum style word_styles[] = {
	STYLE_BAND_FAIL, /* OFFLINE */
	STYLE_BAND_FAIL, /* STOPPED */
	STYLE_BAND_WARN, /* BLOCKED */
	STYLE_BAND_CALM, /* LOGIN */
	STYLE_BAND_CALM, /* ORDER */
	STYLE_BAND_CALM, /* SCAN */
	STYLE_BAND_CALM, /* GOLDEN */
	STYLE_BAND_CALM, /* LOAD */
	STYLE_BAND_CALM, /* READY */
	STYLE_BAND_WORK, /* RUNNING */
	STYLE_BAND_PASS, /* PASS */
	STYLE_BAND_FAIL, /* FAIL */
	STYLE_BAND_WARN, /* ERROR */
	STYLE_BAND_WARN, /* ABORTED */
};

static const struct {
	enum control_next next;
	enum phrase big;  /* the word that this asks for by itself, or PHRASE_COUNT */
	enum phrase text; /* with a jig */
	enum phrase bench;
} nexts[] = {
	{ NEXT_LOAD, PHRASE_COUNT, PHRASE_NEXT_LOAD, PHRASE_BENCH_LOAD },
	{ NEXT_CLOSE_LID, PHRASE_COUNT, PHRASE_NEXT_CLOSE_LID, PHRASE_NEXT_CLOSE_LID },
	{ NEXT_START, PHRASE_COUNT, PHRASE_NEXT_START, PHRASE_BENCH_START },
	{ NEXT_WAIT, PHRASE_COUNT, PHRASE_NEXT_WAIT, PHRASE_BENCH_WAIT },
	{ NEXT_UNLOAD, PHRASE_COUNT, PHRASE_NEXT_UNLOAD, PHRASE_BENCH_UNLOAD },
	{ NEXT_UNLOAD_FAILED, PHRASE_COUNT, PHRASE_NEXT_UNLOAD_FAILED, PHRASE_NEXT_UNLOAD_FAILED },
	{ NEXT_RESEAT, PHRASE_COUNT, PHRASE_NEXT_RESEAT, PHRASE_BENCH_RESEAT },
	{ NEXT_RELEASE_START, PHRASE_COUNT, PHRASE_NEXT_RELEASE_START, PHRASE_NEXT_RELEASE_START },
	{ NEXT_SAME_BOARDS, PHRASE_COUNT, PHRASE_NEXT_SAME_BOARDS, PHRASE_NEXT_SAME_BOARDS },
	{ NEXT_RESET, PHRASE_COUNT, PHRASE_NEXT_RESET, PHRASE_NEXT_RESET },
	{ NEXT_JIG, PHRASE_BIG_BLOCKED, PHRASE_NEXT_JIG, PHRASE_NEXT_JIG },
	{ NEXT_SIGNER, PHRASE_BIG_BLOCKED, PHRASE_NEXT_SIGNER, PHRASE_NEXT_SIGNER },
	{ NEXT_ORDER, PHRASE_BIG_ORDER, PHRASE_NEXT_ORDER, PHRASE_NEXT_ORDER },
	{ NEXT_LABEL, PHRASE_BIG_SCAN, PHRASE_NEXT_LABEL, PHRASE_NEXT_LABEL },
	{ NEXT_FREE, PHRASE_COUNT, PHRASE_NEXT_FREE, PHRASE_NEXT_FREE },
	{ NEXT_GOLDEN, PHRASE_BIG_GOLDEN, PHRASE_NEXT_GOLDEN, PHRASE_BENCH_GOLDEN },
	{ NEXT_LOGIN, PHRASE_BIG_LOGIN, PHRASE_NEXT_LOGIN, PHRASE_NEXT_LOGIN },
	{ NEXT_AGAIN, PHRASE_COUNT, PHRASE_BENCH_AGAIN, PHRASE_BENCH_AGAIN },
};

static enum phrase word_of_results(const struct model_counts *counts)
{
	return counts->outcome[OUTCOME_FAIL]	  ? PHRASE_BIG_FAIL
	       : counts->outcome[OUTCOME_ERROR]	  ? PHRASE_BIG_ERROR
	       : counts->outcome[OUTCOME_ABORTED] ? PHRASE_BIG_ABORTED
						  : PHRASE_BIG_PASS;
}

static enum phrase word_of_next(const struct model *m)
{
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++)
		if (nexts[i].next == m->station.next)
			return nexts[i].big;
	return PHRASE_COUNT;
}

/* What keeps the station from a start, if anything does. */
static enum phrase word_of_hindrance(const struct model *m)
{
	if (*m->station.trouble)
		return PHRASE_BIG_BLOCKED;
	if (!has_jig(m) && !*m->station.order)
		return PHRASE_BIG_ORDER;
	return word_of_next(m);
}

static enum phrase word_of_boards(const struct model *m, const struct model_counts *counts)
{
	if (m->station.next == NEXT_CLOSE_LID)
		return PHRASE_BIG_LOAD;
	if (has_jig(m) && m->station.phase == PHASE_READY)
		return PHRASE_BIG_READY;
	if (!has_jig(m) && counts->ready)
		return PHRASE_BIG_READY;
	return counts->ended ? word_of_results(counts) : PHRASE_BIG_LOAD;
}

static enum phrase big_word(const struct model *m, const struct model_counts *counts)
{
	enum phrase hindrance = word_of_hindrance(m);

	if (!m->is_up)
		return PHRASE_BIG_OFFLINE;
	if (m->station.phase == PHASE_STOPPED)
		return PHRASE_BIG_STOPPED;
	if (model_is_working(m))
		return PHRASE_BIG_RUNNING;
	if (m->station.phase == PHASE_UNLOAD && counts->ended && m->station.next != NEXT_CLOSE_LID)
		return word_of_results(counts);
	return hindrance != PHRASE_COUNT ? hindrance : word_of_boards(m, counts);
}

/* Those of a run that was not the board's fault lie there still. */
static size_t count_to_run(const struct model_counts *counts)
{
	return counts->ready + counts->outcome[OUTCOME_ERROR] + counts->outcome[OUTCOME_ABORTED];
}

static size_t first_hole(enum phrase big, const struct model_counts *counts)
{
	switch (big) {
	case PHRASE_BIG_READY:
		return count_to_run(counts);
	case PHRASE_BIG_RUNNING:
		return counts->ended;
	case PHRASE_BIG_FAIL:
		return counts->outcome[OUTCOME_FAIL];
	case PHRASE_BIG_ERROR:
		return counts->outcome[OUTCOME_ERROR];
	case PHRASE_BIG_ABORTED:
		return counts->outcome[OUTCOME_ABORTED];
	default:
		return counts->outcome[OUTCOME_PASS];
	}
}

static enum phrase said_of(const struct model *m, enum phrase big,
			   const struct model_counts *counts)
{
	if (big == PHRASE_BIG_RUNNING && m->station.phase == PHASE_CLAMP)
		return PHRASE_SAID_CLAMP;
	if (big == PHRASE_BIG_READY && count_to_run(counts) == 1)
		return PHRASE_SAID_READY_ONE;
	if (big == PHRASE_BIG_PASS && counts->ended == 1)
		return PHRASE_SAID_PASS_ONE;
	return PHRASE_SAID_OFFLINE + (big - PHRASE_BIG_OFFLINE);
}

struct model_word model_word(const struct model *m)
{
	struct model_counts counts = model_count(m);
	enum phrase big = big_word(m, &counts);

	return (struct model_word) {
		.big = big,
		.said = said_of(m, big, &counts),
		.style = word_styles[big - PHRASE_BIG_OFFLINE],
		.first = first_hole(big, &counts),
		.second = counts.ended + counts.running,
	};
}

enum phrase model_next(const struct model *m, char *ret_names, size_t size)
{
	snprintf(ret_names, size, "%s", m->station.next_nests);
	if (!m->is_up)
		return PHRASE_OFFLINE_NEXT;
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++)
		if (nexts[i].next == m->station.next)
			return has_jig(m) ? nexts[i].text : nexts[i].bench;
	return PHRASE_NEXT_WAIT;
}
