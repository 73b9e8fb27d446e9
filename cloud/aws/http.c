#include "cloud/aws/http.h"

#include "base/clock.h"
#include "base/hex.h"
#include "cloud/aws/endpoint.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

#define HEADER_SIZE (ACCOUNT_TOKEN_SIZE + 64)

AUTO_DEFINE(headers, struct curl_slist *, curl_slist_free_all)
AUTO_DEFINE(text, char *, curl_free)

struct http {
	CURL *curl;
	const char *service;
	const struct account *account;
	char endpoint[ACCOUNT_URL_SIZE];
	bool reached;
	bool head_ended; /* libcurl takes an answer that ends in its head for a whole one */
	char reason[CURL_ERROR_SIZE];
	size_t len;
	char body[HTTP_BODY_MAX + 1];
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct http *http = context;
	size_t len = size * count;

	if (len > HTTP_BODY_MAX - http->len)
		return 0; /* ends the transfer with CURLE_WRITE_ERROR */
	memcpy(http->body + http->len, data, len);
	http->len += len;
	return len;
}

static size_t see_head(char *line, size_t size, size_t count, void *context)
{
	struct http *http = context;

	if (size * count > 0 && strchr("\r\n", line[0]))
		http->head_ended = true;
	else if (size * count > 5 && memcmp(line, "HTTP/", 5) == 0)
		http->head_ended = false; /* after 100 Continue, or a proxy's */
	return size * count;
}

static size_t give_nothing(char *data, size_t size, size_t count, void *context)
{
	(void)data, (void)size, (void)count, (void)context;
	return 0;
}

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static CURL *new_curl(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_curl);
	return curl_easy_init();
}

bool http_open(const char *service, const char *endpoint, const struct account *account,
	       struct http **ret_http, struct err *e)
{
	AUTO(http) http = calloc(1, sizeof(*http));

	if (!http)
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	if (!endpoint_read(endpoint, http->endpoint, e))
		return false;
	http->service = service;
	http->account = account;
	http->curl = new_curl();
	if (!http->curl)
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	*ret_http = TAKE(http);
	return true;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

bool http_reached(const struct http *http)
{
	return http->reached;
}

static bool add_query(const struct http_request *request, char url[static HTTP_URL_SIZE])
{
	const struct http_parameter *before = NULL;
	size_t len = strlen(url);

	for (size_t i = 0; i < request->query_count; i++) {
		const struct http_parameter *p = &request->query[i];
		AUTO(text) value = NULL;

		if (!p->value)
			continue;
		assert(!before || strcmp(before->name, p->name) < 0);
		value = curl_easy_escape(NULL, p->value, 0);
		if (!value)
			return false;
		len += (size_t)snprintf(url + len, HTTP_URL_SIZE - len, "%c%s=%s",
					before ? '&' : '?', p->name, value);
		if (len >= HTTP_URL_SIZE)
			return false;
		before = p;
	}
	return true;
}

static bool set_url(struct http *http, const struct http_request *request, struct err *e)
{
	char url[HTTP_URL_SIZE];
	int len = snprintf(url, sizeof(url), "%s%s", http->endpoint, request->path);

	if (len < 0 || (size_t)len >= sizeof(url) || !add_query(request, url))
		return err_set(e, ERR_INVALID, "the address %.80s… is too long", request->path);
	curl_easy_setopt(http->curl, CURLOPT_URL, url);
	return true;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
	char line[HEADER_SIZE];
	struct curl_slist *longer;

	snprintf(line, sizeof(line), "%s: %s", name, value);
	longer = curl_slist_append(*headers, line);
	explicit_bzero(line, sizeof(line));
	if (longer)
		*headers = longer;
	return longer != NULL;
}

static bool add_headers(struct http *http, const struct http_request *request,
			struct curl_slist **headers)
{
	char text[2 * SHA256_DIGEST_LENGTH + 1];
	uint8_t hash[SHA256_DIGEST_LENGTH];

