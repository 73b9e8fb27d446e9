#include "hsm/product/product_raw.h"

#include "hsm/schemas.h"

#define NAMES_MAX 16	/* entries in a list of names */
#define VALIDITY_MAX 40 /* characters */
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const cyaml_strval_t contents[] = {
	{ "certificate", CONTENT_CERTIFICATE },
	{ "issuer", CONTENT_ISSUER },
	{ "chain", CONTENT_CHAIN },
	{ "server_root", CONTENT_SERVER_ROOT },
};

static const cyaml_strval_t encodings[] = {
	{ "der", ENCODING_DER },
	{ "pem", ENCODING_PEM },
	{ "pem-crlf", ENCODING_PEM_CRLF },
	{ "pem-nul", ENCODING_PEM_NUL },
};

static const cyaml_strval_t sources[] = {
	{ "board", SOURCE_BOARD },
	{ "file", SOURCE_FILE },
	{ "label", SOURCE_LABEL },
	{ "list", SOURCE_LIST },
};

static const cyaml_strval_t rekeys[] = {
	{ "never", false },
	{ "before_installed", true },
};

static const cyaml_schema_value_t content_schema = { CYAML_VALUE_ENUM(
	CYAML_FLAG_STRICT, enum content, contents, COUNT(contents)) };
static const cyaml_schema_value_t name_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1,
								     PRODUCT_EKU_LEN) };
static const cyaml_schema_value_t san_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1,
								    PRODUCT_TEXT_MAX) };

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct product_raw_file, name, 1,
			       PRODUCT_FILE_NAME_MAX),
	CYAML_FIELD_SEQUENCE("content", CYAML_FLAG_POINTER, struct product_raw_file, content,
			     &content_schema, 1, PRODUCT_CONTENT_MAX),
	CYAML_FIELD_ENUM("encoding", CYAML_FLAG_STRICT, struct product_raw_file, encoding,
			 encodings, COUNT(encodings)),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct product_raw_file, file_fields) };

static const cyaml_schema_field_t unit_fields[] = {
	CYAML_FIELD_STRING_PTR("pattern", CYAML_FLAG_POINTER, struct product_raw_unit, pattern, 1,
			       PATTERN_MAX_LEN),
	CYAML_FIELD_ENUM("source", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct product_raw_unit,
			 source, sources, COUNT(sources)),
	CYAML_FIELD_END,
};

#define NAMES_OPTIONAL(key, member, schema, max)                                                   \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                        \
			     struct product_raw_part, member, schema, 1, max)

static const cyaml_schema_field_t part_fields[] = {
	CYAML_FIELD_STRING_PTR("subject", CYAML_FLAG_POINTER, struct product_raw_part, subject, 1,
			       PRODUCT_TEXT_MAX),
	NAMES_OPTIONAL("san", san, &san_schema, PRODUCT_SAN_MAX),
	CYAML_FIELD_STRING_PTR("validity", CYAML_FLAG_POINTER, struct product_raw_part, validity, 1,
			       VALIDITY_MAX),
	NAMES_OPTIONAL("keys", keys, &name_schema, NAMES_MAX),
	NAMES_OPTIONAL("key_usage", key_usage, &name_schema, NAMES_MAX),
	NAMES_OPTIONAL("extended_key_usage", extended_key_usage, &name_schema, PRODUCT_EKU_MAX),
	CYAML_FIELD_MAPPING("unit", CYAML_FLAG_DEFAULT, struct product_raw_part, unit, unit_fields),
	CYAML_FIELD_ENUM("rekey", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct product_raw_part,
			 rekey_before_installed, rekeys, COUNT(rekeys)),
	CYAML_FIELD_SEQUENCE("files", CYAML_FLAG_POINTER, struct product_raw_part, files,
			     &file_schema, 1, PRODUCT_FILES_MAX),
	CYAML_FIELD_STRING_PTR("server_root", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			       struct product_raw_part, server_root, 1, PATH_MAX - 1),
	CYAML_FIELD_END,
};

/* The station's part may be anything: the station checks it. */
static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_MAPPING("certificate", CYAML_FLAG_DEFAULT, struct product_raw, certificate,
			    part_fields),
	CYAML_FIELD_IGNORE("board", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t product_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct product_raw, fields),
};

void product_raw_free(struct product_raw *raw)
{
	config_free(&product_schema, raw);
}
