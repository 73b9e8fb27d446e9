/* map: what is taken over, what is refused with its place, and that each example loads. */
#include "fixtures/map.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BUS "jig:\n  buses: [{name: io, tcp: \"10.0.0.1:502\", keepalive: {kind: none}}]\n"
#define TWO                                                                                        \
	"jig:\n  buses:\n  - {name: a, tcp: \"10.0.0.1:502\", keepalive: {kind: none}}\n"          \
	"  - {name: b, rtu: {port: /dev/x}, keepalive: {kind: none}}\n"
#define SAFE                                                                                       \
	"    estop_ok: {table: discrete-input, address: 0}\n"                                      \
	"    lid_closed: {table: discrete-input, address: 1}\n"
#define SIGNALS "  signals:\n" SAFE

static const char *const nests[] = { "A1", "A2", "B1", "B2" };
static char folder[] = "/tmp/imprint-test-map-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/m.yaml", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static bool load(const char *text, struct map *ret_map, struct err *e)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return map_load(path, nests, 4, ret_map, e);
}

static const struct {
	const char *name, *text, *sentence; /* NULL: it is taken */
} rows[] = {
	{ "least", BUS SIGNALS, NULL },
	{ "no bus", "jig:\n  buses: []\n  signals: {}\n", "m.yaml:2:10: " },
	{ "unknown signal", BUS "  signals: {lid: {table: coil, address: 0}}\n",
	  "m.yaml:3:13: unknown key \"lid\"; allowed here: estop_ok," },
	{ "no keep-alive", "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\"}]\n" SIGNALS,
	  "m.yaml:2:11: the key \"keepalive\" is missing here" },
	{ "host name",
	  "jig:\n  buses: [{name: io, tcp: \"plc:502\", keepalive: {kind: none}}]\n" SIGNALS,
	  "m.yaml:2:27: \"plc:502\" is no address; allowed here: IPv4 and port" },
	{ "port",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:65536\", keepalive: {kind: none}}]\n" SIGNALS,
	  "m.yaml:2:27: \"1.1.1.1:65536\" is no address" },
	{ "tcp and rtu",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", rtu: {port: /x}, keepalive: {kind: "
	  "none}}]\n" SIGNALS,
	  "m.yaml:2:11: bus io wants either tcp or rtu" },
	{ "baud",
	  "jig:\n  buses: [{name: io, rtu: {port: /x, baud: 9601}, keepalive: {kind: "
	  "none}}]\n" SIGNALS,
	  "m.yaml:2:44: 9601 is no baud rate" },
	{ "poll",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", poll_ms: 10, keepalive: {kind: "
	  "none}}]\n" SIGNALS,
	  "m.yaml:2:49: 10 is out of range; allowed here: 20 to 1000" },
	{ "counter without address",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", keepalive: {kind: counter}}]\n" SIGNALS,
	  "m.yaml:2:51: the counter's \"address\" is missing here" },
	{ "key of another kind",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", keepalive: {kind: none, echo: "
	  "1}}]\n" SIGNALS,
	  "m.yaml:2:70: this kind of keep-alive has no echo" },
	{ "heartbeat beside bits",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", heartbeat: 4, keepalive: {kind: "
	  "none}}]\n" SIGNALS,
	  "m.yaml:2:51: bus io has no inputs in registers" },
	{ "bus is missing", TWO SIGNALS,
	  "m.yaml:6:15: there are 2 buses: \"bus\" is missing here" },
	{ "no such bus", BUS "  signals: {estop_ok: {bus: x, table: coil, address: 0}}\n",
	  "m.yaml:3:29: there is no bus x" },
	{ "bus without signals", TWO "  signals: {red: {bus: a, table: coil, address: 0}}\n",
	  "m.yaml:4:5: bus b has no signals" },
	{ "RTU without an output",
	  "jig:\n  buses: [{name: io, rtu: {port: /x}, keepalive: {kind: none}}]\n" SIGNALS,
	  "m.yaml:2:11: an RTU bus needs an output or a counter" },
	{ "output in inputs", BUS "  signals: {red: {table: discrete-input, address: 0}}\n",
	  "m.yaml:3:26: an output; allowed here: coil, holding-register" },
	{ "bit of a coil", BUS "  signals: {red: {table: coil, address: 0, bit: 1}}\n",
	  "m.yaml:3:49: only registers have bits" },
	{ "bit 16", BUS "  signals: {red: {table: holding-register, address: 0, bit: 16}}\n",
	  "m.yaml:3:61: 16 is out of range; allowed here: 0 to 15" },
	{ "beyond the end", BUS SIGNALS "    lamp_pass: [{table: coil, address: 65533}]\n",
	  "m.yaml:6:40: beyond the last address" },
	{ "two tables of inputs", BUS SIGNALS "    start: {table: input-register, address: 1}\n",
	  "m.yaml:6:12: the inputs of bus io must lie in one table" },
	{ "too far apart", BUS SIGNALS "    start: {table: discrete-input, address: 3000}\n",
	  "m.yaml:6:12: the inputs of bus io lie too far apart" },
	{ "same place", BUS SIGNALS "    start: {table: discrete-input, address: 1}\n",
	  "m.yaml:6:12: lid_closed lies in this place already" },
	{ "nests overlap",
	  BUS SIGNALS
	  "    lamp_pass: [{table: coil, address: 0}]\n    red: {table: coil, address: 3}\n",
	  "m.yaml:6:16: red lies in this place already" },
	{ "unsafe power", BUS "  signals: {power: [{table: coil, address: 0}]}\n",
	  "m.yaml:3:12: power is switched only with estop_ok, which is missing here" },
	{ "blind clamp", BUS SIGNALS "    clamp: {table: coil, address: 0}\n",
	  "m.yaml:4:5: clamp is switched only with clamped, which is missing here" },
	{ "from nowhere", BUS SIGNALS "    lamp_pass: [{table: coil, address: 0, from: C9}]\n",
	  "m.yaml:6:49: there is no nest C9" },
	{ "from backwards",
	  BUS SIGNALS "    lamp_pass: [{table: coil, address: 0, from: B1}, {table: coil, address: "
		      "9, from: A1}]\n",
	  "m.yaml:6:86: there is no nest A1 behind the one before" },
	{ "second without from",
	  BUS SIGNALS "    lamp_pass: [{table: coil, address: 0}, {table: coil, address: 9}]\n",
	  "m.yaml:6:44: \"from\" is missing here" },
	{ "read-back of an input",
	  BUS
	  "  signals: {start: {table: coil, address: 0, read_back: {table: coil, address: 1}}}\n",
	  "m.yaml:3:46: unknown key \"read_back\"" },
	{ "counter among the outputs",
	  "jig:\n  buses: [{name: io, tcp: \"1.1.1.1:1\", keepalive: {kind: counter, address: "
	  "5}}]\n"
	  "  signals: {red: {table: holding-register, address: 5}}\n",
	  "m.yaml:3:18: the keep-alive counts in this register" },
	{ "timing", BUS SIGNALS "  timing: {clamp_ms: 1}\n",
	  "m.yaml:6:22: 1 is out of range; allowed here: 100 to 60000" },
};

