#include "station/runs_line.h"

#include "base/clock.h"

#define UNDER_WAY "under-way"

static const char *const acts[] = { [ACT_FREE] = "free", [ACT_MODE] = "mode", [ACT_GONE] = "gone" };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define TAKE_TEXT(object, key, at) snprintf(at, sizeof(at), "%s", lines_text(object, key))

static enum control_mode mode_of(const json_t *object)
{
	enum control_mode mode = MODE_NORMAL;

	control_mode_parse(lines_text(object, "mode"), &mode);
	return mode;
}

struct run runs_line_read_run(const json_t *object)
{
	json_int_t number = json_integer_value(json_object_get(object, "run"));
	struct run run = { .number = number > 0 ? (uint64_t)number : 0,
			   .shift = lines_time(object, "shift"),
			   .started_at = lines_time(object, "started_at"),
			   .ended_at = lines_time(object, "ended_at"),
			   .mode = mode_of(object),
			   .step = "",
			   .evidence = "" };

	run.code = lines_text(object, "code"); /* lives as long as the object */
	control_outcome_parse(lines_text(object, "outcome"), &run.outcome);
	TAKE_TEXT(object, "nest", run.nest);
	TAKE_TEXT(object, "unit", run.unit);
	TAKE_TEXT(object, "product", run.product);
	TAKE_TEXT(object, "order", run.order);
	TAKE_TEXT(object, "operator", run.operator);
	TAKE_TEXT(object, "certificate_id", run.certificate_id);
	return run;
}

bool runs_line_is_under_way(const json_t *object)
{
	return strcmp(lines_text(object, "act"), UNDER_WAY) == 0;
}

bool runs_line_read_act(const json_t *object, struct runs_act *ret_act)
{
	struct runs_act act = { .mode = mode_of(object) };
	const char *name = lines_text(object, "act");
	size_t kind = 0;

	while (kind < COUNT(acts) && strcmp(name, acts[kind]) != 0)
		kind++;
	if (kind == COUNT(acts))
		return false;
	act.kind = (enum runs_act_kind)kind;
	TAKE_TEXT(object, "nest", act.nest);
	TAKE_TEXT(object, "unit", act.unit);
	*ret_act = act;
	return true;
}

char *runs_line_of_run(const struct run *run, size_t *ret_len)
{
	char started[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE], shift[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack(
		"{sI ss ss ss ss ss ss ss si ss ss ss sI ss ss ss sI ss ss}", "run",
		(json_int_t)run->number, "nest", run->nest, "unit", run->unit, "product",
		run->product, "order", run->order, "outcome", control_outcome_name(run->outcome),
		"code", run->code, "text", run->text, "try", (int)run->tries, "operator",
		run->operator, "started_at", clock_format(run->started_at, started), "ended_at",
		clock_format(run->ended_at, ended), "duration_ms", (json_int_t)run->duration_ms,
		"certificate_id", run->certificate_id, "evidence", run->evidence, "step", run->step,
		"bytes", (json_int_t)run->bytes, "mode", control_mode_name(run->mode), "shift",
		clock_format(run->shift, shift));

	return lines_line(object, ret_len);
}

static const char *if_known(const char *text)
{
	return *text ? text : NULL;
}

/* Short: a run has three, and the files hold so many bytes. */
char *runs_line_of_under_way(const struct run *run, size_t *ret_len)
{
	char started[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE], shift[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack("{ss ss ss* ss* ss* ss ss* ss ss ss* ss ss}", "act", UNDER_WAY, "nest",
			   run->nest, "unit", if_known(run->unit), "product",
			   if_known(run->product), "order", if_known(run->order), "outcome",
			   control_outcome_name(run->outcome), "operator", if_known(run->operator),
			   "started_at", clock_format(run->started_at, started), "ended_at",
			   clock_format(run->ended_at, ended), "certificate_id",
			   if_known(run->certificate_id), "mode", control_mode_name(run->mode),
			   "shift", clock_format(run->shift, shift));

	return lines_line(object, ret_len);
}

char *runs_line_of_act(const struct runs_act *act, size_t *ret_len)
{
	char at[CLOCK_TEXT_SIZE], shift[CLOCK_TEXT_SIZE];
	AUTO(json)
	object = json_pack("{ss ss ss ss ss}", "act", acts[act->kind], "at",
			   clock_format(clock_wall_s(), at), "shift",
			   clock_format(act->shift, shift), "person", act->person, "operator",
			   act->operator);

	if (act->kind == ACT_MODE)
		json_object_set_new(object, "mode", json_string(control_mode_name(act->mode)));
	else
		json_object_update_new(object,
				       json_pack("{ss ss}", "nest", act->nest, "unit", act->unit));
	return lines_line(object, ret_len);
}
