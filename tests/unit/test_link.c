/* The link against a board that a table makes up: what it says to each request. */
#include "base/clock.h"
#include "base/hex.h"
#include "serial/fault.h"
#include "serial/link.h"
#include "tests/unit/far_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define GROUP 113
#define COMMAND 2
#define TRIES 3
#define SILENT_MS 150  /* where nothing comes; doubled for each further try */
#define ANSWER_MS 300  /* where the second or third try is answered: a busy machine may be late */
#define LONG_MS 300000 /* where nothing needs to run out */

/* One thing that the board sends when a request has come. */
struct say {
	enum {
		END,
		NOTHING,
		ANSWER,	      /* the payload as hex, to this request */
		TEXT,	      /* bytes as they are */
		BAD_CRC,      /* an answer with a flipped bit */
		OLD_SEQUENCE, /* an answer to the request before */
		OTHER_COMMAND,
		OTHER_GROUP,
		ECHO_REQUEST,
		WRONG_LENGTH,
		VERSION_1,
		BABBLE,
		HANG_UP,
	} what;
	const char *text;
};

#define SAYS_MAX 6

static const struct {
	const char *name;
	struct say says[TRIES][SAYS_MAX]; /* to the first, second and third try */
	int code;			  /* 0: done, and "a" is 1 */
	unsigned tries;			  /* that the board must have seen */
} cases[] = {
	{ "an answer", { { { ANSWER, "a1616101" } } }, 0, 1 },
	{ "an indefinite map", { { { ANSWER, "bf616101ff" } } }, 0, 1 },
	{ "unknown keys", { { { ANSWER, "a361789f0102ff6161016179f5" } } }, 0, 1 },
	{ "version 1", { { { VERSION_1, "a1616101" } } }, 0, 1 },
	{ "rc 0", { { { ANSWER, "a262726300616101" } } }, 0, 1 },
	{ "boot messages before",
	  { { { TEXT, "*** Booting ***\r\n\x06\x09 hello\r\n" }, { ANSWER, "a1616101" } } },
	  0,
	  1 },
	{ "an old answer first",
	  { { { OLD_SEQUENCE, "a1616109" }, { ANSWER, "a1616101" } } },
	  0,
	  1 },
	{ "another command's first",
	  { { { OTHER_COMMAND, "a1616109" }, { ANSWER, "a1616101" } } },
	  0,
	  1 },
	{ "another group's first",
	  { { { OTHER_GROUP, "a1616109" }, { ANSWER, "a1616101" } } },
	  0,
	  1 },
	{ "its own echo first", { { { ECHO_REQUEST, NULL }, { ANSWER, "a1616101" } } }, 0, 1 },
	{ "a wrong length first",
	  { { { WRONG_LENGTH, "a1616109" }, { ANSWER, "a1616101" } } },
	  0,
	  1 },
	{ "silent once", { { { NOTHING, NULL } }, { { ANSWER, "a1616101" } } }, 0, 2 },
	{ "broken once", { { { BAD_CRC, "a1616101" } }, { { ANSWER, "a1616101" } } }, 0, 2 },
	{ "silent twice",
	  { { { NOTHING, NULL } }, { { NOTHING, NULL } }, { { ANSWER, "a1616101" } } },
	  0,
	  3 },
	{ "silent", { { { NOTHING, NULL } } }, FAULT_SILENT, 3 },
	{ "broken always",
	  { { { BAD_CRC, "a0" } }, { { BAD_CRC, "a0" } }, { { BAD_CRC, "a0" } } },
	  FAULT_GARBAGE,
	  3 },
	{ "text only", { { { TEXT, "login: " } } }, FAULT_GARBAGE, 3 },
	{ "babbles", { { { BABBLE, NULL } } }, FAULT_GARBAGE, 1 },
	{ "echoes", { { { ECHO_REQUEST, NULL } } }, FAULT_ANSWER, 3 },
	{ "hangs up", { { { HANG_UP, NULL } } }, FAULT_LINE_GONE, 1 },
	{ "hangs up in the middle",
	  { { { TEXT, "\x06\x09"
		      "AAIA" },
	      { HANG_UP, NULL } } },
	  FAULT_LINE_GONE,
	  1 },
	{ "error of version 1", { { { ANSWER, "a162726308" } } }, FAULT_REFUSED, 1 },
	{ "error of its group",
	  { { { ANSWER, "a163657272a26567726f7570187162726306" } } },
	  FAULT_REFUSED,
	  1 },
	{ "error, indefinite",
	  { { { ANSWER, "bf63657272bf6567726f7570187162726306ffff" } } },
	  FAULT_REFUSED,
	  1 },
	{ "a negative error", { { { ANSWER, "a162726320" } } }, FAULT_ANSWER, 1 },
	{ "no map", { { { ANSWER, "8101" } } }, FAULT_ANSWER, 1 },
	{ "nothing in it", { { { ANSWER, "" } } }, FAULT_ANSWER, 1 },
	{ "cut off", { { { ANSWER, "a26161" } } }, FAULT_ANSWER, 1 },
	{ "bytes behind it", { { { ANSWER, "a0a0" } } }, FAULT_ANSWER, 1 },
};

