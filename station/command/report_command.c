/* report: what a shift made, from the record of runs. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/record.h"
#include "station/command/view.h"

#include "base/clock.h"
#include "base/csv.h"
#include "station/control/tally.h"

#include <inttypes.h>
#include <time.h>

#define GROUPS_MAX 512
#define ACTS_MAX 256
#define HOUR_S 3600

/* Runs that have something in common. */
enum section { BY_ORDER, BY_NEST, BY_OPERATOR, BY_CODE, BY_MODE, SECTION_COUNT };

static const struct {
	const char *name, *key; /* of the record's line */
} sections[SECTION_COUNT] = {
	[BY_ORDER] = { "order", "order" },
	[BY_NEST] = { "nest", "nest" },
	[BY_OPERATOR] = { "operator", "operator" },
	[BY_CODE] = { "code", "code" },
	[BY_MODE] = { "mode", "mode" },
};

struct group {
	enum section section;
	char name[CONTROL_NAME_MAX + 1];
	uint64_t runs[OUTCOME_COUNT];
};

struct act {
	int64_t at;
	char text[256];
};

struct report {
	int64_t shift;	 /* when it began */
	int64_t before;	 /* while it is looked for: the newest that began before this */
	json_int_t last; /* run number */
	int64_t first_at, last_at;
	uint64_t runs[OUTCOME_COUNT];
	struct tally *tally;
	struct group groups[GROUPS_MAX];
	size_t group_count;
	struct act acts[ACTS_MAX];
	size_t act_count;
};

/* --- reading --- */

/* Of lines that were read already, when a file turned over. */
static bool is_new(struct report *r, const json_t *object)
{
	json_int_t number = json_integer_value(json_object_get(object, "run"));

	if (number <= r->last)
		return false;
	r->last = number;
	return true;
}

static void count_group(struct report *r, enum section section, const char *name,
			enum outcome outcome)
{
	struct group *g = r->groups;

	if (!*name)
		return;
	while (g < r->groups + r->group_count &&
	       (g->section != section || strcmp(g->name, name) != 0))
		g++;
	if (g == r->groups + GROUPS_MAX)
		return;
	if (g == r->groups + r->group_count) {
		g->section = section;
		print_copy(g->name, sizeof(g->name), name);
		r->group_count++;
	}
	g->runs[outcome]++;
}

static void count_run(struct report *r, const json_t *object, const struct tally_run *run)
{
	count_group(r, BY_MODE, control_mode_name(run->mode), run->outcome);
	if (run->mode != MODE_NORMAL)
		return;
	for (enum section s = BY_ORDER; s < BY_MODE; s++)
		count_group(r, s, record_text(object, sections[s].key), run->outcome);
	r->runs[run->outcome]++;
	if (!r->first_at || run->started_at < r->first_at)
		r->first_at = run->started_at;
	if (run->ended_at > r->last_at)
		r->last_at = run->ended_at;
}

static void take_run(struct report *r, const json_t *object)
{
	enum control_mode mode = MODE_NORMAL;
	enum outcome outcome = OUTCOME_NONE;
	struct tally_run run = { .nest = record_text(object, "nest"),
				 .unit = record_text(object, "unit"),
				 .order = record_text(object, "order"),
				 .shift = record_time(object, "shift"),
				 .started_at = record_time(object, "started_at"),
				 .ended_at = record_time(object, "ended_at") };

	if (!is_new(r, object) || run.shift > r->shift)
		return;
	control_mode_parse(record_text(object, "mode"), &mode);
	control_outcome_parse(record_text(object, "outcome"), &outcome);
	run.mode = mode;
	run.outcome = outcome;
	tally_add(r->tally, &run); /* earlier shifts too: whose first try was in one of them */
	if (run.shift == r->shift)
		count_run(r, object, &run);
}

/* The others tell the station's next start of the runs under way. */
static bool is_of_people(const json_t *object)
{
	const char *act = record_text(object, "act");

	return strcmp(act, "free") == 0 || strcmp(act, "mode") == 0;
}

static void take_act(struct report *r, const json_t *object)
{
	struct act *act = r->acts + r->act_count;

	if (record_time(object, "shift") != r->shift || r->act_count == ACTS_MAX)
		return;
	act->at = record_time(object, "at");
	snprintf(act->text, sizeof(act->text), "%s %s%s%s %s%s%s (asked by %s)",
		 record_text(object, "act"), record_text(object, "mode"),
		 record_text(object, "nest"), *record_text(object, "person") ? ", allowed by" : "",
		 record_text(object, "person"), *record_text(object, "unit") ? ", unit " : "",
		 record_text(object, "unit"), record_text(object, "operator"));
	r->act_count++;
}

static void take_line(void *context, const char *line)
{
	AUTO(json) object = record_load(line);

	if (is_of_people(object))
		take_act(context, object);
	else if (json_object_get(object, "run"))
		take_run(context, object);
}

static void look_for_shift(void *context, const char *line)
{
	AUTO(json) object = record_load(line);
	struct report *r = context;
	int64_t shift = record_time(object, "shift");

	if (shift < r->before && shift > r->shift)
		r->shift = shift;
}

