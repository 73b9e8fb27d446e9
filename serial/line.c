#include "serial/line.h"

#include "base/clock.h"
#include "base/wait.h"
#include "serial/fault.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define WRITE_MS 2000	 /* for the line to take a command, beside the wire's time */
#define ANSWER_WIRE 1024 /* bytes: what an answer's time on the wire is reckoned with */
#define QUIET_MS 60	 /* after a second try: the answer to the first one may come too */
#define PAUSE_MS 30 /* without a byte: nothing more is on its way, an adapter's 16 ms and all */
#define PAUSE_MAX_MS 300 /* a board may never stop to talk */
#define RECOVER_MS 5000	 /* a board that says nothing for so long is not there any more */
#define ESCAPE 0x1b

void line_start(struct line *line, struct port *port, int cancel_fd, struct bytes end,
		const char *prompt, unsigned gap_ms)
{
	memset(line, 0, sizeof(*line));
	line->port = port;
	line->cancel_fd = cancel_fd;
	line->end = end;
	line->reader.prompt = prompt;
	line->gap_ms = gap_ms;
}

/* --- lines --- */

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A run of one character or more; the text behind it, or NULL. */
static const char *skip_run(const char *text, bool (*belongs)(char c))
{
	const char *at = text;

	while (*at && belongs(*at))
		at++;
	return at > text ? at : NULL;
}

bool line_matches(const char *pattern, const char *text)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*')
			return true;
		if (*pattern == '#' || *pattern == '~')
			text = skip_run(text, *pattern == '#' ? is_digit : is_base64);
		else
			text = *text == *pattern ? text + 1 : NULL;
		if (!text)
			return false;
	}
	return *text == '\0';
}

/* ESC [ … letter, or ESC and one character. */
static bool is_escape(struct line_reader *r, uint8_t byte)
{
	if (r->in_sequence) {
		r->in_sequence = byte < 0x40 || byte > 0x7e;
		return true;
	}
	if (r->in_escape) {
		r->in_escape = false;
		r->in_sequence = byte == '[';
		return true;
	}
	r->in_escape = byte == ESCAPE;
	return r->in_escape;
}

static void strip_prompt(struct line_reader *r)
{
	size_t len = strlen(r->prompt), at = 0;

	while (len > 0 && r->len - at >= len && memcmp(r->text + at, r->prompt, len) == 0)
		at += len;
	memmove(r->text, r->text + at, r->len - at);
	r->len -= at;
}

/* True if there was something in it. */
static bool end_line(struct line_reader *r)
{
	bool whole = !r->overlong;

	strip_prompt(r);
	r->text[r->len] = '\0';
	whole = whole && r->len > 0;
	r->len = 0;
	r->overlong = r->in_quotes = false;
	return whole;
}

bool line_take(struct line_reader *r, uint8_t byte)
{
	bool ends = byte == '\r' || byte == '\n';

	if (ends && !r->in_quotes) {
		r->in_escape = r->in_sequence = false;
		return end_line(r);
	}
	if (byte == 0 || is_escape(r, byte))
		return false;
	if (byte == '"' && r->quoted)
		r->in_quotes = !r->in_quotes;
	if (r->len < LINE_TEXT_MAX)
		r->text[r->len++] = (char)byte;
	else
		r->overlong = true;
	if (r->overlong) /* a quote that never ends must not swallow the lines to come */
		r->in_quotes = false;
	return false;
}

/* --- one command --- */

/* What has come in so far belongs to nobody; but a line that is not whole yet goes on, or else its
 * rest would look like a line of its own. */
static void forget_input(struct line *line)
{
	struct err none;

	for (size_t total = 0; total < LINE_RECEIVED_MAX; total += line->input_len) {
		while (line->input_at < line->input_len)
			(void)line_take(&line->reader, line->input[line->input_at++]);
		line->input_at = line->input_len = 0;
		if (!port_read(line->port, line->input, sizeof(line->input), &line->input_len, 0,
			       line->cancel_fd, &none))
			break;
	}
	line->reader.in_quotes = false;
}

