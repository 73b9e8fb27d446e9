#include "station/control/control.h"

#include "base/field.h"

#include <stddef.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct field f_nests = FIELD_TEXT_OF(control_request, nests),
			  f_unit = FIELD_TEXT_OF(control_request, unit),
			  f_operator = FIELD_TEXT_OF(control_request, operator),
			  f_badge = FIELD_TEXT_OF(control_request, badge),
			  f_after = FIELD_NUMBER_OF(control_request, after),
			  f_value = FIELD_NUMBER_OF(control_request, value);

#define FIELDS_MAX 4 /* with the NULL at the end */

static const struct {
	const char *name;
	const struct field *fields[FIELDS_MAX];
} shapes[CONTROL_TYPE_COUNT] = {
	[CONTROL_STATUS] = { "status", { &f_after } },
	[CONTROL_WATCH] = { "watch", { 0 } },
	[CONTROL_START] = { "start", { &f_nests, &f_unit, &f_operator } },
	[CONTROL_ABORT] = { "abort", { &f_nests } },
	[CONTROL_RUNS] = { "runs", { &f_after } },
	[CONTROL_RESET] = { "reset", { &f_operator } },
	[CONTROL_SCAN] = { "scan", { &f_unit, &f_nests } },
	[CONTROL_LOGOUT] = { "logout", { 0 } },
	[CONTROL_MODE] = { "mode", { &f_value, &f_badge } },
	[CONTROL_FREE] = { "free", { &f_nests, &f_badge } },
	[CONTROL_ALARMS] = { "alarms", { &f_after } },
	[CONTROL_ACKNOWLEDGE] = { "acknowledge", { &f_after } },
	[CONTROL_SIGNALS] = { "signals", { &f_after } },
	[CONTROL_SET] = { "set", { &f_unit, &f_value } },
	[CONTROL_BADGES] = { "badges", { &f_after } },
	[CONTROL_BADGE] = { "badge", { &f_unit, &f_operator, &f_value } },
};

static const struct field r_code = FIELD_NUMBER_OF(control_reply, code),
			  r_text = FIELD_TEXT_OF(control_reply, text),
			  r_more = FIELD_NUMBER_OF(control_reply, more),
			  r_rows = FIELD_BLOB_OF(control_reply, rows, CONTROL_ROWS_MAX);

#define REPLY_FIELDS_MAX 3 /* with the NULL at the end */

static const struct {
	bool has_station; /* the station's fields come first */
	const struct field *fields[REPLY_FIELDS_MAX];
} reply_shapes[CONTROL_REPLY_END - CONTROL_DONE] = {
	[CONTROL_DONE - CONTROL_DONE] = { false, { &r_code, &r_text } },
	[CONTROL_REFUSED - CONTROL_DONE] = { false, { &r_code, &r_text } },
	[CONTROL_NESTS - CONTROL_DONE] = { true, { &r_more, &r_rows } },
	[CONTROL_ROWS - CONTROL_DONE] = { false, { &r_more, &r_rows } },
};

/* clang-format off */
#define TALLY(name)										\
	FIELD_NUMBER_OF(control_station, name.good), FIELD_NUMBER_OF(control_station, name.bad),	\
	FIELD_NUMBER_OF(control_station, name.tried),						\
	FIELD_NUMBER_OF(control_station, name.first_pass),					\
	FIELD_NUMBER_OF(control_station, name.retests)
/* clang-format on */

