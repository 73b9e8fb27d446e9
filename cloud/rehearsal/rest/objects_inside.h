/* objects_inside: what the two files of objects share. Private to them. */
#ifndef CLOUD_REHEARSAL_REST_OBJECTS_INSIDE_H
#define CLOUD_REHEARSAL_REST_OBJECTS_INSIDE_H

#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rest/objects.h"
#include "cloud/rehearsal/rest/target.h"

#include <time.h>

#define OBJECTS_BUCKET_MAX 63
#define OBJECTS_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define OBJECTS_ETAG_SIZE 33
#define OBJECTS_QUOTED_SIZE (OBJECTS_ETAG_SIZE + 2)
#define OBJECTS_XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

struct objects_call {
	sqlite3 *db;
	const struct rest_request *request;
	struct rest_reply *reply;
	struct target target;
	char bucket[OBJECTS_BUCKET_MAX + 1],
		key[OBJECTS_KEY_MAX + 1]; /* key "": the bucket itself */
};

static inline struct tm objects_utc(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	return parts;
}

static inline struct bytes objects_blob(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);

	return bytes_of(data ? data : "", (size_t)sqlite3_column_bytes(row, column));
}

/* The answer becomes an error. */
void objects_refuse(struct rest_reply *reply, int status, const char *code, const char *message);
void objects_failed(struct objects_call *c);
/* True if the bucket is there; else the reply says so. */
bool objects_bucket_exists(struct objects_call *c);
/* MD5 in hex: what S3's ETag is for an object that came in one piece. */
bool objects_etag(struct bytes data, char ret_text[static OBJECTS_ETAG_SIZE]);
/* GET /BUCKET?list-type=2 */
void objects_list(struct objects_call *c);

#endif
