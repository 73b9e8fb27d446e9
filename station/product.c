#include "station/product.h"

#include "station/product_raw.h"
#include "station/schemas.h"

#include <stdio.h>
#include <string.h>

#define PRODUCT_SUFFIX ".yaml"

/* One reading: every mistake goes to the report, the first stays in e. */
struct reading {
	const char *path;
	const struct raw_part *raw; /* of the part under way */
	char key[32];		    /* where it stands: "board", "board.others[0]" */
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
	char allowed[256] = "", key[64];
	const char *name;
	struct err e;

	for (size_t i = 0; (name = board_driver_name(i)); i++) {
		size_t len = strlen(allowed);

		if (strcmp(name, r->raw->driver) == 0) {
			strcpy(r->product->driver, r->raw->driver);
			return;
		}
		snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len ? ", " : "", name);
	}
	snprintf(key, sizeof(key), "%s.driver", r->key);
	config_mistake(r->path, key, &e, "\"%s\" is no driver; allowed here: %s", r->raw->driver,
		       allowed);
	note(r, &e);
}

/* Names and targets of one list must differ; `what` says which. */
static void check_unique(struct reading *r, size_t index, const char *what, const char *text,
			 const char *other)
{
	char key[96];
	struct err e;

	if (strcmp(text, other) != 0)
		return;
	snprintf(key, sizeof(key), "%s.files[%zu].%s", r->key, index, what);
	config_mistake(r->path, key, &e, "the %s \"%s\" is used already", what, text);
	note(r, &e);
}

static void check_target(struct reading *r, size_t index, const char *target)
{
	const char *allowed;
	char key[96];
	struct err e;

	if (board_target_fits(r->raw->driver, target, &allowed))
		return;
	snprintf(key, sizeof(key), "%s.files[%zu].target", r->key, index);
	config_mistake(r->path, key, &e,
		       "\"%s\" is no place on a board of driver %s; allowed "
		       "here: %s",
		       target, r->raw->driver, allowed);
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
		check_target(r, i, file->target);
		strcpy(p->files[i].name, file->name);
		strcpy(p->files[i].target, file->target);
		p->file_count = i + 1;
	}
}

static void read_without(struct reading *r)
{
	struct station_product *p = r->product;

	for (size_t i = 0; i < r->raw->without_count; i++) {
		const char *name = r->raw->without[i], *wrong = NULL;
		char key[64];
		struct err e;

		if (board_driver_proves(r->raw->driver))
			wrong = "this driver proves every file: none can be left out";
		else if (station_product_leaves_out(p, name))
			wrong = "it is left out already";
		else if (station_product_file(p, name))
			wrong = "it has a target under files";
		strcpy(p->without[p->without_count++], name);
		if (!wrong)
			continue;
		snprintf(key, sizeof(key), "%s.without[%zu]", r->key, i);
		config_mistake(r->path, key, &e, "%s", wrong);
		note(r, &e);
	}
}

static void check_label(struct reading *r)
{
	char key[64];
	struct err e;

	if (!r->product->label || r->product->unit_source == SOURCE_BOARD)
		return;
	snprintf(key, sizeof(key), "%s.label", r->key);
	config_mistake(r->path, key, &e,
		       "a label is compared with the board's own id: it needs \"unit: board\"");
	note(r, &e);
}

static void read_part(struct reading *r, const struct raw_part *raw)
{
	struct station_product *p = r->product;
	struct err e;

	r->raw = raw;
	*p = (struct station_product) { 0 };
	p->unit_source = raw->unit ? raw->unit : SOURCE_BOARD;
	p->label = raw->label;
	p->read_back = raw->read_back;
	p->prove = !raw->prove || *raw->prove;
	p->prove_required = raw->prove && *raw->prove;
	read_name(r);
	read_driver(r);
	if (*p->driver && !product_take_settings(r->path, r->key, raw, &p->settings, &e))
		note(r, &e);
	check_label(r);
	read_files(r);
	read_without(r);
}

/* Each driver has one part: a nest names the one that it is for. */
static void check_driver_once(struct reading *r, const struct raw_board *board, size_t index)
{
	const char *driver = board->others[index].driver;
	bool twice = strcmp(board->part.driver, driver) == 0;
	char key[64];
	struct err e;

	for (size_t i = 0; i < index; i++)
		twice |= strcmp(board->others[i].driver, driver) == 0;
	if (!twice)
		return;
	snprintf(key, sizeof(key), "board.others[%zu].driver", index);
	config_mistake(r->path, key, &e, "there is a part for the driver %s already", driver);
	note(r, &e);
}

/* Reads all parts, and keeps the wanted one. */
static bool read_parts(struct reading *r, const struct raw_board *board, const char *driver,
		       struct station_product *ret_product)
{
	bool found = !*driver || strcmp(board->part.driver, driver) == 0;

	strcpy(r->key, "board");
	read_part(r, &board->part);
	if (found)
		*ret_product = *r->product;
	for (size_t i = 0; i < board->others_count; i++) {
		snprintf(r->key, sizeof(r->key), "board.others[%zu]", i);
		check_driver_once(r, board, i);
		read_part(r, &board->others[i]);
		if (!found && strcmp(board->others[i].driver, driver) == 0) {
			found = true;
			*ret_product = *r->product;
		}
	}
	return found;
}

bool station_product_load_reported(const char *path, const char *driver,
				   void (*report)(void *context, const struct err *mistake),
				   void *context, struct station_product *ret_product,
				   struct err *e)
{
	struct station_product product, wanted;
	struct reading r = {
		.path = path, .product = &product, .report = report, .context = context, .first = e
	};
	AUTO(raw_product) raw = NULL;
	bool found;

	if (!config_load_reported(path, &station_product_schema, report, context,
				  (cyaml_data_t **)&raw, e))
		return false;
	found = read_parts(&r, &raw->board, driver, &wanted);
	if (r.mistakes)
		return false;
	if (!found)
		return config_mistake(path, "board", e,
				      "the nest is for boards of driver %s, and this product has "
				      "no part for them: add it under board.others",
				      driver);
	*ret_product = wanted;
	return true;
}

bool station_product_load(const char *path, const char *driver, struct station_product *ret_product,
			  struct err *e)
{
	return station_product_load_reported(path, driver, NULL, NULL, ret_product, e);
}

const struct station_product_file *station_product_file(const struct station_product *p,
							const char *name)
{
	for (size_t i = 0; i < p->file_count; i++)
		if (strcmp(p->files[i].name, name) == 0)
			return &p->files[i];
	return NULL;
}

bool station_product_leaves_out(const struct station_product *p, const char *name)
{
	for (size_t i = 0; i < p->without_count; i++)
		if (strcmp(p->without[i], name) == 0)
			return true;
	return false;
}
