#include "station/product.h"

#include "base/config.h"
#include "station/schemas.h"

#include <stdio.h>
#include <string.h>

#define PRODUCT_SUFFIX ".yaml"
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* The file as libcyaml hands it over; NULL and 0 where an optional key is absent. */
struct raw_file {
	char *name, *target;
};

struct raw_part {
	char *driver;
	enum unit_source unit;
	bool read_back;
	bool *prove;
	struct raw_file *files;
	uint32_t files_count;
};

struct raw {
	struct raw_part board;
};

/* Where the station can have a unit id from; a file is for `imprint issue`. */
static const cyaml_strval_t sources[] = {
	{ "board", SOURCE_BOARD },
	{ "label", SOURCE_LABEL },
	{ "list", SOURCE_LIST },
};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_file, name, 1,
			       BOARD_FILE_NAME_MAX),
	CYAML_FIELD_STRING_PTR("target", CYAML_FLAG_POINTER, struct raw_file, target, 1,
			       STATION_TARGET_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_file, file_fields) };

static const cyaml_schema_field_t part_fields[] = {
	CYAML_FIELD_STRING_PTR("driver", CYAML_FLAG_POINTER, struct raw_part, driver, 1,
			       STATION_DRIVER_MAX),
	CYAML_FIELD_ENUM("unit", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct raw_part, unit,
			 sources, COUNT(sources)),
	CYAML_FIELD_BOOL("read_back", CYAML_FLAG_OPTIONAL, struct raw_part, read_back),
	CYAML_FIELD_BOOL_PTR("prove", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_part,
			     prove),
	CYAML_FIELD_SEQUENCE("files", CYAML_FLAG_POINTER, struct raw_part, files, &file_schema, 1,
			     BOARD_FILES_MAX),
	CYAML_FIELD_END,
};

/* The signer's part may be anything: the signer checks it. */
static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_IGNORE("certificate", CYAML_FLAG_DEFAULT),
	CYAML_FIELD_MAPPING("board", CYAML_FLAG_DEFAULT, struct raw, board, part_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t station_product_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields),
};

static void raw_free(struct raw *raw)
{
	config_free(&station_product_schema, raw);
}
AUTO_DEFINE(raw, struct raw *, raw_free)

/* One reading: every mistake goes to the report, the first stays in e. */
struct reading {
	const char *path;
	const struct raw_part *raw;
	struct station_product *product;
	config_report_fn *report;
	void *context;
	struct err *first;
	size_t mistakes;
};

static void note(struct reading *r, const struct err *mistake)
{
	if (r->mistakes++ == 0)
		*r->first = *mistake;
	if (r->report)
		r->report(r->context, mistake);
}

static void read_name(struct reading *r)
{
	const char *slash = strrchr(r->path, '/'), *name = slash ? slash + 1 : r->path;
	size_t len = strlen(name), suffix = strlen(PRODUCT_SUFFIX);
	struct err e;

	if (len > suffix && strcmp(name + len - suffix, PRODUCT_SUFFIX) == 0 &&
	    len - suffix <= NAME_MAX_LEN) {
		memcpy(r->product->name, name, len - suffix);
		return;
	}
	err_set(&e, ERR_INVALID, "%s: a product's file is called NAME.yaml", r->path);
	note(r, &e);
}

static void read_driver(struct reading *r)
{
	char allowed[256] = "";
	struct err e;

	for (const char *const *name = board_drivers(); *name; name++) {
		size_t len = strlen(allowed);

		if (strcmp(*name, r->raw->driver) == 0) {
			strcpy(r->product->driver, r->raw->driver);
			return;
		}
		snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len ? ", " : "", *name);
	}
	config_mistake(r->path, "board.driver", &e, "\"%s\" is no driver; allowed here: %s",
		       r->raw->driver, allowed);
	note(r, &e);
}

/* Names and targets of one list must differ; `what` says which. */
static void check_unique(struct reading *r, size_t index, const char *what, const char *text,
			 const char *other)
{
	char key[64];
	struct err e;

	if (strcmp(text, other) != 0)
		return;
	snprintf(key, sizeof(key), "board.files[%zu].%s", index, what);
	config_mistake(r->path, key, &e, "the %s \"%s\" is used already", what, text);
	note(r, &e);
}

static void read_files(struct reading *r)
{
	struct station_product *p = r->product;

	for (size_t i = 0; i < r->raw->files_count; i++) {
		const struct raw_file *file = &r->raw->files[i];

		for (size_t j = 0; j < i; j++) {
			check_unique(r, i, "name", file->name, p->files[j].name);
			check_unique(r, i, "target", file->target, p->files[j].target);
		}
		strcpy(p->files[i].name, file->name);
		strcpy(p->files[i].target, file->target);
		p->file_count = i + 1;
	}
}

bool station_product_load_reported(const char *path,
				   void (*report)(void *context, const struct err *mistake),
				   void *context, struct station_product *ret_product,
				   struct err *e)
{
	struct station_product product = { 0 };
	struct reading r = {
		.path = path, .product = &product, .report = report, .context = context, .first = e
	};
	AUTO(raw) raw = NULL;

	if (!config_load_reported(path, &station_product_schema, report, context,
				  (cyaml_data_t **)&raw, e))
		return false;
	r.raw = &raw->board;
	product.unit_source = raw->board.unit ? raw->board.unit : SOURCE_BOARD;
	product.read_back = raw->board.read_back;
	product.prove = !raw->board.prove || *raw->board.prove;
	product.prove_required = raw->board.prove && *raw->board.prove;
	read_name(&r);
	read_driver(&r);
	read_files(&r);
	if (r.mistakes)
		return false;
	*ret_product = product;
	return true;
}

bool station_product_load(const char *path, struct station_product *ret_product, struct err *e)
{
	return station_product_load_reported(path, NULL, NULL, ret_product, e);
}

const struct station_product_file *station_product_file(const struct station_product *p,
							const char *name)
{
	for (size_t i = 0; i < p->file_count; i++)
		if (strcmp(p->files[i].name, name) == 0)
			return &p->files[i];
	return NULL;
}
