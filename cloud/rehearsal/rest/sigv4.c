#include "cloud/rehearsal/rest/sigv4.h"

#include "base/clock.h"
#include "base/hex.h"
#include "cloud/rehearsal/rest/sigv4_canonical.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_PARTS 5 /* access key, date, region, service, aws4_request */
#define AUTHORIZATION_MAX 4096
#define DATE_LEN 16 /* 20261122T051336Z */
#define HASH_LEN 32

struct authorization {
	char text[AUTHORIZATION_MAX]; /* what the others point into */
	char *scope[SCOPE_PARTS];
	char *signed_headers, *signature;
	const char *date;
};

static const char *const services[] = { "iot", "execute-api", "s3" };

/* --- the Authorization header --- */

/* The value of "Name=value" in a list with commas. */
static char *member(char *list, const char *name)
{
	size_t len = strlen(name);
	char *save = NULL;

	for (char *item = strtok_r(list, ", ", &save); item; item = strtok_r(NULL, ", ", &save))
		if (!strncmp(item, name, len) && item[len] == '=')
			return item + len + 1;
	return NULL;
}

static bool split_scope(char *credential, char *ret_scope[static SCOPE_PARTS])
{
	for (int i = 0; i < SCOPE_PARTS; i++) {
		ret_scope[i] = strsep(&credential, "/");
		if (!ret_scope[i] || !*ret_scope[i])
			return false;
	}
	return !credential && !strcmp(ret_scope[SCOPE_PARTS - 1], "aws4_request");
}

static bool is_service(const char *name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (!strcmp(services[i], name))
			return true;
	return false;
}

/* strtok_r writes into the list: each member is looked for in a copy of its own. */
static bool parse_members(const char *list, struct authorization *a)
{
	size_t size = strlen(list) + 1;
	char *copies[3] = { a->text, a->text + size, a->text + 2 * size };
	char *credential;

	if (3 * size > sizeof(a->text))
		return false;
	for (int i = 0; i < 3; i++)
		memcpy(copies[i], list, size);
	credential = member(copies[0], "Credential");
	a->signed_headers = member(copies[1], "SignedHeaders");
	a->signature = member(copies[2], "Signature");
	return credential && a->signed_headers && a->signature &&
	       split_scope(credential, a->scope) && is_service(a->scope[3]);
}

static enum sigv4_verdict parse(const struct rest_request *request, struct authorization *a,
				struct err *reason)
{
	const char *header = rest_header(request, "authorization");
	size_t len = strlen(ALGORITHM);

	if (!header) {
		err_set(reason, ERR_REFUSED, "Missing Authentication Token");
		return SIGV4_MISSING;
	}
	a->date = rest_header(request, "x-amz-date");
	if (strncmp(header, ALGORITHM " ", len + 1) || !parse_members(header + len + 1, a)) {
		err_set(reason, ERR_REFUSED,
			"Authorization header must be " ALGORITHM
			" with Credential=KEY/DATE/REGION/"
			"iot/aws4_request, SignedHeaders and Signature");
		return SIGV4_INCOMPLETE;
	}
	if (!a->date || strlen(a->date) != DATE_LEN || strncmp(a->date, a->scope[1], 8)) {
		err_set(reason, ERR_REFUSED,
			"X-Amz-Date is missing, or not of the day that the credential names");
		return SIGV4_INCOMPLETE;
	}
	return SIGV4_GOOD;
}

/* --- who and when --- */

static bool is_known(const struct rest_request *request, const struct authorization *a,
		     const struct sigv4_key *key)
{
	const char *token = rest_header(request, "x-amz-security-token");

	if (strcmp(a->scope[0], key->access_key) != 0)
		return false;
	return token && key->session_token ? !strcmp(token, key->session_token)
					   : !token && !key->session_token;
}

