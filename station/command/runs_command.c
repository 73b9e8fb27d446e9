/* runs: the record of runs, line by line. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/record.h"

#include "base/clock.h"

#include <inttypes.h>

#define LIMIT_MAX 1000000 /* lines held in memory for --limit */

/* The newest lines, once there are more than enough. */
struct ring {
	char **lines;
	size_t size, next;
};

struct wanted {
	const struct options *options;
	int64_t since;
	json_int_t last; /* run number: files may turn over while they are read */
	struct ring ring;
};

static void free_ring(struct ring *ring)
{
	for (size_t i = 0; i < ring->size; i++)
		free(ring->lines[i]);
	free(ring->lines);
}

static bool is_wanted(struct wanted *w, const json_t *object)
{
	json_int_t number = json_integer_value(json_object_get(object, "run"));
	int64_t started_at = 0;

	if (number <= w->last)
		return false;
	w->last = number;
	if (w->options->nest && strcmp(w->options->nest, record_text(object, "nest")) != 0)
		return false;
	return !w->since || (clock_parse(record_text(object, "started_at"), &started_at) &&
			     started_at >= w->since);
}

static void print_run(const json_t *object)
{
	char text[PRINT_LINE_MAX], unit[CONTROL_NAME_MAX + 1];

	print_copy(text, sizeof(text), record_text(object, "text"));
	print_copy(unit, sizeof(unit), record_text(object, "unit"));
	printf("%6" PRIi64 "  %s  %-4s %-16s %-7s  %5.1f s  try %" PRIi64 "  %s%s%s\n",
	       (int64_t)json_integer_value(json_object_get(object, "run")),
	       record_text(object, "started_at"), record_text(object, "nest"), *unit ? unit : "-",
	       record_text(object, "outcome"),
	       (double)json_integer_value(json_object_get(object, "duration_ms")) / 1000,
	       (int64_t)json_integer_value(json_object_get(object, "try")),
	       record_text(object, "code"), print_code_end(record_text(object, "code")), text);
}

static void print_line(const struct wanted *w, const char *line)
{
	AUTO(json) object = record_load(line);

	if (w->options->json)
		print_json(object);
	else
		print_run(object);
}

static void take_line(void *context, const char *line)
{
	struct wanted *w = context;
	AUTO(json) object = record_load(line);
	char **place;

	if (!object || !is_wanted(w, object))
		return;
	if (w->ring.size == 0) {
		print_line(w, line);
		return;
	}
	place = &w->ring.lines[w->ring.next];
	w->ring.next = (w->ring.next + 1) % w->ring.size;
	free(*place);
	*place = strdup(line);
}

static void print_ring(const struct wanted *w)
{
	for (size_t i = 0; i < w->ring.size; i++) {
		const char *line = w->ring.lines[(w->ring.next + i) % w->ring.size];

		if (line)
			print_line(w, line);
	}
}

static bool prepare(const struct options *options, struct wanted *w, struct err *e)
{
	*w = (struct wanted) { .options = options };
	if (options->since && !clock_parse(options->since, &w->since))
		return err_set(e, ERR_USAGE,
			       "--since wants a time such as 2026-11-22 or 2026-11-22T05:13:36Z");
	if (!options->has_limit)
		return true;
	if (options->limit < 1 || options->limit > LIMIT_MAX)
		return err_set(e, ERR_USAGE, "--limit is a number from 1 to %d", LIMIT_MAX);
	w->ring.lines = calloc(options->limit, sizeof(char *));
	if (!w->ring.lines)
		return err_set(e, ERR_SYSTEM, "no memory for so many runs");
	w->ring.size = options->limit;
	return true;
}

int runs_command(const struct options *options)
{
	struct wanted wanted;
	struct err e;
	bool ok;

	if (!prepare(options, &wanted, &e))
		return command_fail(&e);
	ok = record_read(take_line, &wanted, &e);
	print_ring(&wanted);
	free_ring(&wanted.ring);
	return ok ? EXIT_DONE : command_fail(&e);
}
