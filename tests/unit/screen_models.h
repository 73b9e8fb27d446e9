/* What a station may say, made up: for the tests of the screen and its benchmark. */
#ifndef TESTS_UNIT_SCREEN_MODELS_H
#define TESTS_UNIT_SCREEN_MODELS_H

#include "station/screen/paint.h"

#include <stdlib.h>

#define NOON 1795348800 /* 2026-11-22 12:00:00 UTC */

static inline struct control_nest *model_nest(struct model *m, size_t i, size_t columns)
{
	struct control_nest *nest = &m->nests[i];

	*nest = (struct control_nest) { .index = i,
					.row = 1 + i / columns,
					.column = 1 + i % columns,
					.state = CONTROL_READY,
					.step_count = 10,
					.batch = 7,
					.tries_left = 2 };
	snprintf(nest->name, sizeof(nest->name), "%c%zu", (char)('A' + i / columns),
		 1 + i % columns);
	snprintf(nest->unit, sizeof(nest->unit), "T-%04zu", i + 384);
	return nest;
}

/* So many boards in rows of `columns`, the jig closed, nothing started. */
static inline struct model *model_ready(size_t count, size_t columns)
{
	struct model *m = calloc(1, sizeof(*m));

	m->is_up = true;
	m->count = count;
	m->wall_s = NOON;
	m->now_ms = 100000;
	m->station = (struct control_station) { .quantity = 400,
						.used = 390,
						.batch = 7,
						.phase = PHASE_READY,
						.next = NEXT_START,
						.cycle_ms = 21000,
						.takt_ms = 24000,
						.uph = 1180,
						.role = BADGE_OPERATOR,
						.shift = { 387, 7, 394, 386, 9 },
						.jig_health = HEALTH_OK,
						.token_health = HEALTH_OK,
						.ledger_health = HEALTH_OK,
						.clock_health = HEALTH_WARN,
						.disk_health = HEALTH_OK };
	strcpy(m->station.station, "SZ1");
	strcpy(m->station.order, "WO-4711");
	strcpy(m->station.product, "thermostat-eu");
	strcpy(m->station.person, "Wang");
	for (size_t i = 0; i < count; i++)
		model_nest(m, i, columns);
	return m;
}

static inline struct model *model_running(size_t count, size_t columns)
{
	struct model *m = model_ready(count, columns);

	m->station.phase = PHASE_RUNNING;
	m->station.next = NEXT_WAIT;
	for (size_t i = 0; i < count; i++) {
		struct control_nest *nest = &m->nests[i];

		nest->state = CONTROL_RUNNING;
		nest->step_index = 1 + i % 10;
		nest->bytes_total = 1000;
		nest->bytes_done = i * 10 % 1000;
		nest->elapsed_ms = 1200 + 100 * i;
		strcpy(nest->step, "certificate");
		m->told_at[i] = m->now_ms - 300;
	}
	return m;
}

static inline struct model *model_passed(size_t count, size_t columns)
{
	struct model *m = model_ready(count, columns);

	m->station.phase = PHASE_UNLOAD;
	m->station.next = NEXT_UNLOAD;
	for (size_t i = 0; i < count; i++) {
		m->nests[i].state = CONTROL_ENDED;
		m->nests[i].outcome = OUTCOME_PASS;
		m->nests[i].elapsed_ms = 4300;
	}
	return m;
}

static inline void model_fail(struct model *m, size_t i, enum outcome outcome, const char *code)
{
	struct control_nest *nest = &m->nests[i];

	nest->state = CONTROL_ENDED;
	nest->outcome = outcome;
	nest->marked = 1;
	nest->tries = 1;
	nest->tries_left = 1;
	snprintf(nest->code, sizeof(nest->code), "%s", code);
	strcpy(nest->text, "the flash did not keep the certificate (byte 128 differs)");
	strcpy(nest->remedy, "Run the board again; if it fails again, its flash is bad.");
}

static inline struct model *model_failed(size_t count, size_t columns)
{
	struct model *m = model_passed(count, columns);

	model_fail(m, count - 2, OUTCOME_FAIL, "F21");
	m->station.next = NEXT_RESEAT;
	strcpy(m->station.next_nests, m->nests[count - 2].name);
	return m;
}

static inline struct model *model_stopped(size_t count, size_t columns, enum control_stop stop)
{
	struct model *m = model_running(count, columns);

	m->station.phase = PHASE_STOPPED;
	m->station.next = NEXT_RESET;
	m->station.stop = stop;
	for (size_t i = 0; i < count; i++) {
		m->nests[i].state = CONTROL_ENDED;
		m->nests[i].outcome = i % 4 ? OUTCOME_PASS : OUTCOME_ABORTED;
	}
	return m;
}

static inline void model_alarm(struct model *m, uint64_t number, const char *code, bool active)
{
	struct control_alarm *alarm = &m->alarms[m->alarm_count++];

	*alarm = (struct control_alarm) { .number = number,
					  .raised_at = NOON - 60 * (int64_t)number,
					  .count = number,
					  .active = active };
	snprintf(alarm->code, sizeof(alarm->code), "%s", code);
	strcpy(alarm->nests, "B3");
	strcpy(alarm->text, "nest B3 failed three times in a row");
	strcpy(alarm->remedy, "Clean the probes; a supervisor frees the nest.");
	m->station.alarms++;
}

#endif
