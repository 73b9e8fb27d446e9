/* The line engine: patterns, what lines are made of, and a board that a table makes up. */
#include "base/clock.h"
#include "serial/fault.h"
#include "serial/line.h"
#include "tests/unit/far_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SILENT_MS 80 /* where nothing comes */
#define ANSWER_MS                                                                                  \
	500 /* where something must come within it: a busy machine keeps a thread waiting */
#define LONG_MS 300000 /* where nothing needs to run out */
#define TRIES 2
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *pattern, *text;
	bool matches;
} patterns[] = {
	{ "OK", "OK", true },
	{ "OK", "OKAY", false },
	{ "OK", "O", false },
	{ "+CME ERROR: #", "+CME ERROR: 518", true },
	{ "+CME ERROR: #", "+CME ERROR: ", false },
	{ "+CME ERROR: #", "+CME ERROR: 518x", false },
	{ "#", "352656100000001", true },
	{ "#", "", false },
	{ "#,*", "42,CA,abc", true },
	{ "%KEYGEN: *", "%KEYGEN: ", true },
	{ "~", "TUlJQ+/=", true },
	{ "~", "[00:01] <inf>", false },
	{ "*", "", true },
	{ "", "", true },
};

static void patterns_match_whole_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(patterns); i++)
		if (line_matches(patterns[i].pattern, patterns[i].text) != patterns[i].matches)
			fail_msg("\"%s\" and \"%s\"", patterns[i].pattern, patterns[i].text);
}

static const struct {
	const char *bytes, *lines; /* with | between */
	bool quoted;
} readings[] = {
	{ "OK\r\n", "OK", false },
	{ "\r\n\r\nOK\n\n", "OK", false },
	{ "a\rb\nc", "a|b", false },
	{ "uart:~$ cred list\r\n42,CA\r\nuart:~$ OK\n", "cred list|42,CA|OK", false },
	{ "uart:~$ uart:~$ twice\n", "twice", false },
	{ "\x1b[1;32muart:~$ \x1b[mhello\x1b[0m\r\n", "hello", false },
	{ "\x1b[8D\x1b[Jlog\r\n\x1bMx\n", "log|x", false },
	{ "\x1b[12;\nnext\n", "next", false }, /* a sequence that never ended */
	{ "%CMNG: \"a\r\nb\"\r\nOK\r\n", "%CMNG: \"a|b\"|OK", false },
	{ "%CMNG: \"a\r\nb\"\r\nOK\r\n", "%CMNG: \"a\r\nb\"|OK", true },
	{ "\0a\n", "", false },
};

static void read_all(const char *bytes, size_t len, bool quoted, char *ret_lines, size_t size)
{
	static struct line_reader reader;

	reader = (struct line_reader) { .prompt = "uart:~$ ", .quoted = quoted };
	ret_lines[0] = '\0';
	for (size_t i = 0; i < len; i++)
		if (line_take(&reader, (uint8_t)bytes[i])) {
			assert_true(strlen(ret_lines) + strlen(reader.text) + 2 < size);
			strcat(ret_lines, *ret_lines ? "|" : "");
			strcat(ret_lines, reader.text);
		}
}

static void lines_are_stripped(void **state)
{
	char lines[256];

	(void)state;
	for (size_t i = 0; i < COUNT(readings); i++) {
		read_all(readings[i].bytes, strlen(readings[i].bytes), readings[i].quoted, lines,
			 sizeof(lines));
		if (strcmp(lines, readings[i].lines) != 0)
			fail_msg("%zu: \"%s\"", i, lines);
	}
	read_all("\0O\0K\n", 5, false, lines, sizeof(lines));
	assert_string_equal(lines, "OK");
}

static void a_long_line_is_thrown_away_whole(void **state)
{
	static struct line_reader reader;

	(void)state;
	reader = (struct line_reader) { .prompt = "", .quoted = true };
	assert_false(line_take(&reader, '"'));
	for (size_t i = 0; i < 3 * LINE_TEXT_MAX; i++)
		assert_false(line_take(&reader, 'x'));
	assert_false(line_take(&reader, '\n'));
	assert_false(line_take(&reader, 'O'));
	assert_false(line_take(&reader, 'K'));
	assert_true(line_take(&reader, '\n'));
	assert_string_equal(reader.text, "OK");
}

static const char *const refused[] = { "ERROR", "+CME ERROR: #", NULL };
static const struct line_command plain = { NULL, "OK", refused, 0, TRIES, false, false },
				 kept = { "#", "OK", refused, 0, TRIES, false, false },
				 maybe = { "#", "OK", refused, 0, TRIES, true, false },
				 first = { "ID: *", NULL, refused, 0, TRIES, false, false };