static bool await_turn(struct line *line, struct err *e)
{
	int64_t now_ms = clock_monotonic_ms();

	if (line->gap_ms == 0)
		return true;
	if (now_ms < line->due_ms && !wait_pause(line->due_ms - now_ms, line->cancel_fd, e))
		return false;
	line->due_ms = clock_monotonic_ms() + line->gap_ms + 1; /* it cuts off */
	return true;
}

static bool send_text(struct line *line, struct bytes text, int64_t deadline, struct err *e)
{
	int64_t until = clock_deadline(port_wire_ms(line->port, text.len) + WRITE_MS);
	uint8_t wire[LINE_COMMAND_MAX + 2];

	assert(text.len <= LINE_COMMAND_MAX && line->end.len <= 2);
	memcpy(wire, text.data, text.len);
	memcpy(wire + text.len, line->end.data, line->end.len);
	memcpy(line->sent, text.data, text.len);
	line->sent_len = text.len;
	return await_turn(line, e) &&
	       port_write(line->port, bytes_of(wire, text.len + line->end.len),
			  until < deadline ? until : deadline, line->cancel_fd, e);
}

static bool is_echo(const struct line *line)
{
	const char *text = line->reader.text;

	return strlen(text) == line->sent_len && memcmp(text, line->sent, line->sent_len) == 0;
}

static bool is_refusal(const struct line_command *how, const char *text)
{
	for (const char *const *pattern = how->refused; pattern && *pattern; pattern++)
		if (line_matches(*pattern, text))
			return true;
	return false;
}

static void keep(struct line *line)
{
	size_t len = strlen(line->reader.text);
	size_t room = LINE_TEXT_MAX - line->answer_len;

	if (len + 1 > room)
		return;
	if (line->answer_len > 0)
		line->answer[line->answer_len++] = '\n';
	memcpy(line->answer + line->answer_len, line->reader.text, len + 1);
	line->answer_len += len;
}

static bool refuse(struct line *line, struct err *e)
{
	size_t len = 0;

	for (const char *c = line->reader.text; *c && len < LINE_REFUSAL_MAX; c++)
		line->refusal[len++] = (char)(*c < 0x20 || *c > 0x7e ? '?' : *c);
	line->refusal[len] = '\0';
	return err_set(e, FAULT_REFUSED, "the board refused: %s", line->refusal);
}

enum meaning { GOES_ON, DONE, REFUSED };

static enum meaning read_line(struct line *line, const struct line_command *how)
{
	const char *text = line->reader.text;

	if (is_echo(line))
		return GOES_ON;
	if (how->done && line_matches(how->done, text))
		return how->keep && line->answer_len == 0 && !how->may_be_empty ? GOES_ON : DONE;
	if (is_refusal(how, text))
		return REFUSED;
	if (!how->keep || !line_matches(how->keep, text))
		return GOES_ON;
	keep(line);
	return how->done ? GOES_ON : DONE;
}

/* One try's wait: ERR_TIMEOUT if the answer is not there in time. */
static bool receive(struct line *line, const struct line_command *how, int64_t until, struct err *e)
{
	for (;;) {
		while (line->input_at < line->input_len) {
			enum meaning meaning;

			line->received++;
			if (!line_take(&line->reader, line->input[line->input_at++]))
				continue;
			meaning = read_line(line, how);
			if (meaning != GOES_ON)
				return meaning == DONE || refuse(line, e);
		}
		if (line->received > LINE_RECEIVED_MAX)
			return err_set(e, FAULT_GARBAGE, "%zu bytes came, but no valid answer",
				       line->received);
		line->input_at = line->input_len = 0;
		if (!port_read(line->port, line->input, sizeof(line->input), &line->input_len,
			       until, line->cancel_fd, e))
			return false;
	}
}

static bool no_answer(const struct line *line, int64_t began_ms, struct err *e)
{
	double waited_s = (double)(clock_monotonic_ms() - began_ms) / 1000;

	if (line->received > 0)
		return err_set(e, FAULT_GARBAGE, "%zu bytes in %.1f s, but no valid answer",
			       line->received, waited_s);
	return err_set(e, FAULT_SILENT, "no answer in %.1f s", waited_s);
}

