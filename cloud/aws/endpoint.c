#include "cloud/aws/endpoint.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* Those that stand for themselves, so that it is signed as it is sent. */
#define PATH_CHARACTERS "/-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

AUTO_DEFINE(text, char *, curl_free)
AUTO_DEFINE(url, CURLU *, curl_url_cleanup)

static bool loopback(const char *host)
{
	uint8_t address[4];

	return strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0 ||
	       (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

static bool absent(CURLU *url, CURLUPart part)
{
	AUTO(text) text = NULL;

	return curl_url_get(url, part, &text, 0) != CURLUE_OK;
}

static bool allowed(CURLU *url)
{
	AUTO(text) scheme = NULL;
	AUTO(text) host = NULL;
	AUTO(text) path = NULL;

	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		return false;
	if (strcmp(scheme, "https") != 0 && !(strcmp(scheme, "http") == 0 && loopback(host)))
		return false;
	return path[strspn(path, PATH_CHARACTERS)] == '\0' && absent(url, CURLUPART_USER) &&
	       absent(url, CURLUPART_PASSWORD) && absent(url, CURLUPART_QUERY) &&
	       absent(url, CURLUPART_FRAGMENT);
}

bool endpoint_read(const char *text, char ret_endpoint[static ACCOUNT_URL_SIZE], struct err *e)
{
	AUTO(url) url = curl_url();
	size_t len = strlen(text);

	if (!url || len >= ACCOUNT_URL_SIZE ||
	    curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK || !allowed(url))
		return err_set(e, ERR_INVALID,
			       "the endpoint %.200s is neither https://HOST nor http:// to a "
			       "loopback address",
			       text);
	if (text[len - 1] == '/')
		len--;
	memmove(ret_endpoint, text, len);
	ret_endpoint[len] = '\0';
	return true;
}
