/* s3: objects in one bucket, over HTTPS signed with Signature Version 4 (service s3, with the
 * payload's hash). The same connection rules, tries and sentences as iot.h. Keys are
 * of S3_KEY_CHARACTERS, at most S3_KEY_MAX of them. Errors as in iot.h: ERR_NOT_FOUND no such object
 * or bucket. Threads: one an s3. Layer above: cloud/command. Below: http, account.
 * Source: Amazon S3 API reference 2006-03-01. */
#ifndef CLOUD_AWS_S3_H
#define CLOUD_AWS_S3_H

#include "base/bytes.h"
#include "cloud/aws/account.h"

#define S3_BUCKET_MAX 63
#define S3_KEY_MAX 512
#define S3_KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"
#define S3_CALLS_A_SECOND 1000 /* S3 takes 3,500 */
#define S3_OBJECT_MAX 65536    /* bytes that s3_get takes */
#define S3_TAG_SIZE 128

enum s3_error { S3_CHANGED = 301 };

struct s3;

MUST_CHECK bool s3_open(const struct account_options *options, const char *bucket,
			struct s3 **ret_s3, struct err *e);
void s3_close(struct s3 *s3);
AUTO_DEFINE(s3, struct s3 *, s3_close)
/* over: NULL: whatever is there; "": only if nothing is; else only over the object of that tag.
 * S3_CHANGED: it is another by now. An answer that was lost is asked for again, so an object of ours
 * may be what is there. */
MUST_CHECK bool s3_put(struct s3 *s3, const char *key, struct bytes object, const char *over,
		       struct err *e);
/* The caller frees *ret_object; a NUL follows the last byte and is not counted. */
MUST_CHECK bool s3_get(struct s3 *s3, const char *key, uint8_t **ret_object, size_t *ret_len,
		       char ret_tag[static S3_TAG_SIZE], struct err *e);

#endif
