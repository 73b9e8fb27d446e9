#include "station/panel_part.h"

#include <stddef.h>
#include <string.h>

#define BUZZER_MS 2000	 /* at a stop */
#define POWER_STEP_MS 20 /* from one nest to the next: not all surge at once */

/* What a step wants of a mechanical output. */
enum hold { HOLD_OFF, HOLD_ON, HOLD_KEEP };

typedef bool step_done(const struct panel *p, const struct panel_input *in);

struct step {
	enum control_phase phase;
	enum hold clamp, lid_lock;
	bool power;	 /* as far as it was switched on */
	bool busy;	 /* a cycle is under way */
	step_done *done; /* NULL: somebody else ends it */
	enum panel_step then;
	size_t time; /* offset in struct map_timing */
	enum control_stop late;
};

static step_done is_clamped, has_settled, is_powered, has_run, is_off, is_unclamped;

#define TIME(name) offsetof(struct map_timing, name)

static const struct step steps[STEP_COUNT] = {
	[STEP_OFF] = { PHASE_RELEASE, HOLD_KEEP, HOLD_KEEP, false, true, is_off, STEP_UNCLAMP,
		       TIME(power_ms), STOP_READ_BACK },
	[STEP_UNCLAMP] = { PHASE_RELEASE, HOLD_OFF, HOLD_KEEP, false, true, is_unclamped,
			   STEP_UNLOAD, TIME(clamp_ms), STOP_CLAMP_TIMEOUT },
	[STEP_LOAD] = { PHASE_LOAD, HOLD_OFF, HOLD_OFF },
	[STEP_READY] = { PHASE_READY, HOLD_OFF, HOLD_OFF },
	[STEP_UNLOAD] = { PHASE_UNLOAD, HOLD_OFF, HOLD_OFF },
	[STEP_CLAMP] = { PHASE_CLAMP, HOLD_ON, HOLD_ON, false, true, is_clamped, STEP_SETTLE,
			 TIME(clamp_ms), STOP_CLAMP_TIMEOUT },
	[STEP_SETTLE] = { PHASE_CLAMP, HOLD_ON, HOLD_ON, false, true, has_settled, STEP_POWER },
	[STEP_POWER] = { PHASE_CLAMP, HOLD_ON, HOLD_ON, true, true, is_powered, STEP_RUN },
	[STEP_RUN] = { PHASE_RUNNING, HOLD_ON, HOLD_ON, true, true, has_run, STEP_OFF },
	[STEP_STOPPED] = { PHASE_STOPPED, HOLD_KEEP, HOLD_KEEP },
};

/* The jig's own trips come with a sentence; these are the panel's. */
static const char *const stop_texts[STOP_COUNT] = {
	[STOP_CLAMP_TIMEOUT] = "the clamp did not get there in time; look for what blocks it, and "
			       "for its air, then RESET",
	[STOP_READ_BACK] = "an output of the jig did not follow; call the technician, then RESET",
	[STOP_LID] = "the lid was opened; close it, then RESET",
	[STOP_CLAMP_LOST] = "the clamp came loose; check clamp and sensor, then RESET",
	[STOP_START_STUCK] = "the start button does not come back; free it, then RESET",
	[STOP_ABORTED] = "the cycle was aborted; RESET lets the boards out",
};

static const enum control_stop stop_of_trip[TRIP_COUNT] = {
	[TRIP_ESTOP] = STOP_ESTOP,
	[TRIP_BUS] = STOP_BUS,
	[TRIP_RESTARTED] = STOP_RESTARTED,
	[TRIP_STALE] = STOP_STALE,
	[TRIP_LID] = STOP_LID,
	[TRIP_CLAMP_LOST] = STOP_CLAMP_LOST,
	[TRIP_AIR] = STOP_AIR,
	[TRIP_READ_BACK] = STOP_READ_BACK,
	[TRIP_SENSORS] = STOP_SENSORS,
};

bool panel_is_idle(const struct panel *p)
{
	return p->step == STEP_LOAD || p->step == STEP_READY || p->step == STEP_UNLOAD;
}

bool panel_is_busy(const struct panel *p)
{
	return steps[p->step].busy;
}

enum control_phase panel_phase(const struct panel *p)
{
	return steps[p->step].phase;
}

uint64_t panel_cycle_ms(const struct panel *p, int64_t now_ms)
{
	return p->began_ms ? (uint64_t)(now_ms - p->began_ms) : p->cycle_ms;
}

