/* station settings and the station's part of a product: defaults, and what is refused with its
 * place. */
#include "base/clock.h"
#include "station/product.h"
#include "station/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TOP "station: SZ1\naccess: {operator: [1001]}\n"
#define JIG                                                                                        \
	"jig:\n  buses:\n  - name: io\n    tcp: 127.0.0.1:502\n    keepalive: { kind: none }\n"    \
	"  signals:\n    estop_ok: { table: coil, address: 0 }\n"
#define NESTS "nests: [{name: A1, port: /dev/ttyS0}]\n"
#define SIGNERS "certificate: {anything: [at, all]}\n"
#define FILES "  files: [{name: c, target: t}]\n"

static char folder[] = "/tmp/imprint-test-station-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/p.yaml", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

struct row {
	const char *name, *text, *sentence; /* after the folder; NULL: it is taken */
};

static void check(const struct row *row, bool done, const struct err *e)
{
	const char *said = done ? "was taken" : e->text + strlen(folder) + 1;

	if (row->sentence ? done || strncmp(said, row->sentence, strlen(row->sentence)) != 0
			  : !done)
		fail_msg("%s: %s", row->name, said);
}

static const struct row settings_rows[] = {
	{ "least", TOP NESTS, NULL },
	{ "unknown key", TOP NESTS "PIN: 1\n",
	  "p.yaml:4:1: unknown key \"PIN\"; allowed here: station, start, baud, line_gap_ms, "
	  "timeouts, access, takt_s, shifts, retest, stop_after, golden, login, nests, jig" },
	{ "nest key", TOP "nests: [{name: A1, port: /dev/a, speed: 1}]\n",
	  "p.yaml:3:34: unknown key \"speed\"; allowed here: name, port, driver, baud, "
	  "line_gap_ms, "
	  "row, column" },
	{ "station name", "station: 'a b'\naccess: {operator: [1]}\n" NESTS,
	  "p.yaml:1:10: \"a b\" is no station name" },
	{ "start", TOP NESTS "start: now\n",
	  "p.yaml:4:8: \"now\" is unknown; allowed here: command, arrival, jig" },
	{ "start by no jig", TOP NESTS "start: jig\n",
	  "p.yaml:4:8: there is no jig: in this file; allowed here: command, arrival" },
	{ "a jig", TOP NESTS JIG, NULL },
	{ "a jig, said", TOP NESTS JIG "start: jig\n", NULL },
	{ "a jig beside", TOP NESTS JIG "start: arrival\n",
	  "p.yaml:11:8: a station with a jig starts by it; allowed here: jig" },
	{ "baud", TOP NESTS "baud: 115201\n",
	  "p.yaml:4:7: 115201 is no baud rate; allowed here: 9600, 19200," },
	{ "baud of a nest", TOP "nests: [{name: A1, port: /dev/a, baud: 1}]\n",
	  "p.yaml:3:40: 1 is no baud rate" },
	{ "gap", TOP NESTS "line_gap_ms: 1001\n",
	  "p.yaml:4:14: 1001 is out of range; allowed here: 0 to 1000" },
	{ "timeout", TOP NESTS "timeouts: {csr_ms: 99}\n",
	  "p.yaml:4:20: 99 is out of range; allowed here: 100 to 600000" },
	{ "unknown timeout", TOP NESTS "timeouts: {boot_ms: 99}\n",
	  "p.yaml:4:12: unknown key \"boot_ms\"; allowed here: identify_ms, csr_ms, "
	  "certificate_ms, install_ms, prove_ms" },
	{ "no nests", TOP "nests: []\n",
	  "p.yaml:3:8: 0 entries in this list; allowed here: 1 to 64" },
	{ "nest name", TOP "nests: [{name: A_1, port: /dev/a}]\n",
	  "p.yaml:3:16: \"A_1\" is no name of a nest" },
	{ "long nest name", TOP "nests: [{name: ABCDEFGHIJKLMNOPQ, port: /dev/a}]\n",
	  "p.yaml:3:16: 17 characters" },
	{ "nest twice", TOP "nests: [{name: A1, port: /dev/a}, {name: A1, port: /dev/b}]\n",
	  "p.yaml:3:42: there is a nest A1 already" },
	{ "port twice", TOP "nests: [{name: A1, port: /dev/a}, {name: A2, port: /dev/a}]\n",
	  "p.yaml:3:52: nest A1 has this port already" },
	{ "no port", TOP "nests: [{name: A1, port: ttyS0}]\n",
	  "p.yaml:3:26: \"ttyS0\" is no port; allowed here: /dev/" },
	{ "driver", TOP "nests: [{name: A1, port: /dev/a, driver: smoke}]\n",
	  "p.yaml:3:42: \"smoke\" is no driver; allowed here: prov, fs, nrf91, zshell" },
	{ "pty and unix", TOP "nests: [{name: A1, port: 'pty:/a'}, {name: A2, port: 'unix:/b'}]\n",
	  NULL },
	{ "place taken",
	  TOP "nests: [{name: A2, port: /a}, {name: B1, port: /b, row: 1, column: 2}]\n",
	  "p.yaml:3:31: nest B1 stands at row 1, column 2, where A2 is" },
	{ "place out of range", TOP "nests: [{name: A2, port: /a, row: 65}]\n",
	  "p.yaml:3:35: 65 is out of range; allowed here: 1 to 64" },
	{ "takt", TOP NESTS "takt_s: 0\n",
	  "p.yaml:4:9: 0 is out of range; allowed here: 1 to 3600" },
	{ "shifts", TOP NESTS "shifts: ['06:00', '14:00', '22:00']\n", NULL },
	{ "no time of day", TOP NESTS "shifts: ['06:00', '24:00']\n",
	  "p.yaml:4:19: \"24:00\" is no time of day; allowed here: 00:00 to 23:59" },
	{ "a time of day with more", TOP NESTS "shifts: ['06:000']\n", "p.yaml:4:10: \"06:000\"" },
	{ "a time of day with a sign", TOP NESTS "shifts: ['+6:00']\n", "p.yaml:4:10: \"+6:00\"" },
	{ "shifts out of order", TOP NESTS "shifts: ['14:00', '06:00']\n",
	  "p.yaml:4:19: the shifts stand in the order of the day" },
	{ "tries", TOP NESTS "retest: {tries: 0}\n",
	  "p.yaml:4:17: 0 is out of range; allowed here: 1 to 100" },
	{ "stop_after", TOP NESTS "stop_after: 17\n",
	  "p.yaml:4:13: 17 is out of range; allowed here: 0 to 16" },
	{ "golden units", TOP NESTS "golden: {every_hours: 12}\n",
	  "p.yaml:4:9: the key \"units\" is missing here" },
	{ "golden hours", TOP NESTS "golden: {units: [G-1], every_hours: 721}\n",
	  "p.yaml:4:37: 721 is out of range; allowed here: 1 to 720" },
	{ "login", TOP NESTS "login: {needed: yes, idle_min: 1441}\n",
	  "p.yaml:4:32: 1441 is out of range; allowed here: 1 to 1440" },
	{ "no operator", "station: S\naccess: {}\n" NESTS,
	  "p.yaml:2:9: the key \"operator\" is missing here" },
	{ "unknown operator", "station: S\naccess: {operator: ['@nobody-has-this']}\n" NESTS,
	  "p.yaml:2:21: this machine has no group \"nobody-has-this\"" },
};

