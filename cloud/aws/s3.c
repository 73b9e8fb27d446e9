#include "cloud/aws/s3.h"

#include "cloud/aws/failure.h"
#include "cloud/aws/service.h"

#define PATH_SIZE (S3_BUCKET_MAX + S3_KEY_MAX + 3)
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"

struct s3 {
	struct account *account;
	struct service *service;
	char bucket[S3_BUCKET_MAX + 1];
	bool by_path; /* /BUCKET/KEY */
};

/* The bucket becomes a part of a host name or of a path. */
static bool is_bucket(const char *bucket)
{
	size_t len = strlen(bucket);

	return len >= 3 && len <= S3_BUCKET_MAX && strspn(bucket, LOWER ".-") == len &&
	       strspn(bucket, LOWER) > 0 && !strstr(bucket, "..");
}

/* https://BUCKET.s3.REGION.amazonaws.com; but a bucket with a dot would not fit the certificate. */
static bool connect(struct s3 *s3, struct err *e)
{
	char endpoint[ACCOUNT_URL_SIZE];
	const char *own = s3->account->s3_endpoint;
	int len;

	s3->by_path = s3->account->s3_by_path || strchr(s3->bucket, '.');
	if (s3->by_path)
		return service_open("s3", own, s3->account, S3_CALLS_A_SECOND, &s3->service, e);
	len = snprintf(endpoint, sizeof(endpoint), "https://%s.%s", s3->bucket,
		       own + strlen("https://"));
	if (len < 0 || (size_t)len >= sizeof(endpoint))
		return err_set(e, ERR_INVALID, "the endpoint of bucket %s is too long", s3->bucket);
	return service_open("s3", endpoint, s3->account, S3_CALLS_A_SECOND, &s3->service, e);
}

bool s3_open(const struct account_options *options, const char *bucket, struct s3 **ret_s3,
	     struct err *e)
{
	AUTO(s3) s3 = calloc(1, sizeof(*s3));

	if (!s3)
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	if (!is_bucket(bucket))
		return err_set(e, ERR_INVALID, "\"%.80s\" is no name of an S3 bucket", bucket);
	memcpy(s3->bucket, bucket, strlen(bucket) + 1);
	if (!account_find(options, &s3->account, e) || !connect(s3, e))
		return false;
	*ret_s3 = TAKE(s3);
	return true;
}

void s3_close(struct s3 *s3)
{
	if (!s3)
		return;
	service_close(s3->service);
	account_free(s3->account);
	free(s3);
}

static bool path_of(const struct s3 *s3, const char *key, char path[static PATH_SIZE],
		    struct err *e)
{
	size_t len = strlen(key);

	if (len == 0 || len > S3_KEY_MAX || strspn(key, S3_KEY_CHARACTERS) != len)
		return err_set(e, ERR_INVALID, "\"%.80s\" is no key of an object here", key);
	if (s3->by_path)
		snprintf(path, PATH_SIZE, "/%s/%s", s3->bucket, key);
	else
		snprintf(path, PATH_SIZE, "/%s", key);
	return true;
}

bool s3_put(struct s3 *s3, const char *key, struct bytes object, const char *over, struct err *e)
{
	char path[PATH_SIZE];
	const struct http_request request = {
		.method = "PUT",
		.path = path,
		.content_type = object.len ? "application/octet-stream" : NULL,
		.body = object,
		.over = over,
	};
	struct http_answer answer;

	return path_of(s3, key, path, e) &&
	       (service_call(s3->service, "PutObject", &request, &answer, e) ||
		err_add(e, "s3://%s/%.80s", s3->bucket, key));
}

bool s3_get(struct s3 *s3, const char *key, uint8_t **ret_object, size_t *ret_len,
	    char ret_tag[static S3_TAG_SIZE], struct err *e)
{
	char path[PATH_SIZE];
	const struct http_request request = { "GET", path };
	struct http_answer answer;
	uint8_t *object;

	if (!path_of(s3, key, path, e))
		return false;
	if (!service_call(s3->service, "GetObject", &request, &answer, e))
		return err_add(e, "s3://%s/%.80s", s3->bucket, key);
	if (answer.len > S3_OBJECT_MAX)
		return err_set(e, ERR_INVALID, "s3://%s/%.80s is longer than %d bytes", s3->bucket,
			       key, S3_OBJECT_MAX);
	object = malloc(answer.len + 1);
	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for s3://%s/%.80s", s3->bucket, key);
	memcpy(object, answer.body, answer.len + 1);
	strcpy(ret_tag, answer.etag);
	*ret_object = object;
	*ret_len = answer.len;
	return true;
}
