/* settings: signer.yaml, its defaults, and what is refused with its place. */
#include "hsm/settings.h"

#include "base/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOP "station: SZ1\nserial_prefix: '5a31'\n"
#define TOKEN "token: {module: /m.so, label: t}\n"
#define ACCESS "access: {station: [1001], supervisor: ['@1002']}\n"

static char folder[] = "/tmp/imprint-test-settings-XXXXXX", path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/signer.yaml", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static bool load(const char *text, struct settings *ret_settings, struct err *e)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return settings_load(path, ret_settings, e);
}

static const struct {
	const char *name, *text, *sentence; /* after the folder; NULL: it is taken */
} cases[] = {
	{ "least", TOP TOKEN ACCESS, NULL },
	{ "unknown key", TOP TOKEN ACCESS "nests: []\n",
	  "signer.yaml:5:1: unknown key \"nests\"; allowed here: station, serial_prefix, token, "
	  "access, ledger" },
	{ "token key", TOP "token: {module: /m.so, label: t, pin: '1234'}\n" ACCESS,
	  "signer.yaml:3:34: unknown key \"pin\"; allowed here: module, label, pin_file, "
	  "softhsm_conf, init_args, sessions" },
	{ "no token", TOP ACCESS, "signer.yaml:1:1: the key \"token\" is missing here" },
	{ "station name", "station: S Z\nserial_prefix: '5a31'\n" TOKEN ACCESS,
	  "signer.yaml:1:10: \"S Z\" is no station name" },
	{ "label too long",
	  TOP "token: {module: /m.so, label: 123456789012345678901234567890123}\n" ACCESS,
	  "signer.yaml:3:31: 33 characters; allowed here: text of 1 to 32" },

	{ "prefix of one octet", "station: S\nserial_prefix: '01'\n" TOKEN ACCESS, NULL },
	{ "prefix of six", "station: S\nserial_prefix: 7fFFffffffff\n" TOKEN ACCESS, NULL },
	{ "prefix of seven", "station: S\nserial_prefix: '01010101010101'\n" TOKEN ACCESS,
	  "signer.yaml:2:16: 14 characters" },
	{ "negative serials", "station: S\nserial_prefix: '80'\n" TOKEN ACCESS,
	  "signer.yaml:2:16: \"80\" is no serial prefix" },
	{ "vanishing zero", "station: S\nserial_prefix: '0001'\n" TOKEN ACCESS,
	  "signer.yaml:2:16: \"0001\" is no serial prefix" },
	{ "half an octet", "station: S\nserial_prefix: '5a3'\n" TOKEN ACCESS,
	  "signer.yaml:2:16: \"5a3\"" },
	{ "no hex", "station: S\nserial_prefix: '5axx'\n" TOKEN ACCESS,
	  "signer.yaml:2:16: \"5axx\"" },

	{ "sessions", TOP "token: {module: /m.so, label: t, sessions: 16}\n" ACCESS, NULL },
	{ "too many sessions", TOP "token: {module: /m.so, label: t, sessions: 17}\n" ACCESS,
	  "signer.yaml:3:44: 17 is out of range; allowed here: 1 to 16" },
	{ "no sessions", TOP "token: {module: /m.so, label: t, sessions: 0}\n" ACCESS,
	  "signer.yaml:3:44: 0 is out of range" },
	{ "linger", TOP TOKEN ACCESS "ledger: {linger_ms: 101}\n",
	  "signer.yaml:5:21: 101 is out of range; allowed here: 0 to 100" },
	{ "CRL", TOP TOKEN ACCESS "ledger: {crl_days: 0}\n",
	  "signer.yaml:5:20: 0 is out of range; allowed here: 1 to 3650" },

	{ "no user", TOP TOKEN "access: {station: [nobody-has-this], supervisor: ['@1002']}\n",
	  "signer.yaml:4:20: this machine has no user \"nobody-has-this\"" },
	{ "no group",
	  TOP TOKEN "access: {station: [1001], supervisor: [1002, '@nobody-has-this']}\n",
	  "signer.yaml:4:46: this machine has no group \"nobody-has-this\"" },
	{ "only an at sign", TOP TOKEN "access: {station: ['@'], supervisor: [1002]}\n",
	  "signer.yaml:4:20: \"@\" names nobody" },
	{ "a user id too large", TOP TOKEN "access: {station: [4294967295], supervisor: [1002]}\n",
	  "signer.yaml:4:20: " },
	{ "nobody", TOP TOKEN "access: {station: [], supervisor: [1002]}\n",
	  "signer.yaml:4:19: 0 entries" },
	{ "seventeen",
	  TOP TOKEN "access: {station: [1,2,3,4,5,6,7,8], supervisor: [11,12,13,14,15,16,17,18], "
		    "reader: [21]}\n",
	  "signer.yaml:4:86: too many users and groups; allowed here: 16 in all" },
	{ "station is supervisor", TOP TOKEN "access: {station: [7], supervisor: [8, 7]}\n",
	  "signer.yaml:4:40: one user is station and supervisor; allowed only with \"training: "
	  "yes\"" },
	{ "group of both", TOP TOKEN "access: {station: ['@7'], supervisor: ['@7']}\n",
	  "signer.yaml:4:40: one group is" },
	{ "user and group of one number", TOP TOKEN "access: {station: [7], supervisor: ['@7']}\n",
	  NULL },
	{ "training", TOP TOKEN "access: {station: [7], supervisor: [7], training: yes}\n", NULL },
	{ "station may read", TOP TOKEN "access: {station: [7], supervisor: [8], reader: [7, 8]}\n",
	  NULL },
};