static void test_settings(void **state)
{
	static struct station_settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(settings_rows) / sizeof(*settings_rows); i++) {
		struct err e = { 0 };

		write_file(settings_rows[i].text);
		check(&settings_rows[i], station_settings_load(path, &s, &e), &e);
	}
}

static void test_network(void **state)
{
	static const struct {
		const char *text;
		bool needs_ip;
	} rows[] = {
		{ TOP NESTS, false },
		{ TOP NESTS JIG, true },
		{ TOP NESTS "jig:\n  buses:\n  - name: io\n    rtu: { port: /dev/ttyUSB9 }\n"
			    "    keepalive: { kind: counter, address: 10 }\n"
			    "  signals:\n    estop_ok: { table: coil, address: 0 }\n",
		  false },
	};
	static struct station_settings s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_file(rows[i].text);
		if (!station_settings_load(path, &s, &e))
			fail_msg("%s", e.text);
		assert_int_equal(station_settings_need_ip(&s), rows[i].needs_ip);
	}
}

static void test_nest_count(void **state)
{
	static struct station_settings s;
	char text[8192];
	struct err e;

	(void)state;
	for (int count = 64; count <= 65; count++) {
		int len = snprintf(text, sizeof(text), "%snests:\n", TOP);

		for (int i = 1; i <= count; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"  - { name: A%d, port: \"pty:/x/A%d\" }\n", i, i);
		write_file(text);
		assert_int_equal(station_settings_load(path, &s, &e), count == 64);
	}
	assert_non_null(strstr(e.text, "65 entries in this list; allowed here: 1 to 64"));
	assert_int_equal(s.nest_count, 64);
	assert_int_equal(s.nests[63].column, 64);
}