/* --- which shift --- */

static bool shift_now(int64_t *ret_began, struct err *e)
{
	AUTO(view) view = NULL;

	if (!view_open(&view, e))
		return false;
	*ret_began = view->station.shift_began;
	return true;
}

static bool choose_shift(const char *which, struct report *r, struct err *e)
{
	int64_t time;

	if (!shift_now(&r->before, e))
		return false;
	if (!which || strcmp(which, "now") == 0) {
		r->shift = r->before;
		return true;
	}
	if (strcmp(which, "last") != 0) {
		if (!clock_parse(which, &time))
			return err_set(e, ERR_USAGE,
				       "--shift is now, last or a time such as "
				       "2026-11-22T05:13:36Z");
		r->before = time + 1;
	}
	if (!record_read(look_for_shift, r, e))
		return false;
	return r->shift || err_set(e, ERR_NOT_FOUND, "no run is on record of such a shift");
}

/* --- printing --- */

static uint64_t all_of(const uint64_t runs[OUTCOME_COUNT])
{
	uint64_t sum = 0;

	for (size_t i = OUTCOME_PASS; i < OUTCOME_COUNT; i++)
		sum += runs[i];
	return sum;
}

static const char *local_time(int64_t wall_s, char text[static 32])
{
	time_t time = (time_t)wall_s;
	struct tm tm;

	localtime_r(&time, &tm);
	strftime(text, 32, "%Y-%m-%d %H:%M", &tm);
	return text;
}

static uint64_t units_per_hour(const struct report *r, const struct control_tally *c)
{
	return r->last_at - r->first_at >= TALLY_UPH_SPAN_S
		       ? (c->good + c->bad) * HOUR_S / (uint64_t)(r->last_at - r->first_at)
		       : 0;
}

static void print_groups(const struct report *r)
{
	for (size_t i = 0; i < r->group_count; i++) {
		const struct group *g = &r->groups[i];

		printf("%-9s %-16s %5" PRIu64 " runs  %5" PRIu64 " PASS  %4" PRIu64
		       " FAIL  %4" PRIu64 " ERROR  %4" PRIu64 " ABORTED\n",
		       sections[g->section].name, g->name, all_of(g->runs), g->runs[OUTCOME_PASS],
		       g->runs[OUTCOME_FAIL], g->runs[OUTCOME_ERROR], g->runs[OUTCOME_ABORTED]);
	}
}

static void print_text(const struct report *r)
{
	struct control_tally c = tally_shift(r->tally, r->shift);
	char began[32], last[32];

	printf("Shift of %s, last run %s\n", local_time(r->shift, began),
	       r->last_at ? local_time(r->last_at, last) : "none");
	printf("good %" PRIu64 "  bad %" PRIu64 "  retests %" PRIu64 "  first pass %" PRIu64
	       " of %" PRIu64,
	       c.good, c.bad, c.retests, c.first_pass, c.tried);
	print_yield(&c);
	if (units_per_hour(r, &c))
		printf("  UPH %" PRIu64, units_per_hour(r, &c));
	putchar('\n');
	print_groups(r);
	for (size_t i = 0; i < r->act_count; i++)
		printf("%s  %s\n", local_time(r->acts[i].at, last), r->acts[i].text);
}

static void print_row(const char *section, const char *name, const uint64_t runs[OUTCOME_COUNT])
{
	printf("%s,", section);
	csv_cell(stdout, name);
	printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, all_of(runs),
	       runs[OUTCOME_PASS], runs[OUTCOME_FAIL], runs[OUTCOME_ERROR], runs[OUTCOME_ABORTED]);
}

static void print_csv(const struct report *r)
{
	struct control_tally c = tally_shift(r->tally, r->shift);
	char began[CLOCK_TEXT_SIZE];

	puts("section,name,runs,pass,fail,error,aborted,good,bad,tried,first_pass,retests");
	print_row("shift", clock_format(r->shift, began), r->runs);
	printf(",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", c.good, c.bad,
	       c.tried, c.first_pass, c.retests);
	for (size_t i = 0; i < r->group_count; i++) {
		print_row(sections[r->groups[i].section].name, r->groups[i].name,
			  r->groups[i].runs);
		puts(",,,,,");
	}
}

static int by_section(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->section != y->section ? (int)x->section - (int)y->section
					: strcmp(x->name, y->name);
}

int report_command(const struct options *options)
{
	AUTO_FREE struct report *r = calloc(1, sizeof(*r));
	AUTO(tally) tally = NULL;
	struct err e;

	if (!r)
		err_set(&e, ERR_SYSTEM, "no memory");
	if (!r || !tally_new(&tally, &e) || !choose_shift(options->shift, r, &e))
		return command_fail(&e);
	r->tally = tally;
	if (!record_read(take_line, r, &e))
		return command_fail(&e);
	qsort(r->groups, r->group_count, sizeof(r->groups[0]), by_section);
	(options->csv ? print_csv : print_text)(r);
	return EXIT_DONE;
}
