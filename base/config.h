/* config: a YAML file of ours, read strictly with a schema in C tables (libcyaml): unknown, missing
 * and duplicate keys, wrong types, values and counts out of range are refused, and everything of
 * YAML that a settings file does not need: anchors, aliases, tags, several documents. Every mistake
 * is one sentence that begins "FILE:LINE:COLUMN: " and says what is allowed there. Files larger
 * than CONFIG_MAX are refused. Keys and names of values are case sensitive. Numbers are decimal,
 * without leading zeros; booleans are yes, no, true or false. Threads: any. Layer above: product,
 * station and signer settings. Below: config_tree, config_schema, file. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/err.h"

#include <cyaml/cyaml.h>
#include <stdint.h>

#define CONFIG_MAX 262144

/* Told of every mistake, in the order of the file. */
typedef void config_report_fn(void *context, const struct err *mistake);

/* Loads the file at path; *ret_value is freed with config_free and the same schema. The schema's
 * top is a mapping. ERR_INVALID with the first mistake, ERR_NOT_FOUND, ERR_REFUSED,
 * ERR_SYSTEM. */
MUST_CHECK bool config_load(const char *path, const cyaml_schema_value_t *schema,
			    cyaml_data_t **ret_value, struct err *e);
/* The same, and every mistake is reported (`report` may be NULL). */
MUST_CHECK bool config_load_reported(const char *path, const cyaml_schema_value_t *schema,
				     config_report_fn *report, void *context,
				     cyaml_data_t **ret_value, struct err *e);
/* The same from memory; `name` stands for the file in sentences. */
MUST_CHECK bool config_parse(const char *name, const char *text, size_t len,
			     const cyaml_schema_value_t *schema, cyaml_data_t **ret_value,
			     struct err *e);
void config_free(const cyaml_schema_value_t *schema, cyaml_data_t *value);

/* Where a key stands in a loaded file, for mistakes that the schema cannot see: path
 * "certificate.files[1].encoding", or the nearest above it that the file has. Puts
 * "FILE:LINE:COLUMN: " and the sentence into e; always returns false. */
bool config_mistake(const char *path, const char *key_path, struct err *e, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for a sentence that is in e already; trouble of the system only gains the file's name.
 */
bool config_place(const char *path, const char *key_path, struct err *e);

/* An optional number: *value, or `fallback` if it is NULL. Outside min..max it is a mistake that
 * says so. */
MUST_CHECK bool config_number(const char *path, const char *key_path, const uint32_t *value,
			      unsigned fallback, unsigned min, unsigned max, unsigned *ret_value,
			      struct err *e);

#endif
