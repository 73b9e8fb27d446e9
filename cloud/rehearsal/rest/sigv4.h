/* sigv4: is a request signed with AWS Signature Version 4, by a key that we know?
 *	canonical request = METHOD \n path \n query \n headers \n names of the headers \n
 *			    SHA-256 of the body
 *	string to sign    = AWS4-HMAC-SHA256 \n time \n date/region/service/aws4_request \n
 *			    SHA-256 of the canonical request
 * The path is encoded once more for all services but s3; the query is decoded, encoded anew and
 * sorted; host and every x-amz-* header must be among the signed ones. x-amz-content-sha256, where
 * it is sent, must be the body's hash (for s3 also UNSIGNED-PAYLOAD). Threads: any. Layer above:
 * dispatch. Below: target, libcrypto. Source: AWS, "Signature Version 4 signing process". */
#ifndef CLOUD_REHEARSAL_REST_SIGV4_H
#define CLOUD_REHEARSAL_REST_SIGV4_H

#include "cloud/rehearsal/rest/rest.h"

#include <stdint.h>

#define SIGV4_SKEW_S 300
#define SIGV4_KEY_MAX 128
#define SIGV4_CANONICAL_MAX 65536

struct sigv4_key {
	const char *access_key, *secret_key;
	const char *session_token; /* NULL: this key has none, and none may be sent */
};

enum sigv4_verdict {
	SIGV4_GOOD,
	SIGV4_MISSING,	  /* not signed at all */
	SIGV4_INCOMPLETE, /* the Authorization header or the date is not as it must be */
	SIGV4_UNKNOWN,	  /* another access key, or another session token */
	SIGV4_EXPIRED,	  /* the clock differs by more than SIGV4_SKEW_S */
	SIGV4_WRONG,	  /* the signature, the body's hash or the list of headers does not fit */
};

/* `reason` is a sentence for people; `canonical` (SIGV4_CANONICAL_MAX long) what was computed, ""
 * if it did not come to that. */
enum sigv4_verdict sigv4_verify(const struct rest_request *request, const struct sigv4_key *key,
				int64_t now_s, char *canonical, struct err *reason);

#endif