static void test_work(void **state)
{
	static struct station_settings s;
	struct err e;

	(void)state;
	write_file(TOP NESTS);
	assert_true(station_settings_load(path, &s, &e));
	assert_int_equal(s.work.retest_tries, 0);
	assert_int_equal(s.work.stop_after, 3);
	assert_int_equal(s.work.shift_count, 1);
	assert_false(s.work.login_needed);
	assert_false(station_is_golden(&s, ""));
	write_file(TOP NESTS
		   "golden: {units: [G-1, G-2], every_hours: 12}\ntakt_s: 24\n"
		   "retest: {tries: 2, reseat: yes}\nstop_after: 0\nlogin: {needed: yes}\n");
	assert_true(station_settings_load(path, &s, &e));
	assert_int_equal(s.work.retest_tries, 2);
	assert_true(s.work.reseat);
	assert_int_equal(s.work.stop_after, 0);
	assert_int_equal(s.work.takt_s, 24);
	assert_int_equal(s.work.golden_every_hours, 12);
	assert_true(s.work.login_needed);
	assert_int_equal(s.work.login_idle_min, 30);
	assert_true(station_is_golden(&s, "G-2"));
	assert_false(station_is_golden(&s, "G-3"));
}

/* Of Berlin: 25 October 2026 has 25 hours, 28 March 2027 has 23. */
static void test_shifts(void **state)
{
	static const struct {
		const char *now, *began;
	} rows[] = {
		{ "2026-11-22T05:00:00Z", "2026-11-22T05:00:00Z" }, /* 06:00 sharp */
		{ "2026-11-22T04:59:59Z", "2026-11-21T21:00:00Z" },
		{ "2026-11-22T12:59:00Z", "2026-11-22T05:00:00Z" },
		{ "2026-11-22T23:30:00Z", "2026-11-22T21:00:00Z" },
		{ "2026-10-25T00:30:00Z", "2026-10-24T20:00:00Z" }, /* summer time, 22:00 */
		{ "2026-10-25T04:30:00Z", "2026-10-24T20:00:00Z" }, /* a night of nine hours */
		{ "2026-10-25T05:00:00Z", "2026-10-25T05:00:00Z" },
		{ "2027-03-28T04:00:00Z", "2027-03-28T04:00:00Z" }, /* one of seven */
		{ "2027-03-28T03:59:59Z", "2027-03-27T21:00:00Z" },
	};
	static struct station_settings s;
	struct err e;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	write_file(TOP NESTS "shifts: ['06:00', '14:00', '22:00']\n");
	assert_true(station_settings_load(path, &s, &e));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t now, began;

		assert_true(clock_parse(rows[i].now, &now));
		assert_true(clock_parse(rows[i].began, &began));
		if (station_shift_began(&s, now) != began)
			fail_msg("%s: %lld", rows[i].now,
				 (long long)(station_shift_began(&s, now) - began));
	}
}

static void test_defaults(void **state)
{
	static struct station_settings s;
	struct err e;

	(void)state;
	write_file(TOP NESTS);
	assert_true(station_settings_load(path, &s, &e));
	assert_string_equal(s.station, "SZ1");
	assert_int_equal(s.start, START_COMMAND);
	assert_int_equal(s.timeouts.identify_ms, 3000);
	assert_int_equal(s.timeouts.prove_ms, 5000);
	assert_int_equal(s.nests[0].baud, 115200);
	assert_int_equal(s.nests[0].line_gap_ms, 0);
	write_file(
		"station: S\nstart: arrival\nbaud: 921600\nline_gap_ms: 5\ntimeouts: {csr_ms: "
		"100}\n"
		"access: {operator: [7, '@8'], technician: [9], reader: ['@10']}\n"
		"nests: [{name: A1, port: /a}, {name: b12, port: /b, baud: 9600, line_gap_ms: 0},\n"
		"        {name: left, port: /c}, {name: C3, port: /d, row: 9, column: 4}]\n");
	assert_true(station_settings_load(path, &s, &e));
	assert_int_equal(s.start, START_ARRIVAL);
	assert_int_equal(s.timeouts.csr_ms, 100);
	assert_int_equal(s.nests[0].baud, 921600);
	assert_int_equal(s.nests[0].line_gap_ms, 5);
	assert_int_equal(s.nests[1].baud, 9600);
	assert_int_equal(s.nests[1].line_gap_ms, 0);
	assert_int_equal(s.nests[1].row, 2);
	assert_int_equal(s.nests[1].column, 12);
	assert_int_equal(s.nests[2].row, 1);
	assert_int_equal(s.nests[2].column, 3);
	assert_int_equal(s.nests[3].row, 9);
	assert_int_equal(s.nests[3].column, 4);
	assert_ptr_equal(station_settings_nest(&s, "left"), &s.nests[2]);
	assert_null(station_settings_nest(&s, "Left"));
}

