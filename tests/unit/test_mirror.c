/* mirror: what follows from what the buses read, with a clock of our own. */
#include "fixtures/mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ESTOP, LID, CLAMPED, OPEN, START, BEAT = 1, PRESENT = 32 }; /* bits; word; bits */
enum { CLAMP, RED, POWER = 16 };

static const char text[] =
	"jig:\n"
	"  buses: [{name: plc, tcp: \"10.0.0.1:502\", heartbeat: 1, keepalive: {kind: none}}]\n"
	"  signals:\n"
	"    estop_ok: {table: input-register, address: 0}\n"
	"    lid_closed: {table: input-register, address: 0, bit: 1, debounce_ms: 100}\n"
	"    clamped: {table: input-register, address: 0, bit: 2}\n"
	"    clamp_open: {table: input-register, address: 0, bit: 3}\n"
	"    start: {table: input-register, address: 0, bit: 4}\n"
	"    present: [{table: input-register, address: 2}]\n"
	"    clamp: {table: coil, address: 0}\n"
	"    red: {table: coil, address: 1}\n"
	"    power: [{table: coil, address: 16}]\n";

struct rig {
	struct map map;
	struct mirror m;
	int64_t now_ms;
	uint16_t in[3];
	struct bus_data back; /* what the controller holds */
	bool deaf;	      /* it takes writes and does nothing */
};

static struct rig rig;

static void set(unsigned bit, bool value)
{
	uint16_t mask = (uint16_t)(1u << (bit % 16));

	rig.in[bit / 16] = value ? rig.in[bit / 16] | mask : (uint16_t)(rig.in[bit / 16] & ~mask);
}

static bool coil(unsigned number)
{
	return rig.back.bits[number];
}

/* A whole exchange, `ms` after the last one; the controller counts. */
static void cycle(int64_t ms)
{
	struct bus_data inputs = { 0 }, outputs;

	rig.now_ms += ms;
	memcpy(inputs.words, rig.in, sizeof(rig.in));
	mirror_take(&rig.m, 0, &inputs, &rig.back, rig.now_ms);
	mirror_decide(&rig.m);
	mirror_outputs(&rig.m, 0, &outputs);
	mirror_written(&rig.m, 0, rig.m.out, rig.now_ms);
	if (!rig.deaf)
		rig.back = outputs;
	rig.in[BEAT]++;
}

static void fail_cycle(void)
{
	struct err e;

	if (!err_set(&e, ERR_TIMEOUT, "bus plc: reading: no answer in time"))
		mirror_fail(&rig.m, 0, &e);
	mirror_decide(&rig.m);
}

static int begin(void **state)
{
	static const char *const nests[] = { "A1", "A2" };
	char path[] = "/tmp/imprint-test-mirror-XXXXXX";
	int fd = mkstemp(path);
	struct err e;
	bool done = fd >= 0 && write(fd, text, sizeof(text) - 1) > 0;

	(void)state;
	memset(&rig, 0, sizeof(rig));
	done = done && map_load(path, nests, 2, &rig.map, &e);
	close(fd);
	unlink(path);
	rig.now_ms = 1000;
	mirror_begin(&rig.m, &rig.map, rig.now_ms);
	rig.in[BEAT] = 0xfffe; /* about to wrap: that is no restart */
	set(ESTOP, true);
	set(LID, true);
	set(OPEN, true);
	set(PRESENT, true);
	set(PRESENT + 1, true);
	return done ? 0 : -1;
}

/* Clamped, and both nests with power. */
static void power_up(void)
{
	const struct jig_wish wish = { .clamp = true, .power = 3 };

	for (int i = 0; i < 4; i++)
		cycle(50);
	mirror_want(&rig.m, &wish);
	cycle(50);
	assert_true(coil(CLAMP));
	assert_false(coil(POWER));
	set(OPEN, false);
	set(CLAMPED, true);
	cycle(50);
	cycle(50);
	assert_true(coil(POWER) && coil(POWER + 1));
	assert_int_equal(rig.m.image.powered, 3);
	assert_int_equal(rig.m.image.trip, TRIP_NONE);
}

static void test_debounce(void **state)
{
	(void)state;
	cycle(0);
	assert_true(rig.m.image.estop_ok);
	assert_false(rig.m.image.lid_closed); /* 0 ms */
	cycle(99);
	assert_false(rig.m.image.lid_closed);
	cycle(1);
	assert_true(rig.m.image.lid_closed);
	set(LID, false);
	cycle(1); /* at once */
	assert_false(rig.m.image.lid_closed);
	set(LID, true);
	cycle(99);
	set(LID, false);
	cycle(1);
	set(LID, true);
	cycle(50); /* counted from the last time that it closed */
	assert_false(rig.m.image.lid_closed);
}

