/* dispatch: from a request to its reply: signature, operation, arguments, one transaction, the
 * error in AWS's form. Any request is safe. What the engineer should know goes into the journal.
 * Threads: the registry's. Layer above: server. Below: sigv4, operation, objects.
 *	signed for s3		the stand-in of S3
 *	all else		AWS IoT */
#ifndef CLOUD_REHEARSAL_REST_DISPATCH_H
#define CLOUD_REHEARSAL_REST_DISPATCH_H

#include "cloud/rehearsal/registry.h"
#include "cloud/rehearsal/rest/rest.h"
#include "cloud/rehearsal/rest/sigv4.h"

struct dispatch {
	struct registry *registry;
	struct sigv4_key key;
	bool unsigned_too; /* answers requests that are not signed */
};

/* The caller frees the reply. */
void dispatch_answer(const struct dispatch *d, const struct rest_request *request,
		     struct rest_reply *ret_reply);

#endif
