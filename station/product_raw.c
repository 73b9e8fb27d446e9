#include "station/product_raw.h"

#include "station/schemas.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

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

static const cyaml_schema_value_t name_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1,
								     BOARD_FILE_NAME_MAX) };

static const cyaml_schema_field_t fs_fields[] = {
	CYAML_FIELD_STRING_PTR("csr", CYAML_FLAG_POINTER, struct raw_fs, csr, 1, BOARD_PATH_MAX),
	CYAML_FIELD_STRING_PTR("unit", OPTIONAL, struct raw_fs, unit, 1, BOARD_PATH_MAX),
	CYAML_FIELD_BOOL_PTR("reset", OPTIONAL, struct raw_fs, reset),
	CYAML_FIELD_END,
};

static const cyaml_strval_t line_ends[] = {
	{ "cr", BOARD_CR },
	{ "lf", BOARD_LF },
	{ "crlf", BOARD_CRLF },
	{ "nul", BOARD_NUL },
};
static const cyaml_strval_t modem_units[] = {
	{ "imei", BOARD_UNIT_IMEI },
	{ "uuid", BOARD_UNIT_UUID },
};
static const cyaml_schema_field_t nrf91_fields[] = {
	CYAML_FIELD_UINT("sec_tag", CYAML_FLAG_DEFAULT, struct raw_nrf91, sec_tag),
	CYAML_FIELD_ENUM("line_end", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct raw_nrf91,
			 line_end, line_ends, COUNT(line_ends)),
	CYAML_FIELD_ENUM("unit", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct raw_nrf91, unit,
			 modem_units, COUNT(modem_units)),
	CYAML_FIELD_END,
};

static const cyaml_strval_t shell_units[] = {
	{ "hwinfo", BOARD_UNIT_HWINFO },
	{ "none", BOARD_UNIT_NONE },
};
static const cyaml_schema_field_t zshell_fields[] = {
	CYAML_FIELD_UINT("sec_tag", CYAML_FLAG_DEFAULT, struct raw_zshell, sec_tag),
	CYAML_FIELD_ENUM_PTR("unit", CYAML_FLAG_STRICT | OPTIONAL, struct raw_zshell, unit,
			     shell_units, COUNT(shell_units)),
	CYAML_FIELD_STRING_PTR("prompt", OPTIONAL, struct raw_zshell, prompt, 1, BOARD_PROMPT_MAX),
	CYAML_FIELD_END,
};

/* clang-format off */
#define PART_FIELDS(structure, member)                                                             \
	CYAML_FIELD_STRING_PTR("driver", CYAML_FLAG_POINTER, structure, member driver, 1,          \
			       STATION_DRIVER_MAX),                                                \
	CYAML_FIELD_ENUM("unit", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, structure, member unit,  \
			 sources, COUNT(sources)),                                                 \
	CYAML_FIELD_BOOL("label", CYAML_FLAG_OPTIONAL, structure, member label),                   \
	CYAML_FIELD_BOOL("read_back", CYAML_FLAG_OPTIONAL, structure, member read_back),           \
	CYAML_FIELD_BOOL_PTR("prove", OPTIONAL, structure, member prove),                          \
	CYAML_FIELD_SEQUENCE("files", CYAML_FLAG_POINTER, structure, member files, &file_schema,   \
			     1, BOARD_FILES_MAX),                                                  \
	CYAML_FIELD_SEQUENCE("without", OPTIONAL, structure, member without, &name_schema, 1,      \
			     BOARD_FILES_MAX),                                                     \
	CYAML_FIELD_MAPPING_PTR("fs", OPTIONAL, structure, member fs, fs_fields),                  \
	CYAML_FIELD_MAPPING_PTR("nrf91", OPTIONAL, structure, member nrf91, nrf91_fields),         \
	CYAML_FIELD_MAPPING_PTR("zshell", OPTIONAL, structure, member zshell, zshell_fields)
/* clang-format on */

static const cyaml_schema_field_t part_fields[] = {
	PART_FIELDS(struct raw_part, ),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t part_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_part, part_fields) };

static const cyaml_schema_field_t board_fields[] = {
	PART_FIELDS(struct raw_board, part.),
	CYAML_FIELD_SEQUENCE("others", OPTIONAL, struct raw_board, others, &part_schema, 1,
			     STATION_OTHERS_MAX),
	CYAML_FIELD_END,
};

/* The signer's part may be anything: the signer checks it. */
static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_IGNORE("certificate", CYAML_FLAG_DEFAULT),
	CYAML_FIELD_MAPPING("board", CYAML_FLAG_DEFAULT, struct raw_product, board, board_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t station_product_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_product, fields),
};

void raw_product_free(struct raw_product *raw)
{
	config_free(&station_product_schema, raw);
}
