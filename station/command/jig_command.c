/* jig watch, jig set: the jig's signals, for who commissions it. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/terminal.h"
#include "station/command/view.h"

#include "base/clock.h"
#include "base/wait.h"

#include <inttypes.h>

#define SIGNALS_MAX 512
#define REDRAW_MS 200
#define VALUE_WIDTH 14	    /* "off, wanted on" */
#define SHORT_VALUE_WIDTH 6 /* "off!" and a gap */
#define CELL_MAX 256
#define COLOUR_ON "\033[1;36m"
#define COLOUR_ODD "\033[1;31m"
#define COLOUR_END "\033[0m"

struct signals {
	struct control_signal signal[SIGNALS_MAX];
	size_t count;
	int width; /* of the longest name */
};

/* --- what the station tells --- */

/* "present" is every one of the nests'; "present A1" is one of them. */
static bool is_asked(const struct options *options, const char *name)
{
	for (int i = 0; i < options->count; i++) {
		size_t len = strlen(options->arguments[i]);

		if (strncmp(name, options->arguments[i], len) == 0 &&
		    (name[len] == '\0' || name[len] == ' '))
			return true;
	}
	return options->count == 0;
}

static bool take_rows(const struct options *options, const struct control_reply *reply,
		      uint64_t *after, struct signals *s, struct err *e)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_signal signal;

	while (control_signal_read(&r, &signal)) {
		++*after;
		if (!is_asked(options, signal.name) || s->count == SIGNALS_MAX)
			continue;
		print_copy(signal.name, sizeof(signal.name), signal.name);
		print_copy(signal.place, sizeof(signal.place), signal.place);
		if ((int)strlen(signal.name) > s->width)
			s->width = (int)strlen(signal.name);
		s->signal[s->count++] = signal;
	}
	return reader_end(&r) || err_set(e, ERR_INVALID, "the station's answer makes no sense");
}

static bool ask(int fd, const struct options *options, struct signals *s, struct err *e)
{
	struct control_request request = { .type = CONTROL_SIGNALS };
	static uint8_t record[MESSAGE_MAX];
	struct control_reply reply;
	uint64_t before;

	s->count = 0;
	do {
		before = request.after;
		if (!control_call(fd, &request, record, &reply, NULL,
				  clock_deadline(VIEW_PATIENCE_MS), e) ||
		    !take_rows(options, &reply, &request.after, s, e))
			return false;
	} while (reply.more && request.after > before);
	return s->count > 0 ||
	       err_set(e, ERR_NOT_FOUND,
		       "the jig has no such signal; imprint jig watch shows all of them");
}

/* --- how it is shown --- */

static bool is_odd(const struct control_signal *signal)
{
	return !signal->known || (signal->output && signal->value != signal->wanted);
}

static const char *value_of(const struct control_signal *signal)
{
	if (!signal->known)
		return "unknown";
	if (is_odd(signal))
		return signal->value ? "on, wanted off" : "off, wanted on";
	return signal->value ? "on" : "off";
}

/* Where there is little room. */
static const char *short_value_of(const struct control_signal *signal)
{
	if (!signal->known)
		return "?";
	if (is_odd(signal))
		return signal->value ? "on!" : "off!";
	return signal->value ? "on" : "off";
}

/* "lid_closed  on             ": the word, and beside it a colour. */
static void print_cell(const struct signals *s, const struct control_signal *signal,
		       const char *value, int value_width, bool colour, char cell[static CELL_MAX])
{
	const char *begin = !colour	     ? ""
			    : is_odd(signal) ? COLOUR_ODD
			    : signal->value  ? COLOUR_ON
					     : "";

	snprintf(cell, CELL_MAX, "%-*s  %s%-*s%s", s->width, signal->name, begin, value_width,
		 value, *begin ? COLOUR_END : "");
}

static char *print_signal(const struct signals *s, const struct control_signal *signal, bool colour,
			  char line[static PRINT_LINE_MAX])
{
	char cell[CELL_MAX];

	print_cell(s, signal, value_of(signal), VALUE_WIDTH, colour, cell);
	snprintf(line, PRINT_LINE_MAX, "%s  %-6s  %6" PRIu64 " ms  %s", cell,
		 signal->output ? "output" : "input", signal->age_ms, signal->place);
	return line;
}

