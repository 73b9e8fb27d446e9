/* Which credentials, region and endpoint are found, of files in a throw-away folder; the command of
 * credential_process and its ends; how fast and how often AWS is asked. */
#include "base/clock.h"
#include "base/wait.h"
#include "cloud/aws/account.h"
#include "cloud/aws/credentials.h"
#include "cloud/aws/iso.h"
#include "cloud/aws/process.h"
#include "cloud/aws/iot.h"
#include "cloud/aws/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define VARIABLES_MAX 5
#define PATIENCE_MS 60000
#define SOON_MS 300 /* the end of a command that would not end */

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",	    "AWS_SESSION_TOKEN",
	"AWS_REGION",	     "AWS_DEFAULT_REGION",	    "AWS_PROFILE",
	"AWS_CONFIG_FILE",   "AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_ENDPOINT_URL",  "AWS_ENDPOINT_URL_IOT",	    "AWS_ENDPOINT_URL_S3",
};

#define KEYS(name) "aws_access_key_id = AK" name "\naws_secret_access_key = SECRET/+" name "\n"
#define PROCESS(json) "[default]\nregion=r-1\ncredential_process = echo '" json "'\n"
#define ANSWER "\"Version\":1,\"AccessKeyId\":\"AKP\",\"SecretAccessKey\":\"SECRETP\""

