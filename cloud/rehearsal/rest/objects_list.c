/* ListObjectsV2, page by page. */
#include "cloud/rehearsal/rest/objects_inside.h"

#define TIME_SIZE 40

static bool write_row(sqlite3_stmt *row, FILE *to)
{
	struct tm parts = objects_utc(sqlite3_column_int64(row, 2));
	char tag[OBJECTS_ETAG_SIZE], time[TIME_SIZE];

	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
	return objects_etag(objects_blob(row, 1), tag) &&
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

static bool write_list(struct objects_call *c, const char *prefix, const char *after, long limit,
		       FILE *to)
{
	AUTO(query) query = NULL;
	bool more = false;
	struct err e;

	fprintf(to,
		OBJECTS_XML "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
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
static const char *text_parameter(const struct objects_call *c, const char *name)
{
	const char *value = target_query(&c->target, name);

	if (!value)
		return "";
	return strlen(value) <= OBJECTS_KEY_MAX && !value[strspn(value, OBJECTS_CHARACTERS "/")]
		       ? value
		       : NULL;
}

static bool read_limit(const struct objects_call *c, long *ret_limit)
{
	const char *value = target_query(&c->target, "max-keys");
	char *end = NULL;

	*ret_limit = value ? strtol(value, &end, 10) : OBJECTS_PAGE;
	if (*ret_limit > OBJECTS_PAGE)
		*ret_limit = OBJECTS_PAGE;
	return *ret_limit > 0 && (!value || !*end);
}

void objects_list(struct objects_call *c)
{
	const char *prefix = text_parameter(c, "prefix");
	const char *after = text_parameter(c, "continuation-token");
	char *text = NULL;
	size_t len = 0;
	FILE *to;
	long limit;
	bool done;

	if (!objects_bucket_exists(c))
		return;
	if (!prefix || !after || !read_limit(c, &limit)) {
		objects_refuse(c->reply, 400, "InvalidArgument", "no such list");
		return;
	}
	to = open_memstream(&text, &len);
	done = to && write_list(c, prefix, after, limit, to);
	if ((to && fclose(to)) || !done) {
		free(text);
		objects_failed(c);
		return;
	}
	c->reply->status = 200;
	c->reply->content_type = "application/xml";
	c->reply->body = (uint8_t *)text;
	c->reply->len = len;
}