static void test_cases(void **state)
{
	struct settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = { 0 };
		bool done = load(cases[i].text, &settings, &e);
		const char *said = done ? "was taken" : e.text + strlen(folder) + 1;

		if (cases[i].sentence ? done || strncmp(said, cases[i].sentence,
							strlen(cases[i].sentence)) != 0
				      : !done)
			fail_msg("%s: %s", cases[i].name, said);
	}
}

static void test_defaults(void **state)
{
	struct settings s;
	struct err e;

	(void)state;
	unsetenv("SOFTHSM2_CONF");
	assert_true(load(TOP TOKEN ACCESS, &s, &e));
	assert_string_equal(s.station, "SZ1");
	assert_int_equal(s.serial_prefix_len, 2);
	assert_memory_equal(s.serial_prefix, "\x5a\x31", 2);
	assert_string_equal(s.token.module, "/m.so");
	assert_string_equal(s.token.pin_file, "");
	assert_string_equal(s.token.init_args, "");
	assert_int_equal(s.token.sessions, 1);
	assert_int_equal(s.linger_ms, 2);
	assert_int_equal(s.crl_days, 30);
	assert_false(s.training);
	assert_int_equal(s.peer_count, 2);
	assert_false(s.peers[0].is_group);
	assert_int_equal(s.peers[0].id, 1001);
	assert_int_equal(s.peers[0].role, ROLE_STATION);
	assert_true(s.peers[1].is_group);
	assert_int_equal(s.peers[1].role, ROLE_SUPERVISOR);
	assert_null(getenv("SOFTHSM2_CONF"));
}

static void test_paths(void **state)
{
	char expected[PATH_MAX];
	struct settings s;
	struct err e;

	(void)state;
	assert_true(load(TOP
			 "token: {module: m.so, label: t, pin_file: pin, softhsm_conf: a/b.conf}\n"
			 "access: {station: [root], supervisor: ['@root']}\n",
			 &s, &e));
	snprintf(expected, sizeof(expected), "%s/m.so", folder);
	assert_string_equal(s.token.module, expected);
	snprintf(expected, sizeof(expected), "%s/pin", folder);
	assert_string_equal(s.token.pin_file, expected);
	snprintf(expected, sizeof(expected), "%s/a/b.conf", folder);
	assert_string_equal(s.softhsm_conf, expected);
	assert_string_equal(getenv("SOFTHSM2_CONF"), expected);
	assert_int_equal(s.peers[0].id, 0);
}

static void test_access(void **state)
{
	const struct socket_peer peer = { .uid = 7, .groups = { 8, 9 }, .group_count = 2 };
	const struct socket_peer root = { .uid = 0, .groups = { 0 }, .group_count = 1 };
	static const struct {
		struct access_name name;
		bool is_peer;
	} rows[] = {
		{ { false, 7 }, true }, { { false, 8 }, false }, { { true, 8 }, true },
		{ { true, 9 }, true },	{ { true, 7 }, false },	 { { false, 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(access_is(&rows[i].name, &peer), rows[i].is_peer);
		assert_int_equal(access_is(&rows[i].name, &root),
				 !rows[i].name.is_group && rows[i].name.id == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_access),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
