#include "cloud/rehearsal/rest/objects.h"

#include "base/hex.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rest/target.h"

#include <openssl/evp.h>
#include <time.h>

#define BUCKET_MAX 63
#define CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define MD5_LEN 16
#define TIME_SIZE 40
#define SCOPE "/s3/aws4_request"
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

struct call {
	sqlite3 *db;
	const struct rest_request *request;
	struct rest_reply *reply;
	struct target target;
	char bucket[BUCKET_MAX + 1], key[OBJECTS_KEY_MAX + 1]; /* key "": the bucket itself */
};

static void refuse(struct rest_reply *reply, int status, const char *code, const char *message)
{
	char *text = NULL;
	int len = asprintf(&text, XML "<Error><Code>%s</Code><Message>%s</Message></Error>", code,
			   message);

	rest_reply_free(reply);
	reply->status = status;
	reply->content_type = "application/xml";
	reply->body = len < 0 ? NULL : (uint8_t *)text;
	reply->len = len < 0 ? 0 : (size_t)len;
}

static void failed(struct call *c)
{
	refuse(c->reply, 500, "InternalError", "the rehearsal's own database failed");
}

/* MD5 in hex: what S3's ETag is for an object that came in one piece. */
static bool etag(struct bytes data, char ret_text[static 2 * MD5_LEN + 1])
{
	uint8_t hash[MD5_LEN];
	size_t len = sizeof(hash);

	if (!EVP_Q_digest(NULL, "MD5", NULL, data.data, data.len, hash, &len))
		return false;
	hex_encode(BYTES(hash), ret_text);
	return true;
}

static struct tm utc(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	return parts;
}

static struct bytes blob(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);

	return bytes_of(data ? data : "", (size_t)sqlite3_column_bytes(row, column));
}

/* True if the bucket is there; else the reply says so. */
static bool bucket_exists(struct call *c)
{
	int64_t count = 0;
	struct err e;

	if (!query_number(c->db, "SELECT EXISTS (SELECT 1 FROM object WHERE bucket = ?1)",
			  VALUES(STRING(c->bucket)), &count, &e))
		failed(c);
	else if (!count)
		refuse(c->reply, 404, "NoSuchBucket", "The specified bucket does not exist");
	return count > 0;
}

static void add_headers(struct call *c, const char *tag, int64_t modified_ms)
{
	struct tm time = utc(modified_ms);

	c->reply->headers[0].name = "ETag";
	snprintf(c->reply->headers[0].value, REST_REPLY_HEADER_SIZE, "\"%s\"", tag);
	c->reply->headers[1].name = "Last-Modified";
	strftime(c->reply->headers[1].value, REST_REPLY_HEADER_SIZE, "%a, %d %b %Y %H:%M:%S GMT",
		 &time);
}

static void reply_object(struct call *c, sqlite3_stmt *row)
{
	struct bytes data = blob(row, 0);
	char tag[2 * MD5_LEN + 1];
	uint8_t *copy = malloc(data.len + 1);

	if (!copy || !etag(data, tag)) {
		free(copy);
		failed(c);
		return;
	}
	memcpy(copy, data.data, data.len);
	c->reply->status = 200;
	c->reply->content_type = "binary/octet-stream";
	c->reply->body = copy;
	c->reply->len = data.len;
	add_headers(c, tag, sqlite3_column_int64(row, 1));
}

static void get_object(struct call *c)
{
	AUTO(query) query = NULL;
	bool row = false;
	struct err e;

	if (!bucket_exists(c))
		return;
	if (!query_start(c->db, "SELECT data, modified FROM object WHERE bucket = ?1 AND key = ?2",
			 VALUES(STRING(c->bucket), STRING(c->key)), &query, &e) ||
	    !query_row(query, &row, &e))
		failed(c);
	else if (row)
		reply_object(c, query);
	else
		refuse(c->reply, 404, "NoSuchKey", "The specified key does not exist.");
}

