/* start, abort, jig reset, wait: what is done to nests, and to the cycle that they are in. */
#include "station/command/command.h"
#include "station/command/next.h"
#include "station/command/print.h"
#include "station/command/view.h"

#include "base/clock.h"

bool command_join_names(const struct options *options, char *ret_names, size_t size, struct err *e)
{
	size_t len = 0;

	ret_names[0] = '\0';
	for (int i = 0; i < options->count; i++) {
		int n = snprintf(ret_names + len, size - len, "%s%s", i ? " " : "",
				 options->arguments[i]);

		if (n < 0 || (size_t)n >= size - len)
			return err_set(e, ERR_USAGE, "too many nests are named");
		len += (size_t)n;
	}
	return true;
}

static bool copy_option(char *at, size_t size, const char *option, const char *value, struct err *e)
{
	if (!value)
		return true;
	if (strlen(value) >= size)
		return err_set(e, ERR_USAGE, "%s is longer than %zu characters", option, size - 1);
	strcpy(at, value);
	return true;
}

/* --- start --- */

/* Why a nest did not start; an empty one is worth a word only to who named it. */
static const struct {
	enum control_answer answer;
	bool only_named;
	const char *why;
} reasons[] = {
	{ ANSWER_EMPTY, true, "empty: no board's line is there" },
	{ ANSWER_RUNNING, false, "running already" },
	{ ANSWER_STOPPED, false,
	  "stopped: units failed there one after the other; look at the nest, then start it by "
	  "its name" },
	{ ANSWER_TRIED, false,
	  "left: its board has run or has failed; take it out and put it in again; beyond its "
	  "tries a supervisor frees it: imprint free NEST --badge BADGE" },
	{ ANSWER_PENDING, false, "no answer in time; see the log of imprint-station" },
};

static size_t count_answers(const struct control_reply *reply, enum control_answer answer)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;
	size_t count = 0;

	while (control_nest_read(&r, &nest))
		count += nest.answer == (uint64_t)answer;
	return count;
}

/* "imprint: A1 A2: running already" */
static void say_answer(const struct control_reply *reply, enum control_answer answer,
		       const char *why)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;

	fputs("imprint:", stderr);
	while (control_nest_read(&r, &nest))
		if (nest.answer == (uint64_t)answer)
			fprintf(stderr, " %s", nest.name);
	fprintf(stderr, ": %s\n", why);
}

static int told_of_start(const struct control_reply *reply, bool named)
{
	size_t started = count_answers(reply, ANSWER_STARTED), said = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if ((reasons[i].only_named && !named) ||
		    count_answers(reply, reasons[i].answer) == 0)
			continue;
		say_answer(reply, reasons[i].answer, reasons[i].why);
		said++;
	}
	if (started == 0 && said == 0)
		fprintf(stderr, "imprint: no nest has a board; put boards in, then start again\n");
	return started == 0 || (named && said > 0) ? EXIT_FAILED : EXIT_DONE;
}

int start_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_START };
	static uint8_t record[MESSAGE_MAX];
	struct control_reply reply;
	struct err e;

	if (!command_join_names(options, request.nests, sizeof(request.nests), &e) ||
	    !copy_option(request.unit, sizeof(request.unit), "--unit", options->unit, &e) ||
	    !copy_option(request.operator, sizeof(request.operator), "--operator",
			 options->operator, & e) ||
	    !view_call(&request, record, &reply, NULL, &e))
		return command_fail(&e);
	return told_of_start(&reply, options->count > 0);
}

int abort_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_ABORT };
	static uint8_t record[MESSAGE_MAX];
	struct control_reply reply;
	struct err e;

	if (!command_join_names(options, request.nests, sizeof(request.nests), &e) ||
	    !view_call(&request, record, &reply, NULL, &e))
		return command_fail(&e);
	if (*reply.text)
		puts(reply.text);
	return EXIT_DONE;
}

int jig_reset_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_RESET };
	static uint8_t record[MESSAGE_MAX];
	struct control_reply reply;
	struct err e;

	(void)options;
	return view_call(&request, record, &reply, NULL, &e) ? EXIT_DONE : command_fail(&e);
}

/* --- wait --- */

enum progress { PROGRESS_NONE, PROGRESS_WORKING, PROGRESS_ALL, PROGRESS_OTHER };