static const struct row {
	const char *name;
	const char *credentials, *config; /* the files; NULL: not there */
	const char *environment[VARIABLES_MAX];
	struct account_options options;
	int code; /* 0: found, and */
	const char
		*says; /* "ACCESS-KEY SECRET TOKEN REGION IOT-ENDPOINT", or words of the sentence */
} rows[] = {
	{ "environment first",
	  "[default]\n" KEYS("F"),
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE",
	    "AWS_SECRET_ACCESS_KEY=s/+=", "AWS_SESSION_TOKEN=t+/=", "AWS_REGION=eu-central-1" },
	  { NULL },
	  0,
	  "AKE s/+= t+/= eu-central-1 https://iot.eu-central-1.amazonaws.com" },
	{ "a profile that was named goes before it",
	  "[b]\n" KEYS("B"),
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=r-1" },
	  { .profile = "b" },
	  0,
	  "AKB SECRET/+B  r-1 https://iot.r-1.amazonaws.com" },
	{ "AWS_PROFILE does not",
	  "[b]\n" KEYS("B"),
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=r-1", "AWS_PROFILE=b" },
	  { NULL },
	  0,
	  "AKE x  r-1 https://iot.r-1.amazonaws.com" },
	{ "default profile, region of config",
	  "# mine\n[other]\n" KEYS(
		  "O") "[default]\r\n"
		       "AWS_Access_Key_ID:AKD\r\naws_secret_access_key =  a=b:c#;x  \r\n",
	  "[default]\nregion = us-east-1\noutput = json\n",
	  { NULL },
	  { NULL },
	  0,
	  "AKD a=b:c#;x  us-east-1 https://iot.us-east-1.amazonaws.com" },
	{ "AWS_PROFILE and nested keys",
	  NULL,
	  "[profile sz1]\nregion = ap-south-1\n" KEYS(
		  "C") "s3 =\n  region = not-this\n"
		       "\taws_access_key_id = NOT\n[sz1]\nregion = nor-this\n",
	  { "AWS_PROFILE=sz1" },
	  { NULL },
	  0,
	  "AKC SECRET/+C  ap-south-1 https://iot.ap-south-1.amazonaws.com" },
	{ "a quoted name",
	  NULL,
	  "[profile \"my line\"]\nregion=r-1\n" KEYS("Q"),
	  { NULL },
	  { .profile = "my line" },
	  0,
	  "AKQ SECRET/+Q  r-1 https://iot.r-1.amazonaws.com" },
	{ "credentials before config",
	  "[default]\n" KEYS("S") "aws_session_token = T\n",
	  "[default]\nregion=r-1\n" KEYS("C"),
	  { NULL },
	  { NULL },
	  0,
	  "AKS SECRET/+S T r-1 https://iot.r-1.amazonaws.com" },
	{ "files elsewhere",
	  NULL,
	  NULL,
	  { "AWS_CONFIG_FILE=~/elsewhere", "AWS_SHARED_CREDENTIALS_FILE=/nowhere/at/all" },
	  { NULL },
	  0,
	  "AKX SECRET/+X  r-9 https://iot.r-9.amazonaws.com" },
	{ "AWS_REGION before AWS_DEFAULT_REGION",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_DEFAULT_REGION=r-2", "AWS_REGION=r-1" },
	  { NULL },
	  0,
	  "AKD SECRET/+D  r-1 https://iot.r-1.amazonaws.com" },
	{ "the region that was named",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1" },
	  { .region = "cn-north-1" },
	  0,
	  "AKD SECRET/+D  cn-north-1 https://iot.cn-north-1.amazonaws.com.cn" },
	{ "endpoint of IoT",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1", "AWS_ENDPOINT_URL=https://a.example",
	    "AWS_ENDPOINT_URL_IOT=http://localhost:1/" },
	  { NULL },
	  0,
	  "AKD SECRET/+D  r-1 http://localhost:1" },
	{ "endpoint of all",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1", "AWS_ENDPOINT_URL=http://[::1]:80" },
	  { NULL },
	  0,
	  "AKD SECRET/+D  r-1 http://[::1]:80" },
	{ "the endpoint that was named",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1", "AWS_ENDPOINT_URL_IOT=http://127.0.0.1:1" },
	  { .endpoint_url = "https://vpce-1.example:8443" },
	  0,
	  "AKD SECRET/+D  r-1 https://vpce-1.example:8443" },
	{ "the command's answer",
	  NULL,
	  PROCESS("{" ANSWER ",\"SessionToken\":\"T+/=\"}"),
	  { NULL },
	  { NULL },
	  0,
	  "AKP SECRETP T+/= r-1 https://iot.r-1.amazonaws.com" },
	{ "and its expiry",
	  NULL,
	  PROCESS("{" ANSWER
		  ",\"SessionToken\":null,\"Expiration\":\"2199-01-01T00:00:00+00:00\"}"),
	  { NULL },
	  { NULL },
	  0,
	  "AKP SECRETP  r-1 https://iot.r-1.amazonaws.com" },
	{ "command before config's keys",
	  NULL,
	  PROCESS("{" ANSWER "}") KEYS("C"),
	  { NULL },
	  { NULL },
	  0,
	  "AKP SECRETP  r-1 https://iot.r-1.amazonaws.com" },

	{ "nothing",
	  NULL,
	  NULL,
	  { "AWS_REGION=r-1" },
	  { NULL },
	  ERR_NOT_FOUND,
	  "no AWS credentials: AWS_ACCESS_KEY_ID is not set, and profile default is neither in" },
	{ "no such profile",
	  "[a]\n" KEYS("A"),
	  "[b]\n" KEYS("B"),
	  { NULL },
	  { .profile = "b" },
	  ERR_NOT_FOUND,
	  "profile b is neither in" },
	{ "no region",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { NULL },
	  { NULL },
	  ERR_NOT_FOUND,
	  "no AWS region" },
	{ "half an environment",
	  NULL,
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE", "AWS_REGION=r-1" },
	  { NULL },
	  ERR_INVALID,
	  "the environment: the secret access key is missing" },
	{ "half a profile",
	  "[default]\naws_secret_access_key = SECRET\n",
	  NULL,
	  { "AWS_REGION=r-1" },
	  { NULL },
	  ERR_INVALID,
	  "the access key id is missing" },
	{ "expired",
	  NULL,
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE", "AWS_SECRET_ACCESS_KEY=SECRET", "AWS_REGION=r-1",
	    "AWS_CREDENTIAL_EXPIRATION=2026-01-02T05:04:05.5+02:00" },
	  { NULL },
	  ERR_REFUSED,
	  "expired at 2026-01-02T03:04:05Z: get new ones" },
	{ "no line of a file",
	  "[default]\nSECRET\n",
	  NULL,
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "credentials: line 2 is neither [section], key = value nor a comment" },
	{ "a value without a section",
	  "\n\naws_secret_access_key = SECRET\n",
	  NULL,
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "line 3 is neither" },
	{ "a section without an end",
	  "[default\n",
	  NULL,
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "line 1" },
	{ "a region too long",
	  "[default]\n" KEYS("D"),
	  "[default]\nregion = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "config: line 2: region is longer than 64" },
	{ "no region's name",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=eu/../x" },
	  { NULL },
	  ERR_INVALID,
	  "\"eu/../x\" is no AWS region" },
	{ "a role",
	  "[default]\n" KEYS("D"),
	  "[default]\nrole_arn = arn:aws:iam::1:role/x\n",
	  { "AWS_REGION=r-1" },
	  { NULL },
	  ERR_INVALID,
	  "has role_arn, which imprint does not follow: give another profile credential_process" },
	{ "single sign-on",
	  NULL,
	  "[profile s]\nsso_session = x\n",
	  { "AWS_PROFILE=s" },
	  { NULL },
	  ERR_INVALID,
	  "aws configure export-credentials --profile s" },
	{ "a secret with a space",
	  "[default]\naws_access_key_id=A\naws_secret_access_key=SECRET x\n",
	  NULL,
	  { "AWS_REGION=r-1" },
	  { NULL },
	  ERR_INVALID,
	  "holds a space" },
	{ "a secret with a line end",
	  NULL,
	  NULL,
	  { "AWS_ACCESS_KEY_ID=AKE", "AWS_SECRET_ACCESS_KEY=SECRET\r\nX: y", "AWS_REGION=r-1" },
	  { NULL },
	  ERR_INVALID,
	  "no printable ASCII" },
	{ "plain http elsewhere",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1" },
	  { .endpoint_url = "http://iot.example" },
	  ERR_INVALID,
	  "neither https://HOST nor http://" },
	{ "nearly a loopback",
	  "[default]\n" KEYS("D"),
	  NULL,
	  { "AWS_REGION=r-1" },
	  { .endpoint_url = "http://127.0.0.1.example" },
	  ERR_INVALID,
	  "neither https://HOST" },
	{ "the command fails",
	  NULL,
	  "[default]\ncredential_process = exit 7\n",
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "it failed (exit 7)" },
	{ "the command's answer is another version",
	  NULL,
	  PROCESS("{\"Version\":2,\"SecretAccessKey\":\"SECRET\"}"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "credential_process of profile default in" },
	{ "it is no JSON",
	  NULL,
	  PROCESS("SECRET"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "no JSON with \"Version\": 1" },
	{ "it lacks a key",
	  NULL,
	  PROCESS("{\"Version\":1,\"SecretAccessKey\":\"SECRET\"}"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "the access key id is missing" },
	{ "a key is a number",
	  NULL,
	  PROCESS("{\"Version\":1,\"AccessKeyId\":7,\"SecretAccessKey\":\"SECRET\"}"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "the access key id is missing" },
	{ "it expires at no time",
	  NULL,
	  PROCESS("{" ANSWER ",\"Expiration\":\"soon\"}"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "its Expiration is no time" },
	{ "a command whose end has no zone",
	  NULL,
	  PROCESS("{" ANSWER ",\"Expiration\":\"2199-01-01T00:00:00\"}"),
	  { NULL },
	  { NULL },
	  ERR_INVALID,
	  "its Expiration is no time" },
	{ "it has expired",
	  NULL,
	  PROCESS("{" ANSWER ",\"Expiration\":\"2001-01-01T00:00:00Z\"}"),
	  { NULL },
	  { NULL },
	  ERR_REFUSED,
	  "expired at 2001-01-01T00:00:00Z" },
};

static char folder[] = "/tmp/imprint-account.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!text) {
		unlink(path);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void prepare(const struct row *row)
{
	for (size_t i = 0; i < COUNT(variables); i++)
		unsetenv(variables[i]);
	for (size_t i = 0; i < VARIABLES_MAX && row->environment[i]; i++)
		putenv((char *)row->environment[i]);
	write_file(".aws/credentials", row->credentials);
	write_file(".aws/config", row->config);
}

static int make_folder(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/.aws", folder);
	if (mkdir(path, 0700) < 0)
		return -1;
	write_file("elsewhere", "[default]\nregion=r-9\n" KEYS("X"));
	return setenv("HOME", folder, 1);
}

static int remove_folder(void **state)
{
	char path[64];

	(void)state;
	write_file("elsewhere", NULL);
	write_file(".aws/credentials", NULL);
	write_file(".aws/config", NULL);
	snprintf(path, sizeof(path), "%s/.aws", folder);
	return rmdir(path) || rmdir(folder);
}

static void accounts_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(account) a = NULL;
		struct err e = { 0 };
		char found[2 * ACCOUNT_TOKEN_SIZE];

		prepare(&rows[i]);
		if (account_find(&rows[i].options, &a, &e)) {
			snprintf(found, sizeof(found), "%s %s %s %s %s", a->access_key,
				 a->secret_key, a->session_token, a->region, a->iot_endpoint);
			if (rows[i].code || strcmp(found, rows[i].says) != 0)
				fail_msg("%s: found %s", rows[i].name, found);
		} else if (e.code != rows[i].code || !strstr(e.text, rows[i].says) ||
			   strstr(e.text, "SECRET")) {
			fail_msg("%s: %d %s", rows[i].name, e.code, e.text);
		}
	}
}

static const struct {
	const char *text;
	int64_t time_s; /* -1: none */
	bool zoned;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0, true },
	{ "2026-11-22T05:13:36Z", 1795324416, true },
	{ "2026-11-22T05:13:36.123456Z", 1795324416, true },
	{ "2026-11-22T14:13:36+09:00", 1795324416, true },
	{ "2026-11-21T23:43:36.5-05:30", 1795324416, true },
	{ "2026-11-22T05:13:36", 1795324416, false },
	{ "2026-11-22T05:13:36.", 1795324416, false },
	{ "2026-1-22T05:13:36Z", -1 },
	{ "2026-13-22T05:13:36Z", -1 },
	{ "2026-11-00T05:13:36Z", -1 },
	{ "2026-11-22T24:13:36Z", -1 },
	{ "2026-11-22T05:13:36Zx", -1 },
	{ "2026-11-22T05:13:36+9:00", -1 },
	{ "2026-11-22T05:13:36+09:0", -1 },
	{ "2026-11-22T05:13:36+24:00", -1 },
	{ "2026-11-22", -1 },
	{ "", -1 },
};

static void times_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		int64_t time_s = -1;

		bool zoned = times[i].zoned;

		if (!iso_read(times[i].text, &time_s, &zoned))
			time_s = -1;
		if (time_s != times[i].time_s || zoned != times[i].zoned)
			fail_msg("\"%s\": %lld", times[i].text, (long long)time_s);
	}
}

