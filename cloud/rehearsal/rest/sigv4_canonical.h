/* sigv4_canonical: the canonical request of Signature Version 4: what both sides hash. Private to
 * sigv4 and its tests. Errors: ERR_REFUSED. Threads: any. Layer above: sigv4. Below: target. */
#ifndef CLOUD_REHEARSAL_REST_SIGV4_CANONICAL_H
#define CLOUD_REHEARSAL_REST_SIGV4_CANONICAL_H

#include "cloud/rehearsal/rest/sigv4.h"

/* `signed_headers` is the list as sent: "host;x-amz-date". */
MUST_CHECK bool sigv4_canonical(const struct rest_request *request, const char *signed_headers,
				bool s3, char *ret_canonical, struct err *e);

/* SHA-256 in lower-case hex. */
void sigv4_hash(struct bytes data, char ret_hex[static 65]);

#endif
