#include "hsm/product/product_reading.h"

#include "hsm/x509/name.h"
#include "hsm/product/unit_pattern.h"

#include <string.h>

#define FILLED_MAX 1024 /* a template with its words filled in and escaped */
#define EXAMPLE_UNIT "T0000001"

/* An example shows what the template becomes; each unit's own is checked when it is made. */
static bool fill_example(const struct reading *r, const char *template, bool escape,
			 char ret_text[static FILLED_MAX], struct err *e)
{
	char unit[NAME_MAX_LEN + 1] = EXAMPLE_UNIT;

	if (r->has_pattern)
		(void)unit_pattern_example(&r->product->unit_pattern, unit);
	return product_fill(template, unit, "ORDER-1", r->product->name, escape, ret_text,
			    FILLED_MAX, e);
}

static void read_subject(struct reading *r)
{
	uint8_t der[NAME_DER_MAX];
	struct der_writer w = der_writer(der, sizeof(der));
	char text[FILLED_MAX];
	struct err e;

	strcpy(r->product->subject, r->raw->subject);
	if (!fill_example(r, r->raw->subject, true, text, &e) || !name_subject(text, &w, &e))
		product_mistake(r, "subject", "%s", e.text);
}

static void read_san(struct reading *r)
{
	uint8_t der[NAME_DER_MAX];
	struct der_writer w = der_writer(der, sizeof(der));
	char text[FILLED_MAX];
	struct err e;

	for (size_t i = 0; i < r->raw->san_count; i++) {
		const char *template = r->raw->san[i];

		strcpy(r->product->san[r->product->san_count++], template);
		if (!fill_example(r, template, false, text, &e) || !name_alternative(text, &w, &e))
			product_mistake_in(r, "san", i, e.text);
	}
}

static void check_unit_is_named(struct reading *r)
{
	bool named = strstr(r->raw->subject, "{unit}");

	for (size_t i = 0; i < r->raw->san_count; i++)
		named |= strstr(r->raw->san[i], "{unit}") != NULL;
	if (!named)
		product_mistake(r, "subject",
				"neither subject nor san holds {unit}: all units would be alike");
}

void product_read_names(struct reading *r)
{
	read_subject(r);
	read_san(r);
	check_unit_is_named(r);
}
