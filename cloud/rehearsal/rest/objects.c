#include "cloud/rehearsal/rest/objects_inside.h"

#include "base/hex.h"

#include <openssl/evp.h>

#define MD5_LEN ((OBJECTS_ETAG_SIZE - 1) / 2)
#define SCOPE "/s3/aws4_request"

void objects_refuse(struct rest_reply *reply, int status, const char *code, const char *message)
{
	char *text = NULL;
	int len = asprintf(&text, OBJECTS_XML "<Error><Code>%s</Code><Message>%s</Message></Error>",
			   code, message);

	rest_reply_free(reply);
	reply->status = status;
	reply->content_type = "application/xml";
	reply->body = len < 0 ? NULL : (uint8_t *)text;
	reply->len = len < 0 ? 0 : (size_t)len;
}

void objects_failed(struct objects_call *c)
{
	objects_refuse(c->reply, 500, "InternalError", "the rehearsal's own database failed");
}

bool objects_etag(struct bytes data, char ret_text[static OBJECTS_ETAG_SIZE])
{
	uint8_t hash[MD5_LEN];
	size_t len = sizeof(hash);

	if (!EVP_Q_digest(NULL, "MD5", NULL, data.data, data.len, hash, &len))
		return false;
	hex_encode(BYTES(hash), ret_text);
	return true;
}

bool objects_bucket_exists(struct objects_call *c)
{
	int64_t count = 0;
	struct err e;

	if (!query_number(c->db, "SELECT EXISTS (SELECT 1 FROM object WHERE bucket = ?1)",
			  VALUES(STRING(c->bucket)), &count, &e))
		objects_failed(c);
	else if (!count)
		objects_refuse(c->reply, 404, "NoSuchBucket",
			       "The specified bucket does not exist");
	return count > 0;
}

static void add_headers(struct objects_call *c, const char *tag, int64_t modified_ms)
{
	struct tm time = objects_utc(modified_ms);

	c->reply->headers[0].name = "ETag";
	snprintf(c->reply->headers[0].value, REST_REPLY_HEADER_SIZE, "\"%s\"", tag);
	c->reply->headers[1].name = "Last-Modified";
	strftime(c->reply->headers[1].value, REST_REPLY_HEADER_SIZE, "%a, %d %b %Y %H:%M:%S GMT",
		 &time);
}

static void reply_object(struct objects_call *c, sqlite3_stmt *row)
{
	struct bytes data = objects_blob(row, 0);
	char tag[OBJECTS_ETAG_SIZE];
	uint8_t *copy = malloc(data.len + 1);

	if (!copy || !objects_etag(data, tag)) {
		free(copy);
		objects_failed(c);
		return;
	}
	memcpy(copy, data.data, data.len);
	c->reply->status = 200;
	c->reply->content_type = "binary/octet-stream";
	c->reply->body = copy;
	c->reply->len = data.len;
	add_headers(c, tag, sqlite3_column_int64(row, 1));
}

static void get_object(struct objects_call *c)
{
	AUTO(query) query = NULL;
	bool row = false;
	struct err e;

	if (!objects_bucket_exists(c))
		return;
	if (!query_start(c->db, "SELECT data, modified FROM object WHERE bucket = ?1 AND key = ?2",
			 VALUES(STRING(c->bucket), STRING(c->key)), &query, &e) ||
	    !query_row(query, &row, &e))
		objects_failed(c);
	else if (row)
		reply_object(c, query);
	else
		objects_refuse(c->reply, 404, "NoSuchKey", "The specified key does not exist.");
}

/* Of the object that is there, in quotes. */
static bool find_tag(struct objects_call *c, bool *ret_found,
		     char ret_tag[static OBJECTS_QUOTED_SIZE])
{
	char tag[OBJECTS_ETAG_SIZE];
	AUTO(query) query = NULL;
	struct err e;

	if (!query_start(c->db, "SELECT data FROM object WHERE bucket = ?1 AND key = ?2",
			 VALUES(STRING(c->bucket), STRING(c->key)), &query, &e) ||
	    !query_row(query, ret_found, &e) ||
	    (*ret_found && !objects_etag(objects_blob(query, 0), tag)))
		return false;
	snprintf(ret_tag, OBJECTS_QUOTED_SIZE, "\"%s\"", *ret_found ? tag : "");
	return true;
}

/* A bucket is a row with the empty key. */
static bool make_bucket(struct objects_call *c, int64_t now_ms, struct err *e)
{
	return query_run(c->db, "INSERT OR IGNORE INTO object VALUES (?1, '', x'', ?2)",
			 VALUES(STRING(c->bucket), NUMBER(now_ms)), e);
}