/* A bucket is a row with the empty key. */
static bool make_bucket(struct call *c, int64_t now_ms, struct err *e)
{
	return query_run(c->db, "INSERT OR IGNORE INTO object VALUES (?1, '', x'', ?2)",
			 VALUES(STRING(c->bucket), NUMBER(now_ms)), e);
}

static bool put_object(struct call *c, int64_t now_ms, struct err *e)
{
	char tag[2 * MD5_LEN + 1];

	if (!query_run(c->db, "INSERT OR REPLACE INTO object VALUES (?1, ?2, ?3, ?4)",
		       VALUES(STRING(c->bucket), STRING(c->key), BLOB(c->request->body),
			      NUMBER(now_ms)),
		       e) ||
	    !etag(c->request->body, tag))
		return false;
	add_headers(c, tag, now_ms);
	return true;
}

static void put(struct call *c)
{
	int64_t now_ms = registry_now_ms();
	struct err e;

	if (make_bucket(c, now_ms, &e) && (!*c->key || put_object(c, now_ms, &e)))
		c->reply->status = 200;
	else
		failed(c);
}

static void delete_object(struct call *c)
{
	struct err e;

	if (!bucket_exists(c))
		return;
	if (!*c->key)
		refuse(c->reply, 501, "NotImplemented", "the rehearsal keeps its buckets");
	else if (!query_run(c->db, "DELETE FROM object WHERE bucket = ?1 AND key = ?2",
			    VALUES(STRING(c->bucket), STRING(c->key)), &e))
		failed(c);
	else
		c->reply->status = 204;
}

/* --- a list, page by page --- */

static bool write_row(sqlite3_stmt *row, FILE *to)
{
	struct tm parts = utc(sqlite3_column_int64(row, 2));
	char tag[2 * MD5_LEN + 1], time[TIME_SIZE];

	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
	return etag(blob(row, 1), tag) &&
	       fprintf(to,
		       "<Contents><Key>%s</Key><LastModified>%s</LastModified>"
		       "<ETag>&quot;%s&quot;</ETag><Size>%d</Size>"
		       "<StorageClass>STANDARD</StorageClass></Contents>",
		       query_text(row, 0), time, tag, sqlite3_column_bytes(row, 1)) > 0;
}

/* The next page begins behind the last key. */
static bool write_rows(sqlite3_stmt *query, long limit, FILE *to, bool *ret_more, struct err *e)
{
	char last[OBJECTS_KEY_MAX + 1] = "";
	bool row;

	for (long count = 0;; count++) {
		if (!query_row(query, &row, e))
			return false;
		*ret_more = row && count == limit;
		if (!row || *ret_more)
			break;
		snprintf(last, sizeof(last), "%s", query_text(query, 0));
		if (!write_row(query, to))
			return err_set(e, ERR_SYSTEM, "out of memory");
	}
	if (*ret_more)
		fprintf(to, "<NextContinuationToken>%s</NextContinuationToken>", last);
	return true;
}

static bool write_list(struct call *c, const char *prefix, const char *after, long limit, FILE *to)
{
	AUTO(query) query = NULL;
	bool more = false;
	struct err e;

	fprintf(to,
		XML "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		    "<Name>%s</Name><Prefix>%s</Prefix><MaxKeys>%ld</MaxKeys>",
		c->bucket, prefix, limit);
	if (!query_start(
		    c->db,
		    "SELECT key, data, modified FROM object WHERE bucket = ?1 AND key > ?2 "
		    "AND substr(key, 1, length(?3)) = ?3 ORDER BY key LIMIT ?4",
		    VALUES(STRING(c->bucket), STRING(after), STRING(prefix), NUMBER(limit + 1)),
		    &query, &e) ||
	    !write_rows(query, limit, to, &more, &e))
		return false;
	fprintf(to, "<IsTruncated>%s</IsTruncated></ListBucketResult>", more ? "true" : "false");
	return true;
}

