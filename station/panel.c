#include "station/panel.h"

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

static bool is_idle(const struct panel *p)
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

static void enter(struct panel *p, enum panel_step step, int64_t now_ms)
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
	enter(p, STEP_STOPPED, now_ms);
	p->stop = reason;
	p->began_ms = 0;
	p->unknown |= p->asked;
	control_copy_text(p->text, sizeof(p->text), text);
}

/* --- boards --- */

/* Those that a START would run. */
static uint64_t candidates(const struct panel *p, const struct panel_input *in)
{
	uint64_t can_tell = p->options.has_lid ? UINT64_MAX : p->options.present;

	return p->present & ~in->stopped & ~(p->ran & can_tell);
}

static void forget(struct panel *p, uint64_t nests)
{
	p->ran &= ~nests;
	p->passed &= ~nests;
	p->marked &= ~nests;
	p->retest &= ~nests;
	p->unknown &= ~nests;
}

/* A result stands until its board was taken out. With the bus lost nothing is known of that. */
static void follow_boards(struct panel *p, const struct panel_input *in)
{
	uint64_t boards_before = p->present, by_signal = p->options.present;
	bool lid_before = p->lid_closed;

	if (!in->image.fresh)
		return;
	p->present = (in->image.present & by_signal) | (in->line & ~by_signal);
	forget(p, by_signal & ~p->present);
	p->lid_closed = in->image.lid_closed;
	if (!p->lid_closed)
		p->lid_opened = true;
	else if (p->lid_opened && is_idle(p))
		forget(p, ~by_signal);
	if (p->refused != NEXT_NONE &&
	    (p->present != boards_before || p->lid_closed != lid_before)) {
		p->refused = NEXT_NONE;
		p->text[0] = '\0';
	}
}

/* What has ended of the runs that were asked for. */
static void collect(struct panel *p, const struct panel_input *in)
{
	uint64_t ended = p->asked & in->started & ~in->running & ~in->pending;
	uint64_t judged = ended & (in->passed | in->failed);

	p->asked &= ~ended;
	p->ran |= judged;
	p->passed |= ended & in->passed;
	p->marked |= ended & ~in->passed;
	p->retest |= ended & in->failed & in->retest;
	p->unknown &= ~judged;
}

/* A nest that did not start, though it had a board, wants it re-seated. */
static void leave_unasked(struct panel *p)
{
	p->ran |= p->asked;
	p->asked = 0;
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
	bool is_loaded = in->image.lid_closed && candidates(p, in);

	if (is_loaded && (p->lid_opened || !has_results))
		return STEP_READY;
	return has_results ? STEP_UNLOAD : STEP_LOAD;
}

