/* objects: what of S3 the published list needs, by path.
 *	PUT /BUCKET			makes a bucket; so does the first object in one
 *	PUT, GET, HEAD, DELETE /BUCKET/KEY, PUT also with If-None-Match: * or If-Match
 *	GET /BUCKET?list-type=2		prefix, max-keys, continuation-token; for `aws s3 sync`
 * A request is S3's if it was signed for it. Names and keys are [A-Za-z0-9._/-]. Errors are S3's
 * XML. The payload's hash was held against its signature before. Threads: one. Layer above:
 * dispatch. Below: registry. Source: Amazon S3 API reference 2006-03-01. */
#ifndef CLOUD_REHEARSAL_REST_OBJECTS_H
#define CLOUD_REHEARSAL_REST_OBJECTS_H

#include "cloud/rehearsal/registry.h"
#include "cloud/rehearsal/rest/rest.h"

#define OBJECTS_KEY_MAX 512
#define OBJECTS_PAGE 1000

bool objects_are_meant(const struct rest_request *request);
void objects_answer(struct registry *r, const struct rest_request *request,
		    struct rest_reply *reply);

#endif
