#include "cloud/aws/answer.h"

#include "cloud/aws/members.h"

#define MEMBERS(table) table, sizeof(table) / sizeof(*(table))

AUTO_DEFINE(json, json_t *, json_decref)

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
	{ "certificateId", MEMBER_ID, MEMBER_AT(listed, id), true },
	{ "certificateArn", MEMBER_WORD, MEMBER_AT(listed, arn), false },
	{ "status", MEMBER_STATUS, MEMBER_AT(listed, status), true },
	{ "creationDate", MEMBER_TIME, MEMBER_AT(listed, created_s), false },
};

static const struct member page_members[] = {
	{ "nextMarker", MEMBER_WORD, MEMBER_AT(answer_page, marker), false },
};

static const struct member ca_members[] = {
	{ "certificateId", MEMBER_ID, MEMBER_AT(iot_ca, id), true },
	{ "certificateArn", MEMBER_WORD, MEMBER_AT(iot_ca, arn), false },
	{ "certificatePem", MEMBER_TEXT, MEMBER_AT(iot_ca, pem), false },
	{ "status", MEMBER_CHOICE, MEMBER_AT(iot_ca, active), true, "INACTIVE", "ACTIVE" },
	{ "autoRegistrationStatus", MEMBER_CHOICE, MEMBER_AT(iot_ca, auto_registration), false,
	  "DISABLE", "ENABLE" },
	{ "certificateMode", MEMBER_CHOICE, MEMBER_AT(iot_ca, sni_only), false, "DEFAULT",
	  "SNI_ONLY" },
	{ "creationDate", MEMBER_TIME, MEMBER_AT(iot_ca, created_s), false },
	{ "lastModifiedDate", MEMBER_TIME, MEMBER_AT(iot_ca, modified_s), false },
};

static const struct member validity_members[] = {
	{ "notBefore", MEMBER_TIME, MEMBER_AT(iot_ca, not_before_s), false },
	{ "notAfter", MEMBER_TIME, MEMBER_AT(iot_ca, not_after_s), false },
};

static const struct member certificate_members[] = {
	{ "certificateId", MEMBER_ID, MEMBER_AT(iot_certificate, id), true },
	{ "certificateArn", MEMBER_WORD, MEMBER_AT(iot_certificate, arn), false },
	{ "caCertificateId", MEMBER_ID, MEMBER_AT(iot_certificate, ca_id), false },
	{ "certificatePem", MEMBER_TEXT, MEMBER_AT(iot_certificate, pem), false },
	{ "status", MEMBER_STATUS, MEMBER_AT(iot_certificate, status), true },
	{ "creationDate", MEMBER_TIME, MEMBER_AT(iot_certificate, created_s), false },
	{ "lastModifiedDate", MEMBER_TIME, MEMBER_AT(iot_certificate, modified_s), false },
};

static json_t *parse(struct bytes body)
{
	return json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
}

static bool read_one(struct bytes body, const char *name, enum member_kind kind,
		     struct word *ret_word, struct err *e)
{
	const struct member one[] = { { name, kind, MEMBER_AT(word, text), true } };
	AUTO(json) json = parse(body);
	struct word word = { "" };

	if (!members_read(json, MEMBERS(one), &word, e))
		return false;
	*ret_word = word;
	return true;
}

static bool read_id(struct bytes body, const char *name, char ret_id[static IOT_ID_SIZE],
		    struct err *e)
{
	struct word word;

	if (!read_one(body, name, MEMBER_ID, &word, e))
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

	if (!read_one(body, "endpointAddress", MEMBER_WORD, &word, e))
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
	if (!members_read(description, MEMBERS(ca_members), ca, e))
		return false;
	if (validity && !json_is_null(validity) &&
	    !members_read(validity, MEMBERS(validity_members), ca, e))
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
	if (!members_read(description, MEMBERS(certificate_members), certificate, e))
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
	if (!members_read(json, MEMBERS(page_members), page, e))
		return false;
	if (!json_is_array(certificates) || json_array_size(certificates) > IOT_PAGE)
		return err_set(e, ERR_INVALID,
			       "AWS's answer makes no sense: no list of at most %d certificates",
			       IOT_PAGE);
	for (; page->count < json_array_size(certificates); page->count++)
		if (!members_read(json_array_get(certificates, page->count),
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
