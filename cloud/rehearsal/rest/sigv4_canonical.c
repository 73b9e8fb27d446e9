#include "cloud/rehearsal/rest/sigv4_canonical.h"

#include "base/cleanup.h"
#include "base/hex.h"
#include "cloud/rehearsal/rest/target.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

#define NAME_MAX_LEN 128
#define PATH_SIZE (REST_TARGET_MAX + 2)
#define UNSIGNED "UNSIGNED-PAYLOAD"

struct out {
	char *text;
	size_t len; /* may pass SIGV4_CANONICAL_MAX: then it did not fit */
};

static void put(struct out *out, const char *text, size_t len)
{
	if (out->len + len < SIGV4_CANONICAL_MAX)
		memcpy(out->text + out->len, text, len);
	out->len += len;
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* RFC 3986: all but the unreserved characters as %XX; `keep` is one more that stays. */
static void put_encoded(struct out *out, const char *text, char keep)
{
	char encoded[4];

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 0x80 && isalnum(c)) || strchr("-_.~", c) || c == (unsigned char)keep)
			put(out, text, 1);
		else
			put(out, encoded, (size_t)snprintf(encoded, sizeof(encoded), "%%%02X", c));
	}
}

void sigv4_hash(struct bytes data, char ret_hex[static 65])
{
	uint8_t hash[32];

	EVP_Digest(data.data, data.len, hash, NULL, EVP_sha256(), NULL);
	hex_encode(BYTES(hash), ret_hex);
}

/* --- path --- */

static bool is_segment(const char *at, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(at, name, len);
}

/* Without empty, "." and ".." segments (RFC 3986 5.2.4); a slash at the end stays. */
static void normalize(const char *path, size_t len, char ret_path[static PATH_SIZE])
{
	const char *end = path + len;
	size_t to = 0;
	bool open = true;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t part = (size_t)((slash ? slash : end) - path);

		open = slash != NULL;
		if (is_segment(path, part, "..")) {
			while (to > 0 && ret_path[--to] != '/')
				;
			open = true;
		} else if (part > 0 && !is_segment(path, part, ".")) {
			ret_path[to++] = '/';
			memcpy(ret_path + to, path, part);
			to += part;
		} else if (part > 0) {
			open = true;
		}
		path += part + (slash != NULL);
	}
	if (open || to == 0)
		ret_path[to++] = '/';
	ret_path[to] = '\0';
}

/* As sent, encoded once more; for s3 decoded and encoded once. */
static void put_path(struct out *out, const char *raw, const struct target *t, bool s3)
{
	char path[PATH_SIZE];

	if (!s3) {
		normalize(raw, strcspn(raw, "?"), path);
		put_encoded(out, path, '/');
		return;
	}
	for (size_t i = 0; i < t->segment_count; i++) {
		put_text(out, "/");
		put_encoded(out, t->segments[i], '\0');
	}
}

/* --- query --- */

static int by_name_and_value(const void *a, const void *b)
{
	const struct target_pair *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : strcmp(x->value, y->value);
}

/* Sorted as encoded. */
static void put_query(struct out *out, const struct target *t)
{
	char text[3 * REST_TARGET_MAX + 2 * TARGET_QUERY_MAX];
	struct target_pair pairs[TARGET_QUERY_MAX];
	struct out encoded = { text, 0 };

	for (size_t i = 0; i < t->query_count; i++) {
		pairs[i].name = text + encoded.len;
		put_encoded(&encoded, t->query[i].name, '\0');
		put(&encoded, "", 1);
		pairs[i].value = text + encoded.len;
		put_encoded(&encoded, t->query[i].value, '\0');
		put(&encoded, "", 1);
	}
	qsort(pairs, t->query_count, sizeof(pairs[0]), by_name_and_value);
	for (size_t i = 0; i < t->query_count; i++) {
		put_text(out, i ? "&" : "");
		put_text(out, pairs[i].name);
		put_text(out, "=");
		put_text(out, pairs[i].value);
	}
}