/* Who counts: the one named, or all that run, that hold a board of an earlier run, or that the last
 * start ran and whose board has left since. */
static bool counts(const struct options *options, const struct view *view,
		   const struct control_nest *nest)
{
	if (options->nest)
		return strcmp(options->nest, nest->name) == 0;
	return nest->state == CONTROL_RUNNING || nest->state == CONTROL_ENDED ||
	       (nest->outcome != OUTCOME_NONE &&
		(nest->state == CONTROL_STOPPED ||
		 (nest->batch && nest->batch == view->station.batch))) ||
	       (nest->state == CONTROL_READY && view->station.arrival);
}

/* Where boards start by arrival, a ready one is about to; in a cycle of the jig, all that it took.
 */
static bool is_at_work(const struct view *view, const struct control_nest *nest)
{
	if (view->station.phase == PHASE_STOPPED && nest->state != CONTROL_RUNNING)
		return false;
	return nest->state == CONTROL_RUNNING || nest->outcome == OUTCOME_NONE ||
	       (nest->state == CONTROL_READY && view->station.arrival);
}

static enum progress progress_of(const struct options *options, const struct view *view,
				 enum outcome wanted)
{
	enum progress progress = PROGRESS_NONE;

	if (next_is_busy(&view->station))
		return PROGRESS_WORKING;
	for (size_t i = 0; i < view->count; i++) {
		const struct control_nest *nest = &view->nests[i];

		if (!counts(options, view, nest))
			continue;
		if (is_at_work(view, nest))
			progress = PROGRESS_WORKING;
		else if (nest->outcome != wanted)
			return PROGRESS_OTHER;
		else if (progress == PROGRESS_NONE)
			progress = PROGRESS_ALL;
	}
	if (progress == PROGRESS_NONE && view->station.phase == PHASE_STOPPED)
		return PROGRESS_OTHER;
	return progress;
}

static void print_waited(const struct options *options, const struct view *view)
{
	struct print_table table = print_table(view->nests, view->count, view->station.batch);

	for (size_t i = 0; i < view->count; i++) {
		const struct control_nest *nest = &view->nests[i];

		if (options->nest && strcmp(options->nest, nest->name) != 0)
			continue;
		if (options->json)
			print_json_nest(nest);
		else
			print_nest_lines(nest, &table);
	}
}

static bool knows_nest(const struct options *options, const struct view *view, struct err *e)
{
	for (size_t i = 0; i < view->count; i++)
		if (!options->nest || strcmp(options->nest, view->nests[i].name) == 0)
			return true;
	return err_set(e, ERR_NOT_FOUND, "there is no nest %s; imprint status shows all of them",
		       options->nest ? options->nest : "");
}

static bool wait_until(const struct options *options, struct view *view, enum outcome wanted,
		       int64_t deadline, enum progress *ret_progress, struct err *e)
{
	enum progress progress = progress_of(options, view, wanted);

	if (progress == PROGRESS_NONE && !view->station.arrival)
		return err_set(e, ERR_REFUSED, "no nest was started; say first: imprint start");
	while (progress != PROGRESS_ALL && progress != PROGRESS_OTHER) {
		if (!view_next(view, deadline, e))
			return false;
		progress = progress_of(options, view, wanted);
	}
	*ret_progress = progress;
	return true;
}

int wait_command(const struct options *options)
{
	int64_t deadline = options->has_timeout ? clock_deadline(options->timeout_ms) : CLOCK_NEVER;
	enum outcome wanted = OUTCOME_PASS;
	enum progress progress = PROGRESS_NONE;
	AUTO(view) view = NULL;
	struct err e;

	if (options->outcome && !control_outcome_parse(options->outcome, &wanted)) {
		err_set(&e, ERR_USAGE, "an outcome is PASS, FAIL, ERROR or ABORTED");
		return command_fail(&e);
	}
	if (!view_open(&view, &e) || !knows_nest(options, view, &e) || !view_watch(view, &e))
		return command_fail(&e);
	if (!wait_until(options, view, wanted, deadline, &progress, &e)) {
		if (e.code != ERR_TIMEOUT)
			return command_fail(&e);
		print_waited(options, view);
		err_set(&e, ERR_TIMEOUT, "the time is up");
		return command_fail(&e);
	}
	print_waited(options, view);
	return progress == PROGRESS_ALL ? EXIT_DONE : EXIT_FAILED;
}
