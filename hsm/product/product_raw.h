/* product_raw: a product file as libcyaml hands it over, before anything but its form is checked;
 * NULL and 0 where an optional key is absent. Internal to product. Threads: any. Below:
 * base/config. */
#ifndef HSM_PRODUCT_RAW_H
#define HSM_PRODUCT_RAW_H

#include "base/cleanup.h"
#include "base/config.h"
#include "hsm/product/product.h"

enum encoding { ENCODING_DER = 1, ENCODING_PEM, ENCODING_PEM_CRLF, ENCODING_PEM_NUL };

struct product_raw_file {
	char *name;
	enum content *content;
	uint32_t content_count;
	enum encoding encoding;
};

struct product_raw_unit {
	char *pattern;
	enum unit_source source;
};

struct product_raw_part {
	char *subject, *validity, *server_root;
	char **san, **keys, **key_usage, **extended_key_usage;
	uint32_t san_count, keys_count, key_usage_count, extended_key_usage_count;
	struct product_raw_unit unit;
	bool rekey_before_installed;
	struct product_raw_file *files;
	uint32_t files_count;
};

struct product_raw {
	struct product_raw_part certificate;
};

void product_raw_free(struct product_raw *raw);
AUTO_DEFINE(product_raw, struct product_raw *, product_raw_free)

#endif