void panel_init(struct panel *p, const struct panel_options *options, int64_t now_ms)
{
	*p = (struct panel) { .options = *options, .since_ms = now_ms, .start_spent = true };
}

void panel_enter(struct panel *p, enum panel_step step, int64_t now_ms)
{
	const struct step *row = &steps[step];

	if (row->clamp != HOLD_KEEP)
		p->clamp = row->clamp == HOLD_ON;
	if (row->lid_lock != HOLD_KEEP)
		p->lid_lock = row->lid_lock == HOLD_ON;
	if (!row->power)
		p->power = 0;
	p->step = step;
	p->since_ms = now_ms;
}

static void stop(struct panel *p, enum control_stop reason, const char *text, int64_t now_ms)
{
	panel_enter(p, STEP_STOPPED, now_ms);
	p->stop = reason;
	p->began_ms = 0;
	p->unknown |= p->asked;
	control_copy_text(p->text, sizeof(p->text), text);
}

/* --- what ends a step --- */

static bool is_clamped(const struct panel *p, const struct panel_input *in)
{
	(void)p;
	return in->image.clamped && in->image.lid_locked;
}

static bool has_settled(const struct panel *p, const struct panel_input *in)
{
	return in->now_ms - p->since_ms >= p->options.timing.settle_ms;
}

/* All that are still there have power. One whose voltage does not come up is a bad board's nest: it
 * is asked all the same, and says so. */
static bool is_powered(const struct panel *p, const struct panel_input *in)
{
	uint64_t wanted = p->nests & p->present & p->options.power;
	int64_t all_on_ms = POWER_STEP_MS * __builtin_popcountll(p->nests);

	if (wanted & ~p->power)
		return false;
	return (wanted & ~(in->image.powered & in->image.power_ok)) == 0 ||
	       in->now_ms - p->since_ms - all_on_ms >= p->options.timing.power_ms;
}

static bool has_run(const struct panel *p, const struct panel_input *in)
{
	return ((in->pending | in->running) & p->nests) == 0;
}

static bool is_off(const struct panel *p, const struct panel_input *in)
{
	(void)p;
	return in->image.fresh && in->image.powered == 0;
}

static bool is_unclamped(const struct panel *p, const struct panel_input *in)
{
	(void)p;
	return in->image.clamp_open;
}

/* --- going on --- */

static void end_cycle(struct panel *p, int64_t now_ms)
{
	if (p->began_ms)
		p->cycle_ms = (uint64_t)(now_ms - p->began_ms);
	p->began_ms = 0;
	p->lid_opened = false;
	if (p->start_held_ms)
		p->start_held_ms = now_ms; /* a hand that rests there has its time to let go */
}

/* Without a clamp of ours a person opens it, and takes the time that it takes. */
static bool is_late(const struct panel *p, const struct panel_input *in)
{
	const struct step *row = &steps[p->step];
	unsigned time_ms;

	if (row->late == STOP_NONE || !in->image.fresh ||
	    (row->late == STOP_CLAMP_TIMEOUT && !p->options.has_clamp))
		return false;
	time_ms = *(const unsigned *)((const char *)&p->options.timing + row->time);
	return in->now_ms - p->since_ms > time_ms;
}

static enum panel_step idle_step(const struct panel *p, const struct panel_input *in)
{
	bool has_results = p->passed | p->marked;
	bool is_loaded = in->image.lid_closed && panel_candidates(p, in);

	if (is_loaded && (p->lid_opened || !has_results))
		return STEP_READY;
	return has_results ? STEP_UNLOAD : STEP_LOAD;
}

static bool go_idle(struct panel *p, const struct panel_input *in)
{
	enum panel_step step = in->image.fresh ? idle_step(p, in) : p->step;

	if (step == p->step)
		return false;
	panel_enter(p, step, in->now_ms);
	return true;
}

static void switch_power(struct panel *p, const struct panel_input *in)
{
	uint64_t left = p->nests & p->present & ~p->power;

	if (p->step != STEP_POWER)
		return;
	while (left && in->now_ms - p->since_ms >= POWER_STEP_MS * __builtin_popcountll(p->power)) {
		p->power |= left & -left;
		left &= left - 1;
	}
}

static bool advance(struct panel *p, const struct panel_input *in)
{
	const struct step *row = &steps[p->step];

	if (panel_is_idle(p))
		return go_idle(p, in);
	switch_power(p, in);
	if (row->done && row->done(p, in)) {
		if (p->step == STEP_RUN)
			panel_leave_unasked(p);
		panel_enter(p, row->then, in->now_ms);
		if (p->step == STEP_UNLOAD)
			end_cycle(p, in->now_ms);
		return true;
	}
	if (is_late(p, in)) {
		stop(p, row->late, stop_texts[row->late], in->now_ms);
		return true;
	}
	return false;
}

