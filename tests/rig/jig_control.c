#include "tests/rig/jig_control.h"

#include "base/clock.h"
#include "tests/rig/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 4
#define PRESS_MS 300

struct call {
	struct server *server;
	struct plant *plant;
	char *words[WORDS_MAX]; /* "" where there are fewer */
	int64_t now_ms;
};

static bool is(const struct call *call, size_t word, const char *text)
{
	return strcmp(call->words[word], text) == 0;
}

static bool usage(struct err *e, const char *text)
{
	return err_set(e, ERR_USAGE, "this wants: %s", text);
}

/* on true, off false; anything else is a mistake. */
static bool take_switch(const struct call *call, size_t word, const char *on, const char *off,
			bool *ret_on, struct err *e)
{
	if (!is(call, word, on) && !is(call, word, off))
		return err_set(e, ERR_USAGE, "this wants: %s or %s", on, off);
	*ret_on = is(call, word, on);
	return true;
}

static bool lid_command(const struct call *call, struct err *e)
{
	bool *closed = &call->plant->truth[IN_LID_CLOSED];

	if (is(call, 1, "close"))
		*closed = true;
	else if (is(call, 1, "open") && call->plant->truth[IN_LID_LOCKED])
		return err_set(e, ERR_REFUSED, "the lid is locked");
	else if (is(call, 1, "open") || is(call, 1, "force"))
		*closed = false;
	else
		return usage(e, "lid open|close|force");
	return true;
}

static bool board_command(const struct call *call, struct err *e)
{
	uint64_t mask = 0;
	bool in;

	if (!take_switch(call, 2, "in", "out", &in, e))
		return false;
	for (unsigned i = 0; i < call->plant->nest_count; i++)
		if (is(call, 1, "all") || is(call, 1, call->plant->names[i]))
			mask |= UINT64_C(1) << i;
	if (!mask)
		return err_set(e, ERR_NOT_FOUND, "there is no nest %s", call->words[1]);
	call->plant->boards = in ? call->plant->boards | mask : call->plant->boards & ~mask;
	return true;
}

static bool button_command(const struct call *call, struct err *e)
{
	enum plant_input button = is(call, 1, "start") ? IN_START : IN_RESET;
	long duration_ms = *call->words[2] ? strtol(call->words[2], NULL, 10) : PRESS_MS;

	if (!is(call, 1, "start") && !is(call, 1, "reset"))
		return usage(e, "press|hold|release start|reset [MS]");
	if (is(call, 0, "release"))
		call->plant->truth[button] = false;
	else
		plant_press(call->plant, button, call->now_ms,
			    is(call, 0, "hold") ? 0
			    : duration_ms >= 1	? duration_ms
						: 1);
	return true;
}

static bool estop_command(const struct call *call, struct err *e)
{
	return take_switch(call, 1, "release", "press", &call->plant->truth[IN_ESTOP_OK], e);
}

static bool air_command(const struct call *call, struct err *e)
{
	return take_switch(call, 1, "on", "off", &call->plant->truth[IN_AIR_OK], e);
}

static bool mode_command(const struct call *call, struct err *e)
{
	return take_switch(call, 1, "auto", "manual", &call->plant->truth[IN_AUTOMATIC], e);
}

static bool stick(const struct call *call, struct err *e)
{
	for (enum plant_input i = 0; i < IN_COUNT; i++)
		if (is(call, 2, plant_input_name(i))) {
			if (!take_switch(call, 3, "on", "off", &call->plant->stuck_at[i], e))
				return false;
			call->plant->stuck[i] = true;
			return true;
		}
	return err_set(e, ERR_NOT_FOUND, "there is no input %s", call->words[2]);
}

