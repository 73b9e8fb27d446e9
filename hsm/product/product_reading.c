#include "hsm/product/product_reading.h"

#include <stdarg.h>
#include <stdio.h>

void product_note(struct reading *r, const struct err *mistake)
{
	if (r->mistakes++ == 0)
		*r->first = *mistake;
	if (r->report)
		r->report(r->context, mistake);
}

void product_mistake(struct reading *r, const char *key, const char *format, ...)
{
	char key_path[80], text[ERR_TEXT_SIZE];
	struct err e;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(key_path, sizeof(key_path), "certificate.%s", key);
	config_mistake(r->path, key_path, &e, "%s", text);
	product_note(r, &e);
}

/* The same for an entry of a list. */
void product_mistake_in(struct reading *r, const char *list, size_t index, const char *text)
{
	char key[64];

	snprintf(key, sizeof(key), "%s[%zu]", list, index);
	product_mistake(r, key, "%s", text);
}
