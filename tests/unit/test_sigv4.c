/* sigv4: what botocore signed is taken, and nothing that is otherwise. */
#include "base/cleanup.h"
#include "cloud/rehearsal/rest/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "sigv4_vectors.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char canonical[SIGV4_CANONICAL_MAX];

struct asked {
	struct rest_request request;
	struct rest_header headers[COUNT(vectors[0].headers) + 1];
	struct sigv4_key key;
	int64_t now_s;
	char text[SIGV4_CANONICAL_MAX];
};

static void ask_of(const struct vector *v, struct asked *a)
{
	size_t count = 0;

	for (; count < COUNT(v->headers) && v->headers[count].name; count++)
		a->headers[count] = v->headers[count];
	a->request = (struct rest_request) { v->method, v->target, a->headers, count,
					     bytes_text(v->body) };
	a->key = (struct sigv4_key) { VECTOR_ACCESS_KEY, VECTOR_SECRET_KEY, v->token };
	a->now_s = VECTOR_TIME;
}

static enum sigv4_verdict verify(const struct asked *a)
{
	struct err reason = { 0 };
	enum sigv4_verdict verdict =
		sigv4_verify(&a->request, &a->key, a->now_s, canonical, &reason);

	if (verdict != SIGV4_GOOD)
		assert_true(*reason.text);
	return verdict;
}

static void test_vectors(void **state)
{
	struct asked a;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		ask_of(&vectors[i], &a);
		if (verify(&a) != SIGV4_GOOD)
			fail_msg("%s: not taken; canonical:\n%s", vectors[i].name, canonical);
	}
}

/* --- each change of each vector --- */

static struct rest_header *header(struct asked *a, const char *name)
{
	for (size_t i = 0; i < a->request.header_count; i++)
		if (!strcmp(a->headers[i].name, name))
			return &a->headers[i];
	fail_msg("no header %s", name);
	return NULL;
}

static void other_method(struct asked *a)
{
	a->request.method = "DELETE";
}

static void other_path(struct asked *a)
{
	snprintf(a->text, sizeof(a->text), "/x%s", a->request.target);
	a->request.target = a->text;
}

static void other_query(struct asked *a)
{
	snprintf(a->text, sizeof(a->text), "%s%sz=1", a->request.target,
		 strchr(a->request.target, '?') ? "&" : "?");
	a->request.target = a->text;
}

static void other_body(struct asked *a)
{
	a->request.body = bytes_text("something else");
}

static void other_host(struct asked *a)
{
	header(a, "Host")->value = "127.0.0.1:8081";
}

static void other_secret(struct asked *a)
{
	a->key.secret_key = "another";
}

static void other_key(struct asked *a)
{
	a->key.access_key = "AKIAANOTHER";
}

static void token_lost(struct asked *a)
{
	a->key.session_token = a->key.session_token ? NULL : "expected";
}

static void late(struct asked *a)
{
	a->now_s += SIGV4_SKEW_S + 1;
}

static void early(struct asked *a)
{
	a->now_s -= SIGV4_SKEW_S + 1;
}

static void just_in_time(struct asked *a)
{
	a->now_s += SIGV4_SKEW_S;
}

static void not_signed(struct asked *a)
{
	header(a, "Authorization")->name = "X-Nothing";
}

static void not_sigv4(struct asked *a)
{
	header(a, "Authorization")->value = "Basic dXNlcjpwYXNz";
}

static void no_date(struct asked *a)
{
	header(a, "X-Amz-Date")->name = "X-Nothing";
}

static void other_day(struct asked *a)
{
	header(a, "X-Amz-Date")->value = "20261123T120000Z";
}

static void other_second(struct asked *a)
{
	header(a, "X-Amz-Date")->value = "20261122T120001Z";
}

static void no_date_at_all(struct asked *a)
{
	header(a, "X-Amz-Date")->value = "20261122Txx0000Z";
}

static void smuggled(struct asked *a)
{
	a->headers[a->request.header_count++] =
		(struct rest_header) { "x-amz-tagging", "not signed" };
}

static void broken_target(struct asked *a)
{
	a->request.target = "/%zz";
}

static const struct {
	const char *name;
	void (*change)(struct asked *a);
	enum sigv4_verdict verdict;
} changes[] = {
	{ "method", other_method, SIGV4_WRONG },
	{ "path", other_path, SIGV4_WRONG },
	{ "query", other_query, SIGV4_WRONG },
	{ "body", other_body, SIGV4_WRONG },
	{ "host", other_host, SIGV4_WRONG },
	{ "secret", other_secret, SIGV4_WRONG },
	{ "key", other_key, SIGV4_UNKNOWN },
	{ "token", token_lost, SIGV4_UNKNOWN },
	{ "late", late, SIGV4_EXPIRED },
	{ "early", early, SIGV4_EXPIRED },
	{ "just in time", just_in_time, SIGV4_GOOD },
	{ "not signed", not_signed, SIGV4_MISSING },
	{ "basic", not_sigv4, SIGV4_INCOMPLETE },
	{ "no date", no_date, SIGV4_INCOMPLETE },
	{ "other day", other_day, SIGV4_INCOMPLETE },
	{ "other second", other_second, SIGV4_WRONG },
	{ "broken date", no_date_at_all, SIGV4_INCOMPLETE },
	{ "a header not signed", smuggled, SIGV4_WRONG },
	{ "broken target", broken_target, SIGV4_WRONG },
};

static void test_changes(void **state)
{
	static struct asked a;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++)
		for (size_t j = 0; j < COUNT(changes); j++) {
			enum sigv4_verdict verdict;

			ask_of(&vectors[i], &a);
			changes[j].change(&a);
			verdict = verify(&a);
			if (verdict != changes[j].verdict)
				fail_msg("%s, changed %s: verdict %d", vectors[i].name,
					 changes[j].name, verdict);
		}
}

/* The header, every one of its bytes changed or cut off there: never taken, never a crash. */
static void test_broken_header(void **state)
{
	static struct asked a;
	const char *good;
	size_t len;

	(void)state;
	ask_of(&vectors[0], &a);
	good = header(&a, "Authorization")->value;
	len = strlen(good);
	for (size_t i = 0; i < len; i++) {
		memcpy(a.text, good, len + 1);
		header(&a, "Authorization")->value = a.text;
		a.text[i] = a.text[i] == '/' ? ';' : '/';
		assert_int_not_equal(verify(&a), SIGV4_GOOD);
		a.text[i] = '\0';
		assert_int_not_equal(verify(&a), SIGV4_GOOD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_broken_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