static struct {
	size_t index;	/* of the case under way */
	unsigned tries; /* seen by the board */
} board;

static bool send_all(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool send_message(int fd, struct bytes message, bool broken)
{
	struct frame_encoder f = frame_encoder_start(message);
	uint8_t line[FRAME_LINE_MAX];
	size_t len;

	while ((len = frame_encode_line(&f, line)) > 0) {
		if (broken)
			line[5] = line[5] == 'A' ? 'B' : 'A';
		if (!send_all(fd, line, len))
			return false;
	}
	return true;
}

static bool answer(int fd, const struct say *say, struct bytes request)
{
	uint8_t message[128];
	size_t len = say->text ? strlen(say->text) / 2 : 0;

	memcpy(message, request.data, SMP_HEADER_SIZE);
	message[0] = (uint8_t)(say->what == VERSION_1 ? (message[0] & 7) + 1 : message[0] + 1);
	message[3] = (uint8_t)(len + (say->what == WRONG_LENGTH));
	message[5] = (uint8_t)(message[5] ^ (say->what == OTHER_GROUP));
	message[6] = (uint8_t)(message[6] - (say->what == OLD_SEQUENCE));
	message[7] = (uint8_t)(message[7] + (say->what == OTHER_COMMAND));
	if (len && !hex_decode(say->text, message + SMP_HEADER_SIZE, len))
		return false;
	return send_message(fd, bytes_of(message, SMP_HEADER_SIZE + len), say->what == BAD_CRC);
}

static bool babble(int fd)
{
	uint8_t noise[997];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * i);
	while (send_all(fd, noise, sizeof(noise)))
		;
	return false;
}

static bool say_one(int fd, const struct say *say, struct bytes request)
{
	switch (say->what) {
	case NOTHING:
		return true;
	case TEXT:
		return send_all(fd, say->text, strlen(say->text));
	case ECHO_REQUEST:
		return send_message(fd, request, false);
	case BABBLE:
		return babble(fd);
	case HANG_UP:
		return false;
	default:
		return answer(fd, say, request);
	}
}

static bool reply(int fd, struct bytes request)
{
	const struct say *says = cases[board.index].says[board.tries % TRIES];

	board.tries++;
	for (size_t i = 0; i < SAYS_MAX && says[i].what != END; i++)
		if (!say_one(fd, &says[i], request))
			return false;
	return true;
}

static void *serve(void *context)
{
	int fd = accept(far_end.listen_fd, NULL, NULL);
	uint8_t buffer[512], byte;
	struct frame_decoder d = frame_decoder_start(buffer, sizeof(buffer));
	struct bytes request;

	(void)context;
	while (read(fd, &byte, 1) == 1)
		if (frame_decode(&d, byte, &request) && !reply(fd, request))
			break;
	close(fd);
	return NULL;
}

static void connect_link(struct link *link, struct port **ret_port, pthread_t *ret_thread,
			 int cancel_fd)
{
	struct err e;

	board.tries = 0;
	assert_int_equal(pthread_create(ret_thread, NULL, serve, NULL), 0);
	if (!port_open(far_end.address, 0, ret_port, &e))
		fail_msg("%s", e.text);
	link_start(link, *ret_port, cancel_fd, 0);
}

static bool ask_tries(struct link *link, struct link_patience patience, int64_t deadline,
		      uint64_t *ret_value, struct err *e)
{
	struct cbor_writer w = link_request(link, SMP_READ, GROUP, COMMAND);
	struct cbor_reader map, value;
	bool found;

	cbor_put_map(&w, 0);
	if (!link_call(link, &w, patience, deadline, &map, e))
		return false;
	value = cbor_find(&map, "a", &found);
	*ret_value = cbor_want_unsigned(&value);
	return true;
}

static bool ask(struct link *link, int answer_ms, int64_t deadline, uint64_t *ret_value,
		struct err *e)
{
	return ask_tries(link, (struct link_patience) { answer_ms, TRIES }, deadline, ret_value, e);
}

/* A board that answers at once may take as long as the machine needs; each other one costs its time. */
static int patience(void)
{
	return cases[board.index].tries == 1  ? LONG_MS
	       : cases[board.index].code == 0 ? ANSWER_MS
					      : SILENT_MS;
}

