#include "hsm/product/product.h"

#include "hsm/product/unit_pattern.h"
#include "hsm/product/product_reading.h"
#include "hsm/schemas.h"

#include <stdlib.h>
#include <string.h>

#define PRODUCT_NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
#define PRODUCT_SUFFIX ".yaml"
#define NO_END_TEXT "no-well-defined-expiration"

static void read_name(struct reading *r)
{
	const char *slash = strrchr(r->path, '/'), *name = slash ? slash + 1 : r->path;
	size_t len = strlen(name), suffix = strlen(PRODUCT_SUFFIX);
	struct err e;

	if (len > suffix && strcmp(name + len - suffix, PRODUCT_SUFFIX) == 0 &&
	    len - suffix <= NAME_MAX_LEN && name[0] != '.' && name[0] != '-' &&
	    strspn(name, PRODUCT_NAME_CHARACTERS) == len) {
		memcpy(r->product->name, name, len - suffix);
		return;
	}
	err_set(&e, ERR_INVALID,
		"%s: a product's file is called NAME.yaml; allowed in NAME: 1 to %d of A-Z a-z 0-9 "
		"- _ .",
		r->path, NAME_MAX_LEN);
	product_note(r, &e);
}

static void read_validity(struct reading *r)
{
	const char *text = r->raw->validity;
	char *end;
	unsigned long days;

	if (strcmp(text, NO_END_TEXT) == 0) {
		r->product->validity_days = PRODUCT_NO_END;
		return;
	}
	days = strtoul(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || (strcmp(end, " days") && strcmp(end, " day")) ||
	    days > PRODUCT_DAYS_MAX)
		product_mistake(r, "validity",
				"\"%s\" is no validity; allowed here: " NO_END_TEXT
				", or 1 to %d days, as in \"3650 days\"",
				text, PRODUCT_DAYS_MAX);
	else
		r->product->validity_days = (uint32_t)days;
}

static void read_unit(struct reading *r)
{
	const struct product_raw_unit *unit = &r->raw->unit;
	struct err e;

	strcpy(r->product->unit_pattern_text, unit->pattern);
	r->has_pattern = unit_pattern_compile(unit->pattern, &r->product->unit_pattern, &e);
	if (!r->has_pattern)
		product_mistake(r, "unit.pattern", "this is no pattern of unit ids: %s", e.text);
	r->product->unit_source = unit->source ? unit->source : SOURCE_BOARD;
	r->product->rekey_before_installed = r->raw->rekey_before_installed;
}

static void read_all(struct reading *r)
{
	read_name(r);
	read_validity(r);
	product_read_uses(r);
	read_unit(r);
	product_read_names(r);
	product_read_files(r);
}

bool product_load_reported(const char *path,
			   void (*report)(void *context, const struct err *mistake), void *context,
			   struct product **ret_product, struct err *e)
{
	struct product *p;
	AUTO(product_raw) raw = NULL;
	struct reading r = { .path = path, .report = report, .context = context, .first = e };

	if (!config_load_reported(path, &product_schema, report, context, (cyaml_data_t **)&raw, e))
		return false;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ERR_SYSTEM, "no memory for the product %s", path);
	r.raw = &raw->certificate;
	r.product = p;
	read_all(&r);
	if (r.mistakes == 0) {
		*ret_product = p;
		return true;
	}
	if (r.has_pattern)
		product_free(p);
	else {
		free(p->server_root);
		free(p);
	}
	return false;
}

bool product_load(const char *path, struct product **ret_product, struct err *e)
{
	return product_load_reported(path, NULL, NULL, ret_product, e);
}

void product_free(struct product *p)
{
	if (!p)
		return;
	regfree(&p->unit_pattern);
	free(p->server_root);
	free(p);
}

bool product_allows_key(const struct product *p, enum token_key_type type)
{
	return p->key_types & 1u << type;
}

bool product_allows_unit(const struct product *p, const char *unit)
{
	return unit_pattern_matches(&p->unit_pattern, unit);
}

const char *product_content_name(enum content content)
{
	switch (content) {
	case CONTENT_CERTIFICATE:
		return "certificate";
	case CONTENT_ISSUER:
		return "issuer";
	case CONTENT_CHAIN:
		return "chain";
	case CONTENT_SERVER_ROOT:
		return "server_root";
	}
	return "";
}

const char *product_encoding_name(const struct product_file *file)
{
	return file->crlf ? "pem-crlf" : file->nul ? "pem-nul" : file->pem ? "pem" : "der";
}