static const struct {
	const char *name;
	const struct line_command *how;
	const char *says[TRIES]; /* to each try; NULL: nothing */
	int code;
	const char *answer; /* or the refusal */
	unsigned tries;
} cases[] = {
	{ "done", &plain, { "OK\r\n" }, 0, "", 1 },
	{ "an answer", &kept, { "123\r\nOK\r\n" }, 0, "123", 1 },
	{ "two lines", &kept, { "1\r\n2\r\nOK\r\n" }, 0, "1\n2", 1 },
	{ "log lines between", &kept, { "<inf> app: 5\r\n1\r\n<wrn> x\r\nOK\r\n" }, 0, "1", 1 },
	{ "echo first", &kept, { "AT+X\r\n7\r\nOK\r\n" }, 0, "7", 1 },
	{ "an old OK first", &kept, { "OK\r\n7\r\nOK\r\n" }, 0, "7", 1 },
	{ "nothing to keep", &maybe, { "OK\r\n" }, 0, "", 1 },
	{ "one line is enough", &first, { "Length: 8\r\nID: 0x12\r\n" }, 0, "ID: 0x12", 1 },
	{ "refused", &kept, { "+CME ERROR: 518\r\n" }, FAULT_REFUSED, "+CME ERROR: 518", 1 },
	{ "refused, plainly", &plain, { "ERROR\r\n" }, FAULT_REFUSED, "ERROR", 1 },
	{ "silent once", &plain, { NULL, "OK\r\n" }, 0, "", 2 },
	{ "torn once", &plain, { "O", "OK\r\n" }, 0, "", 2 },
	{ "silent", &plain, { NULL, NULL }, FAULT_SILENT, "", 2 },
	{ "a prompt only", &plain, { "login: ", "login: " }, FAULT_GARBAGE, "", 2 },
	{ "babbles", &plain, { "+" }, FAULT_GARBAGE, "", 1 },
};

static struct {
	size_t index;
	unsigned tries;
} board;

static bool babble(int fd)
{
	char noise[997];

	memset(noise, 'x', sizeof(noise));
	while (send(fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0)
		;
	return false;
}

static bool reply(int fd)
{
	const char *says = cases[board.index].says[board.tries % TRIES];

	board.tries++;
	if (says && strcmp(says, "+") == 0)
		return babble(fd);
	return !says || send(fd, says, strlen(says), MSG_NOSIGNAL) == (ssize_t)strlen(says);
}

static void *serve(void *context)
{
	int fd = accept(far_end.listen_fd, NULL, NULL);
	char byte;

	(void)context;
	while (read(fd, &byte, 1) == 1)
		if (byte == '\r' && !reply(fd))
			break;
	close(fd);
	return NULL;
}

/* A board that answers at once may take as long as the machine needs; each other one costs its time. */
static int patience(void)
{
	return cases[board.index].tries == 1		 ? LONG_MS
	       : cases[board.index].code == FAULT_SILENT ? SILENT_MS
							 : ANSWER_MS;
}

static void run_case(struct line *line, struct err *e, bool *ret_done)
{
	struct line_command how = *cases[board.index].how;
	struct port *port;
	pthread_t thread;

	board.tries = 0;
	how.answer_ms = patience();
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	if (!port_open(far_end.address, 0, &port, e))
		fail_msg("%s", e->text);
	line_start(line, port, -1, bytes_text("\r"), "", 0);
	*ret_done = line_ask(line, bytes_text("AT+X"), &how, clock_deadline(LONG_MS), e);
	port_close(port);
	pthread_join(thread, NULL);
}

static void every_answer_has_its_meaning(void **state)
{
	static struct line line;

	(void)state;
	for (board.index = 0; board.index < COUNT(cases); board.index++) {
		int64_t began_ms = clock_monotonic_ms();
		struct err e = { 0 };
		const char *said;
		bool done;

		run_case(&line, &e, &done);
		said = e.code == FAULT_REFUSED ? line.refusal : line.answer;
		if ((done ? 0 : e.code) != cases[board.index].code ||
		    strcmp(said, cases[board.index].answer) != 0)
			fail_msg("%s: %d %s, \"%s\"", cases[board.index].name, e.code,
				 done ? "done" : e.text, said);
		if (board.tries != cases[board.index].tries)
			fail_msg("%s: %u tries", cases[board.index].name, board.tries);
		if (clock_monotonic_ms() - began_ms >= LONG_MS)
			fail_msg("%s: took too long", cases[board.index].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_whole_lines),
		cmocka_unit_test(lines_are_stripped),
		cmocka_unit_test(a_long_line_is_thrown_away_whole),
		cmocka_unit_test(every_answer_has_its_meaning),
	};

	return cmocka_run_group_tests(tests, far_end_make, far_end_remove);
}
