#include "station/command/command.h"
#include "station/command/next.h"
#include "station/command/print.h"
#include "station/command/view.h"

#include <inttypes.h>

static bool is_asked(const struct options *options, const struct control_nest *nest)
{
	return options->count == 0 || strcmp(options->arguments[0], nest->name) == 0;
}

/* What is not as it is every day. */
static void print_notes(const struct control_station *s)
{
	if (s->mode != MODE_NORMAL)
		printf("Mode %s: nothing is issued\n", control_mode_name(s->mode));
	if (s->test_ca)
		puts("Training: what is made here is not for the field");
	if (s->alarms)
		printf("alarms: %" PRIu64 "; see imprint alarms\n", s->alarms);
}

static void print_work(const struct control_station *s)
{
	const struct control_tally *c = &s->shift;

	printf("this shift: good %" PRIu64 "  bad %" PRIu64 "  retests %" PRIu64, c->good, c->bad,
	       c->retests);
	print_yield(c);
	if (s->uph)
		printf("  UPH %" PRIu64, s->uph);
	printf("%s%s\n", *s->person ? "  " : "", s->person);
	print_notes(s);
}

static void print_station(const struct view *view)
{
	const struct control_station *s = &view->station;
	char trouble[CONTROL_TEXT_MAX + 1], line[NEXT_LINE_MAX];

	if (*s->order)
		printf("%s  %s  %s: %" PRIu64 " of %" PRIu64 "\n", s->station, s->product, s->order,
		       s->used, s->quantity);
	else
		printf("%s%s\n", s->station, *s->trouble ? "" : "  no order is in use");
	print_copy(trouble, sizeof(trouble), s->trouble);
	if (*trouble)
		printf("%s\n", trouble);
	print_work(s);
	for (size_t i = 0; next_line(s, view->nests, view->count, i, line); i++)
		puts(line);
}

static void print_all(const struct options *options, const struct view *view)
{
	struct print_table table = print_table(view->nests, view->count, view->station.batch);

	if (options->json)
		print_json_station(&view->station, view->nests, view->count);
	else if (options->count == 0)
		print_station(view);
	for (size_t i = 0; i < view->count; i++) {
		if (!is_asked(options, &view->nests[i]))
			continue;
		if (options->json)
			print_json_nest(&view->nests[i]);
		else
			print_nest_lines(&view->nests[i], &table);
	}
}

static bool has_nest(const struct options *options, const struct view *view, struct err *e)
{
	for (size_t i = 0; i < view->count; i++)
		if (is_asked(options, &view->nests[i]))
			return true;
	return err_set(e, ERR_NOT_FOUND, "there is no nest %s; imprint status shows all of them",
		       options->arguments[0]);
}

int status_command(const struct options *options)
{
	AUTO(view) view = NULL;
	struct err e;

	if (!view_open(&view, &e) || !has_nest(options, view, &e))
		return command_fail(&e);
	print_all(options, view);
	return EXIT_DONE;
}
