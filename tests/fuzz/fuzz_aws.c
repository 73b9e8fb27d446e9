/* Any answer of AWS, any shared file, any output of a credential_process: what the readers take is
 * what their headers say, and what they refuse is said in a sentence that a terminal may show. The
 * first byte picks the reader. */
#include "cloud/aws/answer.h"
#include "cloud/aws/credentials.h"
#include "cloud/aws/failure.h"
#include "cloud/aws/members.h"
#include "cloud/aws/profile.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, const char *allowed)
{
	for (; *text; text++)
		assert(isprint((unsigned char)*text) || strchr(allowed, *text));
}

static void check_error(const struct err *e)
{
	assert(e->code && *e->text);
	check_text(e->text, "\xe2\x80\xa6"); /* … */
}

static void check_id(const char *id)
{
	assert(members_is_id(id, strlen(id)));
}

static void read_code(struct bytes body, struct err *e)
{
	char code[IOT_CODE_SIZE];

	if (answer_code(body, code, e))
		check_id(code);
}

static void read_host(struct bytes body, struct err *e)
{
	char host[IOT_HOST_SIZE];

	if (answer_host(body, host, e))
		assert(*host && !strpbrk(host, " /:@%\r\n"));
}

static void read_ids(struct bytes body, struct err *e)
{
	char id[IOT_ID_SIZE];

	if (answer_id(body, id, e))
		check_id(id);
	if (answer_existing(body, id, e))
		check_id(id);
}

static void read_ca(struct bytes body, struct err *e)
{
	static struct iot_ca ca;

	if (!answer_ca(body, &ca, e))
		return;
	check_id(ca.id);
	check_text(ca.arn, "");
	check_text(ca.pem, "\r\n");
	assert(ca.created_s >= 0 && ca.modified_s >= 0 && ca.not_after_s >= 0);
}

static void read_certificate(struct bytes body, struct err *e)
{
	static struct iot_certificate c;

	if (!answer_certificate(body, &c, e))
		return;
	check_id(c.id);
	check_text(c.arn, "");
	check_text(c.pem, "\r\n");
	assert(*iot_status_name(c.status) && c.created_s >= 0);
}

static void read_page(struct bytes body, struct err *e)
{
	static struct iot_certificate c;
	AUTO(answer_page) page = NULL;

	if (!answer_page(body, &page, e))
		return;
	check_text(answer_page_marker(page), "");
	assert(answer_page_count(page) <= IOT_PAGE);
	for (size_t i = 0; i < answer_page_count(page); i++) {
		answer_page_get(page, i, &c);
		check_id(c.id);
		assert(*iot_status_name(c.status));
	}
}

static void read_profile(struct bytes text, struct err *e)
{
	static struct profile profile;

	if (profile_parse(text, text.len % 2, "sz1", &profile, e))
		assert(strlen(profile.secret_key) < sizeof(profile.secret_key));
}

static void read_process(struct bytes text, struct err *e)
{
	static struct account account;

	if (!credentials_parse(text, &account, e))
		return;
	assert(*account.access_key && *account.secret_key);
	check_text(account.secret_key, "");
	check_text(account.session_token, "");
}

/* The body is followed by a NUL, as http's is. */
static void read_failure(struct bytes body, struct err *e)
{
	static const struct account account = { .access_key = "AK", .source = "here" };
	static const struct failure_call call = { "iot", "ListCertificatesByCA", &account };
	const struct http_answer answer = { body.len % 2 ? 503 : 403, (const char *)body.data,
					    body.len };
	bool again;

	assert(!failure_say(&call, &answer, &again, e));
	check_error(e);
	assert(!failure_foreign(&answer, e));
}

static void (*const readers[])(struct bytes body, struct err *e) = {
	read_code, read_host,	 read_ids,     read_ca,	     read_certificate,
	read_page, read_profile, read_process, read_failure,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { ERR_INVALID, "nothing was refused" };
	uint8_t *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	assert(copy);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	readers[data[0] % (sizeof(readers) / sizeof(*readers))](bytes_of(copy, size - 1), &e);
	check_error(&e);
	free(copy);
	return 0;
}
