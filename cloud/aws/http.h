/* http: one HTTP/1.1 connection to one endpoint of AWS, kept open; each request is signed with
 * Signature Version 4 by libcurl.
 *	Host, X-Amz-Date, [Content-Type], [X-Amz-Security-Token], [x-amz-content-sha256], [If-Match],
 *	[If-None-Match]: all signed
 * libcurl signs path and query as they are. So a path holds unreserved characters and '/' only, the
 * query's names come sorted bytewise, and their values are percent-encoded here. No redirects;
 * https, and http to a loopback endpoint only; a server certificate is checked against the system's
 * roots or the file in AWS_CA_BUNDLE.
 * Errors, sentences without the operation: ERR_GONE (host not known, no connection, lost in the
 * middle), ERR_TIMEOUT, ERR_REFUSED (the server's certificate is not trusted), ERR_INVALID (no HTTP,
 * or longer than HTTP_BODY_MAX), ERR_SYSTEM. Any status is an answer, not an error.
 * Threads: one an http. Layer above: service. Below: endpoint, libcurl.
 * Source: AWS "Signature Version 4 signing process"; libcurl's CURLOPT_AWS_SIGV4 since 7.88. */
#ifndef CLOUD_AWS_HTTP_H
#define CLOUD_AWS_HTTP_H

#include "base/bytes.h"
#include "cloud/aws/account.h"

#define HTTP_BODY_MAX (1 << 20)
#define HTTP_URL_SIZE 4096
#define HTTP_CONNECT_MS 10000
#define HTTP_TOTAL_MS 30000
#define HTTP_ERROR_SIZE 64
#define HTTP_ETAG_SIZE 128

struct http_parameter {
	const char *name, *value;
};

struct http_request {
	const char *method, *path;	    /* "PUT", "/cacertificate/9f3c…71" */
	const struct http_parameter *query; /* sorted by name; a value NULL: left out */
	size_t query_count;
	const char *content_type; /* NULL: no body */
	struct bytes body;
	const char
		*over; /* S3: NULL always; "" if nothing is there; else if it still has that ETag */
};

struct http_answer {
	long status;
	const char *body; /* a NUL follows; until the next request */
	size_t len;
	char error[HTTP_ERROR_SIZE]; /* x-amzn-ErrorType up to a colon, or "" */
	char etag[HTTP_ETAG_SIZE];   /* with its quotes, or "" */
	int64_t date_s, received_s;  /* AWS's clock (0: not said), and ours when it came */
};

struct http;

/* `service` names the scope of the signature, "iot" or "s3"; s3 wants the payload's hash as a header.
 * `endpoint` is an account's, or one below it. service and account must outlive the http. */
MUST_CHECK bool http_open(const char *service, const char *endpoint, const struct account *account,
			  struct http **ret_http, struct err *e);
void http_close(struct http *http);
AUTO_DEFINE(http, struct http *, http_close)
MUST_CHECK bool http_ask(struct http *http, const struct http_request *request,
			 struct http_answer *ret_answer, struct err *e);
/* True once a connection was made: the endpoint exists, and what is lost may come back. */
bool http_reached(const struct http *http);

#endif
