#include "base/config_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The state of one parse: which containers are open, and the key that waits for its value. */
struct builder {
	const char *name;
	struct config_tree *tree;
	size_t open[CONFIG_DEPTH_MAX];
	size_t depth;
	char *key;
	struct config_mark key_at;
	size_t documents;
	bool ended;
};

static void parser_free(yaml_parser_t *parser)
{
	yaml_parser_delete(parser);
}

static void event_free(yaml_event_t *event)
{
	yaml_event_delete(event);
}

static bool refuse(const struct builder *b, struct config_mark at, const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s:%zu:%zu: %s", b->name, at.line, at.column, what);
}

static struct config_mark mark_of(yaml_mark_t mark)
{
	return (struct config_mark) { mark.line + 1, mark.column + 1 };
}

void config_tree_free(struct config_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->nodes[i].key);
		free(tree->nodes[i].text);
	}
	free(tree->nodes);
	free(tree);
}

static bool reserve(struct builder *b, struct config_mark at, struct err *e)
{
	struct config_tree *tree = b->tree;
	struct config_node *nodes;
	size_t size = tree->size ? tree->size * 2 : 64;

	if (tree->count < tree->size)
		return true;
	if (size > CONFIG_NODES_MAX)
		return refuse(b, at, "too many values", e);
	nodes = realloc(tree->nodes, size * sizeof(*nodes));
	if (!nodes)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", b->name);
	tree->nodes = nodes;
	tree->size = size;
	return true;
}

/* Appends a node to the container that is open; the waiting key becomes its own. */
static bool append(struct builder *b, enum config_kind kind, struct config_mark at,
		   size_t *ret_index, struct err *e)
{
	size_t index = b->tree->count;
	struct config_node *parent, *nodes;

	if (!reserve(b, at, e))
		return false;
	nodes = b->tree->nodes;
	nodes[index] = (struct config_node) {
		.kind = kind, .key = TAKE(b->key), .key_at = b->key_at, .at = at
	};
	b->tree->count++;
	*ret_index = index;
	if (b->depth == 0)
		return true;
	parent = &nodes[b->open[b->depth - 1]];
	if (parent->count++ == 0)
		parent->first = index;
	else
		nodes[parent->last].next = index;
	parent->last = index;
	return true;
}

static bool wants_key(const struct builder *b)
{
	return b->depth > 0 && !b->key &&
	       b->tree->nodes[b->open[b->depth - 1]].kind == CONFIG_MAPPING;
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

static bool take_scalar(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct config_mark at = mark_of(event->start_mark);
	const char *value = (const char *)event->data.scalar.value;
	AUTO_FREE char *text = NULL;
	size_t index;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		return refuse(b, at, "anchors (&) and tags (!) are not used here", e);
	if (has_control(value, event->data.scalar.length))
		return refuse(b, at, "a value is one line of text without control characters", e);
	text = strdup(value);
	if (!text)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", b->name);
	if (wants_key(b)) {
		b->key = TAKE(text);
		b->key_at = at;
		return true;
	}
	if (!append(b, CONFIG_SCALAR, at, &index, e))
		return false;
	b->tree->nodes[index].text = TAKE(text);
	b->tree->nodes[index].plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return true;
}

static bool open_container(struct builder *b, const yaml_event_t *event, enum config_kind kind,
			   struct err *e)
{
	struct config_mark at = mark_of(event->start_mark);
	bool marked = kind == CONFIG_MAPPING
			      ? event->data.mapping_start.anchor || event->data.mapping_start.tag
			      : event->data.sequence_start.anchor || event->data.sequence_start.tag;
	size_t index;

	if (marked)
		return refuse(b, at, "anchors (&) and tags (!) are not used here", e);
	if (wants_key(b))
		return refuse(b, at, "a key must be text", e);
	if (b->depth == CONFIG_DEPTH_MAX)
		return refuse(b, at, "nested too deeply", e);
	if (!append(b, kind, at, &index, e))
		return false;
	b->open[b->depth++] = index;
	return true;
}

static bool take_event(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct config_mark at = mark_of(event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++ > 0)
			return refuse(b, at, "a second document (---) is not used here", e);
		return true;
	case YAML_ALIAS_EVENT:
		return refuse(b, at, "aliases (*) are not used here: write the value again", e);
	case YAML_SCALAR_EVENT:
		return take_scalar(b, event, e);
	case YAML_SEQUENCE_START_EVENT:
		return open_container(b, event, CONFIG_SEQUENCE, e);
	case YAML_MAPPING_START_EVENT:
		return open_container(b, event, CONFIG_MAPPING, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return true;
	default:
		b->ended = event->type == YAML_STREAM_END_EVENT;
		return true;
	}
}

static bool build(struct builder *b, yaml_parser_t *parser, struct err *e)
{
	while (!b->ended) {
		__attribute__((cleanup(event_free))) yaml_event_t event = { 0 };

		if (!yaml_parser_parse(parser, &event))
			return refuse(b, mark_of(parser->problem_mark),
				      parser->problem ? parser->problem : "this is not YAML", e);
		if (!take_event(b, &event, e))
			return false;
	}
	if (b->tree->count == 0)
		return err_set(e, ERR_INVALID, "%s:1:1: the file is empty", b->name);
	return true;
}

bool config_tree_parse(const char *name, const char *text, size_t len,
		       struct config_tree **ret_tree, struct err *e)
{
	AUTO(config_tree) tree = calloc(1, sizeof(*tree));
	__attribute__((cleanup(parser_free))) yaml_parser_t parser = { 0 };
	struct builder b = { .name = name, .tree = tree };
	const char *nul = memchr(text, '\0', len);
	bool built;

	if (nul)
		return err_set(e, ERR_INVALID, "%s holds a NUL byte (the %zuth): not a text file",
			       name, (size_t)(nul - text) + 1);
	if (!tree || !yaml_parser_initialize(&parser))
		return err_set(e, ERR_SYSTEM, "no memory to read %s", name);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	built = build(&b, &parser, e);
	free(b.key);
	if (!built)
		return false;
	*ret_tree = TAKE(tree);
	return true;
}

static const struct config_node *child_named(const struct config_tree *tree,
					     const struct config_node *node, const char *key,
					     size_t len)
{
	for (size_t i = node->first; i; i = tree->nodes[i].next)
		if (strlen(tree->nodes[i].key) == len && memcmp(tree->nodes[i].key, key, len) == 0)
			return &tree->nodes[i];
	return NULL;
}

static const struct config_node *child_at(const struct config_tree *tree,
					  const struct config_node *node, size_t position)
{
	for (size_t i = node->first; i; i = tree->nodes[i].next)
		if (position-- == 0)
			return &tree->nodes[i];
	return NULL;
}

const struct config_node *config_tree_find(const struct config_tree *tree, const char *key_path)
{
	const struct config_node *node = &tree->nodes[0], *child;
	const char *at = key_path;

	while (*at) {
		if (*at == '[' && node->kind == CONFIG_SEQUENCE) {
			child = child_at(tree, node, strtoul(at + 1, NULL, 10));
			at += strcspn(at, "]");
			at += *at == ']';
		} else if (node->kind == CONFIG_MAPPING) {
			child = child_named(tree, node, at, strcspn(at, ".["));
			at += strcspn(at, ".[");
		} else {
			return node;
		}
		if (!child)
			return node;
		node = child;
		at += *at == '.';
	}
	return node;
}
