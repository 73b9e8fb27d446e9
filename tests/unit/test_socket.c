/* socket, wait: records between processes, with deadlines and a cancel descriptor. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/socket.h"
#include "base/wait.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <cmocka.h>

struct place {
	char path[64];
	int dir, listener, server, client;
};

static int open_pair(void **state)
{
	static struct place p;
	struct err e;

	strcpy(p.path, "/tmp/imprint-test-XXXXXX");
	if (!mkdtemp(p.path))
		return -1;
	p.dir = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!socket_listen(p.dir, "s", 0600, &p.listener, &e) ||
	    !socket_connect(p.dir, "s", &p.client, &e) || !socket_accept(p.listener, &p.server, &e))
		return -1;
	*state = &p;
	return 0;
}

static int close_pair(void **state)
{
	struct place *p = *state;

	unlinkat(p->dir, "s", 0);
	rmdir(p->path);
	close(p->client);
	close(p->server);
	close(p->listener);
	close(p->dir);
	return 0;
}

static void a_record_and_a_descriptor_pass(void **state)
{
	static uint8_t buffer[SOCKET_RECORD_MAX];
	struct place *p = *state;
	AUTO(fd) passed = -1;
	size_t len;
	struct err e;

	assert_true(socket_send(p->client, bytes_text("hello"), STDERR_FILENO,
				clock_deadline(60000), -1, &e));
	assert_true(
		socket_receive(p->server, buffer, &len, &passed, clock_deadline(60000), -1, &e));
	assert_int_equal(len, 5);
	assert_memory_equal(buffer, "hello", 5);
	assert_true(passed >= 0);
	assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
}

static void an_unwanted_descriptor_is_closed(void **state)
{
	static uint8_t buffer[SOCKET_RECORD_MAX];
	struct place *p = *state;
	int before = dup(0), after;
	size_t len;
	struct err e;

	close(before);
	assert_true(socket_send(p->client, bytes_text("x"), STDERR_FILENO, clock_deadline(60000),
				-1, &e));
	assert_true(socket_receive(p->server, buffer, &len, NULL, clock_deadline(60000), -1, &e));
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

static void a_second_server_is_refused(void **state)
{
	struct place *p = *state;
	struct err e;
	int fd;

	assert_false(socket_listen(p->dir, "s", 0600, &fd, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_non_null(strstr(e.text, p->path)); /* people must find it */
	assert_false(socket_connect(p->dir, "nobody", &fd, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void what_is_no_socket_is_left_alone(void **state)
{
	struct place *p = *state;
	struct err e;
	int fd = openat(p->dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_false(socket_listen(p->dir, "file", 0600, &fd, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(unlinkat(p->dir, "file", 0), 0);
}

static void a_hang_up_is_seen(void **state)
{
	static uint8_t buffer[SOCKET_RECORD_MAX];
	struct place *p = *state;
	size_t len;
	struct err e;

	close(p->client);
	p->client = open("/dev/null", O_RDONLY);
	assert_false(socket_receive(p->server, buffer, &len, NULL, clock_deadline(60000), -1, &e));
	assert_int_equal(e.code, ERR_GONE);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	static uint8_t buffer[SOCKET_RECORD_MAX];
	struct place *p = *state;
	int64_t begin_ms = clock_monotonic_ms();
	size_t len;
	struct err e;

	assert_false(socket_receive(p->server, buffer, &len, NULL, clock_deadline(30), -1, &e));
	assert_int_equal(e.code, ERR_TIMEOUT);
	assert_true(clock_monotonic_ms() - begin_ms >= 30);
}

static void one_cancel_ends_every_wait(void **state)
{
	struct place *p = *state;
	AUTO(fd) cancel = eventfd(1, EFD_CLOEXEC);
	struct err e;

	assert_false(wait_for(p->server, POLLIN, CLOCK_NEVER, cancel, NULL, &e));
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_false(wait_pause(60000, cancel, &e));
	assert_int_equal(e.code, ERR_CANCELLED);
	assert_true(wait_pause(1, -1, &e));
}

static void who_calls_is_known(void **state)
{
	struct place *p = *state;
	struct socket_peer peer;
	struct err e;

	assert_true(socket_peer(p->server, &peer, &e));
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.groups[0], getgid());
}

int main(void)
{
#define PAIR(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
	static const struct CMUnitTest tests[] = {
		PAIR(a_record_and_a_descriptor_pass),
		PAIR(an_unwanted_descriptor_is_closed),
		PAIR(a_second_server_is_refused),
		PAIR(what_is_no_socket_is_left_alone),
		PAIR(a_hang_up_is_seen),
		PAIR(a_wait_ends_at_its_deadline),
		PAIR(one_cancel_ends_every_wait),
		PAIR(who_calls_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
