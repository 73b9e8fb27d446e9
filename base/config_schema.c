#include "base/config_schema.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED "\"%.60s\"" /* text from the file, in a sentence */

struct check {
	const char *name;
	const struct config_tree *tree;
	config_report_fn *report;
	void *context;
	struct err *first;
	size_t mistakes;
};

static void check_value(struct check *c, const struct config_node *node,
			const cyaml_schema_value_t *schema);

__attribute__((format(printf, 3, 4))) static void mistake(struct check *c, struct config_mark at,
							  const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	struct err e;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&e, ERR_INVALID, "%s:%zu:%zu: %s", c->name, at.line, at.column, text);
	if (c->mistakes++ == 0)
		*c->first = e;
	if (c->report)
		c->report(c->context, &e);
}

/* "a, b, c" */
static void list_add(char *list, size_t size, const char *word)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? ", " : "", word);
}

static const cyaml_schema_field_t *field_named(const cyaml_schema_field_t *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return fields;
	return NULL;
}

static const struct config_node *next_of(const struct config_tree *tree,
					 const struct config_node *node)
{
	return node->next ? &tree->nodes[node->next] : NULL;
}

static const struct config_node *first_of(const struct config_tree *tree,
					  const struct config_node *node)
{
	return node->first ? &tree->nodes[node->first] : NULL;
}

/* The first child with that key. */
static const struct config_node *child_of(const struct config_tree *tree,
					  const struct config_node *node, const char *key)
{
	const struct config_node *child = first_of(tree, node);

	while (child && strcmp(child->key, key) != 0)
		child = next_of(tree, child);
	return child;
}

static void unknown_key(struct check *c, const struct config_node *child,
			const cyaml_schema_field_t *fields)
{
	char allowed[ERR_TEXT_SIZE] = "";

	for (; fields->key; fields++)
		list_add(allowed, sizeof(allowed), fields->key);
	mistake(c, child->key_at, "unknown key " QUOTED "; allowed here: %s", child->key, allowed);
}

static void check_mapping(struct check *c, const struct config_node *node,
			  const cyaml_schema_value_t *schema)
{
	const cyaml_schema_field_t *fields = schema->mapping.fields, *field;
	const struct config_node *child, *earlier;

	for (child = first_of(c->tree, node); child; child = next_of(c->tree, child)) {
		field = field_named(fields, child->key);
		if (!field) {
			unknown_key(c, child, fields);
			continue;
		}
		earlier = child_of(c->tree, node, child->key);
		if (earlier != child)
			mistake(c, child->key_at,
				"%s is here a second time; the first is in line %zu", child->key,
				earlier->key_at.line);
		else
			check_value(c, child, &field->value);
	}
	for (field = fields; field->key; field++)
		if (!(field->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !child_of(c->tree, node, field->key))
			mistake(c, node->at, "the key \"%s\" is missing here", field->key);
}

static void check_sequence(struct check *c, const struct config_node *node,
			   const cyaml_schema_value_t *schema)
{
	const struct config_node *child;

	if (node->count < schema->sequence.min || node->count > schema->sequence.max)
		mistake(c, node->at,
			"%zu entries in this list; allowed here: %" PRIu32 " to %" PRIu32,
			node->count, schema->sequence.min, schema->sequence.max);
	for (child = first_of(c->tree, node); child; child = next_of(c->tree, child))
		check_value(c, child, schema->sequence.entry);
}

static void check_text(struct check *c, const struct config_node *node,
		       const cyaml_schema_value_t *schema)
{
	size_t len = strlen(node->text);

	if (len < schema->string.min || len > schema->string.max)
		mistake(c, node->at,
			"%zu characters; allowed here: text of %" PRIu32 " to %" PRIu32
			" characters",
			len, schema->string.min, schema->string.max);
}

static bool is_decimal(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strspn(text, "0123456789") == len && (text[0] != '0' || len == 1);
}

static void check_number(struct check *c, const struct config_node *node,
			 const cyaml_schema_value_t *schema)
{
	unsigned bits = schema->data_size * 8;
	uint64_t max = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX, value;

	if (!is_decimal(node->text)) {
		mistake(c, node->at,
			QUOTED " is no number; allowed here: a decimal number such as 10",
			node->text);
		return;
	}
	errno = 0;
	value = strtoull(node->text, NULL, 10);
	if (errno == ERANGE || value > max)
		mistake(c, node->at, QUOTED " is too large; allowed here: 0 to %" PRIu64,
			node->text, max);
}

static void check_boolean(struct check *c, const struct config_node *node,
			  const cyaml_schema_value_t *schema)
{
	static const char *const words[] = { "yes", "no", "true", "false" };

	(void)schema;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(node->text, words[i]) == 0)
			return;
	mistake(c, node->at, QUOTED " is neither yes nor no; allowed here: yes, no", node->text);
}

