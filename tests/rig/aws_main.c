/* rig-aws CALL [ARGUMENT…]: one call of cloud/aws/iot.h or s3.h with the account of the environment,
 * its result as text on stdout. A failure: "CODE sentence" on stderr, exit 1.
 * REPEAT=N in the environment makes the call N times over one connection. */
#include "cloud/aws/iot.h"
#include "cloud/aws/s3.h"

#include <inttypes.h>

#define ARGUMENTS_MAX 5

static struct iot *iot;

static struct s3 *s3;

static bool is(const char *word, const char *yes)
{
	return strcmp(word, yes) == 0;
}

static bool account(char **word, struct err *e)
{
	const struct account *a = iot_account(iot);

	(void)word, (void)e;
	printf("%s %s %s %s %" PRId64 " %s\n", a->access_key, a->region, a->iot_endpoint,
	       a->s3_endpoint, a->expires_s, a->source);
	return true;
}

static bool code(char **word, struct err *e)
{
	char text[IOT_CODE_SIZE];

	(void)word;
	return iot_registration_code(iot, text, e) && printf("%s\n", text) > 0;
}

static bool endpoint(char **word, struct err *e)
{
	char host[IOT_HOST_SIZE];

	(void)word;
	return iot_endpoint(iot, host, e) && printf("%s\n", host) > 0;
}

/* CA VERIFICATION|"" active|inactive auto|no-auto */
static bool register_ca(char **word, struct err *e)
{
	const struct iot_ca_registration registration = { word[0], *word[1] ? word[1] : NULL,
							  is(word[2], "active"),
							  is(word[3], "auto") };
	char id[IOT_ID_SIZE] = "";
	bool done = iot_register_ca(iot, &registration, id, e);

	if (done || e->code == IOT_EXISTS)
		printf("%s\n", id);
	return done;
}

static bool describe_ca(char **word, struct err *e)
{
	static struct iot_ca ca;

	if (!iot_describe_ca(iot, word[0], &ca, e))
		return false;
	printf("%s %s %s %s %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n%s", ca.id, ca.arn,
	       ca.active ? "active" : "inactive", ca.auto_registration ? "auto" : "no-auto",
	       ca.sni_only ? "sni-only" : "default", ca.created_s, ca.modified_s, ca.not_before_s,
	       ca.not_after_s, ca.pem);
	return true;
}

/* ID active|inactive|"" auto|no-auto|"" */
static bool update_ca(char **word, struct err *e)
{
	const bool active = is(word[1], "active"), automatic = is(word[2], "auto");
	const struct iot_ca_update update = { *word[1] ? &active : NULL,
					      *word[2] ? &automatic : NULL };

	return iot_update_ca(iot, word[0], &update, e);
}

static bool print_listed(void *context, const struct iot_certificate *c, struct err *e)
{
	(void)context, (void)e;
	printf("%s %s %" PRId64 "\n", c->id, iot_status_name(c->status), c->created_s);
	return true;
}

static bool list(char **word, struct err *e)
{
	return iot_list(iot, word[0], print_listed, NULL, e);
}

/* CERTIFICATE CA|"" STATUS */
static bool register_one(char **word, struct err *e)
{
	char id[IOT_ID_SIZE] = "";
	enum iot_status status = 0;
	bool done;

	iot_status_of(word[2], strlen(word[2]), &status);
	done = iot_register(iot, word[0], *word[1] ? word[1] : NULL, status, id, e);
	if (done || e->code == IOT_EXISTS)
		printf("%s\n", id);
	return done;
}

static bool describe(char **word, struct err *e)
{
	static struct iot_certificate c;

	if (!iot_describe(iot, word[0], &c, e))
		return false;
	printf("%s %s %s %s %" PRId64 " %" PRId64 "\n%s", c.id, c.arn, c.ca_id,
	       iot_status_name(c.status), c.created_s, c.modified_s, c.pem);
	return true;
}

static bool update(char **word, struct err *e)
{
	enum iot_status status = 0;

	iot_status_of(word[1], strlen(word[1]), &status);
	return iot_update(iot, word[0], status, e);
}

/* KEY TEXT */
static bool put(char **word, struct err *e)
{
	return s3_put(s3, word[1], bytes_text(word[2]), NULL, e);
}

/* KEY TEXT OVER */
static bool put_over(char **word, struct err *e)
{
	return s3_put(s3, word[1], bytes_text(word[2]), word[3], e);
}

static bool get(char **word, struct err *e)
{
	AUTO_FREE uint8_t *object = NULL;
	char tag[S3_TAG_SIZE];
	size_t len;

	return s3_get(s3, word[1], &object, &len, tag, e) && fwrite(object, 1, len, stdout) == len;
}

static const struct {
	const char *name;
	int arguments;
	bool (*call)(char **word, struct err *e);
} calls[] = {
	{ "account", 0, account },
	{ "code", 0, code },
	{ "endpoint", 0, endpoint },
	{ "register-ca", 4, register_ca },
	{ "list", 1, list },
	{ "describe-ca", 1, describe_ca },
	{ "update-ca", 3, update_ca },
	{ "register", 3, register_one },
	{ "describe", 1, describe },
	{ "update", 2, update },
	{ "s3-put", 3, put },
	{ "s3-get", 2, get },
	{ "s3-put-over", 4, put_over },
};

static bool run(bool (*call)(char **word, struct err *e), const char *bucket, char **word,
		struct err *e)
{
	const struct account_options options = { .profile = getenv("PROFILE") };
	const char *repeat = getenv("REPEAT");
	bool done = false;

	if (bucket ? !s3_open(&options, bucket, &s3, e) : !iot_open(&options, &iot, e))
		return false;
	for (long i = repeat ? strtol(repeat, NULL, 10) : 1; i > 0; i--) {
		done = call(word, e);
		if (!done)
			break;
	}
	s3_close(s3);
	iot_close(iot);
	return done;
}

int main(int argc, char **argv)
{
	struct err e;

	for (size_t i = 0; argc >= 2 && i < sizeof(calls) / sizeof(*calls); i++) {
		bool of_s3 = strncmp(calls[i].name, "s3-", 3) == 0;

		if (strcmp(calls[i].name, argv[1]) != 0 || argc - 2 != calls[i].arguments)
			continue;
		if (run(calls[i].call, of_s3 ? argv[2] : NULL, argv + 2, &e))
			return 0;
		fprintf(stderr, "%d %s\n", e.code, e.text);
		return 1;
	}
	fprintf(stderr, "usage: rig-aws CALL ARGUMENT…\n");
	return 2;
}