static void every_answer_has_its_meaning(void **state)
{
	static struct link link;

	(void)state;
	for (board.index = 0; board.index < sizeof(cases) / sizeof(cases[0]); board.index++) {
		const char *name = cases[board.index].name;
		int64_t began_ms = clock_monotonic_ms();
		struct err e = { 0 };
		uint64_t value = 0;
		struct port *port;
		pthread_t thread;
		bool done;

		connect_link(&link, &port, &thread, -1);
		done = ask(&link, patience(), clock_deadline(LONG_MS), &value, &e);
		port_close(port);
		pthread_join(thread, NULL);
		if (done ? cases[board.index].code != 0 || value != 1
			 : e.code != cases[board.index].code)
			fail_msg("%s: %d %s", name, e.code, done ? "done" : e.text);
		if (board.tries != cases[board.index].tries)
			fail_msg("%s: %u tries", name, board.tries);
		if (clock_monotonic_ms() - began_ms >= LONG_MS)
			fail_msg("%s: took too long", name);
	}
}

static size_t find_case(const char *name)
{
	size_t i = 0;

	while (strcmp(cases[i].name, name) != 0)
		i++;
	return i;
}

static void a_refusal_keeps_its_number(void **state)
{
	static struct link link;
	struct err e = { 0 };
	struct port *port;
	pthread_t thread;
	uint64_t value;

	(void)state;
	board.index = find_case("error of its group");
	connect_link(&link, &port, &thread, -1);
	assert_false(ask(&link, LONG_MS, clock_deadline(LONG_MS), &value, &e));
	assert_true(link_refused(&link, &e, SMP_BAD_STATE));
	assert_true(link.group_error);
	assert_string_equal(e.text, "the board refused: it is not in the state for this (error 6)");
	port_close(port);
	pthread_join(thread, NULL);
}

static void a_deadline_ends_every_try(void **state)
{
	static struct link link;
	int64_t began_ms = clock_monotonic_ms();
	struct err e = { 0 };
	struct port *port;
	pthread_t thread;
	uint64_t value;

	(void)state;
	board.index = find_case("silent");
	connect_link(&link, &port, &thread, -1);
	assert_false(ask(&link, LONG_MS, clock_deadline(100), &value, &e));
	assert_int_equal(e.code, FAULT_SILENT);
	assert_in_range(clock_monotonic_ms() - began_ms, 100, LONG_MS - 1);
	port_close(port);
	pthread_join(thread, NULL);
	assert_int_equal(board.tries, 1);
}

/* Doubled, the second wait would outlast the deadline, and the third try never come. */
static void every_try_fits_the_deadline(void **state)
{
	static struct link link;
	struct err e = { 0 };
	struct port *port;
	pthread_t thread;
	uint64_t value;

	(void)state;
	board.index = find_case("silent");
	connect_link(&link, &port, &thread, -1);
	assert_false(ask_tries(&link, (struct link_patience) { 1000, 3 }, clock_deadline(2900),
			       &value, &e));
	assert_int_equal(e.code, FAULT_SILENT);
	port_close(port);
	pthread_join(thread, NULL);
	assert_int_equal(board.tries, 3);
}

/* It must cost neither the whole deadline nor a core. */
static void a_babbler_is_cut_off(void **state)
{
	static struct link link;
	int64_t began_ms = clock_monotonic_ms();
	struct err e = { 0 };
	struct port *port;
	pthread_t thread;
	uint64_t value;

	(void)state;
	board.index = find_case("babbles");
	connect_link(&link, &port, &thread, -1);
	assert_false(ask(&link, LONG_MS, clock_deadline(LONG_MS), &value, &e));
	assert_int_equal(e.code, FAULT_GARBAGE);
	assert_in_range(link.received, LINK_RECEIVED_MAX, LINK_RECEIVED_MAX + 1024);
	assert_in_range(clock_monotonic_ms() - began_ms, 0, LONG_MS - 1);
	port_close(port);
	pthread_join(thread, NULL);
}

static void *cancel_soon(void *context)
{
	const int *fd = context;

	usleep(50000);
	assert_int_equal(eventfd_write(*fd, 1), 0);
	return NULL;
}

static void a_cancel_ends_a_call_at_once(void **state)
{
	static struct link link;
	int cancel_fd = eventfd(0, EFD_CLOEXEC);
	int64_t began_ms = clock_monotonic_ms();
	struct err e = { 0 };
	struct port *port;
	pthread_t thread, canceller;
	uint64_t value;

	(void)state;
	board.index = find_case("silent");
	connect_link(&link, &port, &thread, cancel_fd);
	assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, &cancel_fd), 0);
	assert_false(ask(&link, LONG_MS, clock_deadline(LONG_MS), &value, &e));
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_in_range(clock_monotonic_ms() - began_ms, 0, LONG_MS - 1);
	port_close(port);
	pthread_join(thread, NULL);
	pthread_join(canceller, NULL);
	close(cancel_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_has_its_meaning),
		cmocka_unit_test(a_refusal_keeps_its_number),
		cmocka_unit_test(a_deadline_ends_every_try),
		cmocka_unit_test(every_try_fits_the_deadline),
		cmocka_unit_test(a_babbler_is_cut_off),
		cmocka_unit_test(a_cancel_ends_a_call_at_once),
	};

	return cmocka_run_group_tests(tests, far_end_make, far_end_remove);
}
