/* depot: where objects are published, a bucket or a folder.
 *	s3://BUCKET[/PREFIX]	PREFIX/NAME in that bucket
 *	any other text		NAME in that folder, made if it is not there; to be carried on with
 *				`aws s3 sync`. One publisher at a time: another one gets ERR_BUSY
 * An object is there whole or not at all. Names are [A-Za-z0-9._-], at most DEPOT_NAME_MAX of them.
 * Errors: those of s3.h; ERR_USAGE (no such target can be), ERR_SYSTEM. Threads: one a depot. Layer
 * above: publish. Below: s3. */
#ifndef CLOUD_COMMAND_DEPOT_H
#define CLOUD_COMMAND_DEPOT_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "cloud/aws/s3.h"

#define DEPOT_NAME_MAX 80
#define DEPOT_OBJECT_MAX 4096 /* bytes */

struct depot;

MUST_CHECK bool depot_open(const char *target, const struct account_options *options,
			   struct depot **ret_depot, struct err *e);
void depot_close(struct depot *d);
AUTO_DEFINE(depot, struct depot *, depot_close)

struct depot_object {
	bool found;
	char text[DEPOT_OBJECT_MAX + 1];
	char tag[S3_TAG_SIZE]; /* "" if there is none */
};

MUST_CHECK bool depot_get(struct depot *d, const char *name, struct depot_object *ret_object,
			  struct err *e);
/* over: NULL: whatever is there; else only over the object of that tag, or where there is none. In a
 * bucket S3_CHANGED: it is another by now; in a folder nobody else publishes. */
MUST_CHECK bool depot_put(struct depot *d, const char *name, const char *text, const char *over,
			  struct err *e);
/* All that was put stays, also if the power fails now. */
MUST_CHECK bool depot_settle(struct depot *d, struct err *e);

#endif
