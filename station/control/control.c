#include "station/control/control.h"

#include "base/field.h"

#include <stddef.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct field f_nests = FIELD_TEXT_OF(control_request, nests),
			  f_unit = FIELD_TEXT_OF(control_request, unit),
			  f_operator = FIELD_TEXT_OF(control_request, operator),
			  f_after = FIELD_NUMBER_OF(control_request, after);

#define FIELDS_MAX 4

static const struct {
	const char *name;
	const struct field *fields[FIELDS_MAX];
} shapes[CONTROL_TYPE_COUNT] = {
	[CONTROL_STATUS] = { "status", { &f_after } },
	[CONTROL_WATCH] = { "watch", { 0 } },
	[CONTROL_START] = { "start", { &f_nests, &f_unit, &f_operator } },
	[CONTROL_ABORT] = { "abort", { &f_nests } },
	[CONTROL_RUNS] = { "runs", { &f_after } },
};

static const struct field r_code = FIELD_NUMBER_OF(control_reply, code),
			  r_text = FIELD_TEXT_OF(control_reply, text),
			  r_more = FIELD_NUMBER_OF(control_reply, more),
			  r_rows = FIELD_BLOB_OF(control_reply, rows, CONTROL_ROWS_MAX),
			  s_station = FIELD_TEXT_OF(control_reply, station.station),
			  s_order = FIELD_TEXT_OF(control_reply, station.order),
			  s_product = FIELD_TEXT_OF(control_reply, station.product),
			  s_trouble = FIELD_TEXT_OF(control_reply, station.trouble),
			  s_quantity = FIELD_NUMBER_OF(control_reply, station.quantity),
			  s_used = FIELD_NUMBER_OF(control_reply, station.used),
			  s_arrival = FIELD_NUMBER_OF(control_reply, station.arrival),
			  s_batch = FIELD_NUMBER_OF(control_reply, station.batch);

#define REPLY_FIELDS_MAX 12

static const struct field
	*const reply_shapes[CONTROL_REPLY_END - CONTROL_DONE][REPLY_FIELDS_MAX] = {
		[CONTROL_DONE - CONTROL_DONE] = { &r_text },
		[CONTROL_REFUSED - CONTROL_DONE] = { &r_code, &r_text },
		[CONTROL_NESTS - CONTROL_DONE] = { &s_station, &s_order, &s_product, &s_trouble,
						   &s_quantity, &s_used, &s_arrival, &s_batch,
						   &r_more, &r_rows },
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
};

static const char *const states[CONTROL_STATE_COUNT] = {
	[CONTROL_UNSEEN] = "unseen",   [CONTROL_EMPTY] = "empty", [CONTROL_READY] = "ready",
	[CONTROL_RUNNING] = "running", [CONTROL_ENDED] = "done",  [CONTROL_STOPPED] = "stopped",
};

static const char *const outcomes[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = "",	   [OUTCOME_PASS] = "PASS",	  [OUTCOME_FAIL] = "FAIL",
	[OUTCOME_ERROR] = "ERROR", [OUTCOME_ABORTED] = "ABORTED",
};

static const char *const answers[ANSWER_COUNT] = {
	[ANSWER_NONE] = "",	  [ANSWER_PENDING] = "no answer yet", [ANSWER_STARTED] = "started",
	[ANSWER_EMPTY] = "empty", [ANSWER_RUNNING] = "is running",    [ANSWER_STOPPED] = "stopped",
};

static bool is_request(unsigned type)
{
	return type > 0 && type < CONTROL_TYPE_COUNT;
}

const char *control_name(enum control_type type)
{
	return is_request(type) ? shapes[type].name : "?";
}

const char *control_state_name(uint64_t state)
{
	return state < COUNT(states) ? states[state] : "?";
}

const char *control_outcome_name(uint64_t outcome)
{
	return outcome < COUNT(outcomes) ? outcomes[outcome] : "?";
}

const char *control_answer_name(uint64_t answer)
{
	return answer < COUNT(answers) ? answers[answer] : "?";
}

bool control_outcome_parse(const char *text, enum outcome *ret_outcome)
{
	for (unsigned i = OUTCOME_PASS; i < OUTCOME_COUNT; i++) {
		if (strcasecmp(text, outcomes[i]) == 0) {
			*ret_outcome = i;
			return true;
		}
	}
	return false;
}

bool control_request_encode(const struct control_request *request, uint8_t *record, size_t *ret_len)
{
	struct writer w = writer_start(record, MESSAGE_MAX, (uint8_t)request->type);

	for (size_t i = 0; i < FIELDS_MAX && shapes[request->type].fields[i]; i++)
		field_write(&w, shapes[request->type].fields[i], request);
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
	for (size_t i = 0; i < FIELDS_MAX && shapes[type].fields[i]; i++)
		field_read(&r, shapes[type].fields[i], ret_request);
	return reader_end(&r);
}

bool control_reply_encode(const struct control_reply *reply, uint8_t *record, size_t *ret_len)
{
	struct writer w = writer_start(record, MESSAGE_MAX, (uint8_t)reply->type);
	const struct field *const *fields = reply_shapes[reply->type - CONTROL_DONE];

	for (size_t i = 0; i < REPLY_FIELDS_MAX && fields[i]; i++)
		field_write(&w, fields[i], reply);
	*ret_len = w.len;
	return writer_ok(&w);
}

bool control_reply_decode(struct bytes record, struct control_reply *ret_reply)
{
	uint8_t type;
	struct reader r = reader_start(record, &type);
	const struct field *const *fields;

	if (type < CONTROL_DONE || type >= CONTROL_REPLY_END)
		return false;
	fields = reply_shapes[type - CONTROL_DONE];
	memset(ret_reply, 0, sizeof(*ret_reply));
	ret_reply->type = type;
	for (size_t i = 0; i < REPLY_FIELDS_MAX && fields[i]; i++)
		field_read(&r, fields[i], ret_reply);
	return reader_end(&r);
}

void control_nest_write(struct writer *w, const struct control_nest *nest)
{
	for (size_t i = 0; i < COUNT(nest_fields); i++)
		field_write(w, &nest_fields[i], nest);
}

bool control_nest_read(struct reader *r, struct control_nest *ret_nest)
{
	struct control_nest nest = { 0 };

	if (r->bad || r->at == r->len)
		return false;
	for (size_t i = 0; i < COUNT(nest_fields); i++)
		field_read(r, &nest_fields[i], &nest);
	if (r->bad)
		return false;
	*ret_nest = nest;
	return true;
}

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
