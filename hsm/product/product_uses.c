#include "hsm/product/product_reading.h"

#include "hsm/product/product_usage.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static void read_keys(struct reading *r)
{
	static const char *const usual[] = { "ec-p256" };
	const char *const *names = (const char *const *)r->raw->keys;
	size_t count = r->raw->keys_count;
	enum token_key_type type;
	char text[160];

	if (!names) {
		names = usual;
		count = 1;
	}
	for (size_t i = 0; i < count; i++) {
		if (token_key_type_of(names[i], &type)) {
			r->product->key_types |= 1u << type;
			continue;
		}
		snprintf(text, sizeof(text),
			 "\"%.32s\" is unknown; allowed here: ec-p256, ec-p384, rsa-2048, "
			 "rsa-3072, rsa-4096",
			 names[i]);
		product_mistake_in(r, "keys", i, text);
	}
}

/* RFC 5480 section 3: an EC key does not encipher. RFC 5280 4.2.1.3: …Only goes with
 * keyAgreement. */
static void check_key_usage(struct reading *r)
{
	const uint32_t ec = 1u << KEY_EC_P256 | 1u << KEY_EC_P384, usage = r->product->key_usage;

	if ((usage & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) && (r->product->key_types & ec))
		product_mistake(
			r, "key_usage",
			"keyEncipherment and dataEncipherment are for RSA keys alone, and \"keys\" "
			"allows an EC key");
	if ((usage & (KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY)) && !(usage & KU_KEY_AGREEMENT))
		product_mistake(r, "key_usage",
				"encipherOnly and decipherOnly say nothing without keyAgreement");
}

static void read_key_usage(struct reading *r)
{
	uint32_t bit = 0;
	struct err e;

	if (!r->raw->key_usage)
		r->product->key_usage = KU_DIGITAL_SIGNATURE;
	for (size_t i = 0; i < r->raw->key_usage_count; i++) {
		if (product_usage_key(r->raw->key_usage[i], &bit, &e))
			r->product->key_usage |= bit;
		else
			product_mistake_in(r, "key_usage", i, e.text);
	}
	check_key_usage(r);
}

static bool is_among(const char *name, char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void read_extended_key_usage(struct reading *r)
{
	char *const *names = r->raw->extended_key_usage;
	size_t count = r->raw->extended_key_usage_count;
	struct product *p = r->product;
	struct err e;

	if (!names)
		strcpy(p->extended_key_usage[p->extended_key_usage_count++], "clientAuth");
	if (count == 1 && strcmp(names[0], "none") == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!product_usage_extended(names[i], &e))
			product_mistake_in(r, "extended_key_usage", i, e.text);
		else if (is_among(names[i], names, i))
			product_mistake_in(r, "extended_key_usage", i, "it is in the list already");
		else
			strcpy(p->extended_key_usage[p->extended_key_usage_count++], names[i]);
	}
}

void product_read_uses(struct reading *r)
{
	read_keys(r);
	read_key_usage(r);
	read_extended_key_usage(r);
}
