#include "base/config.h"

#include "base/config_schema.h"
#include "base/config_tree.h"
#include "base/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What libcyaml says of a mistake: its first line, and the innermost line of its backtrace, which
 * ends "(line: 4, column: 12)". Used only where our own check has let something pass. */
struct said {
	char first[160], where[80];
};

__attribute__((format(printf, 3, 0))) static void listen_to_cyaml(cyaml_log_t level, void *context,
								  const char *format, va_list args)
{
	struct said *said = context;
	char line[160];

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	if (!said->first[0])
		snprintf(said->first, sizeof(said->first), "%s", line);
	else if (!said->where[0] && strstr(line, "(line:"))
		snprintf(said->where, sizeof(said->where), " %.70s", strstr(line, "(line:"));
}

static cyaml_config_t cyaml_settings(struct said *said)
{
	return (cyaml_config_t) {
		.log_fn = said ? listen_to_cyaml : NULL,
		.log_ctx = said,
		.mem_fn = cyaml_mem,
		.log_level = CYAML_LOG_ERROR,
		.flags = CYAML_CFG_NO_ALIAS,
	};
}

void config_free(const cyaml_schema_value_t *schema, cyaml_data_t *value)
{
	cyaml_config_t config = cyaml_settings(NULL);

	if (value)
		cyaml_free(&config, schema, value, 0);
}

static bool load_values(const char *name, const char *text, size_t len,
			const cyaml_schema_value_t *schema, cyaml_data_t **ret_value, struct err *e)
{
	struct said said = { "", "" };
	cyaml_config_t config = cyaml_settings(&said);
	cyaml_data_t *value = NULL;
	cyaml_err_t rc = cyaml_load_data((const uint8_t *)text, len, &config, schema, &value, NULL);

	if (rc != CYAML_OK)
		return err_set(e, rc == CYAML_ERR_OOM ? ERR_SYSTEM : ERR_INVALID, "%s: %s%s", name,
			       said.first[0] ? said.first : cyaml_strerror(rc), said.where);
	if (!value)
		return err_set(e, ERR_INVALID, "%s:1:1: the file has no values", name);
	*ret_value = value;
	return true;
}

static bool parse_reported(const char *name, const char *text, size_t len,
			   const cyaml_schema_value_t *schema, config_report_fn *report,
			   void *context, cyaml_data_t **ret_value, struct err *e)
{
	AUTO(config_tree) tree = NULL;

	if (len > CONFIG_MAX)
		err_set(e, ERR_INVALID, "%s is longer than %d bytes", name, CONFIG_MAX);
	else if (config_tree_parse(name, text, len, &tree, e)) {
		if (!config_schema_check(name, tree, schema, report, context, e))
			return false;
		if (load_values(name, text, len, schema, ret_value, e))
			return true;
	}
	if (report)
		report(context, e);
	return false;
}

bool config_parse(const char *name, const char *text, size_t len,
		  const cyaml_schema_value_t *schema, cyaml_data_t **ret_value, struct err *e)
{
	return parse_reported(name, text, len, schema, NULL, NULL, ret_value, e);
}

bool config_load_reported(const char *path, const cyaml_schema_value_t *schema,
			  config_report_fn *report, void *context, cyaml_data_t **ret_value,
			  struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len;

	if (!file_read(path, CONFIG_MAX, &text, &len, e)) {
		if (e->code == ERR_REFUSED)
			err_set(e, ERR_REFUSED,
				"%s may not be read by its daemon or by you: chmod a+r %s, and a+x "
				"on the folders above it",
				path, path);
		if (report)
			report(context, e);
		return false;
	}
	return parse_reported(path, (const char *)text, len, schema, report, context, ret_value, e);
}

bool config_load(const char *path, const cyaml_schema_value_t *schema, cyaml_data_t **ret_value,
		 struct err *e)
{
	return config_load_reported(path, schema, NULL, NULL, ret_value, e);
}

/* The file is read again: only mistakes pay for positions. */
static struct config_mark mark_of(const char *path, const char *key_path)
{
	AUTO(config_tree) tree = NULL;
	AUTO_FREE uint8_t *text = NULL;
	struct err unused;
	size_t len;

	if (!file_read(path, CONFIG_MAX, &text, &len, &unused) ||
	    !config_tree_parse(path, (const char *)text, len, &tree, &unused))
		return (struct config_mark) { 1, 1 };
	return config_tree_find(tree, key_path)->at;
}

bool config_mistake(const char *path, const char *key_path, struct err *e, const char *format, ...)
{
	struct config_mark at = mark_of(path, key_path);
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, ERR_INVALID, "%s:%zu:%zu: %s", path, at.line, at.column, text);
}

bool config_place(const char *path, const char *key_path, struct err *e)
{
	struct err what = *e;

	if (what.code == ERR_SYSTEM)
		return err_add(e, "%s", path);
	return config_mistake(path, key_path, e, "%s", what.text);
}

bool config_number(const char *path, const char *key_path, const uint32_t *value, unsigned fallback,
		   unsigned min, unsigned max, unsigned *ret_value, struct err *e)
{
	if (value && (*value < min || *value > max))
		return config_mistake(path, key_path, e,
				      "%" PRIu32 " is out of range; allowed here: %u to %u", *value,
				      min, max);
	*ret_value = value ? *value : fallback;
	return true;
}