/* What goes into the list again must be of the characters that keys have. */
static const char *text_parameter(const struct call *c, const char *name)
{
	const char *value = target_query(&c->target, name);

	if (!value)
		return "";
	return strlen(value) <= OBJECTS_KEY_MAX && !value[strspn(value, CHARACTERS "/")] ? value
											 : NULL;
}

static bool read_limit(const struct call *c, long *ret_limit)
{
	const char *value = target_query(&c->target, "max-keys");
	char *end = NULL;

	*ret_limit = value ? strtol(value, &end, 10) : OBJECTS_PAGE;
	if (*ret_limit > OBJECTS_PAGE)
		*ret_limit = OBJECTS_PAGE;
	return *ret_limit > 0 && (!value || !*end);
}

static void list_objects(struct call *c)
{
	const char *prefix = text_parameter(c, "prefix");
	const char *after = text_parameter(c, "continuation-token");
	char *text = NULL;
	size_t len = 0;
	FILE *to;
	long limit;
	bool done;

	if (!bucket_exists(c))
		return;
	if (!prefix || !after || !read_limit(c, &limit)) {
		refuse(c->reply, 400, "InvalidArgument", "no such list");
		return;
	}
	to = open_memstream(&text, &len);
	done = to && write_list(c, prefix, after, limit, to);
	if ((to && fclose(to)) || !done) {
		free(text);
		failed(c);
		return;
	}
	c->reply->status = 200;
	c->reply->content_type = "application/xml";
	c->reply->body = (uint8_t *)text;
	c->reply->len = len;
}

static void get_bucket(struct call *c)
{
	const char *type = target_query(&c->target, "list-type");

	if (!strcmp(c->request->method, "HEAD")) {
		if (bucket_exists(c))
			c->reply->status = 200;
	} else if (!type || strcmp(type, "2") || target_query(&c->target, "delimiter")) {
		refuse(c->reply, 501, "NotImplemented",
		       "of a bucket, the rehearsal has ListObjectsV2 without a delimiter");
	} else {
		list_objects(c);
	}
}

static void get(struct call *c)
{
	if (*c->key)
		get_object(c);
	else
		get_bucket(c);
}

/* --- which call it is --- */

bool objects_are_meant(const struct rest_request *request)
{
	const char *authorization = rest_header(request, "Authorization");

	return authorization && strstr(authorization, SCOPE);
}

/* /BUCKET[/KEY]: no key that is taken here needs a % in its path. */
static bool split(struct call *c)
{
	const char *path = c->request->target + 1;
	size_t len = strcspn(path, "?"), bucket = strspn(path, CHARACTERS), key;

	if (bucket == 0 || bucket > BUCKET_MAX || (bucket < len && path[bucket] != '/'))
		return false;
	snprintf(c->bucket, sizeof(c->bucket), "%.*s", (int)bucket, path);
	if (bucket == len)
		return true;
	path += bucket + 1;
	key = len - bucket - 1;
	if (key > OBJECTS_KEY_MAX || strspn(path, CHARACTERS "/") < key)
		return false;
	snprintf(c->key, sizeof(c->key), "%.*s", (int)key, path);
	return true;
}

static const struct {
	const char *method;
	void (*answer)(struct call *c);
} methods[] = { { "GET", get }, { "HEAD", get }, { "PUT", put }, { "DELETE", delete_object } };

void objects_answer(struct registry *r, const struct rest_request *request,
		    struct rest_reply *reply)
{
	struct call c = { .db = registry_database(r), .request = request, .reply = reply };
	struct err e;

	if (!target_parse(request->target, &c.target, &e) || !split(&c)) {
		refuse(reply, 400, "InvalidURI", "Couldn't parse the specified URI.");
		return;
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].method, request->method)) {
			methods[i].answer(&c);
			return;
		}
	refuse(reply, 405, "MethodNotAllowed", "the rehearsal has no such call");
}
