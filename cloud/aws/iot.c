#include "cloud/aws/iot.h"

#include "cloud/aws/answer.h"
#include "cloud/aws/failure.h"
#include "cloud/aws/members.h"
#include "cloud/aws/service.h"
#include "cloud/aws/walk.h"

#include <jansson.h>

#define PATH_SIZE 128
#define JSON "application/json"

/* clang-format off */
#define QUERY(table) table, sizeof(table) / sizeof(*(table))
/* clang-format on */

AUTO_DEFINE(json, json_t *, json_decref)

struct iot {
	struct account *account;
	struct service *service;
};

bool iot_open(const struct account_options *options, struct iot **ret_iot, struct err *e)
{
	AUTO(iot) iot = calloc(1, sizeof(*iot));

	if (!iot)
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	if (!account_find(options, &iot->account, e) ||
	    !service_open("iot", iot->account->iot_endpoint, iot->account, IOT_CALLS_A_SECOND,
			  &iot->service, e))
		return false;
	*ret_iot = TAKE(iot);
	return true;
}

void iot_close(struct iot *iot)
{
	if (!iot)
		return;
	service_close(iot->service);
	account_free(iot->account);
	free(iot);
}

const struct account *iot_account(const struct iot *iot)
{
	return iot->account;
}

/* *ret_body: until the next call. */
static bool get(struct iot *iot, const char *operation, const char *path,
		const struct http_parameter *query, size_t query_count, struct bytes *ret_body,
		struct err *e)
{
	const struct http_request request = { "GET", path, query, query_count };
	struct http_answer answer;

	if (!service_call(iot->service, operation, &request, &answer, e))
		return false;
	*ret_body = bytes_of(answer.body, answer.len);
	return true;
}

/* An answer that no reader took: is it AWS's at all? */
static bool unread(const char *operation, struct bytes body, struct err *e)
{
	const struct http_answer answer = { 200, (const char *)body.data, body.len };
	AUTO(json) json = json_loadb((const char *)body.data, body.len, 0, NULL);

	if (!json)
		failure_foreign(&answer, e);
	return err_add(e, "%s", operation);
}

/* FOLDER/ID, of an id that a person may have typed. */
static bool path_of(const char *folder, const char *id, char path[static PATH_SIZE], struct err *e)
{
	if (!members_is_id(id, strlen(id)))
		return err_set(e, ERR_INVALID,
			       "\"%.80s\" is no certificate id: 64 lower-case hex digits", id);
	snprintf(path, PATH_SIZE, "%s/%s", folder, id);
	return true;
}

bool iot_registration_code(struct iot *iot, char ret_code[static IOT_CODE_SIZE], struct err *e)
{
	struct bytes body;

	if (!get(iot, "GetRegistrationCode", "/registrationcode", NULL, 0, &body, e))
		return false;
	return answer_code(body, ret_code, e) || unread("GetRegistrationCode", body, e);
}

bool iot_endpoint(struct iot *iot, char ret_host[static IOT_HOST_SIZE], struct err *e)
{
	static const struct http_parameter query[] = { { "endpointType", "iot:Data-ATS" } };
	struct bytes body;

	if (!get(iot, "DescribeEndpoint", "/endpoint", QUERY(query), &body, e))
		return false;
	return answer_host(body, ret_host, e) || unread("DescribeEndpoint", body, e);
}

/* POST of a JSON body that is answered with the id of what is registered now, or was already. */
static bool post(struct iot *iot, const char *operation, struct http_request *request,
		 const json_t *body, char ret_id[static IOT_ID_SIZE], struct err *e)
{
	AUTO_FREE char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct http_answer answer;
	struct bytes said;
	struct err other;

	if (!text)
		return err_set(e, ERR_INVALID, "%s: a value is missing, or is no UTF-8", operation);
	request->method = "POST";
	request->content_type = JSON;
	request->body = bytes_text(text);
	if (service_call(iot->service, operation, request, &answer, e)) {
		said = bytes_of(answer.body, answer.len);
		return answer_id(said, ret_id, e) || unread(operation, said, e);
	}
	if (e->code == IOT_EXISTS &&
	    !answer_existing(bytes_of(answer.body, answer.len), ret_id, &other))
		return err_set(e, ERR_INVALID, "%s: it is registered already, and %s", operation,
			       other.text);
	return false;
}

bool iot_register_ca(struct iot *iot, const struct iot_ca_registration *registration,
		     char ret_id[static IOT_ID_SIZE], struct err *e)
{
	const struct http_parameter query[] = {
		{ "allowAutoRegistration", registration->auto_registration ? "true" : "false" },
		{ "setAsActive", registration->active ? "true" : "false" },
	};
	struct http_request request = { .path = "/cacertificate", QUERY(query) };
	AUTO(json)
	body = registration->verification
		       ? json_pack("{ss ss}", "caCertificate", registration->ca,
				   "verificationCertificate", registration->verification)
		       : json_pack("{ss ss}", "caCertificate", registration->ca, "certificateMode",
				   "SNI_ONLY");

	return post(iot, "RegisterCACertificate", &request, body, ret_id, e);
}