static const struct {
	const char *command;
	int64_t timeout_ms;
	int code;
	const char *says; /* what it prints, or words of the sentence */
} commands[] = {
	{ "echo a; echo b", PATIENCE_MS, 0, "a\nb\n" },
	{ "true", PATIENCE_MS, 0, "" },
	{ "cat", PATIENCE_MS, 0, "" }, /* stdin is empty */
	{ "exit 3", PATIENCE_MS, ERR_INVALID, "exit 3" },
	{ "kill -9 $$", PATIENCE_MS, ERR_INVALID, "signal 9" },
	{ "no-such-command 2>/dev/null", PATIENCE_MS, ERR_INVALID, "exit 127" },
	{ "yes", PATIENCE_MS, ERR_INVALID, "64 bytes or more" },
	{ "sleep 600", SOON_MS, ERR_TIMEOUT, "" },
	{ "sleep 600 & echo a", SOON_MS, ERR_TIMEOUT, "" },  /* somebody keeps stdout */
	{ "exec >&-; sleep 600", SOON_MS, ERR_TIMEOUT, "" }, /* stdout ends, it does not */
};

/* True once nobody is left who inherited the other end of the pipe. */
static bool all_gone(int fd)
{
	struct err e;
	char byte;

	return wait_for(fd, POLLIN, clock_deadline(PATIENCE_MS), -1, NULL, &e) &&
	       read(fd, &byte, 1) == 0;
}

