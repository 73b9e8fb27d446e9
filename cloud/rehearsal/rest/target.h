/* target: the raw request target, taken apart.
 *	/attached-policies/arn%3Aaws%3Aiot?pageSize=25&marker=AA%3D%3D
 * Path segments and query values are decoded after the split, so an encoded / stays inside its
 * segment. In the query a bare + is a blank: a client that does not encode its marker shall see it
 * fail here as it would on AWS. Errors: ERR_INVALID (a % without two digits, an encoded NUL, too
 * many parts, too long). Threads: any. Layer above: dispatch, sigv4. Below: none. */
#ifndef CLOUD_REHEARSAL_REST_TARGET_H
#define CLOUD_REHEARSAL_REST_TARGET_H

#include "cloud/rehearsal/rest/rest.h"

#define TARGET_SEGMENTS_MAX 16
#define TARGET_QUERY_MAX 32

struct target_pair {
	const char *name, *value; /* decoded */
};

struct target {
	const char *segments[TARGET_SEGMENTS_MAX]; /* "/a/b" is two */
	size_t segment_count;
	struct target_pair query[TARGET_QUERY_MAX];
	size_t query_count;
	char text[REST_TARGET_MAX + 1]; /* what they point into */
};

MUST_CHECK bool target_parse(const char *raw, struct target *ret_target, struct err *e);
/* The first value of that name; NULL if there is none. */
const char *target_query(const struct target *target, const char *name);

#endif