static void check_name(struct check *c, const struct config_node *node,
		       const cyaml_schema_value_t *schema)
{
	char allowed[ERR_TEXT_SIZE] = "";

	for (size_t i = 0; i < schema->enumeration.count; i++) {
		if (strcmp(schema->enumeration.strings[i].str, node->text) == 0)
			return;
		list_add(allowed, sizeof(allowed), schema->enumeration.strings[i].str);
	}
	mistake(c, node->at, QUOTED " is unknown; allowed here: %s", node->text, allowed);
}

/* FLAGS: a list of names. */
static void check_names(struct check *c, const struct config_node *node,
			const cyaml_schema_value_t *schema)
{
	const struct config_node *child;

	for (child = first_of(c->tree, node); child; child = next_of(c->tree, child)) {
		if (child->kind == CONFIG_SCALAR)
			check_name(c, child, schema);
		else
			mistake(c, child->at, "allowed here: one name");
	}
}

static const struct {
	enum config_kind kind;
	const char *wanted;
	void (*check)(struct check *c, const struct config_node *node,
		      const cyaml_schema_value_t *schema);
} types[CYAML__TYPE_COUNT] = {
	[CYAML_UINT] = { CONFIG_SCALAR, "a number", check_number },
	[CYAML_BOOL] = { CONFIG_SCALAR, "yes or no", check_boolean },
	[CYAML_ENUM] = { CONFIG_SCALAR, "one name", check_name },
	[CYAML_FLAGS] = { CONFIG_SEQUENCE, "a list of names, as in [a, b]", check_names },
	[CYAML_STRING] = { CONFIG_SCALAR, "one text", check_text },
	[CYAML_MAPPING] = { CONFIG_MAPPING, "keys with values", check_mapping },
	[CYAML_SEQUENCE] = { CONFIG_SEQUENCE, "a list, as in [a, b] or lines with \"- \" in front",
			     check_sequence },
};

/* The recursion ends with the schema's depth, not the file's. */
static void check_value(struct check *c, const struct config_node *node,
			const cyaml_schema_value_t *schema)
{
	if (schema->type == CYAML_IGNORE)
		return;
	assert(types[schema->type].check);
	if (node->kind != types[schema->type].kind)
		mistake(c, node->at, "%s%sallowed here: %s", node->key ? node->key : "",
			node->key ? ": " : "", types[schema->type].wanted);
	else if (node->kind == CONFIG_SCALAR && node->plain && !*node->text)
		mistake(c, node->at, "%s has no value; allowed here: %s",
			node->key ? node->key : "this entry", types[schema->type].wanted);
	else
		types[schema->type].check(c, node, schema);
}

bool config_schema_check(const char *name, const struct config_tree *tree,
			 const cyaml_schema_value_t *schema, config_report_fn *report,
			 void *context, struct err *e)
{
	struct check c = { name, tree, report, context, e, 0 };

	check_value(&c, &tree->nodes[0], schema);
	return c.mistakes == 0;
}