static void test_roles(void **state)
{
	static struct station_settings s;
	static const struct {
		struct socket_peer peer;
		unsigned roles;
	} rows[] = {
		{ { .uid = 7 }, STATION_OPERATOR },
		{ { .uid = 9, .groups = { 1, 8 }, .group_count = 2 },
		  STATION_OPERATOR | STATION_TECHNICIAN },
		{ { .uid = 1, .groups = { 10 }, .group_count = 1 }, STATION_READER },
		{ { .uid = 0, .groups = { 0 }, .group_count = 1 }, 0 },
		{ { .uid = 8, .groups = { 7 }, .group_count = 1 }, 0 },
	};
	struct err e;

	(void)state;
	write_file("station: S\naccess: {operator: [7, '@8'], technician: [9], reader: "
		   "['@10']}\n" NESTS);
	assert_true(station_settings_load(path, &s, &e));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(station_settings_role(&s, &rows[i].peer), rows[i].roles);
}

static const struct row product_rows[] = {
	{ "least", SIGNERS "board:\n  driver: prov\n" FILES, NULL },
	{ "no certificate part", "board:\n  driver: prov\n" FILES,
	  "p.yaml:1:1: the key \"certificate\" is missing here" },
	{ "no board part", SIGNERS, "p.yaml:1:1: the key \"board\" is missing here" },
	{ "another part", SIGNERS "board:\n  driver: prov\n" FILES "jig: 1\n",
	  "p.yaml:5:1: unknown key \"jig\"; allowed here: certificate, board" },
	{ "unknown key", SIGNERS "board:\n  driver: prov\n  speed: 1\n" FILES,
	  "p.yaml:4:3: unknown key \"speed\"; allowed here: driver, unit, label, read_back, prove, "
	  "files, without, fs, nrf91, zshell, others" },
	{ "a part for fs", SIGNERS "board:\n  driver: fs\n  fs: {csr: /a, unit: /b}\n" FILES,
	  NULL },
	{ "fs without its block", SIGNERS "board:\n  driver: fs\n" FILES,
	  "p.yaml:3:3: boards of driver fs need the key \"fs\" here" },
	{ "another driver's block", SIGNERS "board:\n  driver: prov\n  fs: {csr: /a}\n" FILES,
	  "p.yaml:4:7: fs is not for boards of driver prov" },
	{ "fs and no unit id", SIGNERS "board:\n  driver: fs\n  fs: {csr: /a}\n" FILES,
	  "p.yaml:3:3: the unit id comes from the board, but fs.unit does not say" },
	{ "fs with labels", SIGNERS "board:\n  driver: fs\n  unit: label\n  fs: {csr: /a}\n" FILES,
	  NULL },
	{ "unknown key of fs", SIGNERS "board:\n  driver: fs\n  fs: {csr: /a, tag: 1}\n" FILES,
	  "p.yaml:4:17: unknown key \"tag\"; allowed here: csr, unit, reset" },
	{ "others",
	  SIGNERS "board:\n  driver: prov\n" FILES
		  "  others:\n  - driver: fs\n    fs: {csr: /a, unit: /b}\n"
		  "    files: [{name: c, target: /t}]\n",
	  NULL },
	{ "a driver twice",
	  SIGNERS "board:\n  driver: prov\n" FILES
		  "  others:\n  - driver: prov\n    files: [{name: c, target: t}]\n",
	  "p.yaml:6:13: there is a part for the driver prov already" },
	{ "a part for nrf91",
	  SIGNERS "board:\n  driver: nrf91\n  nrf91: {sec_tag: 42, line_end: crlf, unit: uuid}\n"
		  "  files: [{name: c, target: certificate}]\n",
	  NULL },
	{ "nrf91 line end",
	  SIGNERS "board:\n  driver: nrf91\n  nrf91: {sec_tag: 42, line_end: tab}\n" FILES,
	  "p.yaml:4:34: \"tab\" is unknown; allowed here: cr, lf, crlf, nul" },
	{ "nrf91 target", SIGNERS "board:\n  driver: nrf91\n  nrf91: {sec_tag: 42}\n" FILES,
	  "p.yaml:5:29: \"t\" is no place on a board of driver nrf91; allowed here: ca, "
	  "certificate" },
	{ "a part for zshell",
	  SIGNERS "board:\n  driver: zshell\n  zshell: {sec_tag: 42, prompt: 'x> '}\n"
		  "  files: [{name: c, target: ca}]\n",
	  NULL },
	{ "zshell and no unit id",
	  SIGNERS "board:\n  driver: zshell\n  zshell: {sec_tag: 42, unit: none}\n"
		  "  files: [{name: c, target: ca}]\n",
	  "p.yaml:3:3: the unit id comes from the board, but zshell.unit does not say" },
	{ "left out",
	  SIGNERS "board:\n  driver: fs\n  fs: {csr: /a, unit: /b}\n  without: [d]\n" FILES, NULL },
	{ "left out and not",
	  SIGNERS "board:\n  driver: fs\n  fs: {csr: /a, unit: /b}\n  without: [c]\n" FILES,
	  "p.yaml:5:13: it has a target under files" },
	{ "left out of a proof", SIGNERS "board:\n  driver: prov\n  without: [d]\n" FILES,
	  "p.yaml:4:13: this driver proves every file" },
	{ "driver", SIGNERS "board:\n  driver: smoke\n" FILES,
	  "p.yaml:3:11: \"smoke\" is no driver; allowed here: " },
	{ "unit", SIGNERS "board:\n  driver: prov\n  unit: file\n" FILES,
	  "p.yaml:4:9: \"file\" is unknown; allowed here: board, label, list" },
	{ "file twice",
	  SIGNERS "board:\n  driver: prov\n  files: [{name: c, target: t}, {name: c, target: u}]\n",
	  "p.yaml:4:40: the name \"c\" is used already" },
	{ "target twice",
	  SIGNERS "board:\n  driver: prov\n  files: [{name: c, target: t}, {name: d, target: t}]\n",
	  "p.yaml:4:51: the target \"t\" is used already" },
	{ "no files", SIGNERS "board:\n  driver: prov\n  files: []\n",
	  "p.yaml:4:10: 0 entries in this list; allowed here: 1 to 8" },
	{ "long name",
	  SIGNERS "board:\n  driver: prov\n  files: [{name: a23456789012345678901234567890123, "
		  "target: t}]\n",
	  "p.yaml:4:18: 33 characters; allowed here: text of 1 to 32" },
};

