#include "cloud/aws/answer.h"

#include <jansson.h>

#define TIME_MAX 253402300799 /* the end of the year 9999 */
#define MEMBERS(table) table, sizeof(table) / sizeof(*(table))

AUTO_DEFINE(json, json_t *, json_decref)

enum kind {
	WORD,	/* printable ASCII, no space */
	TEXT,	/* printable ASCII, and line ends: a PEM */
	ID,	/* 64 lower-case hex digits */
	CHOICE, /* a bool: one of two words */
	STATUS, /* an enum iot_status */
	TIME,	/* an int64_t: seconds since 1970, a fraction is dropped */
};

/* Where a member of a JSON object goes. null is the same as not there. */
struct member {
	const char *name;
	enum kind kind;
	size_t offset, size;
	bool needed;
	const char *no, *yes;
};

/* clang-format off */
#define MEMBER_OF(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
/* clang-format on */

struct listed {
	char id[IOT_ID_SIZE], arn[IOT_ARN_SIZE];
	enum iot_status status;
	int64_t created_s;
};

struct answer_page {
	char marker[ANSWER_MARKER_SIZE];
	size_t count;
	struct listed rows[IOT_PAGE];
};

struct word {
	char text[IOT_HOST_SIZE];
};

static const struct member listed_members[] = {
	{ "certificateId", ID, MEMBER_OF(listed, id), true },
	{ "certificateArn", WORD, MEMBER_OF(listed, arn), false },
	{ "status", STATUS, MEMBER_OF(listed, status), true },
	{ "creationDate", TIME, MEMBER_OF(listed, created_s), false },
};

static const struct member page_members[] = {
	{ "nextMarker", WORD, MEMBER_OF(answer_page, marker), false },
};

static const struct member ca_members[] = {
	{ "certificateId", ID, MEMBER_OF(iot_ca, id), true },
	{ "certificateArn", WORD, MEMBER_OF(iot_ca, arn), false },
	{ "certificatePem", TEXT, MEMBER_OF(iot_ca, pem), false },
	{ "status", CHOICE, MEMBER_OF(iot_ca, active), true, "INACTIVE", "ACTIVE" },
	{ "autoRegistrationStatus", CHOICE, MEMBER_OF(iot_ca, auto_registration), false, "DISABLE",
	  "ENABLE" },
	{ "certificateMode", CHOICE, MEMBER_OF(iot_ca, sni_only), false, "DEFAULT", "SNI_ONLY" },
	{ "creationDate", TIME, MEMBER_OF(iot_ca, created_s), false },
	{ "lastModifiedDate", TIME, MEMBER_OF(iot_ca, modified_s), false },
};

static const struct member validity_members[] = {
	{ "notBefore", TIME, MEMBER_OF(iot_ca, not_before_s), false },
	{ "notAfter", TIME, MEMBER_OF(iot_ca, not_after_s), false },
};

static const struct member certificate_members[] = {
	{ "certificateId", ID, MEMBER_OF(iot_certificate, id), true },
	{ "certificateArn", WORD, MEMBER_OF(iot_certificate, arn), false },
	{ "caCertificateId", ID, MEMBER_OF(iot_certificate, ca_id), false },
	{ "certificatePem", TEXT, MEMBER_OF(iot_certificate, pem), false },
	{ "status", STATUS, MEMBER_OF(iot_certificate, status), true },
	{ "creationDate", TIME, MEMBER_OF(iot_certificate, created_s), false },
	{ "lastModifiedDate", TIME, MEMBER_OF(iot_certificate, modified_s), false },
};

bool answer_is_id(const char *text, size_t len)
{
	return len == IOT_ID_SIZE - 1 && strspn(text, "0123456789abcdef") >= len;
}

static bool is_text(const char *text, size_t len, bool lines)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] <= ' ' || text[i] > '~') &&
		    !(lines && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r')))
			return false;
	return true;
}

static bool read_text(const struct member *member, const char *text, size_t len, void *to)
{
	if (!text || len >= member->size || !is_text(text, len, member->kind == TEXT) ||
	    (member->kind == ID && !answer_is_id(text, len)))
		return false;
	memcpy(to, text, len + 1);
	return true;
}

static bool read_choice(const struct member *member, const char *text, void *to)
{
	bool yes = text && strcmp(text, member->yes) == 0;

	if (!yes && (!text || strcmp(text, member->no) != 0))
		return false;
	memcpy(to, &yes, sizeof(yes));
	return true;
}

static bool read_time(const json_t *value, void *to)
{
	double seconds = json_number_value(value);
	int64_t whole;

	if (!json_is_number(value) || !(seconds >= 0 && seconds < TIME_MAX + 1.0))
		return false;
	whole = (int64_t)seconds;
	memcpy(to, &whole, sizeof(whole));
	return true;
}

static bool read_value(const struct member *member, const json_t *value, void *to)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	enum iot_status status;

	switch (member->kind) {
	case WORD:
	case TEXT:
	case ID:
		return read_text(member, text, len, to);
	case CHOICE:
		return read_choice(member, text, to);
	case TIME:
		return read_time(value, to);
	case STATUS:
		if (!text || !iot_status_of(text, len, &status))
			return false;
		memcpy(to, &status, sizeof(status));
		return true;
	}
	return false;
}

