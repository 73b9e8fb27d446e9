#include "tests/rig/jig_plant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLAMP_TRAVEL_MS 400.0
#define HEARTBEAT_MS 50
#define HOST_GONE_MS 250       /* no request for so long: the bus is not healthy */
#define TICK_COUNTED_MAX_MS 20 /* what is longer is a stall of the machine */
#define UNSEEN_MAX_MS 5000     /* so long a button waits for the host */

static const char *const input_names[IN_COUNT] = {
	"estop_ok", "lid_closed", "lid_locked", "clamped",   "clamp_open",
	"start",    "reset",	  "air_ok",	"automatic",
};

const char *plant_input_name(enum plant_input input)
{
	return input_names[input];
}

uint64_t plant_mask(const uint16_t *words)
{
	return (uint64_t)words[0] | (uint64_t)words[1] << 16 | (uint64_t)words[2] << 32 |
	       (uint64_t)words[3] << 48;
}

static void set_mask(uint16_t *words, uint64_t mask)
{
	for (int i = 0; i < 4; i++)
		words[i] = (uint16_t)(mask >> (16 * i));
}

static bool output(const struct plant *plant, int bit)
{
	return plant->out[0] >> bit & 1;
}

static bool reported(const struct plant *plant, enum plant_input input)
{
	return plant->in[0] >> input & 1;
}

/* --- mechanics --- */

static void move_clamp(struct plant *plant, double travelled)
{
	if (!plant->truth[IN_AIR_OK])
		return;
	plant->clamp += output(plant, OUT_CLAMP) ? travelled : -travelled;
	if (plant->clamp_jammed && plant->clamp > 0.5)
		plant->clamp = 0.5;
	plant->clamp = plant->clamp > 1 ? 1 : plant->clamp < 0 ? 0 : plant->clamp;
}

static bool was_seen(const struct plant *plant, enum plant_input button, int64_t now_ms)
{
	return plant->sampled_ms > plant->pressed_ms[button] ||
	       now_ms - plant->pressed_ms[button] > UNSEEN_MAX_MS;
}

/* What came and went during a stall of the machine was no press. */
static void release_buttons(struct plant *plant, int64_t now_ms)
{
	for (enum plant_input i = 0; i < IN_COUNT; i++)
		if (plant->released_ms[i] && now_ms >= plant->released_ms[i] &&
		    was_seen(plant, i, now_ms)) {
			plant->truth[i] = false;
			plant->released_ms[i] = 0;
		}
}

static void read_sensors(struct plant *plant)
{
	if (plant->frozen)
		return;
	plant->truth[IN_CLAMPED] = plant->clamp >= 1;
	plant->truth[IN_CLAMP_OPEN] = plant->clamp <= 0;
	plant->truth[IN_LID_LOCKED] = plant->truth[IN_LID_CLOSED] && output(plant, OUT_LID_LOCK);
	plant->in[0] = 0;
	for (enum plant_input i = 0; i < IN_COUNT; i++)
		if (plant->stuck[i] ? plant->stuck_at[i] : plant->truth[i])
			plant->in[0] |= (uint16_t)(1u << i);
	plant->in[WORD_ECHO] = plant->out[WORD_COUNTER];
	set_mask(&plant->in[WORD_PRESENT], plant->boards);
	memcpy(&plant->in[WORD_POWER_OK], &plant->out[WORD_POWER], 4 * sizeof(uint16_t));
}

void plant_press(struct plant *plant, enum plant_input button, int64_t now_ms, int64_t duration_ms)
{
	plant->truth[button] = true;
	plant->pressed_ms[button] = now_ms;
	plant->released_ms[button] = duration_ms ? now_ms + duration_ms : 0;
	read_sensors(plant);
}

/* --- the judge --- */

static bool is_allowed(const struct plant *plant, unsigned nest)
{
	return reported(plant, IN_ESTOP_OK) && reported(plant, IN_LID_CLOSED) &&
	       reported(plant, IN_CLAMPED) && plant->boards >> nest & 1;
}

static void write_breach(struct plant *plant, unsigned nest)
{
	FILE *file = fopen(plant->breach_path, "a");

	plant->breached[nest] = true;
	plant->breaches++;
	if (!file)
		return;
	fprintf(file, "%s had power for %" PRId64 " ms with%s%s%s%s\n", plant->names[nest],
		plant->bad_ms[nest], reported(plant, IN_ESTOP_OK) ? "" : " the e-stop pressed",
		reported(plant, IN_LID_CLOSED) ? "" : " the lid open",
		reported(plant, IN_CLAMPED) ? "" : " no clamp",
		plant->boards >> nest & 1 ? "" : " no board");
	fclose(file);
}

/* The host has seen it with its first sample after it began. */
static void note_sample(struct plant *plant, unsigned nest)
{
	if (!plant->bad_sampled_ms[nest] && plant->sampled_ms > plant->bad_since_ms[nest])
		plant->bad_sampled_ms[nest] = plant->sampled_ms;
}

static void forget_episode(struct plant *plant, unsigned nest)
{
	plant->bad_ms[nest] = plant->bad_since_ms[nest] = plant->bad_sampled_ms[nest] = 0;
	plant->breached[nest] = false;
}