static void commands_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(commands); i++) {
		char output[64];
		struct err e = { 0 };
		size_t len = 0;
		int fds[2]; /* inherited by all that the command starts */
		bool done;

		assert_int_equal(pipe(fds), 0);
		done = process_read(commands[i].command, commands[i].timeout_ms, output,
				    sizeof(output), &len, &e);
		close(fds[1]);
		assert_true(all_gone(fds[0]));
		close(fds[0]);
		output[len] = '\0';
		if (done ? commands[i].code || strcmp(output, commands[i].says) != 0
			 : e.code != commands[i].code || !strstr(e.text, commands[i].says))
			fail_msg("%s: %d %s%s", commands[i].command, e.code, e.text, output);
	}
}

/* Calls at these times wait so long. */
static const struct {
	int64_t now_ms, wait_ms;
} calls[] = {
	{ 1000, 0 },   { 1000, 0 },   { 1000, 0 }, { 1000, 0 },	  { 1000, 0 },	 { 1000, 0 },
	{ 1000, 0 },   { 1000, 0 },   { 1000, 0 }, { 1000, 0 },	  { 1000, 100 }, { 1000, 200 },
	{ 1200, 100 }, { 1300, 100 }, { 1500, 0 }, { 1500, 100 }, { 2550, 0 },	 { 9000, 0 },
};

