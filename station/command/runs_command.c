/* runs: the record of runs, read through descriptors that the station hands out. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/view.h"

#include "base/clock.h"

#include <inttypes.h>

#define FILES_MAX 64	  /* more than a station keeps */
#define LIMIT_MAX 1000000 /* lines held in memory for --limit */
#define LINE_LEN_MAX 65536

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

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_wanted(struct wanted *w, const json_t *object)
{
	json_int_t number = json_integer_value(json_object_get(object, "run"));
	int64_t started_at = 0;

	if (number <= w->last)
		return false;
	w->last = number;
	if (w->options->nest && strcmp(w->options->nest, text_of(object, "nest")) != 0)
		return false;
	return !w->since ||
	       (clock_parse(text_of(object, "started_at"), &started_at) && started_at >= w->since);
}

static void print_run(const json_t *object)
{
	char text[PRINT_LINE_MAX], unit[CONTROL_NAME_MAX + 1];

	print_copy(text, sizeof(text), text_of(object, "text"));
	print_copy(unit, sizeof(unit), text_of(object, "unit"));
	printf("%6" PRIi64 "  %s  %-4s %-16s %-7s  %5.1f s  try %" PRIi64 "  %s%s%s\n",
	       (int64_t)json_integer_value(json_object_get(object, "run")),
	       text_of(object, "started_at"), text_of(object, "nest"), *unit ? unit : "-",
	       text_of(object, "outcome"),
	       (double)json_integer_value(json_object_get(object, "duration_ms")) / 1000,
	       (int64_t)json_integer_value(json_object_get(object, "try")), text_of(object, "code"),
	       print_code_end(text_of(object, "code")), text);
}

static void print_line(const struct wanted *w, const char *line)
{
	AUTO(json) object = json_loads(line, 0, NULL);

	if (w->options->json)
		print_json(object);
	else
		print_run(object);
}

static void take_line(struct wanted *w, const char *line)
{
	AUTO(json) object = json_loads(line, 0, NULL);
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

/* A last line without its end is still being written: it is not there yet. */
static bool read_file(struct wanted *w, int fd, struct err *e)
{
	AUTO(FILE) file = fdopen(fd, "r");
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!file) {
		close(fd);
		return err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
	}
	while ((len = getline(&line, &room, file)) > 0 && line[len - 1] == '\n')
		if (len < LINE_LEN_MAX)
			take_line(w, line);
	return !ferror(file) || err_errno(e, ERR_SYSTEM, "cannot read the record of runs");
}

/* The newest first: what turns over meanwhile is then seen twice, not missed. */
static bool ask_files(int *fds, size_t *ret_count, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	struct control_request request = { .type = CONTROL_RUNS };
	struct control_reply reply;
	size_t count = 0;

	while (count < FILES_MAX) {
		request.after = count;
		if (!view_call(&request, record, &reply, &fds[count], e))
			break;
		if (fds[count] < 0)
			return err_set(e, ERR_INVALID, "the station's answer holds no file");
		count++;
	}
	*ret_count = count;
	return count > 0;
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
	int fds[FILES_MAX];
	struct wanted wanted;
	size_t count = 0;
	bool ok = true;
	struct err e;

	if (!prepare(options, &wanted, &e) || !ask_files(fds, &count, &e))
		return command_fail(&e);
	while (count > 0)
		ok = read_file(&wanted, fds[--count], &e) && ok;
	print_ring(&wanted);
	free_ring(&wanted.ring);
	return ok ? EXIT_DONE : command_fail(&e);
}
