#include "station/command/command.h"
#include "station/command/next.h"
#include "station/command/print.h"
#include "station/command/terminal.h"
#include "station/command/view.h"

#include "base/clock.h"

#include <inttypes.h>

#define REDRAW_MS 250 /* so that seconds pass while nothing else does */

static void draw_station(struct terminal *t, const struct view *view)
{
	const struct control_station *s = &view->station;
	char line[NEXT_LINE_MAX], trouble[CONTROL_TEXT_MAX + 1];

	print_copy(trouble, sizeof(trouble), s->trouble);
	snprintf(line, sizeof(line), "%s  %s  %s: %" PRIu64 " of %" PRIu64 "  %s", s->station,
		 s->product, *s->order ? s->order : "no order is in use", s->used, s->quantity,
		 trouble);
	terminal_line(t, line);
	for (size_t i = 0; next_line(s, view->nests, view->count, i, line); i++)
		terminal_line(t, line);
}

static struct control_nest now_of(const struct view *view, size_t i)
{
	struct control_nest nest = view->nests[i];

	if (nest.state == CONTROL_RUNNING)
		nest.elapsed_ms += (uint64_t)(clock_monotonic_ms() - view->told_at[i]);
	return nest;
}

/* Where the terminal is too short, the nests at work come first. */
static bool is_quiet(const struct control_nest *nest)
{
	return nest->state != CONTROL_RUNNING && nest->outcome <= OUTCOME_PASS;
}

static void draw_nests(struct terminal *t, const struct view *view, const struct print_table *table,
		       bool quiet, bool all, size_t *left_out)
{
	char line[PRINT_LINE_MAX];

	for (size_t i = 0; i < view->count; i++) {
		struct control_nest nest = now_of(view, i);

		if (!all && is_quiet(&nest) != quiet)
			continue;
		if (terminal_room(t) < 2)
			++*left_out;
		else
			terminal_line(t, print_nest(&nest, table, line));
	}
}

static void draw(struct terminal *t, const struct view *view)
{
	struct print_table table = print_table(view->nests, view->count, view->station.batch);
	size_t left_out = 0;
	char line[64];

	terminal_begin(t);
	draw_station(t, view);
	if ((int)view->count <= terminal_room(t)) {
		draw_nests(t, view, &table, false, true, &left_out);
	} else {
		draw_nests(t, view, &table, false, false, &left_out);
		draw_nests(t, view, &table, true, false, &left_out);
	}
	if (left_out) {
		snprintf(line, sizeof(line), "and %zu more", left_out);
		terminal_line(t, line);
	}
	terminal_end(t);
}

/* What a plain line would say again is not said again: bytes and seconds are for the table. */
static bool is_news(const struct control_nest *before, const struct control_nest *nest)
{
	return before->state != nest->state || before->step_index != nest->step_index ||
	       before->outcome != nest->outcome || strcmp(before->unit, nest->unit) != 0;
}

/* Each time another line is to be said of the cycle. */
static void print_cycle_news(const struct view *view, struct control_station *before)
{
	const struct control_station *now = &view->station;
	char line[NEXT_LINE_MAX];

	if (before->phase == now->phase && before->next == now->next && before->stop == now->stop &&
	    strcmp(before->next_nests, now->next_nests) == 0)
		return;
	*before = *now;
	for (size_t i = 0; next_line(now, view->nests, view->count, i, line); i++)
		puts(line);
}

static void print_news(const struct view *view, struct control_nest *before,
		       struct control_station *station_before)
{
	struct print_table table = print_table(view->nests, view->count, view->station.batch);
	char line[PRINT_LINE_MAX];

	for (size_t i = 0; i < view->count; i++) {
		if (!(view->changed >> i & 1) || !is_news(&before[i], &view->nests[i]))
			continue;
		before[i] = view->nests[i];
		puts(print_nest(&view->nests[i], &table, line));
	}
	print_cycle_news(view, station_before);
	fflush(stdout);
}

static void print_events(const struct view *view)
{
	print_json_station(&view->station, view->nests, view->count);
	for (size_t i = 0; i < view->count; i++)
		if (view->changed >> i & 1)
			print_json_nest(&view->nests[i]);
}

static bool is_done(const struct options *options, const struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->nests[i].state == CONTROL_RUNNING)
			return false;
	return options->until_done && !next_is_busy(&view->station);
}

static bool follow(const struct options *options, struct view *view, struct err *e)
{
	static struct control_nest before[CONTROL_NESTS_MAX];
	static struct control_station station_before;
	bool is_table = !options->json && isatty(STDOUT_FILENO);
	struct terminal terminal = { .colour = print_has_colour() };

	for (;;) {
		if (options->json)
			print_events(view);
		else if (is_table)
			draw(&terminal, view);
		else
			print_news(view, before, &station_before);
		if (is_done(options, view))
			return true;
		view->changed = 0;
		if (!view_next(view, is_table ? clock_deadline(REDRAW_MS) : CLOCK_NEVER, e) &&
		    e->code != ERR_TIMEOUT)
			return false;
	}
}

int watch_command(const struct options *options)
{
	AUTO(view) view = NULL;
	struct err e;

	if (!view_open(&view, &e) || !view_watch(view, &e) || !follow(options, view, &e))
		return command_fail(&e);
	return EXIT_DONE;
}
