/* plant: the mechanics of a virtual jig and its controller's memory, and the judge of who drives
 * it. One memory, seen as bits and as words: bit n of a table is bit n % 16 of its word n / 16.
 *	inputs	word 0		estop_ok lid_closed lid_locked clamped clamp_open start reset air_ok
 *				automatic, from bit 0 on
 *		1		heartbeat: the controller counts
 *		2		the host's counter, as it came
 *		3..6 7..10	present, power_ok (64 nests each)
 *	outputs	word 0		clamp lid_lock red amber green buzzer busy, from bit 0 on
 *		1		the host's counter
 *		2..5		power
 *		6..9 10..13	lamp_pass, lamp_fail
 * What the outputs really are is read back from PLANT_BACK words higher. The watchdog: once the
 * host has counted, it must go on; else the power of all nests is taken, and comes back only after
 * the host has taken it off itself. The clamp stays as it is.
 *
 * The judge: power at a nest while the inputs, as the controller reports them, say that lid, clamp,
 * e-stop or board do not allow it, for longer than the allowance, is a breach. Time counts only
 * while the bus is healthy: without a fault of it, and with a host that asks. A stall of the whole
 * machine counts as one tick.
 * Times are real milliseconds; only the mechanics are `speed` times faster. Threads: one. Layer
 * above: jig_server, jig_control. Below: none. */
#ifndef TESTS_RIG_JIG_PLANT_H
#define TESTS_RIG_JIG_PLANT_H

#include "base/err.h"

#include <limits.h>
#include <stdint.h>

#define PLANT_NESTS_MAX 64
#define PLANT_NAME_MAX 16
#define PLANT_IN_WORDS 11
#define PLANT_OUT_WORDS 14
#define PLANT_BACK 32 /* words */
#define PLANT_TICK_MS 5

enum plant_input {
	IN_ESTOP_OK,
	IN_LID_CLOSED,
	IN_LID_LOCKED,
	IN_CLAMPED,
	IN_CLAMP_OPEN,
	IN_START,
	IN_RESET,
	IN_AIR_OK,
	IN_AUTOMATIC,
	IN_COUNT
};
enum { OUT_CLAMP, OUT_LID_LOCK, OUT_RED, OUT_AMBER, OUT_GREEN, OUT_BUZZER, OUT_BUSY, OUT_COUNT };
enum { WORD_HEARTBEAT = 1, WORD_ECHO = 2, WORD_PRESENT = 3, WORD_POWER_OK = 7 };    /* in */
enum { WORD_COUNTER = 1, WORD_POWER = 2, WORD_LAMP_PASS = 6, WORD_LAMP_FAIL = 10 }; /* out */
enum plant_watchdog { WATCHDOG_OFF, WATCHDOG_RUNNING, WATCHDOG_EXPIRED };

struct plant {
	/* given */
	char names[PLANT_NESTS_MAX][PLANT_NAME_MAX + 1];
	unsigned nest_count, speed, watchdog_ms, allowance_ms;
	char breach_path[PATH_MAX];
	bool power_hook; /* each change of power is a line on stdout */
	/* the mechanics */
	bool truth[IN_COUNT]; /* of the sensors, were they well */
	bool stuck[IN_COUNT], stuck_at[IN_COUNT];
	bool clamp_jammed, frozen; /* the inputs are what they were */
	double clamp;		   /* 0: open, 1: clamped */
	int64_t pressed_ms[IN_COUNT];
	int64_t released_ms[IN_COUNT]; /* when a button that was pressed comes back; 0: held */
	uint64_t boards;
	/* the controller */
	uint16_t in[PLANT_IN_WORDS];
	uint16_t wanted[PLANT_OUT_WORDS], out[PLANT_OUT_WORDS]; /* written; as they are */
	enum plant_watchdog watchdog;
	bool power_withheld; /* since the watchdog expired */
	int64_t alive_ms, counted_ms, ticked_ms;
	/* the judge */
	bool bus_fault;			 /* set by the server */
	int64_t asked_ms;		 /* the last request */
	int64_t sampled_ms;		 /* the last time the host read the inputs */
	int64_t bad_ms[PLANT_NESTS_MAX]; /* counted */
	int64_t bad_since_ms[PLANT_NESTS_MAX], bad_sampled_ms[PLANT_NESTS_MAX]; /* 0: not */
	bool breached[PLANT_NESTS_MAX];
	unsigned breaches, power_ons;
	int64_t slowest_off_ms, slowest_after_sample_ms;
};

void plant_begin(struct plant *plant, int64_t now_ms);
/* Lets time pass: mechanics, watchdog, judge. */
void plant_tick(struct plant *plant, int64_t now_ms);
/* The host wrote the outputs: all of them, as they shall be now. */
void plant_write(struct plant *plant, const uint16_t out[static PLANT_OUT_WORDS], int64_t now_ms);
/* The host has shown that it lives. */
void plant_alive(struct plant *plant, int64_t now_ms);
/* The controller loses its memory. */
void plant_restart(struct plant *plant);
/* A button for duration_ms, longer if the host does not look meanwhile; 0: until it is released. */
void plant_press(struct plant *plant, enum plant_input button, int64_t now_ms, int64_t duration_ms);

uint64_t plant_mask(const uint16_t *words); /* of four words */
const char *plant_input_name(enum plant_input input);

#endif
