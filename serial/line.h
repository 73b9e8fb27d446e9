/* line: one command of a text protocol and its answer: a modem's AT commands, a shell. A command is
 * a line; what comes back are lines, of which a table says what each means:
 *	#	one digit or more	~	one character of base64 or more
 *	*	anything, to the end	all else stands for itself, and the whole line must match
 * Stripped before: colour codes and other escapes of a terminal (ECMA-48), CR and LF, empty lines,
 * the prompt, and the echo of what was sent. Lines that match nothing are somebody else's: log
 * messages share the line. A line longer than LINE_TEXT_MAX is thrown away whole, and a call ends
 * after LINE_RECEIVED_MAX bytes: a flood costs neither memory nor time. There is no checksum: the
 * driver compares what it can, and insists (line_insist). A command may be sent again where no
 * answer comes, and must therefore do no harm the second time, or say `tries` 1. Errors:
 * FAULT_SILENT, FAULT_GARBAGE, FAULT_REFUSED (then `refusal` is the line that said so),
 * FAULT_LINE_GONE, ERR_CANCELLED, ERR_SYSTEM. Threads: one a line. Layer above: drivers. Below:
 * port. */
#ifndef SERIAL_LINE_H
#define SERIAL_LINE_H

#include "base/err.h"
#include "serial/port.h"

#include <stdbool.h>

#define LINE_TEXT_MAX 8192	/* characters of one line, and of an answer */
#define LINE_COMMAND_MAX 8192	/* characters sent */
#define LINE_RECEIVED_MAX 65536 /* bytes read in one call before it fails */
#define LINE_REFUSAL_MAX 128
#define LINE_TRIES 12 /* of a step, see line_insist */

struct line_command {
	const char *keep;	    /* lines of the answer; NULL: there are none */
	const char *done;	    /* ends it well; NULL: the first line kept does */
	const char *const *refused; /* each ends it badly; NULL at the end */
	int answer_ms;		    /* for each try, beside the wire's time */
	unsigned tries;
	bool may_be_empty; /* done without a line kept is an answer too, and not an old one */
	bool quoted;	   /* line ends between double quotes belong to the text */
};

/* Puts lines together from bytes. */
struct line_reader {
	const char *prompt; /* stripped from the start of each line; "": there is none */
	bool quoted;
	bool in_quotes, overlong, in_escape, in_sequence;
	size_t len;
	char text[LINE_TEXT_MAX + 1];
};

struct line {
	struct port *port;
	int cancel_fd;
	struct bytes end; /* of a command */
	unsigned gap_ms;  /* least time from the start of a command to the start of the next */
	int64_t due_ms;
	size_t received; /* bytes, in this call */
	struct line_reader reader;
	size_t input_at, input_len;
	uint8_t input[512];
	size_t sent_len;
	char sent[LINE_COMMAND_MAX];
	size_t answer_len;
	char answer[LINE_TEXT_MAX + 1];	    /* the lines kept, LF between them */
	char refusal[LINE_REFUSAL_MAX + 1]; /* printable ASCII */
};

/* `end` and `prompt` outlive the line. */
void line_start(struct line *line, struct port *port, int cancel_fd, struct bytes end,
		const char *prompt, unsigned gap_ms);

/* Sends the command (without its end), and waits for what the table says. */
MUST_CHECK bool line_ask(struct line *line, struct bytes command, const struct line_command *how,
			 int64_t deadline, struct err *e);

/* The same, until there is an answer or the deadline is over: boards that boot late, or talk before
 * they listen, are normal. `nudge` (may be NULL) is sent before each try but the first. */
MUST_CHECK bool line_await(struct line *line, struct bytes command, const struct line_command *how,
			   const char *nudge, int64_t deadline, struct err *e);

/* A step of the driver that may be done again, on its own state. */
typedef bool line_step(void *state, void *context, int64_t deadline, struct err *e);

/* Noise may be behind every refusal, every answer that makes no sense and every hash that differs:
 * before the board is to blame the step is tried LINE_TRIES times, as long as there is time.
 * `recover` comes before each try but the first, once the line is quiet. The error is that of the
 * last try that was not cut short by the deadline. */
MUST_CHECK bool line_insist(struct line *line, line_step *step, line_step *recover, void *state,
			    void *context, int64_t deadline, struct err *e);

/* Sends, and forgets what comes in until the line is quiet, for a moment at most. */
MUST_CHECK bool line_poke(struct line *line, struct bytes text, int64_t deadline, struct err *e);

/* Pure functions, for tests too. */
bool line_matches(const char *pattern, const char *text);
/* Takes a byte; true once a line is complete in reader->text. The next byte begins a new one. */
bool line_take(struct line_reader *reader, uint8_t byte);

#endif