/* --- stops --- */

/* Not a trip of the jig, but not as it must be now. */
static enum control_stop own_reason(const struct panel *p, const struct panel_input *in)
{
	bool holds = steps[p->step].clamp == HOLD_ON && in->image.fresh;

	if (holds && !in->image.lid_closed)
		return STOP_LID;
	if (holds && p->step != STEP_CLAMP && !in->image.clamped)
		return STOP_CLAMP_LOST;
	if (panel_is_idle(p) && p->start_held_ms &&
	    in->now_ms - p->start_held_ms >= p->options.timing.start_ms)
		return STOP_START_STUCK;
	return STOP_NONE;
}

static bool stop_if_wanted(struct panel *p, const struct panel_input *in)
{
	const struct jig_image *image = &in->image;
	enum control_stop reason = stop_of_trip[image->trip];
	const char *text = image->sentence;

	if (reason == STOP_NONE) {
		reason = own_reason(p, in);
		text = stop_texts[reason];
	}
	if (reason == STOP_NONE || (p->step == STEP_STOPPED && p->stop == reason))
		return false;
	stop(p, reason, text, in->now_ms);
	return true;
}

bool panel_abort(struct panel *p, const struct panel_input *in)
{
	if (!panel_is_busy(p) || panel_phase(p) == PHASE_RELEASE)
		return false;
	stop(p, STOP_ABORTED, stop_texts[STOP_ABORTED], in->now_ms);
	return true;
}

bool panel_may_reset(const struct panel *p, const struct panel_input *in, struct err *e)
{
	if (p->step != STEP_STOPPED)
		return err_set(e, ERR_REFUSED, "the jig is not stopped; there is nothing to reset");
	if ((in->running | in->pending) & p->nests)
		return err_set(e, ERR_BUSY, "the runs are still ending; RESET in a moment");
	if (p->stop == STOP_START_STUCK && p->start_held_ms)
		return err_set(e, ERR_REFUSED,
			       "the start button is still down; free it, then RESET");
	return true;
}

void panel_reset(struct panel *p, const struct panel_input *in)
{
	p->clamp = p->clamp && in->image.clamp_on; /* one that fell is not closed by a RESET */
	p->stop = STOP_NONE;
	p->text[0] = '\0';
	panel_enter(p, STEP_OFF, in->now_ms);
}

/* --- what is wanted now --- */

static void show_lamps(const struct panel *p, const struct panel_input *in, struct jig_wish *wish)
{
	bool stopped = p->step == STEP_STOPPED;

	wish->lamp_pass = p->passed;
	wish->lamp_fail = p->marked;
	wish->busy = wish->green = panel_is_busy(p);
	wish->amber = panel_is_idle(p);
	wish->red = stopped || (p->step == STEP_UNLOAD && p->marked);
	wish->buzzer = stopped && in->now_ms - p->since_ms < BUZZER_MS;
}

/* Runs to stop: all of a stopped cycle, and one whose board was taken from under it. */
static uint64_t to_abort(const struct panel *p, const struct panel_input *in)
{
	if (p->step == STEP_STOPPED)
		return in->running & p->nests;
	if (p->step == STEP_RUN && in->image.fresh)
		return in->running & p->nests & p->options.present & ~in->image.present;
	return 0;
}

static void follow_stillness(struct panel *p, const struct panel_input *in)
{
	if (!panel_is_idle(p) || !in->image.fresh || !in->image.lid_closed)
		p->still_ms = 0;
	else if (!p->still_ms)
		p->still_ms = in->now_ms;
}

bool panel_turn(struct panel *p, const struct panel_input *in, struct panel_act *ret_act)
{
	struct panel_act act = { 0 };
	bool went_on;

	panel_follow_boards(p, in);
	panel_collect(p, in);
	act.start_pressed = panel_start_pressed(p, in);
	act.reset_pressed = panel_reset_pressed(p, in);
	went_on = stop_if_wanted(p, in) || advance(p, in);
	follow_stillness(p, in);
	if (went_on && p->step == STEP_RUN)
		act.ask = p->asked = p->nests & p->present;
	act.abort = to_abort(p, in);
	act.wish.clamp = p->clamp;
	act.wish.lid_lock = p->lid_lock;
	act.wish.power = p->power;
	show_lamps(p, in, &act.wish);
	*ret_act = act;
	return went_on;
}