static bool try_once(struct line *line, struct bytes command, const struct line_command *how,
		     int64_t deadline, struct err *e)
{
	int64_t wire_ms = port_wire_ms(line->port, command.len + ANSWER_WIRE), until;

	forget_input(line);
	line->reader.quoted = how->quoted;
	line->answer_len = 0;
	line->answer[0] = '\0';
	if (!send_text(line, command, deadline, e))
		return false;
	until = clock_deadline(wire_ms + how->answer_ms);
	return receive(line, how, until < deadline ? until : deadline, e);
}

bool line_ask(struct line *line, struct bytes command, const struct line_command *how,
	      int64_t deadline, struct err *e)
{
	int64_t began_ms = clock_monotonic_ms();

	line->received = 0;
	for (unsigned i = 0; i < how->tries; i++) {
		if (i > 0) /* what was torn before is not the start of this answer */
			line->reader.len = 0;
		if (try_once(line, command, how, deadline, e))
			return i == 0 || wait_pause(QUIET_MS, line->cancel_fd, e);
		if (e->code != ERR_TIMEOUT || clock_monotonic_ms() >= deadline)
			break;
	}
	return e->code == ERR_TIMEOUT ? no_answer(line, began_ms, e) : false;
}

/* What is still on its way belongs to nobody either. */
static bool await_quiet(struct line *line, struct err *e)
{
	int64_t deadline = clock_deadline(PAUSE_MAX_MS);

	line->received = 0;
	do {
		forget_input(line);
		if (!port_read(line->port, line->input, sizeof(line->input), &line->input_len,
			       clock_deadline(PAUSE_MS), line->cancel_fd, e))
			return e->code == ERR_TIMEOUT;
		line->received += line->input_len;
		if (line->received > LINE_RECEIVED_MAX)
			return err_set(e, FAULT_GARBAGE, "%zu bytes came, but no valid answer",
				       line->received);
	} while (clock_monotonic_ms() < deadline);
	return true;
}

static bool may_be_noise(const struct line *line, const struct err *e)
{
	return e->code >= FAULT_FIRST && e->code < FAULT_LAST && e->code != FAULT_LINE_GONE &&
	       e->code != FAULT_UNIT_CHANGED && line->received <= LINE_RECEIVED_MAX;
}

bool line_insist(struct line *line, line_step *step, line_step *recover, void *state, void *context,
		 int64_t deadline, struct err *e)
{
	struct err before = { 0 };

	for (int tries = 1; !step(state, context, deadline, e); tries++) {
		int64_t until = clock_deadline(RECOVER_MS);
		struct err now = { 0 };

		if (before.code && e->code == FAULT_SILENT && clock_monotonic_ms() >= deadline)
			*e = before; /* the board was given no time to answer this try */
		if (tries == LINE_TRIES || !may_be_noise(line, e) ||
		    clock_monotonic_ms() >= deadline)
			return false;
		before = *e;
		until = until < deadline ? until : deadline;
		if (await_quiet(line, &now) && recover(state, NULL, until, &now))
			continue;
		if (!may_be_noise(line, &now))
			*e = now;
		if (!may_be_noise(line, &now) || now.code == FAULT_SILENT)
			return false;
	}
	return true;
}

bool line_poke(struct line *line, struct bytes text, int64_t deadline, struct err *e)
{
	int64_t began_ms = clock_monotonic_ms();

	forget_input(line);
	if (send_text(line, text, deadline, e))
		return await_quiet(line, e);
	return e->code == ERR_TIMEOUT ? no_answer(line, began_ms, e) : false;
}

bool line_await(struct line *line, struct bytes command, const struct line_command *how,
		const char *nudge, int64_t deadline, struct err *e)
{
	int64_t began_ms = clock_monotonic_ms();
	size_t heard = 0;

	while (!line_ask(line, command, how, deadline, e)) {
		heard += line->received;
		if ((e->code != FAULT_SILENT && e->code != FAULT_GARBAGE) ||
		    line->received > LINE_RECEIVED_MAX)
			return false;
		if (clock_monotonic_ms() >= deadline) {
			line->received = heard;
			return no_answer(line, began_ms, e);
		}
		if (nudge && !line_poke(line, bytes_text(nudge), deadline, e))
			return false;
	}
	return true;
}