static void test_rows(void **state)
{
	static struct map map;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = { 0 };
		bool done = load(rows[i].text, &map, &e);

		if (rows[i].sentence ? done || !strstr(e.text, rows[i].sentence) : !done)
			fail_msg("%s: %s", rows[i].name, done ? "was taken" : e.text);
	}
}

static const struct map_point *point_of(const struct map *map, const char *wanted)
{
	for (size_t i = 0; i < map->point_count; i++) {
		char name[MAP_NAME_MAX + 1];

		map_point_name(map, &map->points[i], name);
		if (strcmp(name, wanted) == 0)
			return &map->points[i];
	}
	fail_msg("there is no %s", wanted);
	return NULL;
}

static void check_place(const struct map *map, const char *name, const char *wanted)
{
	char place[MAP_PLACE_MAX + 1];

	map_point_place(map, point_of(map, name), place);
	assert_string_equal(place, wanted);
}

static void test_registers(void **state)
{
	static struct map map;
	struct err e = { 0 };

	(void)state;
	if (!load("jig:\n  buses:\n  - {name: plc, tcp: \"10.0.0.1:502\", unit: 3, heartbeat: 9,\n"
		  "     keepalive: {kind: counter, address: 1, echo: 2}}\n"
		  "  signals:\n"
		  "    estop_ok: {table: input-register, address: 4, bit: 3}\n"
		  "    lid_closed: {table: input-register, address: 4, inverted: yes, debounce_ms: "
		  "30}\n"
		  "    present: [{table: input-register, address: 5, bit: 14}]\n"
		  "    power:\n"
		  "      - {table: holding-register, address: 7, bit: 1, from: A2, read_back: "
		  "{table: coil, address: 70}}\n"
		  "      - {table: holding-register, address: 0, from: B2, read_back: {table: "
		  "coil, address: 5}}\n",
		  &map, &e))
		fail_msg("%s", e.text);
	check_place(&map, "estop_ok", "plc input-register 4 bit 3");
	check_place(&map, "lid_closed", "plc input-register 4 bit 0 inverted");
	check_place(&map, "present A2", "plc input-register 5 bit 15");
	check_place(&map, "present B1", "plc input-register 6 bit 0");
	check_place(&map, "power A2", "plc holding-register 7 bit 1");
	check_place(&map, "power B1", "plc holding-register 7 bit 2");
	check_place(&map, "power B2", "plc holding-register 0 bit 0");
	assert_int_equal(point_of(&map, "power B1")->back_at, 71);
	assert_int_equal(map.has[MAP_POWER], 0xe); /* not A1 */
	assert_int_equal(map.has[MAP_CLAMP], 0);
	/* The blocks: inputs with echo and heartbeat; outputs; what they are read back from. */
	assert_int_equal(map.buses[0].inputs.first, 2);
	assert_int_equal(map.buses[0].inputs.count, 8);
	assert_int_equal(map.buses[0].outputs.first, 0);
	assert_int_equal(map.buses[0].outputs.count, 8);
	assert_int_equal(map.buses[0].read_back.table, MAP_COIL);
	assert_int_equal(map.buses[0].read_back.first, 5);
	assert_int_equal(map.buses[0].read_back.count, 67);
	assert_int_equal(map.timing.clamp_ms, 3000);
}

static void test_examples(void **state)
{
	static struct map map;
	glob_t found;

	(void)state;
	assert_int_equal(glob("docs/examples/jigs/*.yaml", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 5);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct err e;

		if (!map_load(found.gl_pathv[i], nests, 4, &map, &e))
			fail_msg("%s", e.text);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