static bool fault_command(const struct call *call, struct err *e)
{
	static const struct {
		const char *name;
		enum server_fault fault;
	} faults[] = {
		{ "late", FAULT_LATE },	    { "behind", FAULT_BEHIND }, { "echo", FAULT_ECHO },
		{ "silent", FAULT_SILENT }, { "cable", FAULT_CABLE },	{ "restart", FAULT_AWAY },
	};
	int64_t ms = strtol(call->words[2], NULL, 10);

	if (is(call, 1, "stuck"))
		return stick(call, e);
	if (is(call, 1, "clamp") || is(call, 1, "freeze")) {
		*(is(call, 1, "clamp") ? &call->plant->clamp_jammed : &call->plant->frozen) = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (is(call, 1, faults[i].name)) {
			server_fault(call->server, faults[i].fault, ms, call->now_ms);
			return true;
		}
	if (!is(call, 1, "none"))
		return usage(
			e,
			"fault none|late MS|behind|echo|silent|cable|restart MS|clamp|freeze|stuck "
			"INPUT on|off");
	server_fault(call->server, FAULT_NONE, 0, call->now_ms);
	call->plant->clamp_jammed = call->plant->frozen = false;
	memset(call->plant->stuck, 0, sizeof(call->plant->stuck));
	return true;
}

/* --- state --- */

static void append_nests(char *reply, const struct plant *plant, const char *key, uint64_t mask)
{
	const char *comma = "";

	service_say(reply, "\"%s\": [", key);
	for (unsigned i = 0; i < plant->nest_count; i++) {
		if (!(mask >> i & 1))
			continue;
		service_say(reply, "%s\"%s\"", comma, plant->names[i]);
		comma = ", ";
	}
	service_say(reply, "], ");
}

static void append_flags(char *reply, const char *const *names, size_t count, unsigned bits)
{
	for (size_t i = 0; i < count; i++)
		service_say(reply, "\"%s\": %s, ", names[i], bits >> i & 1 ? "true" : "false");
}

static void state(const struct server *server, char *reply)
{
	static const char *const outputs[] = { "clamp", "lid_lock", "red", "amber",
					       "green", "buzzer",   "busy" };
	static const char *const watchdogs[] = { "off", "running", "expired" };
	const struct plant *plant = server->plant;
	const char *inputs[IN_COUNT];

	for (enum plant_input i = 0; i < IN_COUNT; i++)
		inputs[i] = plant_input_name(i);
	service_say(reply, "\n{");
	append_flags(reply, inputs, IN_COUNT, plant->in[0]);
	append_flags(reply, outputs, OUT_COUNT, plant->out[0]);
	append_nests(reply, plant, "present", plant->boards);
	append_nests(reply, plant, "power", plant_mask(&plant->out[WORD_POWER]));
	append_nests(reply, plant, "lamp_pass", plant_mask(&plant->out[WORD_LAMP_PASS]));
	append_nests(reply, plant, "lamp_fail", plant_mask(&plant->out[WORD_LAMP_FAIL]));
	service_say(reply, "\"watchdog\": \"%s\", \"requests\": %" PRIu64 ", \"power_ons\": %u, ",
		    watchdogs[plant->watchdog], server->requests, plant->power_ons);
	service_say(reply, "\"breaches\": %u, \"slowest_off_ms\": %" PRId64 ", ", plant->breaches,
		    plant->slowest_off_ms);
	service_say(reply, "\"slowest_after_sample_ms\": %" PRId64 "}",
		    plant->slowest_after_sample_ms);
}

/* --- dispatch --- */

static const struct {
	const char *name;
	bool (*run)(const struct call *call, struct err *e);
} commands[] = {
	{ "lid", lid_command },	    { "board", board_command },	   { "press", button_command },
	{ "hold", button_command }, { "release", button_command }, { "estop", estop_command },
	{ "air", air_command },	    { "mode", mode_command },	   { "fault", fault_command },
};

static bool run(const struct call *call, char *reply, struct err *e)
{
	if (is(call, 0, "state")) {
		state(call->server, reply);
		return true;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (is(call, 0, commands[i].name))
			return commands[i].run(call, e);
	return usage(e, "lid, board, press, hold, release, estop, air, mode, fault or state");
}

bool control_run(void *context, char *command, char *reply, struct err *e)
{
	struct server *server = context;
	struct call call = { .server = server,
			     .plant = server->plant,
			     .now_ms = clock_monotonic_ms() };
	char *rest = command;
	bool done;

	for (size_t i = 0; i < WORDS_MAX; i++) {
		call.words[i] = strtok_r(NULL, " \n", &rest);
		if (!call.words[i])
			call.words[i] = "";
	}
	done = run(&call, reply, e);
	plant_tick(server->plant, call.now_ms);
	return done;
}
