/* endpoint: which addresses credentials may be sent to.
 *	https://HOST[:PORT][/PATH]	any
 *	http://HOST[:PORT][/PATH]	localhost, 127.x.x.x and [::1] only
 * Nothing else: no user or query. A path, of letters, digits and -._/, stands before that of each
 * request. Pure. Threads: any. Layer above: account, http. Below: libcurl's URL parser. */
#ifndef CLOUD_AWS_ENDPOINT_H
#define CLOUD_AWS_ENDPOINT_H

#include "cloud/aws/account.h"

/* A '/' at the end is cut off. ERR_INVALID: not allowed. */
MUST_CHECK bool endpoint_read(const char *url, char ret_endpoint[static ACCOUNT_URL_SIZE],
			      struct err *e);

#endif