	if (request->content_type && !add_header(headers, "Content-Type", request->content_type))
		return false;
	if (*http->account->session_token &&
	    !add_header(headers, "X-Amz-Security-Token", http->account->session_token))
		return false;
	if (request->over && !add_header(headers, *request->over ? "If-Match" : "If-None-Match",
					 *request->over ? request->over : "*"))
		return false;
	if (strcmp(http->service, "s3") != 0)
		return true;
	SHA256(request->body.data, request->body.len, hash);
	return add_header(headers, "x-amz-content-sha256", hex_encode(BYTES(hash), text));
}

/* libcurl signs the hash of POSTFIELDS. A PUT without a body is an upload of no bytes: as POSTFIELDS
 * it would get a Content-Type of its own. */
static void set_body(CURL *curl, const struct http_request *request)
{
	curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	if (request->content_type) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
	} else if (strcmp(request->method, "GET") != 0) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_nothing);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE, 0L);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_connection(struct http *http)
{
	const char *roots = getenv("AWS_CA_BUNDLE");
	bool plain = strncasecmp(http->endpoint, "http:", 5) == 0; /* to a loopback address */

	curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	if (plain)
		curl_easy_setopt(http->curl, CURLOPT_PROXY, "");
	if (roots && *roots)
		curl_easy_setopt(http->curl, CURLOPT_CAINFO, roots);
	curl_easy_setopt(http->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(http->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(http->curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_MS);
	curl_easy_setopt(http->curl, CURLOPT_USERAGENT, "imprint/" IMPRINT_VERSION);
	curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->reason);
	curl_easy_setopt(http->curl, CURLOPT_HEADERFUNCTION, see_head);
	curl_easy_setopt(http->curl, CURLOPT_HEADERDATA, http);
	curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
}

static void set_signature(struct http *http)
{
	char scope[ACCOUNT_REGION_SIZE + 32];

	snprintf(scope, sizeof(scope), "aws:amz:%s:%s", http->account->region, http->service);
	curl_easy_setopt(http->curl, CURLOPT_AWS_SIGV4, scope);
	curl_easy_setopt(http->curl, CURLOPT_USERNAME, http->account->access_key);
	curl_easy_setopt(http->curl, CURLOPT_PASSWORD, http->account->secret_key);
}

static bool no_answer(const struct http *http, CURLcode rc, struct err *e)
{
	const char *host = http->endpoint;
	const char *reason = *http->reason ? http->reason : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(
			e, ERR_GONE,
			"the host of %.120s is not known: check the network, its DNS and the "
			"region",
			host);
	case CURLE_COULDNT_CONNECT:
		return err_set(e, ERR_GONE, "nobody answers at %.120s: %s", host,
			       strncmp(host, "http:", 5) == 0
				       ? "does the rehearsal run (imprint rehearsal up)?"
				       : "check the network, the proxy (https_proxy) and the "
					 "endpoint");
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_TIMEOUT, "%.120s did not answer in time: try again later",
			       host);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(
			e, ERR_REFUSED,
			"the certificate of %.120s is not trusted (%.100s): a proxy in between? "
			"Its root goes into AWS_CA_BUNDLE",
			host, reason);
	case CURLE_WRITE_ERROR:
		return err_set(e, ERR_INVALID, "the answer of %.120s is longer than %d bytes", host,
			       HTTP_BODY_MAX);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return err_set(e, ERR_INVALID, "what answers at %.120s does not speak HTTP", host);
	case CURLE_OUT_OF_MEMORY:
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	default:
		return err_set(e, ERR_GONE, "the connection to %.120s was lost (%.140s): try again",
			       host, reason);
	}
}

static const char *header(CURL *curl, const char *name)
{
	struct curl_header *found;

	return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
										      : "";
}

static void read_answer(struct http *http, struct http_answer *answer)
{
	const char *error = header(http->curl, "x-amzn-ErrorType");
	const char *etag = header(http->curl, "ETag");
	time_t date = curl_getdate(header(http->curl, "Date"), NULL);

	*answer = (struct http_answer) { .body = http->body, .len = http->len };
	http->body[http->len] = '\0';
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	snprintf(answer->error, sizeof(answer->error), "%.*s", (int)strcspn(error, ":"), error);
	if (strlen(etag) < sizeof(answer->etag))
		strcpy(answer->etag, etag);
	answer->date_s = date > 0 ? date : 0;
	answer->received_s = clock_wall_s();
}

bool http_ask(struct http *http, const struct http_request *request, struct http_answer *ret_answer,
	      struct err *e)
{
	AUTO(headers) headers = NULL;
	curl_off_t sent_us = 0;
	CURLcode rc;

	curl_easy_reset(http->curl); /* keeps the connection */
	set_connection(http);
	set_signature(http);
	set_body(http->curl, request);
	if (!set_url(http, request, e))
		return false;
	if (!add_headers(http, request, &headers))
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers);
	http->len = 0;
	http->head_ended = false;
	*http->reason = '\0';
	rc = curl_easy_perform(http->curl);
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	http->reached |= sent_us > 0;
	if (rc == CURLE_OK && !http->head_ended)
		rc = CURLE_PARTIAL_FILE;
	if (rc != CURLE_OK)
		return no_answer(http, rc, e);
	read_answer(http, ret_answer);
	return true;
}
