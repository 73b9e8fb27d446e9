/* config_tree: a YAML text as a tree in which every value knows its line and column. Only plain
 * YAML: anchors, aliases, tags, several documents, keys that are not text, control characters and
 * deep nesting are refused; so is what libyaml cannot parse. A duplicate key stays in the tree, for
 * the schema to find. Any input is safe. Internal to config. Threads: one a tree. Below: libyaml.
 */
#ifndef BASE_CONFIG_TREE_H
#define BASE_CONFIG_TREE_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stddef.h>

#define CONFIG_DEPTH_MAX 16
#define CONFIG_NODES_MAX 32768

enum config_kind { CONFIG_SCALAR, CONFIG_SEQUENCE, CONFIG_MAPPING };

struct config_mark {
	size_t line, column; /* from 1 */
};

struct config_node {
	enum config_kind kind;
	bool plain; /* a scalar without quotes */
	char *key;  /* in a mapping; owned by the tree */
	char *text; /* of a scalar; owned by the tree */
	struct config_mark key_at, at;
	size_t first, last, next; /* children and sibling as indices; 0: none */
	size_t count;		  /* of children */
};

struct config_tree {
	struct config_node *nodes; /* [0] is the root */
	size_t count, size;
};

/* `name` stands for the file in sentences. */
MUST_CHECK bool config_tree_parse(const char *name, const char *text, size_t len,
				  struct config_tree **ret_tree, struct err *e);
void config_tree_free(struct config_tree *tree);
AUTO_DEFINE(config_tree, struct config_tree *, config_tree_free)

/* The node at "certificate.files[1].encoding", or the nearest one above it that is there. */
const struct config_node *config_tree_find(const struct config_tree *tree, const char *key_path);

#endif