static void test_same_exchange(void **state)
{
	(void)state;
	power_up();
	set(LID, false);
	cycle(50);
	assert_false(coil(POWER) || coil(POWER + 1));
	assert_true(coil(CLAMP));
	assert_int_equal(rig.m.image.trip, TRIP_LID);
}

static void test_one_board_leaves(void **state)
{
	const struct jig_wish one = { .clamp = true, .power = 1 },
			      both = { .clamp = true, .power = 3 };

	(void)state;
	power_up();
	set(PRESENT + 1, false);
	cycle(50);
	set(PRESENT + 1, true);
	cycle(50);
	assert_true(coil(POWER) && !coil(POWER + 1));
	assert_int_equal(rig.m.image.trip, TRIP_NONE);
	mirror_want(&rig.m, &one);
	cycle(50);
	mirror_want(&rig.m, &both);
	cycle(50);
	assert_true(coil(POWER) && coil(POWER + 1));
}

static void test_bus(void **state)
{
	(void)state;
	power_up();
	fail_cycle();
	fail_cycle();
	assert_true(rig.m.image.fresh);
	cycle(400); /* one that works begins the count anew */
	fail_cycle();
	fail_cycle();
	assert_int_equal(rig.m.image.trip, TRIP_NONE);
	fail_cycle();
	assert_int_equal(rig.m.image.trip, TRIP_BUS);
	assert_false(rig.m.image.fresh || rig.m.image.lid_closed || rig.m.image.clamped);
	assert_int_equal(rig.m.image.present, 0);
	assert_int_equal(rig.m.image.powered, 3);
	assert_non_null(strstr(rig.m.image.sentence, "no answer in time"));
	/* It comes back with its outputs off: then they are known again. */
	memset(&rig.back, 0, sizeof(rig.back));
	cycle(5000);
	assert_int_equal(rig.m.image.powered, 0);
	assert_int_equal(rig.m.image.trip, TRIP_BUS);
}

static void test_heartbeat(void **state)
{
	uint16_t beat;

	(void)state;
	power_up();
	beat = rig.in[BEAT];
	for (int i = 0; i < 21; i++) {
		assert_int_equal(rig.m.image.trip, TRIP_NONE);
		rig.in[BEAT] = beat;
		cycle(50);
	}
	rig.in[BEAT] = beat;
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_STALE);
	assert_false(rig.m.image.fresh);
}

static void test_restart(void **state)
{
	(void)state;
	power_up();
	rig.in[BEAT] = 50;
	cycle(50);
	rig.in[BEAT] = 0;
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_RESTARTED);
}

static void test_outputs_that_fall(void **state)
{
	(void)state;
	power_up();
	rig.back.bits[POWER] = rig.back.bits[POWER + 1] = 0;
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_RESTARTED);
	assert_false(coil(POWER));
}

static void test_output_that_changes(void **state)
{
	(void)state;
	power_up();
	rig.back.bits[RED] = 1;
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_READ_BACK);
}

static void test_false_echo(void **state)
{
	const struct jig_wish wish = { .clamp = true, .power = 3, .red = true };

	(void)state;
	power_up();
	rig.deaf = true;
	mirror_want(&rig.m, &wish);
	cycle(50); /* writes it */
	cycle(10); /* not there yet: a controller may need a moment */
	cycle(MIRROR_READ_BACK_MS);
	assert_int_equal(rig.m.image.trip, TRIP_NONE);
	cycle(10);
	assert_int_equal(rig.m.image.trip, TRIP_READ_BACK);
}

static void test_reset(void **state)
{
	struct err e;

	(void)state;
	power_up();
	set(ESTOP, false);
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_ESTOP);
	assert_false(mirror_reset(&rig.m, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	set(ESTOP, true);
	cycle(50);
	assert_true(mirror_reset(&rig.m, &e));
	cycle(50);
	cycle(50);
	assert_int_equal(rig.m.image.trip, TRIP_NONE);
	assert_false(coil(POWER)); /* though it is still wanted */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_debounce, begin),
		cmocka_unit_test_setup(test_same_exchange, begin),
		cmocka_unit_test_setup(test_one_board_leaves, begin),
		cmocka_unit_test_setup(test_bus, begin),
		cmocka_unit_test_setup(test_heartbeat, begin),
		cmocka_unit_test_setup(test_restart, begin),
		cmocka_unit_test_setup(test_outputs_that_fall, begin),
		cmocka_unit_test_setup(test_output_that_changes, begin),
		cmocka_unit_test_setup(test_false_echo, begin),
		cmocka_unit_test_setup(test_reset, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
