/* config_schema: a tree of values held against a schema of libcyaml, before libcyaml loads them:
 * what it would let pass (a boolean "maybe", a number "010", a second value of a key) is refused,
 * and each mistake says where it is and what is allowed. Internal to config. Threads: any. Below:
 * config_tree. */
#ifndef BASE_CONFIG_SCHEMA_H
#define BASE_CONFIG_SCHEMA_H

#include "base/config.h"
#include "base/config_tree.h"

/* True without a mistake; else the first is in e. Every one is reported unless report is NULL. */
MUST_CHECK bool config_schema_check(const char *name, const struct config_tree *tree,
				    const cyaml_schema_value_t *schema, config_report_fn *report,
				    void *context, struct err *e);

#endif