static void test_product(void **state)
{
	struct station_product p;

	(void)state;
	for (size_t i = 0; i < sizeof(product_rows) / sizeof(*product_rows); i++) {
		struct err e = { 0 };

		write_file(product_rows[i].text);
		check(&product_rows[i], station_product_load(path, "", &p, &e), &e);
	}
}

static void test_product_values(void **state)
{
	struct station_product p;
	struct err e;

	(void)state;
	write_file(SIGNERS "board:\n  driver: prov\n" FILES);
	assert_true(station_product_load(path, "", &p, &e));
	assert_string_equal(p.name, "p");
	assert_string_equal(p.driver, "prov");
	assert_int_equal(p.unit_source, SOURCE_BOARD);
	assert_false(p.read_back || p.prove_required);
	assert_true(p.prove);
	write_file(SIGNERS "board:\n  driver: prov\n  unit: label\n  read_back: yes\n  prove: yes\n"
			   "  files: [{name: c, target: t}, {name: d, target: u}]\n");
	assert_true(station_product_load(path, "", &p, &e));
	assert_int_equal(p.unit_source, SOURCE_LABEL);
	assert_true(p.read_back && p.prove && p.prove_required);
	assert_int_equal(p.file_count, 2);
	assert_string_equal(station_product_file(&p, "d")->target, "u");
	assert_null(station_product_file(&p, "x"));
	write_file(SIGNERS "board:\n  driver: prov\n  prove: no\n" FILES);
	assert_true(station_product_load(path, "", &p, &e));
	assert_false(p.prove || p.prove_required);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),       cmocka_unit_test(test_network),
		cmocka_unit_test(test_work),	       cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_nest_count),     cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_roles),	       cmocka_unit_test(test_product),
		cmocka_unit_test(test_product_values),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