static void bucket_is_ten_a_second(void **state)
{
	struct retry_bucket bucket = { .calls_a_second = IOT_CALLS_A_SECOND };
	int64_t begin = 1000000, now = begin;

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++)
		assert_int_equal(retry_take_ms(&bucket, calls[i].now_ms), calls[i].wait_ms);
	for (unsigned i = 0; i < 1000; i++)
		now += retry_take_ms(&bucket, now);
	assert_int_equal(now - begin, (1000 - RETRY_BURST) * 1000 / IOT_CALLS_A_SECOND);
}

static void pauses_grow(void **state)
{
	static const struct {
		unsigned tries;
		int64_t least_ms, most_ms;
	} pauses[] = { { 1, 50, 100 },	  { 2, 100, 200 },	 { 4, 400, 800 },
		       { 7, 3200, 6400 }, { 11, 51200, 102400 }, { 4000000000, 51200, 102400 } };

	(void)state;
	for (size_t i = 0; i < COUNT(pauses); i++)
		for (uint64_t chance = 0; chance <= UINT32_MAX; chance += 9999991)
			assert_in_range(retry_pause_ms(pauses[i].tries, (uint32_t)chance),
					pauses[i].least_ms, pauses[i].most_ms);
	assert_int_equal(retry_pause_ms(1, 0), 50);
	assert_int_equal(retry_pause_ms(1, 50), 100);
}

/* Behind the first account that was found. */
static void nobody_may_look(void **state)
{
	struct rlimit core;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_max, 0);
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accounts_are_found, make_folder, remove_folder),
		cmocka_unit_test(nobody_may_look),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(commands_end),
		cmocka_unit_test(bucket_is_ten_a_second),
		cmocka_unit_test(pauses_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
