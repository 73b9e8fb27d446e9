#include "hsm/x509/name.h"

#include <arpa/inet.h>
#include <ctype.h>

#define DNS_MAX 253 /* RFC 1035 2.3.4, without the lengths */
#define LABEL_MAX 63

static bool good_dns(const char *text)
{
	size_t len = strlen(text), label = 0;

	if (len == 0 || len > DNS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
		} else if (!(isalnum((unsigned char)text[i]) || text[i] == '_' ||
			     (text[i] == '-' && label > 0)) ||
			   ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0 && text[len - 1] != '-';
}

/* A scheme, a colon, and characters of RFC 3986. */
static bool good_uri(const char *text)
{
	size_t scheme =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	size_t len = strlen(text);

	if (!isalpha((unsigned char)*text) || text[scheme] != ':' || scheme + 1 == len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-._~:/?#[]@!$&'()*+,;=%", text[i]))
			return false;
	return true;
}

static bool good_email(const char *text)
{
	const char *at = strchr(text, '@');

	if (!at || at == text || !good_dns(at + 1))
		return false;
	for (const char *c = text; c < at; c++)
		if (!isalnum((unsigned char)*c) && !strchr(".!#$%&'*+-/=?^_`{|}~", *c))
			return false;
	return true;
}

static const struct alternative {
	const char *prefix;
	uint8_t tag;
	bool (*good)(const char *text);
	const char *form;
} alternatives[] = {
	{ "DNS:", DER_CONTEXT | 2, good_dns, "a host name" },
	{ "URI:", DER_CONTEXT | 6, good_uri, "a URI such as urn:brand:1" },
	{ "EMAIL:", DER_CONTEXT | 1, good_email, "a mail address" },
	{ "IP:", DER_CONTEXT | 7, NULL, "an IPv4 or IPv6 address" },
};

static bool write_address(const char *text, uint8_t tag, struct der_writer *w)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) == 1)
		der_put(w, tag, bytes_of(address, sizeof(struct in_addr)));
	else if (inet_pton(AF_INET6, text, address) == 1)
		der_put(w, tag, BYTES(address));
	else
		return false;
	return true;
}

bool name_alternative(const char *text, struct der_writer *w, struct err *e)
{
	for (size_t i = 0; i < sizeof(alternatives) / sizeof(*alternatives); i++) {
		const struct alternative *a = &alternatives[i];
		const char *value = text + strlen(a->prefix);

		if (strncmp(text, a->prefix, strlen(a->prefix)) != 0)
			continue;
		if (a->good ? !a->good(value) : !write_address(value, a->tag, w))
			return err_set(e, ERR_INVALID, "\"%.256s\" is not %s", value, a->form);
		if (a->good)
			der_put(w, a->tag, bytes_text(value));
		return der_ok(w) || err_set(e, ERR_INVALID, "the alternative names are too long");
	}
	return err_set(e, ERR_INVALID, "\"%.64s\" begins with none of DNS: URI: EMAIL: IP:", text);
}
