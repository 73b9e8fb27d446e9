/* listing: what the aws command prints, read as a stream in constant memory:
 *	aws iot list-certificates-by-ca …	{"certificates":[{"certificateId":…,"status":…,
 *						"certificateArn":…,"creationDate":…,…},…]}
 *	aws iot describe-ca-certificate …	{"certificateDescription":{"certificateId":…,
 *						"status":…,"autoRegistrationStatus":…,…},…}
 * Several documents may stand one behind the other; members in any order, unknown ones are passed
 * over; times as CLI v2 prints them (ISO 8601 with an offset) or v1 (seconds since 1970). A page
 * that says that there are more (nextMarker, NextToken) is refused: half a listing proves nothing.
 * Errors: ERR_NOT_FOUND, ERR_SYSTEM; ERR_INVALID, with the file and the byte, or the certificate's
 * number in the file (from 1). What was called back counts only if listing_read returned true.
 * Threads: one a call. Layer above: reconcile. Below: item. */
#ifndef CLOUD_RECONCILE_LISTING_H
#define CLOUD_RECONCILE_LISTING_H

#include "cloud/aws/iot.h"
#include "hsm/api/issuance.h"

struct listing_certificate {
	uint8_t id[SHA256_LEN];
	enum iot_status status;
	int64_t created_s; /* since 1970 UTC; 0: not said */
};

struct listing_ca {
	uint8_t id[SHA256_LEN];
	bool active, auto_registration;
};

struct listing_calls {
	bool (*certificate)(void *context, const struct listing_certificate *c, struct err *e);
	bool (*ca)(void *context, const struct listing_ca *ca, struct err *e);
};

/* path "-": stdin. */
MUST_CHECK bool listing_read(const char *path, const struct listing_calls *calls, void *context,
			     struct err *e);

#endif
