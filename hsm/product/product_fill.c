#include "hsm/product/product.h"

#include <string.h>

#define SPECIAL " \"#+,;<=>\\" /* RFC 4514: has a backslash in front wherever it stands */

struct output {
	char *text;
	size_t size, len; /* len may pass size: then it did not fit */
};

static void put(struct output *out, char c)
{
	if (out->len < out->size)
		out->text[out->len] = c;
	out->len++;
}

static void put_value(struct output *out, const char *value, bool escape)
{
	for (; *value; value++) {
		if (escape && strchr(SPECIAL, *value))
			put(out, '\\');
		put(out, *value);
	}
}

bool product_fill(const char *template, const char *unit, const char *order, const char *product,
		  bool escape, char *ret_text, size_t size, struct err *e)
{
	const struct {
		const char *name, *value;
	} words[] = { { "{unit}", unit }, { "{order}", order }, { "{product}", product } };
	const size_t count = sizeof(words) / sizeof(words[0]);
	struct output out = { ret_text, size, 0 };
	size_t i, len;

	for (const char *at = template; *at; at += len) {
		for (i = 0; i < count; i++)
			if (strncmp(at, words[i].name, strlen(words[i].name)) == 0)
				break;
		len = i < count ? strlen(words[i].name) : 1;
		if (i < count)
			put_value(&out, words[i].value, escape);
		else if (*at == '{' || *at == '}')
			return err_set(e, ERR_INVALID,
				       "\"%.*s\" is no word to fill in; allowed here: {unit}, "
				       "{order}, {product}",
				       (int)strnlen(at, strcspn(at, "}") + 1), at);
		else
			put(&out, *at);
	}
	if (out.len >= size)
		return err_set(e, ERR_INVALID, "\"%.80s\" is too long with %s filled in", template,
			       unit);
	ret_text[out.len] = '\0';
	return true;
}