static bool read_members(const json_t *object, const struct member *members, size_t count, void *to,
			 struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_INVALID, "AWS's answer lacks what was asked for: repeat it");
	for (const struct member *member = members; member < members + count; member++) {
		const json_t *value = json_object_get(object, member->name);

		if ((!value || json_is_null(value)) && !member->needed)
			continue;
		if (!read_value(member, value, (char *)to + member->offset))
			return err_set(e, ERR_INVALID,
				       "AWS's answer makes no sense: its %s is %s: repeat it, and "
				       "look for a newer imprint",
				       member->name, value ? "not what it may be" : "missing");
	}
	return true;
}

static json_t *parse(struct bytes body)
{
	return json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
}

static bool read_one(struct bytes body, const char *name, enum kind kind, struct word *ret_word,
		     struct err *e)
{
	const struct member one[] = { { name, kind, MEMBER_OF(word, text), true } };
	AUTO(json) json = parse(body);
	struct word word = { "" };

	if (!read_members(json, MEMBERS(one), &word, e))
		return false;
	*ret_word = word;
	return true;
}

static bool read_id(struct bytes body, const char *name, char ret_id[static IOT_ID_SIZE],
		    struct err *e)
{
	struct word word;

	if (!read_one(body, name, ID, &word, e))
		return false;
	memcpy(ret_id, word.text, IOT_ID_SIZE);
	return true;
}

bool answer_code(struct bytes body, char ret_code[static IOT_CODE_SIZE], struct err *e)
{
	return read_id(body, "registrationCode", ret_code, e);
}

bool answer_id(struct bytes body, char ret_id[static IOT_ID_SIZE], struct err *e)
{
	return read_id(body, "certificateId", ret_id, e);
}

bool answer_existing(struct bytes body, char ret_id[static IOT_ID_SIZE], struct err *e)
{
	return read_id(body, "resourceId", ret_id, e);
}

bool answer_host(struct bytes body, char ret_host[static IOT_HOST_SIZE], struct err *e)
{
	struct word word;

	if (!read_one(body, "endpointAddress", WORD, &word, e))
		return false;
	if (!*word.text || word.text[strspn(word.text, "abcdefghijklmnopqrstuvwxyz"
						       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")])
		return err_set(e, ERR_INVALID, "AWS's endpoint \"%.80s\" is no host name",
			       word.text);
	memcpy(ret_host, word.text, IOT_HOST_SIZE);
	return true;
}

bool answer_ca(struct bytes body, struct iot_ca *ret_ca, struct err *e)
{
	AUTO(json) json = parse(body);
	const json_t *description = json_object_get(json, "certificateDescription");
	const json_t *validity = json_object_get(description, "validity");
	AUTO_FREE struct iot_ca *ca = calloc(1, sizeof(*ca));

	if (!ca)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	if (!read_members(description, MEMBERS(ca_members), ca, e))
		return false;
	if (validity && !json_is_null(validity) &&
	    !read_members(validity, MEMBERS(validity_members), ca, e))
		return false;
	*ret_ca = *ca;
	return true;
}

bool answer_certificate(struct bytes body, struct iot_certificate *ret, struct err *e)
{
	AUTO(json) json = parse(body);
	const json_t *description = json_object_get(json, "certificateDescription");
	AUTO_FREE struct iot_certificate *certificate = calloc(1, sizeof(*certificate));

	if (!certificate)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	if (!read_members(description, MEMBERS(certificate_members), certificate, e))
		return false;
	*ret = *certificate;
	return true;
}

bool answer_page(struct bytes body, struct answer_page **ret_page, struct err *e)
{
	AUTO(json) json = parse(body);
	const json_t *certificates = json_object_get(json, "certificates");
	AUTO(answer_page) page = calloc(1, sizeof(*page));

	if (!page)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	if (!read_members(json, MEMBERS(page_members), page, e))
		return false;
	if (!json_is_array(certificates) || json_array_size(certificates) > IOT_PAGE)
		return err_set(e, ERR_INVALID,
			       "AWS's answer makes no sense: no list of at most %d certificates",
			       IOT_PAGE);
	for (; page->count < json_array_size(certificates); page->count++)
		if (!read_members(json_array_get(certificates, page->count),
				  MEMBERS(listed_members), &page->rows[page->count], e))
			return false;
	*ret_page = TAKE(page);
	return true;
}

void answer_page_free(struct answer_page *page)
{
	free(page);
}

size_t answer_page_count(const struct answer_page *page)
{
	return page->count;
}

void answer_page_get(const struct answer_page *page, size_t index, struct iot_certificate *ret)
{
	const struct listed *row = &page->rows[index];

	*ret->ca_id = *ret->pem = '\0';
	memcpy(ret->id, row->id, sizeof(ret->id));
	memcpy(ret->arn, row->arn, sizeof(ret->arn));
	ret->status = row->status;
	ret->created_s = row->created_s;
	ret->modified_s = 0;
}

const char *answer_page_marker(const struct answer_page *page)
{
	return page->marker;
}
