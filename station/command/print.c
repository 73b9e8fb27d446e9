#include "station/command/print.h"

#include "base/clock.h"
#include "station/command/next.h"

#include <inttypes.h>

#define BAR_WIDTH 10

static const struct {
	const char *start, *end;
} colours[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = { "", "" },
	[OUTCOME_PASS] = { "\033[1;36m", "\033[0m" }, /* cyan and red: told apart by all eyes */
	[OUTCOME_FAIL] = { "\033[1;31m", "\033[0m" },
	[OUTCOME_ERROR] = { "\033[1;35m", "\033[0m" },
	[OUTCOME_ABORTED] = { "\033[1;33m", "\033[0m" },
};

void print_copy(char *ret_text, size_t size, const char *text)
{
	control_copy_text(ret_text, size, text);
}

bool print_has_colour(void)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && term &&
	       strcmp(term, "dumb") != 0;
}

struct print_table print_table(const struct control_nest *nests, size_t count, uint64_t batch)
{
	struct print_table table = { .batch = batch, .colour = print_has_colour() };

	for (size_t i = 0; i < count; i++) {
		int name = (int)strlen(nests[i].name), unit = (int)strlen(nests[i].unit);

		table.name = name > table.name ? name : table.name;
		table.unit = unit > table.unit ? unit : table.unit;
	}
	return table;
}

static void bar(char text[static BAR_WIDTH + 1], uint64_t done, uint64_t total)
{
	size_t filled = total && done <= total ? (size_t)(done * BAR_WIDTH / total) : 0;

	memset(text, '.', BAR_WIDTH);
	memset(text, '=', filled);
	text[BAR_WIDTH] = '\0';
}

static void running_line(const struct control_nest *nest, char *line, size_t size)
{
	char progress[64] = "", filled[BAR_WIDTH + 1];

	bar(filled, nest->bytes_done, nest->bytes_total);
	if (nest->bytes_total)
		snprintf(progress, sizeof(progress), "  [%s]  %" PRIu64 " of %" PRIu64 " bytes",
			 filled, nest->bytes_done, nest->bytes_total);
	snprintf(line, size, "%2" PRIu64 "/%" PRIu64 " %-11s %5.1f s%s", nest->step_index,
		 nest->step_count, nest->step, (double)nest->elapsed_ms / 1000, progress);
}

/* "0.9", and "0.04" where a tenth would say nothing. */
static int decimals(uint64_t ms)
{
	return ms < 100 ? 2 : 1;
}

const char *print_code_end(const char *code)
{
	return !*code ? "" : code[0] == 'F' ? " " : ": ";
}

static void ended_line(const struct control_nest *nest, bool colour, char *line, size_t size)
{
	uint64_t outcome = nest->outcome < OUTCOME_COUNT ? nest->outcome : OUTCOME_NONE;
	const char *word = control_outcome_name(outcome);
	char text[CONTROL_TEXT_MAX + 1], seconds[32] = "";

	print_copy(text, sizeof(text), nest->text);
	if (nest->elapsed_ms) /* of a run that was left in its middle nobody knows it */
		snprintf(seconds, sizeof(seconds), "%.*f s  ", decimals(nest->elapsed_ms),
			 (double)nest->elapsed_ms / 1000);
	snprintf(line, size, "%s%s%s  %s%s%s%s%s", colour ? colours[outcome].start : "", word,
		 colour ? colours[outcome].end : "", seconds, nest->code,
		 print_code_end(nest->code), text,
		 nest->state == CONTROL_EMPTY	  ? " (the board has left)"
		 : nest->state == CONTROL_STOPPED ? " (the nest is stopped)"
						  : "");
}

static bool shows_result(const struct control_nest *nest, const struct print_table *table)
{
	return nest->outcome != OUTCOME_NONE &&
	       (nest->state == CONTROL_ENDED || nest->state == CONTROL_STOPPED ||
		(nest->state == CONTROL_EMPTY && nest->batch == table->batch));
}

char *print_nest(const struct control_nest *nest, const struct print_table *table,
		 char line[static PRINT_LINE_MAX])
{
	char unit[CONTROL_NAME_MAX + 1], rest[PRINT_LINE_MAX - 128];

	if (nest->state == CONTROL_RUNNING) {
		running_line(nest, rest, sizeof(rest));
	} else if (shows_result(nest, table)) {
		ended_line(nest, table->colour, rest, sizeof(rest));
	} else {
		snprintf(line, PRINT_LINE_MAX, "%-*s  %s", table->name, nest->name,
			 control_state_name(nest->state));
		return line;
	}
	print_copy(unit, sizeof(unit), *nest->unit ? nest->unit : "-");
	snprintf(line, PRINT_LINE_MAX, "%-*s  %-*s  %s", table->name, nest->name, table->unit, unit,
		 rest);
	return line;
}

void print_nest_lines(const struct control_nest *nest, const struct print_table *table)
{
	char line[PRINT_LINE_MAX], remedy[CONTROL_REMEDY_MAX + 1];

	puts(print_nest(nest, table, line));
	if (!shows_result(nest, table) || !*nest->remedy)
		return;
	print_copy(remedy, sizeof(remedy), nest->remedy);
	printf("%-*s  ", table->name, "");
	if (nest->state == CONTROL_STOPPED) {
		printf("Clean its probes; then a supervisor frees it: imprint free %s\n",
		       nest->name);
		return;
	}
	if (nest->outcome == OUTCOME_FAIL)
		printf("Try %" PRIu64 "%s ", nest->tries,
		       nest->tries_left ? "." : ", the last one.");
	puts(nest->outcome == OUTCOME_FAIL && nest->tries_left == 0
		     ? "Red bin, or a supervisor frees it: imprint free"
		     : remedy);
}