static const struct field station_fields[] = {
	FIELD_TEXT_OF(control_station, station),
	FIELD_TEXT_OF(control_station, order),
	FIELD_TEXT_OF(control_station, product),
	FIELD_TEXT_OF(control_station, trouble),
	FIELD_TEXT_OF(control_station, next_nests),
	FIELD_TEXT_OF(control_station, stop_text),
	FIELD_TEXT_OF(control_station, person),
	FIELD_NUMBER_OF(control_station, quantity),
	FIELD_NUMBER_OF(control_station, used),
	FIELD_NUMBER_OF(control_station, arrival),
	FIELD_NUMBER_OF(control_station, batch),
	FIELD_NUMBER_OF(control_station, phase),
	FIELD_NUMBER_OF(control_station, next),
	FIELD_NUMBER_OF(control_station, stop),
	FIELD_NUMBER_OF(control_station, powered),
	FIELD_NUMBER_OF(control_station, cycle_ms),
	FIELD_NUMBER_OF(control_station, takt_ms),
	FIELD_NUMBER_OF(control_station, uph),
	FIELD_NUMBER_OF(control_station, role),
	FIELD_NUMBER_OF(control_station, mode),
	FIELD_NUMBER_OF(control_station, test_ca),
	FIELD_NUMBER_OF(control_station, ca_ends),
	TALLY(shift),
	TALLY(lot),
	TALLY(last),
	FIELD_NUMBER_OF(control_station, shift_began),
	FIELD_NUMBER_OF(control_station, jig_health),
	FIELD_NUMBER_OF(control_station, token_health),
	FIELD_NUMBER_OF(control_station, ledger_health),
	FIELD_NUMBER_OF(control_station, clock_health),
	FIELD_NUMBER_OF(control_station, disk_health),
	FIELD_NUMBER_OF(control_station, alarms),
};

static const struct field nest_fields[] = {
	FIELD_NUMBER_OF(control_nest, index),	    FIELD_NUMBER_OF(control_nest, row),
	FIELD_NUMBER_OF(control_nest, column),	    FIELD_NUMBER_OF(control_nest, state),
	FIELD_NUMBER_OF(control_nest, answer),	    FIELD_NUMBER_OF(control_nest, step_index),
	FIELD_NUMBER_OF(control_nest, step_count),  FIELD_NUMBER_OF(control_nest, bytes_done),
	FIELD_NUMBER_OF(control_nest, bytes_total), FIELD_NUMBER_OF(control_nest, elapsed_ms),
	FIELD_NUMBER_OF(control_nest, run),	    FIELD_NUMBER_OF(control_nest, batch),
	FIELD_NUMBER_OF(control_nest, tries),	    FIELD_NUMBER_OF(control_nest, outcome),
	FIELD_NUMBER_OF(control_nest, started_at),  FIELD_TEXT_OF(control_nest, name),
	FIELD_TEXT_OF(control_nest, step),	    FIELD_TEXT_OF(control_nest, unit),
	FIELD_TEXT_OF(control_nest, order),	    FIELD_TEXT_OF(control_nest, product),
	FIELD_TEXT_OF(control_nest, operator),	    FIELD_TEXT_OF(control_nest, code),
	FIELD_TEXT_OF(control_nest, text),	    FIELD_TEXT_OF(control_nest, remedy),
	FIELD_TEXT_OF(control_nest, evidence),	    FIELD_TEXT_OF(control_nest, certificate_id),
	FIELD_TEXT_OF(control_nest, label),	    FIELD_NUMBER_OF(control_nest, marked),
	FIELD_NUMBER_OF(control_nest, tries_left),
};

static const struct field alarm_fields[] = {
	FIELD_NUMBER_OF(control_alarm, number),
	FIELD_NUMBER_OF(control_alarm, raised_at),
	FIELD_NUMBER_OF(control_alarm, acknowledged_at),
	FIELD_NUMBER_OF(control_alarm, count),
	FIELD_NUMBER_OF(control_alarm, active),
	FIELD_TEXT_OF(control_alarm, code),
	FIELD_TEXT_OF(control_alarm, nests),
	FIELD_TEXT_OF(control_alarm, text),
	FIELD_TEXT_OF(control_alarm, remedy),
	FIELD_TEXT_OF(control_alarm, person),
};

static const struct field signal_fields[] = {
	FIELD_TEXT_OF(control_signal, name),	 FIELD_NUMBER_OF(control_signal, output),
	FIELD_NUMBER_OF(control_signal, known),	 FIELD_NUMBER_OF(control_signal, value),
	FIELD_NUMBER_OF(control_signal, wanted), FIELD_NUMBER_OF(control_signal, age_ms),
	FIELD_TEXT_OF(control_signal, place),
};