static void print_all(const struct signals *s)
{
	char line[PRINT_LINE_MAX];

	for (size_t i = 0; i < s->count; i++)
		puts(print_signal(s, &s->signal[i], print_has_colour(), line));
}

static void print_objects(const struct signals *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct control_signal *signal = &s->signal[i];
		AUTO(json)
		object = json_pack("{ss sb sb sI ss}", "signal", signal->name, "output",
				   (int)signal->output, "known", (int)signal->known, "age_ms",
				   (json_int_t)signal->age_ms, "place", signal->place);

		json_object_set_new(object, "value",
				    signal->known ? json_boolean(signal->value) : json_null());
		if (signal->output)
			json_object_set_new(object, "wanted", json_boolean(signal->wanted));
		print_json(object);
	}
}

/* Too many for a line each: names and values alone, in columns from top to bottom. */
static void draw_columns(struct terminal *t, const struct signals *s)
{
	size_t across = (size_t)(t->columns - 1) / (size_t)(s->width + 2 + SHORT_VALUE_WIDTH);
	size_t down = across ? (s->count + across - 1) / across : s->count;
	size_t room = terminal_room(t) > 1 ? (size_t)terminal_room(t) - 1 : 1;
	char line[PRINT_LINE_MAX], cell[CELL_MAX];

	for (size_t row = 0; row < down && row < room; row++) {
		line[0] = '\0';
		for (size_t i = row; i < s->count; i += down) {
			print_cell(s, &s->signal[i], short_value_of(&s->signal[i]),
				   SHORT_VALUE_WIDTH, t->colour, cell);
			strncat(line, cell, sizeof(line) - strlen(line) - 1);
		}
		terminal_line(t, line);
	}
	if (down > room) {
		snprintf(line, sizeof(line),
			 "and more: enlarge the window, or name some: imprint jig watch present");
		terminal_line(t, line);
	}
}

static void draw(struct terminal *t, const struct signals *s)
{
	char line[PRINT_LINE_MAX];

	terminal_begin(t);
	if ((int)s->count > terminal_room(t))
		draw_columns(t, s);
	else
		for (size_t i = 0; i < s->count; i++)
			terminal_line(t, print_signal(s, &s->signal[i], t->colour, line));
	terminal_end(t);
}

static bool follow(int fd, const struct options *options, struct signals *s, struct err *e)
{
	struct terminal terminal = { .colour = print_has_colour() };

	do {
		draw(&terminal, s);
	} while (wait_pause(REDRAW_MS, -1, e) && ask(fd, options, s, e));
	return false;
}

int jig_watch_command(const struct options *options)
{
	static struct signals signals;
	AUTO(fd) fd = -1;
	struct err e;

	if (!control_connect(&fd, &e) || !ask(fd, options, &signals, &e))
		return command_fail(&e);
	if (options->json)
		print_objects(&signals);
	else if (!isatty(STDOUT_FILENO))
		print_all(&signals);
	else if (!follow(fd, options, &signals, &e))
		return command_fail(&e);
	return EXIT_DONE;
}

/* --- set --- */

/* All words but the last are the signal's name: "power A1" wants no quotes. */
static bool read_set(const struct options *options, struct control_request *request, struct err *e)
{
	const char *value = options->arguments[options->count - 1];
	size_t len = 0;

	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return err_set(e, ERR_USAGE, "a signal is set on or off, and not \"%.32s\"", value);
	request->value = strcmp(value, "on") == 0;
	for (int i = 0; i < options->count - 1; i++) {
		int n = snprintf(request->unit + len, sizeof(request->unit) - len, "%s%s",
				 i ? " " : "", options->arguments[i]);

		if (n < 0 || (size_t)n >= sizeof(request->unit) - len)
			return err_set(e, ERR_USAGE, "no signal has so long a name");
		len += (size_t)n;
	}
	return true;
}

int jig_set_command(const struct options *options)
{
	struct control_request request = { .type = CONTROL_SET };
	static uint8_t record[MESSAGE_MAX];
	struct control_reply reply;
	struct err e;

	if (!read_set(options, &request, &e) || !view_call(&request, record, &reply, NULL, &e))
		return command_fail(&e);
	if (*reply.text)
		puts(reply.text);
	return EXIT_DONE;
}
