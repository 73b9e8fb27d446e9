/* panel: one panel on its way through the jig, as a table of steps: what each step wants of the
 * outputs, what ends it, what comes then, and which stop it is if that does not come in time.
 *	load, ready, clamp, settle, power, run, off, unclamp, unload; stopped from any of them
 * A trip of the jig stops it wherever it is: power is off already then (the bus's thread), the
 * runs are aborted, and nothing goes on before a reset. The start button counts only after it was
 * seen released, and only for boards that have not run: one that passed or failed is left until it
 * was taken out, one whose run was aborted may run again.
 * Where the jig itself trips over nothing, for it switches no power and no clamp, lid and clamp are
 * watched here: from the start of a cycle to the end of its runs.
 * Where the map has no signal for presence, a board is there if its line is, and boards count as
 * changed once the lid was opened and closed.
 * Pure: it sees what it is given and says what it wants. Threads: one a panel, or its caller's
 * mutex. Layer above: cycle. Below: fixtures/jig, control. */
#ifndef STATION_PANEL_H
#define STATION_PANEL_H

#include "fixtures/jig.h"
#include "station/control/control.h"

struct panel_options {
	uint64_t present, power; /* nests for which the map has these signals */
	bool has_lid, has_clamp; /* the map has these */
	struct map_timing timing;
};

/* What is known at one moment. Nest masks: bit 1 << index. */
struct panel_input {
	struct jig_image image;
	int64_t now_ms;
	uint64_t line;			    /* nests whose line is there: without a signal */
	uint64_t stopped;		    /* nests that wait for a person */
	uint64_t pending, running, started; /* what they made of being asked */
	uint64_t passed, failed;	    /* their last outcome; neither: aborted, or an error */
	uint64_t retest;		    /* those whose unit may be tried again */
};

/* What is to be done now. */
struct panel_act {
	struct jig_wish wish;
	uint64_t ask, abort;		   /* runs to start, runs to stop */
	bool start_pressed, reset_pressed; /* whether they may is asked elsewhere */
};

enum panel_step {
	STEP_OFF, /* the first: whatever was on goes off */
	STEP_UNCLAMP,
	STEP_LOAD,
	STEP_READY,
	STEP_UNLOAD,
	STEP_CLAMP,
	STEP_SETTLE,
	STEP_POWER,
	STEP_RUN,
	STEP_STOPPED,
	STEP_COUNT
};

struct panel {
	struct panel_options options;
	enum panel_step step;
	int64_t since_ms;	 /* of the step */
	bool clamp, lid_lock;	 /* as wanted last */
	uint64_t nests;		 /* of the cycle under way, or the last one */
	uint64_t power;		 /* switched on so far */
	uint64_t asked;		 /* their runs were asked for */
	uint64_t present;	 /* boards, as seen last */
	uint64_t ran;		 /* boards that are in and were judged: PASS or FAIL */
	uint64_t passed, marked; /* results of boards that are still in */
	uint64_t unknown;	 /* boards of a stopped cycle without a verdict */
	bool lid_closed;	 /* as seen last */
	bool lid_opened;	 /* since the last cycle */
	int64_t still_ms; /* since when it is idle, heard, and its lid closed; 0: it is not */
	bool start_spent; /* the start button was not seen released since the last cycle */
	bool reset_released;
	int64_t start_held_ms;	   /* since when the start button is down; 0: it is not */
	enum control_next refused; /* why the last START did nothing; NEXT_NONE */
	enum control_stop stop;
	char text[CONTROL_TEXT_MAX + 1]; /* of the stop, or of the START that was refused */
	int64_t began_ms;		 /* of the cycle under way; 0: none */
	uint64_t cycle_ms;		 /* of the last whole one */
};

void panel_init(struct panel *panel, const struct panel_options *options, int64_t now_ms);

/* Takes in what is known, and goes on by at most one step. True if it went on: then it wants to be
 * called again with what is known now. */
bool panel_turn(struct panel *panel, const struct panel_input *in, struct panel_act *ret_act);

/* Begins a cycle with those of `nests` whose boards may run, for a START that was given at
 * asked_ms: what moved since then takes it back. ERR_BUSY, ERR_REFUSED with the sentence. */
MUST_CHECK bool panel_start(struct panel *panel, const struct panel_input *in, uint64_t nests,
			    int64_t asked_ms, struct err *e);
/* Stops the cycle; false if none runs. */
bool panel_abort(struct panel *panel, const struct panel_input *in);
/* May a stop be taken back? Whether the jig's own trip may is jig_reset's to say. */
MUST_CHECK bool panel_may_reset(const struct panel *panel, const struct panel_input *in,
				struct err *e);
/* Goes on after a stop: power off, unclamp, unload. */
void panel_reset(struct panel *panel, const struct panel_input *in);

/* A cycle is under way: nothing may be set by hand. */
bool panel_is_busy(const struct panel *panel);
enum control_phase panel_phase(const struct panel *panel);
/* What the operator does now, and the nests that it is about. */
enum control_next panel_next(const struct panel *panel, const struct panel_input *in,
			     uint64_t *ret_nests);
uint64_t panel_cycle_ms(const struct panel *panel, int64_t now_ms);

#endif