static void end_episode(struct plant *plant, unsigned nest, int64_t now_ms)
{
	int64_t after_sample_ms;

	if (!plant->bad_since_ms[nest])
		return;
	note_sample(plant, nest);
	after_sample_ms = plant->bad_sampled_ms[nest] ? now_ms - plant->bad_sampled_ms[nest] : 0;
	if (plant->bad_ms[nest] > plant->slowest_off_ms)
		plant->slowest_off_ms = plant->bad_ms[nest];
	if (after_sample_ms > plant->slowest_after_sample_ms)
		plant->slowest_after_sample_ms = after_sample_ms;
	forget_episode(plant, nest);
}

static bool is_healthy(const struct plant *plant, int64_t now_ms)
{
	return !plant->bus_fault && now_ms - plant->asked_ms < HOST_GONE_MS;
}

static void judge(struct plant *plant, int64_t now_ms, int64_t passed_ms)
{
	uint64_t power = plant_mask(&plant->out[WORD_POWER]);

	for (unsigned i = 0; i < plant->nest_count; i++) {
		if (!(power >> i & 1) || is_allowed(plant, i)) {
			end_episode(plant, i, now_ms);
			continue;
		}
		if (!is_healthy(plant, now_ms)) {
			forget_episode(plant, i);
			continue;
		}
		if (!plant->bad_since_ms[i])
			plant->bad_since_ms[i] = now_ms;
		note_sample(plant, i);
		plant->bad_ms[i] += passed_ms < 1 ? 1 : passed_ms;
		if (plant->bad_ms[i] > plant->allowance_ms && !plant->breached[i])
			write_breach(plant, i);
	}
}

/* --- the controller --- */

static void set_power(struct plant *plant, uint64_t power)
{
	uint64_t changed = plant_mask(&plant->out[WORD_POWER]) ^ power;

	set_mask(&plant->out[WORD_POWER], power);
	for (unsigned i = 0; i < plant->nest_count; i++) {
		if (!(changed >> i & 1))
			continue;
		plant->power_ons += power >> i & 1;
		if (plant->power_hook)
			printf("power %s %s\n", plant->names[i], power >> i & 1 ? "on" : "off");
	}
	if (changed && plant->power_hook)
		fflush(stdout);
}

static void watch_host(struct plant *plant, int64_t now_ms)
{
	if (plant->watchdog != WATCHDOG_RUNNING || now_ms - plant->alive_ms <= plant->watchdog_ms)
		return;
	plant->watchdog = WATCHDOG_EXPIRED;
	plant->power_withheld = true;
	set_power(plant, 0);
}

void plant_alive(struct plant *plant, int64_t now_ms)
{
	plant->alive_ms = now_ms;
	plant->watchdog = WATCHDOG_RUNNING;
}

void plant_write(struct plant *plant, const uint16_t out[static PLANT_OUT_WORDS], int64_t now_ms)
{
	uint64_t power = plant_mask(&out[WORD_POWER]);

	if (out[WORD_COUNTER] != plant->wanted[WORD_COUNTER])
		plant_alive(plant, now_ms);
	if (power == 0)
		plant->power_withheld = false;
	memcpy(plant->wanted, out, sizeof(plant->wanted));
	plant->out[0] = out[0];
	plant->out[WORD_COUNTER] = out[WORD_COUNTER];
	memcpy(&plant->out[WORD_LAMP_PASS], &out[WORD_LAMP_PASS], 8 * sizeof(uint16_t));
	set_power(plant, plant->power_withheld ? 0 : power);
	read_sensors(plant);
	judge(plant, now_ms, 0);
}

void plant_restart(struct plant *plant)
{
	set_power(plant, 0);
	memset(plant->out, 0, sizeof(plant->out));
	memset(plant->wanted, 0, sizeof(plant->wanted));
	plant->in[WORD_HEARTBEAT] = 0;
	plant->watchdog = WATCHDOG_OFF;
	plant->power_withheld = false;
	read_sensors(plant);
}

void plant_begin(struct plant *plant, int64_t now_ms)
{
	plant->truth[IN_ESTOP_OK] = plant->truth[IN_AIR_OK] = plant->truth[IN_AUTOMATIC] = true;
	plant->ticked_ms = plant->counted_ms = now_ms;
	read_sensors(plant);
}

void plant_tick(struct plant *plant, int64_t now_ms)
{
	int64_t passed_ms = now_ms - plant->ticked_ms;

	plant->ticked_ms = now_ms;
	if (passed_ms > TICK_COUNTED_MAX_MS)
		passed_ms = TICK_COUNTED_MAX_MS;
	if (now_ms - plant->counted_ms >= HEARTBEAT_MS && !plant->frozen) {
		plant->counted_ms = now_ms;
		plant->in[WORD_HEARTBEAT]++;
	}
	release_buttons(plant, now_ms);
	move_clamp(plant, (double)passed_ms * plant->speed / CLAMP_TRAVEL_MS);
	watch_host(plant, now_ms);
	read_sensors(plant);
	judge(plant, now_ms, passed_ms);
}
