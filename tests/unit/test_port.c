#include "serial/port.h"

#include "base/clock.h"
#include "serial/fault.h"
#include "tests/rig/boards_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define WAIT_MS 60000

static struct {
	char dir[64], path[96], address[112];
	struct wire wire;
} line;

static int plug_in(void **state)
{
	struct err e;

	(void)state;
	strcpy(line.dir, "/tmp/test_port.XXXXXX");
	assert_non_null(mkdtemp(line.dir));
	snprintf(line.path, sizeof(line.path), "%s/line", line.dir);
	snprintf(line.address, sizeof(line.address), "pty:%s", line.path);
	if (!wire_open(&line.wire, line.path, &e))
		fail_msg("%s", e.text);
	return 0;
}

static int unplug(void **state)
{
	(void)state;
	wire_close(&line.wire);
	return rmdir(line.dir);
}

static void addresses_are_checked(void **state)
{
	static const struct {
		const char *address;
		int code;
	} cases[] = {
		{ "", ERR_INVALID },
		{ "ttyUSB0", ERR_INVALID },
		{ "tcp:1.2.3.4:5", ERR_INVALID },
		{ "/dev/there-is-no-such-line", FAULT_LINE_GONE },
		{ "/dev/null", FAULT_LINE_GONE },
		{ "pty:/there/is/no/such/pty", FAULT_LINE_GONE },
		{ "pty:/dev/null", FAULT_LINE_GONE },
		{ "unix:/there/is/no/such/socket", FAULT_LINE_GONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port *port;
		struct err e = { 0 };

		assert_false(port_open(cases[i].address, 0, &port, &e));
		if (e.code != cases[i].code)
			fail_msg("%s: %d %s", cases[i].address, e.code, e.text);
	}
}

static void a_line_is_there_or_not(void **state)
{
	char pty[PATH_MAX + 4];

	(void)state;
	assert_true(port_present(line.address));
	assert_true(realpath(line.path, pty) != NULL);
	wire_close(&line.wire);
	assert_false(port_present(line.address));
	assert_false(port_present("unix:/there/is/no/such/socket"));
	assert_false(port_present("pty:/tmp"));
	assert_false(port_present(""));
}

static void a_name_left_behind_is_no_line(void **state)
{
	(void)state;
	assert_int_equal(close(line.wire.slave) | close(line.wire.master), 0);
	assert_int_equal(access(line.path, F_OK), -1); /* the link is there, its pty is not */
	assert_false(port_present(line.address));
	line.wire.master = line.wire.slave = -1;
	unlink(line.path);
}

static void only_one_holds_a_line(void **state)
{
	struct err e = { 0 };
	struct port *port, *second;

	(void)state;
	assert_true(port_open(line.address, 0, &port, &e));
	assert_false(port_open(line.address, 0, &second, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_true(port_present(line.address));
	port_close(port);
	assert_true(port_open(line.address, 0, &port, &e));
	port_close(port);
}

/* What was written at one end of a pty comes to the other in the kernel's own time, and in pieces. */
static void wait_for_bytes(int fd, int count)
{
	int64_t deadline = clock_deadline(WAIT_MS);
	int waiting = 0;

	while (waiting < count && clock_monotonic_ms() < deadline) {
		poll(&(struct pollfd) { fd, POLLIN, 0 }, 1, 1);
		assert_int_equal(ioctl(fd, FIONREAD, &waiting), 0);
	}
	assert_int_equal(waiting, count);
}

static void bytes_of_before_are_thrown_away(void **state)
{
	struct port *port;
	uint8_t byte = 0;
	struct err e = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(write(line.wire.master, "stale", 5), 5);
	wait_for_bytes(line.wire.slave, 5);
	assert_true(port_open(line.address, 0, &port, &e));
	assert_int_equal(write(line.wire.master, "x", 1), 1);
	assert_true(port_read(port, &byte, 1, &len, clock_deadline(WAIT_MS), -1, &e));
	assert_int_equal(byte, 'x');
	port_close(port);
}

static void a_line_that_goes_is_seen(void **state)
{
	struct port *port;
	uint8_t byte;
	struct err e = { 0 };
	size_t len;

	(void)state;
	assert_true(port_open(line.address, 0, &port, &e));
	assert_false(port_read(port, &byte, 1, &len, clock_deadline(10), -1, &e));
	assert_int_equal(e.code, ERR_TIMEOUT);
	wire_close(&line.wire);
	assert_false(port_read(port, &byte, 1, &len, clock_deadline(WAIT_MS), -1, &e));
	assert_int_equal(e.code, FAULT_LINE_GONE);
	assert_false(port_write(port, bytes_text("x"), clock_deadline(WAIT_MS), -1, &e));
	assert_int_equal(e.code, FAULT_LINE_GONE);
	port_close(port);
}

static void every_byte_passes(void **state)
{
	struct port *port;
	uint8_t all[256], got[256];
	struct err e = { 0 };
	size_t len = 0, more;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	assert_true(port_open(line.address, 0, &port, &e));
	assert_true(port_write(port, BYTES(all), clock_deadline(WAIT_MS), -1, &e));
	wait_for_bytes(line.wire.master, sizeof(got));
	assert_int_equal(read(line.wire.master, got, sizeof(got)), sizeof(got));
	assert_memory_equal(all, got, sizeof(all));
	assert_int_equal(write(line.wire.master, all, sizeof(all)), sizeof(all));
	for (; len < sizeof(all); len += more)
		assert_true(port_read(port, got + len, sizeof(got) - len, &more,
				      clock_deadline(WAIT_MS), -1, &e));
	assert_memory_equal(all, got, sizeof(all));
	port_close(port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test_setup_teardown(a_line_is_there_or_not, plug_in, unplug),
		cmocka_unit_test_setup_teardown(a_name_left_behind_is_no_line, plug_in, unplug),
		cmocka_unit_test_setup_teardown(only_one_holds_a_line, plug_in, unplug),
		cmocka_unit_test_setup_teardown(bytes_of_before_are_thrown_away, plug_in, unplug),
		cmocka_unit_test_setup_teardown(a_line_that_goes_is_seen, plug_in, unplug),
		cmocka_unit_test_setup_teardown(every_byte_passes, plug_in, unplug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
