/* product_reading: the parts of a product file, read one after the other; each takes its keys from
 * the raw file into the product and notes every mistake. Internal to product. Threads: one. */
#ifndef HSM_PRODUCT_READING_H
#define HSM_PRODUCT_READING_H

#include "hsm/product/product_raw.h"

/* One reading of a product file: every mistake goes to the report, the first stays in e. */
struct reading {
	const char *path;
	const struct product_raw_part *raw;
	struct product *product;
	bool has_pattern; /* unit_pattern must be freed */
	config_report_fn *report;
	void *context;
	struct err *first;
	size_t mistakes;
};

void product_note(struct reading *r, const struct err *mistake);

/* At a key of the certificate part, as in "files[1].encoding". */
void product_mistake(struct reading *r, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* At one entry of a list; keeps what `e` says. */
void product_mistake_in(struct reading *r, const char *list, size_t index, const char *text);

void product_read_uses(struct reading *r);  /* keys, key_usage, extended_key_usage */
void product_read_names(struct reading *r); /* subject, san; after the unit's pattern */
void product_read_files(struct reading *r); /* files, server_root */

#endif