static const struct field badge_fields[] = {
	FIELD_TEXT_OF(control_badge, badge),
	FIELD_TEXT_OF(control_badge, person),
	FIELD_NUMBER_OF(control_badge, role),
	FIELD_NUMBER_OF(control_badge, enrolled_at),
};

static const char *const states[CONTROL_STATE_COUNT] = {
	[CONTROL_UNSEEN] = "unseen",   [CONTROL_EMPTY] = "empty", [CONTROL_READY] = "ready",
	[CONTROL_RUNNING] = "running", [CONTROL_ENDED] = "done",  [CONTROL_STOPPED] = "stopped",
};

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = "",	   [OUTCOME_PASS] = "PASS",	  [OUTCOME_FAIL] = "FAIL",
	[OUTCOME_ERROR] = "ERROR", [OUTCOME_ABORTED] = "ABORTED",
};

static const char *const phases[PHASE_COUNT] = {
	[PHASE_BENCH] = "bench",   [PHASE_LOAD] = "load",	[PHASE_READY] = "ready",
	[PHASE_CLAMP] = "clamp",   [PHASE_RUNNING] = "running", [PHASE_RELEASE] = "release",
	[PHASE_UNLOAD] = "unload", [PHASE_STOPPED] = "stopped",
};

static const char *const stops[STOP_COUNT] = {
	[STOP_NONE] = "",
	[STOP_ESTOP] = "estop",
	[STOP_LID] = "lid",
	[STOP_CLAMP_LOST] = "clamp-lost",
	[STOP_CLAMP_TIMEOUT] = "clamp-timeout",
	[STOP_AIR] = "air",
	[STOP_BUS] = "bus",
	[STOP_RESTARTED] = "restarted",
	[STOP_READ_BACK] = "read-back",
	[STOP_STALE] = "stale",
	[STOP_START_STUCK] = "start-stuck",
	[STOP_SENSORS] = "sensors",
	[STOP_ABORTED] = "aborted",
};

static const char *const modes[MODE_COUNT] = {
	[MODE_NORMAL] = "normal",
	[MODE_DRY_RUN] = "dry-run",
	[MODE_GOLDEN] = "golden",
};

static const char *const roles[BADGE_COUNT] = {
	[BADGE_NONE] = "",
	[BADGE_OPERATOR] = "operator",
	[BADGE_TECHNICIAN] = "technician",
	[BADGE_SUPERVISOR] = "supervisor",
};

static const char *const healths[HEALTH_COUNT] = {
	[HEALTH_NONE] = "-",
	[HEALTH_OK] = "ok",
	[HEALTH_WARN] = "warn",
	[HEALTH_BAD] = "bad",
};

static bool is_request(unsigned type)
{
	return type > 0 && type < CONTROL_TYPE_COUNT;
}

const char *control_name(enum control_type type)
{
	return is_request(type) ? shapes[type].name : "?";
}

/* clang-format off */
#define NAME_OF(function, names) \
	const char *function(uint64_t value) { return value < COUNT(names) ? names[value] : "?"; }
NAME_OF(control_state_name, states)
NAME_OF(control_outcome_name, outcomes)
NAME_OF(control_phase_name, phases)
NAME_OF(control_stop_name, stops)
NAME_OF(control_mode_name, modes)
NAME_OF(control_role_name, roles)
NAME_OF(control_health_name, healths)
/* clang-format on */

/* The index of the name, from `first` on; the count if it is none. */
static unsigned parse(const char *text, const char *const *names, unsigned first, unsigned count)
{
	unsigned i = first;

	while (i < count && strcasecmp(text, names[i]) != 0)
		i++;
	return i;
}

/* clang-format off */
#define PARSE_OF(function, type, names, first)							\
	bool function(const char *text, type *ret_value)					\
	{											\
		unsigned found = parse(text, names, first, COUNT(names));			\
												\
		if (found == COUNT(names))							\
			return false;								\
		*ret_value = (type)found;							\
		return true;									\
	}
