#include "hsm/product/product_match.h"

#include "base/config_tree.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

struct match {
	const char *path;
	const struct product *product;
	const struct config_tree *tree;
	config_report_fn *report;
	void *context;
	struct err *first;
	size_t mistakes;
};

__attribute__((format(printf, 3, 4))) static void mistake(struct match *m, struct config_mark at,
							  const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	struct err e;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, ERR_INVALID, "%s:%zu:%zu: %s", m->path, at.line, at.column, text);
	if (m->mistakes++ == 0)
		*m->first = e;
	m->report(m->context, &e);
}

static const struct config_node *child(const struct config_tree *tree,
				       const struct config_node *node, const char *key)
{
	if (!node || node->kind != CONFIG_MAPPING)
		return NULL;
	for (size_t i = node->first; i; i = tree->nodes[i].next)
		if (strcmp(tree->nodes[i].key, key) == 0)
			return &tree->nodes[i];
	return NULL;
}

static bool makes(const struct product *product, const char *name)
{
	for (size_t i = 0; i < product->file_count; i++)
		if (strcmp(product->files[i].name, name) == 0)
			return true;
	return false;
}

/* True if one of the board's files has that name; a malformed list is the station's to refuse. */
static bool places(const struct match *m, const struct config_node *files, const char *name)
{
	const struct config_node *found;

	for (size_t i = files->first; i; i = m->tree->nodes[i].next) {
		found = child(m->tree, &m->tree->nodes[i], "name");
		if (found && found->kind == CONFIG_SCALAR && strcmp(found->text, name) == 0)
			return true;
	}
	return false;
}

/* True if the board is not to get the file. */
static bool leaves_out(const struct match *m, const struct config_node *without, const char *name)
{
	for (size_t i = without ? without->first : 0; i; i = m->tree->nodes[i].next) {
		const struct config_node *word = &m->tree->nodes[i];

		if (word->kind == CONFIG_SCALAR && strcmp(word->text, name) == 0)
			return true;
	}
	return false;
}

static void match_files(struct match *m, const struct config_node *files,
			const struct config_node *without)
{
	const struct config_node *name;

	for (size_t i = files->first; i; i = m->tree->nodes[i].next) {
		name = child(m->tree, &m->tree->nodes[i], "name");
		if (name && name->kind == CONFIG_SCALAR && !makes(m->product, name->text))
			mistake(m, name->at, "certificate.files makes no file \"%.40s\"",
				name->text);
	}
	for (size_t i = 0; i < m->product->file_count; i++)
		if (!places(m, files, m->product->files[i].name) &&
		    !leaves_out(m, without, m->product->files[i].name))
			mistake(m, files->at,
				"the file \"%s\" of certificate.files has no target here",
				m->product->files[i].name);
}

static void match_unit(struct match *m, const struct config_node *board)
{
	const struct config_node *unit = child(m->tree, board, "unit");
	const char *source = unit && unit->kind == CONFIG_SCALAR ? unit->text : "board";
	const char *allowed = unit_source_name(m->product->unit_source);

	if (strcmp(source, allowed) != 0)
		mistake(m, unit ? unit->at : board->at,
			"the unit id comes from \"%.20s\" here, but certificate.unit.source allows "
			"\"%s\" alone",
			source, allowed);
}

static void match_part(struct match *m, const struct config_node *part)
{
	const struct config_node *files = child(m->tree, part, "files");

	if (files && files->kind == CONFIG_SEQUENCE)
		match_files(m, files, child(m->tree, part, "without"));
	match_unit(m, part);
}

bool product_match(const char *path, const struct product *product, config_report_fn *report,
		   void *context, bool *ret_board, struct err *e)
{
	AUTO(config_tree) tree = NULL;
	AUTO_FREE uint8_t *text = NULL;
	const struct config_node *board, *others;
	struct match m = { path, product, NULL, report, context, e, 0 };
	size_t len;

	if (!file_read(path, CONFIG_MAX, &text, &len, e) ||
	    !config_tree_parse(path, (const char *)text, len, &tree, e)) {
		report(context, e);
		return false;
	}
	m.tree = tree;
	board = child(tree, &tree->nodes[0], "board");
	others = child(tree, board, "others");
	if (board)
		match_part(&m, board);
	for (size_t i = others ? others->first : 0; i; i = tree->nodes[i].next)
		match_part(&m, &tree->nodes[i]);
	*ret_board = board != NULL;
	return m.mistakes == 0;
}