/* --- headers --- */

/* Without blanks around it, and one blank for several. */
static void put_value(struct out *out, const char *value)
{
	bool blank = false, first = true;

	for (; *value; value++) {
		if (*value == ' ' || *value == '\t') {
			blank = true;
			continue;
		}
		if (blank && !first)
			put(out, " ", 1);
		put(out, value, 1);
		blank = first = false;
	}
}

static bool put_header(struct out *out, const struct rest_request *request, const char *name,
		       struct err *e)
{
	size_t found = 0;

	put_text(out, name);
	for (size_t i = 0; i < request->header_count; i++) {
		if (strcasecmp(request->headers[i].name, name) != 0)
			continue;
		put_text(out, found++ ? "," : ":");
		put_value(out, request->headers[i].value);
	}
	put_text(out, "\n");
	return found > 0 ||
	       err_set(e, ERR_REFUSED, "the header %s is signed but was not sent", name);
}

static bool put_headers(struct out *out, const struct rest_request *request, const char *list,
			struct err *e)
{
	char name[NAME_MAX_LEN], last[NAME_MAX_LEN] = "";

	for (;;) {
		size_t len = strcspn(list, ";");

		if (len == 0 || len >= sizeof(name))
			return err_set(e, ERR_REFUSED, "SignedHeaders is not a list of names");
		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		if (strcmp(name, last) <= 0)
			return err_set(e, ERR_REFUSED, "SignedHeaders is not sorted");
		if (!put_header(out, request, name, e))
			return false;
		if (!list[len])
			return true;
		list += len + 1;
		memcpy(last, name, sizeof(last));
	}
}

static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list; list = strchr(list, ';')) {
		list += *list == ';';
		if (!strncasecmp(list, name, len) && (list[len] == ';' || !list[len]))
			return true;
	}
	return false;
}

static bool check_listed(const struct rest_request *request, const char *list, struct err *e)
{
	if (!is_listed(list, "host"))
		return err_set(e, ERR_REFUSED, "the header host must be signed");
	for (size_t i = 0; i < request->header_count; i++) {
		const char *name = request->headers[i].name;

		if (!strncasecmp(name, "x-amz-", 6) && !is_listed(list, name))
			return err_set(e, ERR_REFUSED, "the header %.64s must be signed", name);
	}
	return true;
}

/* --- body --- */

static bool put_payload(struct out *out, const struct rest_request *request, bool s3, struct err *e)
{
	const char *said = rest_header(request, "x-amz-content-sha256");
	char hash[65];

	sigv4_hash(request->body, hash);
	if (said && strcmp(said, hash) != 0 && !(s3 && !strcmp(said, UNSIGNED)))
		return err_set(e, ERR_REFUSED, "x-amz-content-sha256 is not the body's hash");
	put_text(out, said ? said : hash);
	return true;
}

bool sigv4_canonical(const struct rest_request *request, const char *signed_headers, bool s3,
		     char *ret_canonical, struct err *e)
{
	AUTO_FREE struct target *t = malloc(sizeof(*t));
	struct out out = { ret_canonical, 0 };

	if (!t)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!target_parse(request->target, t, e) || !check_listed(request, signed_headers, e))
		return false;
	put_text(&out, request->method);
	put_text(&out, "\n");
	put_path(&out, request->target, t, s3);
	put_text(&out, "\n");
	put_query(&out, t);
	put_text(&out, "\n");
	if (!put_headers(&out, request, signed_headers, e))
		return false;
	put_text(&out, "\n");
	put_text(&out, signed_headers);
	put_text(&out, "\n");
	if (!put_payload(&out, request, s3, e))
		return false;
	put(&out, "", 1);
	return out.len < SIGV4_CANONICAL_MAX ||
	       err_set(e, ERR_REFUSED, "the request has too many headers to be signed");
}