PARSE_OF(control_outcome_parse, enum outcome, outcomes, OUTCOME_PASS)
PARSE_OF(control_mode_parse, enum control_mode, modes, MODE_NORMAL)
PARSE_OF(control_role_parse, enum control_role, roles, BADGE_OPERATOR)
/* clang-format on */

bool control_request_encode(const struct control_request *request, uint8_t *record, size_t *ret_len)
{
	struct writer w = writer_start(record, MESSAGE_MAX, (uint8_t)request->type);

	field_write_list(&w, shapes[request->type].fields, request);
	*ret_len = w.len;
	return writer_ok(&w);
}

bool control_request_decode(struct bytes record, struct control_request *ret_request)
{
	uint8_t type;
	struct reader r = reader_start(record, &type);

	if (!is_request(type))
		return false;
	*ret_request = (struct control_request) { .type = type };
	field_read_list(&r, shapes[type].fields, ret_request);
	return reader_end(&r);
}

static void write_fields(struct writer *w, const struct field *fields, size_t count,
			 const void *object)
{
	for (size_t i = 0; i < count; i++)
		field_write(w, &fields[i], object);
}

static void read_fields(struct reader *r, const struct field *fields, size_t count,
			void *ret_object)
{
	for (size_t i = 0; i < count; i++)
		field_read(r, &fields[i], ret_object);
}

bool control_reply_encode(const struct control_reply *reply, uint8_t *record, size_t *ret_len)
{
	struct writer w = writer_start(record, MESSAGE_MAX, (uint8_t)reply->type);
	size_t shape = reply->type - CONTROL_DONE;

	if (reply_shapes[shape].has_station)
		write_fields(&w, station_fields, COUNT(station_fields), &reply->station);
	field_write_list(&w, reply_shapes[shape].fields, reply);
	*ret_len = w.len;
	return writer_ok(&w);
}

bool control_reply_decode(struct bytes record, struct control_reply *ret_reply)
{
	uint8_t type;
	struct reader r = reader_start(record, &type);
	size_t shape = (size_t)type - CONTROL_DONE;

	if (type < CONTROL_DONE || type >= CONTROL_REPLY_END)
		return false;
	memset(ret_reply, 0, sizeof(*ret_reply));
	ret_reply->type = type;
	if (reply_shapes[shape].has_station)
		read_fields(&r, station_fields, COUNT(station_fields), &ret_reply->station);
	field_read_list(&r, reply_shapes[shape].fields, ret_reply);
	return reader_end(&r);
}

/* clang-format off */
#define ROW(name)										\
	void control_##name##_write(struct writer *w, const struct control_##name *row)	\
	{											\
		write_fields(w, name##_fields, COUNT(name##_fields), row);			\
	}											\
	bool control_##name##_read(struct reader *r, struct control_##name *ret_row)		\
	{											\
		struct control_##name row = { 0 };						\
												\
		if (r->bad || r->at == r->len)							\
			return false;								\
		read_fields(r, name##_fields, COUNT(name##_fields), &row);			\
		if (r->bad)									\
			return false;								\
		*ret_row = row;									\
		return true;									\
	}
ROW(nest)
ROW(alarm)
ROW(signal)
ROW(badge)
/* clang-format on */

void control_copy_text(char *ret_text, size_t size, const char *text)
{
	size_t len = 0;

	for (; text[len] && len < size - 1; len++)
		ret_text[len] = text[len] >= 0x20 && text[len] < 0x7f ? text[len] : '?';
	ret_text[len] = '\0';
}

bool control_next_name(const char **names, char ret_name[static CONTROL_WORD_SIZE])
{
	const char *start = *names + strspn(*names, " ");
	size_t len = strcspn(start, " ");

	*names = start + len;
	if (len == 0)
		return false;
	if (len >= CONTROL_WORD_SIZE)
		len = CONTROL_WORD_SIZE - 1;
	memcpy(ret_name, start, len);
	ret_name[len] = '\0';
	return true;
}
