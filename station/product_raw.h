/* product_raw: the station's part of a product file as libcyaml hands it over, before anything but
 * its form is checked; NULL and 0 where an optional key is absent. Internal to product. Threads:
 * any. Below: base/config. */
#ifndef STATION_PRODUCT_RAW_H
#define STATION_PRODUCT_RAW_H

#include "base/cleanup.h"
#include "base/config.h"
#include "station/product.h"

struct raw_file {
	char *name, *target;
};

struct raw_fs {
	char *csr, *unit;
	bool *reset;
};

struct raw_nrf91 {
	uint32_t sec_tag;
	enum board_line_end line_end;
	enum board_unit unit;
};

struct raw_zshell {
	uint32_t sec_tag;
	enum board_unit *unit;
	char *prompt;
};

struct raw_part {
	char *driver;
	enum unit_source unit;
	bool label, read_back;
	bool *prove;
	struct raw_file *files;
	uint32_t files_count;
	char **without;
	uint32_t without_count;
	struct raw_fs *fs;
	struct raw_nrf91 *nrf91;
	struct raw_zshell *zshell;
};

struct raw_board {
	struct raw_part part; /* the first */
	struct raw_part *others;
	uint32_t others_count;
};

struct raw_product {
	struct raw_board board;
};

void raw_product_free(struct raw_product *raw);
AUTO_DEFINE(raw_product, struct raw_product *, raw_product_free)

/* The settings of the part's driver. `key` is where the part stands: "board". */
MUST_CHECK bool product_take_settings(const char *path, const char *key, const struct raw_part *raw,
				      struct board_settings *ret_settings, struct err *e);

#endif