static bool put_object(struct objects_call *c, int64_t now_ms, struct err *e)
{
	char tag[OBJECTS_ETAG_SIZE];

	if (!query_run(c->db, "INSERT OR REPLACE INTO object VALUES (?1, ?2, ?3, ?4)",
		       VALUES(STRING(c->bucket), STRING(c->key), BLOB(c->request->body),
			      NUMBER(now_ms)),
		       e) ||
	    !objects_etag(c->request->body, tag))
		return false;
	add_headers(c, tag, now_ms);
	return true;
}

/* If-None-Match: * and If-Match: "ETAG", as S3 has them since 2024. False: the reply is the refusal. */
static bool may_put(struct objects_call *c)
{
	const char *none = rest_header(c->request, "If-None-Match");
	const char *match = rest_header(c->request, "If-Match");
	char tag[OBJECTS_QUOTED_SIZE] = "";
	bool found;

	if ((!none && !match) || !*c->key)
		return true;
	if (!find_tag(c, &found, tag))
		objects_failed(c);
	else if (none && strcmp(none, "*"))
		objects_refuse(
			c->reply, 501, "NotImplemented",
			"A header you provided implies functionality that is not implemented");
	else if (match && !found)
		objects_refuse(c->reply, 404, "NoSuchKey", "The specified key does not exist.");
	else if ((none && found) || (match && strcmp(match, tag)))
		objects_refuse(c->reply, 412, "PreconditionFailed",
			       "At least one of the pre-conditions you specified did not hold");
	else
		return true;
	return false;
}

static void put(struct objects_call *c)
{
	int64_t now_ms = registry_now_ms();
	struct err e;

	if (!may_put(c))
		return;
	if (make_bucket(c, now_ms, &e) && (!*c->key || put_object(c, now_ms, &e)))
		c->reply->status = 200;
	else
		objects_failed(c);
}

static void delete_object(struct objects_call *c)
{
	struct err e;

	if (!objects_bucket_exists(c))
		return;
	if (!*c->key)
		objects_refuse(c->reply, 501, "NotImplemented", "the rehearsal keeps its buckets");
	else if (!query_run(c->db, "DELETE FROM object WHERE bucket = ?1 AND key = ?2",
			    VALUES(STRING(c->bucket), STRING(c->key)), &e))
		objects_failed(c);
	else
		c->reply->status = 204;
}

static void get_bucket(struct objects_call *c)
{
	const char *type = target_query(&c->target, "list-type");

	if (!strcmp(c->request->method, "HEAD")) {
		if (objects_bucket_exists(c))
			c->reply->status = 200;
	} else if (!type || strcmp(type, "2") || target_query(&c->target, "delimiter")) {
		objects_refuse(c->reply, 501, "NotImplemented",
			       "of a bucket, the rehearsal has ListObjectsV2 without a delimiter");
	} else {
		objects_list(c);
	}
}

static void get(struct objects_call *c)
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
static bool split(struct objects_call *c)
{
	const char *path = c->request->target + 1;
	size_t len = strcspn(path, "?"), bucket = strspn(path, OBJECTS_CHARACTERS), key;

	if (bucket == 0 || bucket > OBJECTS_BUCKET_MAX || (bucket < len && path[bucket] != '/'))
		return false;
	snprintf(c->bucket, sizeof(c->bucket), "%.*s", (int)bucket, path);
	if (bucket == len)
		return true;
	path += bucket + 1;
	key = len - bucket - 1;
	if (key > OBJECTS_KEY_MAX || strspn(path, OBJECTS_CHARACTERS "/") < key)
		return false;
	snprintf(c->key, sizeof(c->key), "%.*s", (int)key, path);
	return true;
}

static const struct {
	const char *method;
	void (*answer)(struct objects_call *c);
} methods[] = { { "GET", get }, { "HEAD", get }, { "PUT", put }, { "DELETE", delete_object } };

void objects_answer(struct registry *r, const struct rest_request *request,
		    struct rest_reply *reply)
{
	struct objects_call c = { .db = registry_database(r), .request = request, .reply = reply };
	struct err e;

	if (!target_parse(request->target, &c.target, &e) || !split(&c)) {
		objects_refuse(reply, 400, "InvalidURI", "Couldn't parse the specified URI.");
		return;
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].method, request->method)) {
			methods[i].answer(&c);
			return;
		}
	objects_refuse(reply, 405, "MethodNotAllowed", "the rehearsal has no such call");
}