/* "20261122T051336Z" as the clock of the other side. */
static bool parse_date(const char *d, int64_t *ret_s)
{
	char text[CLOCK_TEXT_SIZE];

	if (d[8] != 'T' || d[15] != 'Z')
		return false;
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", d, d + 4, d + 6, d + 9,
		 d + 11, d + 13);
	return clock_parse(text, ret_s);
}

static enum sigv4_verdict check_time(const char *date, int64_t now_s, struct err *reason)
{
	char now[CLOCK_TEXT_SIZE];
	int64_t then_s;

	if (!parse_date(date, &then_s)) {
		err_set(reason, ERR_REFUSED, "X-Amz-Date must look like 20261122T051336Z");
		return SIGV4_INCOMPLETE;
	}
	if (llabs(then_s - now_s) <= SIGV4_SKEW_S)
		return SIGV4_GOOD;
	err_set(reason, ERR_REFUSED, "Signature %s: %s is more than %d min from %s",
		then_s < now_s ? "expired" : "not yet current", date, SIGV4_SKEW_S / 60,
		clock_format(now_s, now));
	return SIGV4_EXPIRED;
}

/* --- the signature --- */

static void hmac(struct bytes key, const char *text, uint8_t ret_hash[static HASH_LEN])
{
	HMAC(EVP_sha256(), key.data, (int)key.len, (const uint8_t *)text, strlen(text), ret_hash,
	     NULL);
}

/* The secret, then each part of the scope but the access key, is the key of the next. */
static void signing_key(const char *secret, char *const *scope, uint8_t ret_key[static HASH_LEN])
{
	char first[SIGV4_KEY_MAX + sizeof("AWS4")];
	uint8_t from[HASH_LEN];

	snprintf(first, sizeof(first), "AWS4%s", secret);
	hmac(bytes_text(first), scope[1], ret_key);
	for (int i = 2; i < SCOPE_PARTS; i++) {
		memcpy(from, ret_key, HASH_LEN);
		hmac(BYTES(from), scope[i], ret_key);
	}
}

static bool fits(const struct authorization *a, const struct sigv4_key *key, const char *canonical)
{
	char to_sign[AUTHORIZATION_MAX], hash[2 * HASH_LEN + 1], signature[2 * HASH_LEN + 1];
	uint8_t signing[HASH_LEN], mac[HASH_LEN];

	sigv4_hash(bytes_text(canonical), hash);
	snprintf(to_sign, sizeof(to_sign), ALGORITHM "\n%s\n%s/%s/%s/%s\n%s", a->date, a->scope[1],
		 a->scope[2], a->scope[3], a->scope[4], hash);
	signing_key(key->secret_key, a->scope, signing);
	hmac(BYTES(signing), to_sign, mac);
	hex_encode(BYTES(mac), signature);
	return strlen(a->signature) == strlen(signature) &&
	       CRYPTO_memcmp(signature, a->signature, strlen(signature)) == 0;
}

enum sigv4_verdict sigv4_verify(const struct rest_request *request, const struct sigv4_key *key,
				int64_t now_s, char *canonical, struct err *reason)
{
	struct authorization a;
	enum sigv4_verdict verdict;

	*canonical = '\0';
	verdict = parse(request, &a, reason);
	if (verdict != SIGV4_GOOD)
		return verdict;
	if (!is_known(request, &a, key)) {
		err_set(reason, ERR_REFUSED,
			"The security token included in the request is invalid.");
		return SIGV4_UNKNOWN;
	}
	verdict = check_time(a.date, now_s, reason);
	if (verdict != SIGV4_GOOD)
		return verdict;
	if (!sigv4_canonical(request, a.signed_headers, !strcmp(a.scope[3], "s3"), canonical,
			     reason))
		return SIGV4_WRONG;
	if (fits(&a, key, canonical))
		return SIGV4_GOOD;
	err_set(reason, ERR_REFUSED,
		"The request signature we calculated does not match the signature you provided. "
		"Check your AWS Secret Access Key and signing method.");
	return SIGV4_WRONG;
}