static bool go_idle(struct panel *p, const struct panel_input *in)
{
	enum panel_step step = in->image.fresh ? idle_step(p, in) : p->step;

	if (step == p->step)
		return false;
	enter(p, step, in->now_ms);
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

	if (is_idle(p))
		return go_idle(p, in);
	switch_power(p, in);
	if (row->done && row->done(p, in)) {
		if (p->step == STEP_RUN)
			leave_unasked(p);
		enter(p, row->then, in->now_ms);
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

static bool stop_if_wanted(struct panel *p, const struct panel_input *in)
{
	const struct jig_image *image = &in->image;
	enum control_stop reason = stop_of_trip[image->trip];
	const char *text = image->sentence;

	if (reason == STOP_NONE && is_idle(p) && p->start_held_ms &&
	    in->now_ms - p->start_held_ms >= p->options.timing.start_ms) {
		reason = STOP_START_STUCK;
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
	p->stop = STOP_NONE;
	p->text[0] = '\0';
	enter(p, STEP_OFF, in->now_ms);
}

/* --- starting --- */

static bool may_start(const struct panel *p, const struct panel_input *in, uint64_t nests,
		      enum control_next *ret_next, struct err *e)
{
	const struct jig_image *image = &in->image;
	const struct {
		bool stands;
		enum control_next next;
		int code;
		const char *text;
	} reasons[] = {
		{ p->step == STEP_STOPPED, NEXT_RESET, ERR_REFUSED,
		  "the jig is stopped; mend what imprint status says, then RESET" },
		{ !is_idle(p), NEXT_WAIT, ERR_BUSY, "a cycle runs already" },
		{ !image->fresh, NEXT_JIG, ERR_REFUSED,
		  "the jig does not answer; call the technician" },
		{ !image->automatic, NEXT_JIG, ERR_REFUSED,
		  "the jig's key stands on manual; turn it to automatic" },
		{ !image->air_ok, NEXT_JIG, ERR_REFUSED, "the jig has no air; open its valve" },
		{ !p->present, NEXT_LOAD, ERR_REFUSED,
		  "no nest has a board; put boards in and close the lid" },
		{ !image->lid_closed, NEXT_CLOSE_LID, ERR_REFUSED, "the lid is open; close it" },
		{ p->start_held_ms && p->start_spent, NEXT_RELEASE_START, ERR_REFUSED,
		  "the start button is down; let go of it" },
		{ !(p->present & nests), NEXT_LOAD, ERR_REFUSED,
		  "no board is in the nests that were named" },
		{ !(p->present & nests & ~in->stopped), NEXT_FREE, ERR_REFUSED,
		  "the nests with a board are stopped; clean their probes and free them" },
		{ !(candidates(p, in) & nests), NEXT_SAME_BOARDS, ERR_REFUSED,
		  "these boards have run; open the lid and load new ones" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!reasons[i].stands)
			continue;
		*ret_next = reasons[i].next;
		return err_set(e, reasons[i].code, "nothing was started: %s", reasons[i].text);
	}
	return true;
}

static void begin(struct panel *p, uint64_t nests, int64_t now_ms)
{
	forget(p, nests);
	p->nests = nests;
	p->asked = 0;
	p->refused = NEXT_NONE;
	p->text[0] = '\0';
	p->start_spent = true;
	p->began_ms = now_ms;
	enter(p, STEP_CLAMP, now_ms);
}

bool panel_start(struct panel *p, const struct panel_input *in, uint64_t nests, struct err *e)
{
	enum control_next next;

	if (!may_start(p, in, nests, &next, e))
		return false;
	begin(p, candidates(p, in) & nests, in->now_ms);
	return true;
}

/* True when the button is pressed that was seen released since the last cycle, and a START would be
 * taken. What it would be refused for is shown. */
static bool start_pressed(struct panel *p, const struct panel_input *in)
{
	bool was_down = p->start_held_ms != 0;
	struct err e;

	if (!in->image.fresh)
		return false;
	if (!in->image.start) {
		p->start_spent = false;
		p->start_held_ms = 0;
		return false;
	}
	if (was_down)
		return false;
	p->start_held_ms = in->now_ms;
	if (is_idle(p) && !p->start_spent) {
		if (may_start(p, in, UINT64_MAX, &p->refused, &e))
			return true;
		control_copy_text(p->text, sizeof(p->text), e.text);
	}
	p->start_spent = true; /* held on, it does not count later */
	return false;
}

static bool reset_pressed(struct panel *p, const struct panel_input *in)
{
	bool was_released = p->reset_released;

	if (!in->image.fresh)
		return false;
	p->reset_released = !in->image.reset;
	return in->image.reset && was_released && p->step == STEP_STOPPED;
}

/* --- what is wanted now --- */

static void show_lamps(const struct panel *p, const struct panel_input *in, struct jig_wish *wish)
{
	bool stopped = p->step == STEP_STOPPED;

	wish->lamp_pass = p->passed;
	wish->lamp_fail = p->marked;
	wish->busy = wish->green = panel_is_busy(p);
	wish->amber = is_idle(p);
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

bool panel_turn(struct panel *p, const struct panel_input *in, struct panel_act *ret_act)
{
	struct panel_act act = { 0 };
	bool went_on;

	follow_boards(p, in);
	collect(p, in);
	act.start_pressed = start_pressed(p, in);
	act.reset_pressed = reset_pressed(p, in);
	went_on = stop_if_wanted(p, in) || advance(p, in);
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

/* --- what the operator does now --- */

static enum control_next next_unload(const struct panel *p, uint64_t can_run, bool lid_closed,
				     uint64_t *ret_nests)
{
	uint64_t failed = p->marked & p->ran;

	if (can_run && lid_closed)
		return *ret_nests = can_run, NEXT_START;
	if (failed & p->retest)
		return *ret_nests = failed & p->retest, NEXT_RESEAT;
	if (failed)
		return *ret_nests = failed, NEXT_UNLOAD_FAILED;
	return can_run ? NEXT_CLOSE_LID : NEXT_UNLOAD;
}

static enum control_next next_load(const struct panel *p, const struct panel_input *in,
				   uint64_t *ret_nests)
{
	if (!p->present)
		return NEXT_LOAD;
	if (!in->image.lid_closed)
		return NEXT_CLOSE_LID;
	*ret_nests = p->present & in->stopped;
	return *ret_nests ? NEXT_FREE : NEXT_LOAD;
}

enum control_next panel_next(const struct panel *p, const struct panel_input *in,
			     uint64_t *ret_nests)
{
	uint64_t can_run = candidates(p, in);

	*ret_nests = 0;
	if (p->step == STEP_STOPPED) {
		*ret_nests = p->unknown;
		return in->image.fresh ? NEXT_RESET : NEXT_JIG;
	}
	if (!is_idle(p))
		return NEXT_WAIT;
	if (p->refused != NEXT_NONE)
		return p->refused;
	if (p->start_held_ms && p->start_spent)
		return NEXT_RELEASE_START;
	if (p->step == STEP_UNLOAD)
		return next_unload(p, can_run, in->image.lid_closed, ret_nests);
	if (p->step == STEP_LOAD)
		return next_load(p, in, ret_nests);
	*ret_nests = can_run;
	return NEXT_START;
}