void print_yield(const struct control_tally *tally)
{
	uint64_t tenths = tally->tried ? 1000 * tally->first_pass / tally->tried : 0;

	if (tally->tried)
		printf("  FPY %" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
}

void print_json(const json_t *object)
{
	if (object && json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0)
		putchar('\n');
	fflush(stdout);
}

json_t *print_json_time(int64_t wall_s)
{
	char text[CLOCK_TEXT_SIZE];

	return wall_s ? json_string(clock_format(wall_s, text)) : json_null();
}

void print_json_nest(const struct control_nest *nest)
{
	char text[CONTROL_TEXT_MAX + 1], unit[CONTROL_NAME_MAX + 1];
	AUTO(json) object = NULL;

	print_copy(text, sizeof(text), nest->text);
	print_copy(unit, sizeof(unit), nest->unit);
	object = json_pack(
		"{ss ss sI sI ss ss sI sI sI sI sf ss ss ss ss ss ss ss ss ss sI sI so sb}", "type",
		"nest", "nest", nest->name, "row", (json_int_t)nest->row, "column",
		(json_int_t)nest->column, "state", control_state_name(nest->state), "step",
		nest->step, "step_index", (json_int_t)nest->step_index, "step_count",
		(json_int_t)nest->step_count, "bytes_done", (json_int_t)nest->bytes_done,
		"bytes_total", (json_int_t)nest->bytes_total, "seconds",
		(double)nest->elapsed_ms / 1000, "unit", unit, "outcome",
		control_outcome_name(nest->outcome), "code", nest->code, "text", text, "remedy",
		nest->remedy, "evidence", nest->evidence, "certificate_id", nest->certificate_id,
		"order", nest->order, "product", nest->product, "run", (json_int_t)nest->run, "try",
		(json_int_t)nest->tries, "started_at", print_json_time(nest->started_at), "marked",
		(int)nest->marked);
	json_object_update_new(object,
			       json_pack("{ss so}", "label", nest->label, "tries_left",
					 nest->tries_left == CONTROL_NO_LIMIT
						 ? json_null()
						 : json_integer((json_int_t)nest->tries_left)));
	print_json(object);
}

static json_t *tally_json(const struct control_tally *c)
{
	return json_pack("{sI sI sI sI sI}", "good", (json_int_t)c->good, "bad", (json_int_t)c->bad,
			 "tried", (json_int_t)c->tried, "first_pass", (json_int_t)c->first_pass,
			 "retests", (json_int_t)c->retests);
}

static json_t *names_of(const struct control_nest *nests, size_t count, uint64_t mask)
{
	json_t *names = json_array();

	for (size_t i = 0; i < count; i++)
		if (mask >> nests[i].index & 1)
			json_array_append_new(names, json_string(nests[i].name));
	return names;
}

static json_t *words_of(const char *names)
{
	json_t *words = json_array();
	char name[CONTROL_WORD_SIZE];

	while (control_next_name(&names, name))
		json_array_append_new(words, json_string(name));
	return words;
}

void print_json_station(const struct control_station *s, const struct control_nest *nests,
			size_t count)
{
	char stop_text[CONTROL_TEXT_MAX + 1];
	AUTO(json) object = NULL;

	print_copy(stop_text, sizeof(stop_text), s->stop_text);
	object = json_pack("{ss ss ss ss sI sI ss sb ss ss so ss ss so sI}", "type", "station",
			   "station", s->station, "order", s->order, "product", s->product,
			   "quantity", (json_int_t)s->quantity, "used", (json_int_t)s->used,
			   "trouble", s->trouble, "arrival", (int)s->arrival, "phase",
			   control_phase_name(s->phase), "next", next_name(s->next), "next_nests",
			   words_of(s->next_nests), "stop", control_stop_name(s->stop), "stop_text",
			   stop_text, "powered", names_of(nests, count, s->powered), "cycle_ms",
			   (json_int_t)s->cycle_ms);
	json_object_update_new(
		object, json_pack("{so so so sI sI so}", "shift", tally_json(&s->shift), "lot",
				  tally_json(&s->lot), "last", tally_json(&s->last), "uph",
				  (json_int_t)s->uph, "takt_ms", (json_int_t)s->takt_ms,
				  "shift_began", print_json_time(s->shift_began)));
	json_object_update_new(
		object, json_pack("{ss ss ss sb so sI}", "mode", control_mode_name(s->mode),
				  "person", s->person, "role", control_role_name(s->role),
				  "training", (int)s->test_ca, "ca_ends",
				  print_json_time(s->ca_ends), "alarms", (json_int_t)s->alarms));
	json_object_update_new(object, json_pack("{s{ss ss ss ss ss}}", "health", "jig",
						 control_health_name(s->jig_health), "token",
						 control_health_name(s->token_health), "ledger",
						 control_health_name(s->ledger_health), "clock",
						 control_health_name(s->clock_health), "disk",
						 control_health_name(s->disk_health)));
	print_json(object);
}