bool iot_register(struct iot *iot, const char *certificate, const char *ca, enum iot_status status,
		  char ret_id[static IOT_ID_SIZE], struct err *e)
{
	struct http_request request = { .path = "/certificate/register" };
	AUTO(json)
	body = json_pack("{ss ss* ss}", "certificatePem", certificate, "caCertificatePem", ca,
			 "status", iot_status_name(status));

	return post(iot, "RegisterCertificate", &request, body, ret_id, e);
}

/* AWS must speak of what it was asked for. */
static bool same_id(const char *operation, const char *asked, const char *answered, struct err *e)
{
	return strcmp(asked, answered) == 0 ||
	       err_set(e, ERR_INVALID, "%s: AWS answers about %.16s… instead of %.16s…", operation,
		       answered, asked);
}

bool iot_describe_ca(struct iot *iot, const char *id, struct iot_ca *ret_ca, struct err *e)
{
	AUTO_FREE struct iot_ca *ca = malloc(sizeof(*ca));
	char path[PATH_SIZE];
	struct bytes body;

	if (!ca)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	if (!path_of("/cacertificate", id, path, e) ||
	    !get(iot, "DescribeCACertificate", path, NULL, 0, &body, e))
		return false;
	if (!answer_ca(body, ca, e))
		return unread("DescribeCACertificate", body, e);
	if (!same_id("DescribeCACertificate", id, ca->id, e))
		return false;
	*ret_ca = *ca;
	return true;
}

bool iot_describe(struct iot *iot, const char *id, struct iot_certificate *ret, struct err *e)
{
	AUTO_FREE struct iot_certificate *certificate = malloc(sizeof(*certificate));
	char path[PATH_SIZE];
	struct bytes body;

	if (!certificate)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	if (!path_of("/certificates", id, path, e) ||
	    !get(iot, "DescribeCertificate", path, NULL, 0, &body, e))
		return false;
	if (!answer_certificate(body, certificate, e))
		return unread("DescribeCertificate", body, e);
	if (!same_id("DescribeCertificate", id, certificate->id, e))
		return false;
	*ret = *certificate;
	return true;
}

static const char *word_of(const bool *choice, const char *yes, const char *no)
{
	return !choice ? NULL : *choice ? yes : no;
}

/* The body is empty but for its braces: AWS's own tools send it so. */
bool iot_update_ca(struct iot *iot, const char *id, const struct iot_ca_update *update,
		   struct err *e)
{
	const struct http_parameter query[] = {
		{ "newAutoRegistrationStatus",
		  word_of(update->auto_registration, "ENABLE", "DISABLE") },
		{ "newStatus", word_of(update->active, "ACTIVE", "INACTIVE") },
	};
	char path[PATH_SIZE];
	const struct http_request request = { "PUT", path, QUERY(query), JSON, bytes_text("{}") };
	struct http_answer answer;

	return path_of("/cacertificate", id, path, e) &&
	       service_call(iot->service, "UpdateCACertificate", &request, &answer, e);
}

bool iot_update(struct iot *iot, const char *id, enum iot_status status, struct err *e)
{
	const struct http_parameter query[] = { { "newStatus", iot_status_name(status) } };
	char path[PATH_SIZE];
	const struct http_request request = { "PUT", path, QUERY(query) };
	struct http_answer answer;

	return path_of("/certificates", id, path, e) &&
	       service_call(iot->service, "UpdateCertificate", &request, &answer, e);
}

static bool list_page(struct iot *iot, const char *operation, const char *path, const char *marker,
		      struct answer_page **ret_page, struct err *e)
{
	const struct http_parameter query[] = {
		{ "isAscendingOrder", "true" },
		{ "marker", *marker ? marker : NULL },
		{ "pageSize", "250" },
	};
	struct bytes body;

	if (!get(iot, operation, path, QUERY(query), &body, e))
		return false;
	return answer_page(body, ret_page, e) || unread(operation, body, e);
}

static bool hand_out(const struct answer_page *page, struct iot_certificate *certificate,
		     iot_each each, void *context, struct err *e)
{
	for (size_t i = 0; i < answer_page_count(page); i++) {
		answer_page_get(page, i, certificate);
		if (!each(context, certificate, e))
			return false;
	}
	return true;
}

static bool list(struct iot *iot, const char *operation, const char *path, iot_each each,
		 void *context, struct err *e)
{
	AUTO_FREE struct iot_certificate *certificate = calloc(1, sizeof(*certificate));
	struct walk walk = { .marker = "" };

	if (!certificate)
		return err_set(e, ERR_SYSTEM, "no memory for AWS's answer");
	do {
		AUTO(answer_page) page = NULL;

		if (!list_page(iot, operation, path, walk.marker, &page, e))
			return false;
		if (!walk_on(&walk, answer_page_marker(page), answer_page_count(page), e))
			return err_add(e, "%s", operation);
		if (!hand_out(page, certificate, each, context, e))
			return false;
	} while (*walk.marker);
	return true;
}

bool iot_list(struct iot *iot, const char *ca_id, iot_each each, void *context, struct err *e)
{
	char path[PATH_SIZE];

	return path_of("/certificates-by-ca", ca_id, path, e) &&
	       list(iot, "ListCertificatesByCA", path, each, context, e);
}

bool iot_list_cas(struct iot *iot, iot_each each, void *context, struct err *e)
{
	return list(iot, "ListCACertificates", "/cacertificates", each, context, e);
}
