/* iot: the control plane of AWS IoT, call by call, over HTTPS signed with Signature Version 4.
 *	one connection, kept open; at most IOT_CALLS_A_SECOND (a token bucket); throttling, 5xx
 *	and a lost connection are tried again with growing, jittered pauses, IOT_TRIES times in all.
 *	Every call may be repeated: a registration whose answer was lost comes back as IOT_EXISTS
 * Certificates are PEM; ids 64 lower-case hex digits (SHA-256 of the DER). Every answer is bounded
 * and checked: an id that is none, a status that nobody knows or a page that does not move on is
 * ERR_INVALID. Errors, each a sentence that names the call, AWS's code and its message, and says
 * what to do:
 *	ERR_NOT_FOUND	ResourceNotFoundException
 *	IOT_EXISTS	ResourceAlreadyExistsException
 *	ERR_REFUSED	any other refusal: credentials (expired, no right, wrong signature), a clock
 *			that differs from AWS's Date by more than IOT_SKEW_S (the sentence says by
 *			how much), a wrong registration code, a state that does not allow it
 *	ERR_BUSY	throttled, or trouble on AWS's side (5xx), still after the last try
 *	ERR_GONE	no connection, or lost; ERR_TIMEOUT; ERR_INVALID an answer that makes no sense
 * Threads: one an iot. Layer above: cloud/command, cloud/reconcile. Below: http, account.
 * Source: AWS IoT API reference 2015-05-28. */
#ifndef CLOUD_AWS_IOT_H
#define CLOUD_AWS_IOT_H

#include "cloud/aws/account.h"

#define IOT_ID_SIZE 65
#define IOT_ARN_SIZE 256
#define IOT_CODE_SIZE 65
#define IOT_CALLS_A_SECOND 10
#define IOT_HOST_SIZE 256
#define IOT_PEM_SIZE 65537
#define IOT_PAGE 250
#define IOT_TRIES 8
#define IOT_SKEW_S 240

enum iot_error { IOT_EXISTS = 300 };

/* AWS's words, as on the wire; "" for a value that is none. */
enum iot_status {
	IOT_ACTIVE = 1,
	IOT_INACTIVE,
	IOT_REVOKED,
	IOT_PENDING_TRANSFER,
	IOT_REGISTER_INACTIVE,
	IOT_PENDING_ACTIVATION,
};
const char *iot_status_name(enum iot_status status);
/* False: no such word. */
bool iot_status_of(const char *name, size_t len, enum iot_status *ret_status);

struct iot_ca {
	char id[IOT_ID_SIZE], arn[IOT_ARN_SIZE];
	char pem[IOT_PEM_SIZE];
	bool active, auto_registration, sni_only;
	int64_t created_s, modified_s, not_before_s, not_after_s; /* since 1970 UTC, 0: not said */
};

struct iot_certificate {
	char id[IOT_ID_SIZE], arn[IOT_ARN_SIZE], ca_id[IOT_ID_SIZE]; /* ca_id: "" in a list */
	char pem[IOT_PEM_SIZE];					     /* "" in a list */
	enum iot_status status;
	int64_t created_s, modified_s;
};

struct iot;

MUST_CHECK bool iot_open(const struct account_options *options, struct iot **ret_iot,
			 struct err *e);
void iot_close(struct iot *iot);
AUTO_DEFINE(iot, struct iot *, iot_close)
/* Region, endpoint, where the credentials are from: for people. Valid as long as `iot`. */
const struct account *iot_account(const struct iot *iot);

MUST_CHECK bool iot_registration_code(struct iot *iot, char ret_code[static IOT_CODE_SIZE],
				      struct err *e);

/* verification NULL: mode SNI_ONLY. IOT_EXISTS: it is registered already; ret_id is set then too. */
struct iot_ca_registration {
	const char *ca, *verification;
	bool active, auto_registration;
};
MUST_CHECK bool iot_register_ca(struct iot *iot, const struct iot_ca_registration *registration,
				char ret_id[static IOT_ID_SIZE], struct err *e);
MUST_CHECK bool iot_describe_ca(struct iot *iot, const char *id, struct iot_ca *ret_ca,
				struct err *e);
/* What is NULL stays as it is. */
struct iot_ca_update {
	const bool *active, *auto_registration;
};
MUST_CHECK bool iot_update_ca(struct iot *iot, const char *id, const struct iot_ca_update *update,
			      struct err *e);

/* iot:Data-ATS: a host name without a port. */
MUST_CHECK bool iot_endpoint(struct iot *iot, char ret_host[static IOT_HOST_SIZE], struct err *e);

/* Every certificate of a CA, oldest first, all pages. The callback may stop with an error of its
 * own. A page that fails is asked again by itself; nothing is called back twice. */
typedef bool (*iot_each)(void *context, const struct iot_certificate *certificate, struct err *e);
MUST_CHECK bool iot_list(struct iot *iot, const char *ca_id, iot_each each, void *context,
			 struct err *e);
/* The CAs of the account in this region, the same way: of each its id, ARN, status and date. */
MUST_CHECK bool iot_list_cas(struct iot *iot, iot_each each, void *context, struct err *e);

/* Without waiting for a first connection. ca: NULL, or which of several CAs with one subject.
 * IOT_EXISTS as above. */
MUST_CHECK bool iot_register(struct iot *iot, const char *certificate, const char *ca,
			     enum iot_status status, char ret_id[static IOT_ID_SIZE],
			     struct err *e);
MUST_CHECK bool iot_describe(struct iot *iot, const char *id, struct iot_certificate *ret,
			     struct err *e);
MUST_CHECK bool iot_update(struct iot *iot, const char *id, enum iot_status status, struct err *e);

#endif
