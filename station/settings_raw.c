#include "station/settings_raw.h"

#include "base/config.h"
#include "station/schemas.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const cyaml_strval_t starts[] = {
	{ "command", START_COMMAND },
	{ "arrival", START_ARRIVAL },
	{ "jig", START_JIG },
};

#define NUMBER_OPTIONAL(key, structure, member)                                                    \
	CYAML_FIELD_UINT_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member)

static const cyaml_schema_field_t timeouts_fields[] = {
	NUMBER_OPTIONAL("identify_ms", struct raw_timeouts, identify_ms),
	NUMBER_OPTIONAL("csr_ms", struct raw_timeouts, csr_ms),
	NUMBER_OPTIONAL("certificate_ms", struct raw_timeouts, certificate_ms),
	NUMBER_OPTIONAL("install_ms", struct raw_timeouts, install_ms),
	NUMBER_OPTIONAL("prove_ms", struct raw_timeouts, prove_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t name_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1,
								     64) };

#define PEERS(key, flags, member)                                                                  \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), struct raw_access, member,         \
			     &name_schema, 1, STATION_PEERS_MAX)

static const cyaml_schema_field_t access_fields[] = {
	PEERS("operator", CYAML_FLAG_DEFAULT, operator),
	PEERS("technician", CYAML_FLAG_OPTIONAL, technician),
	PEERS("reader", CYAML_FLAG_OPTIONAL, reader),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t nest_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_nest, name, 1, NEST_MAX_LEN),
	CYAML_FIELD_STRING_PTR("port", CYAML_FLAG_POINTER, struct raw_nest, port, 1,
			       STATION_PORT_MAX),
	CYAML_FIELD_STRING_PTR("driver", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_nest,
			       driver, 1, BOARD_DRIVER_MAX),
	NUMBER_OPTIONAL("baud", struct raw_nest, baud),
	NUMBER_OPTIONAL("line_gap_ms", struct raw_nest, line_gap_ms),
	NUMBER_OPTIONAL("row", struct raw_nest, row),
	NUMBER_OPTIONAL("column", struct raw_nest, column),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t nest_schema = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_nest, nest_fields) };

static const cyaml_schema_field_t retest_fields[] = {
	NUMBER_OPTIONAL("tries", struct raw_retest, tries),
	CYAML_FIELD_BOOL("reseat", CYAML_FLAG_OPTIONAL, struct raw_retest, reseat),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t golden_fields[] = {
	CYAML_FIELD_SEQUENCE("units", CYAML_FLAG_POINTER, struct raw_golden, units, &name_schema, 1,
			     STATION_GOLDEN_MAX),
	NUMBER_OPTIONAL("every_hours", struct raw_golden, every_hours),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t login_fields[] = {
	CYAML_FIELD_BOOL("needed", CYAML_FLAG_OPTIONAL, struct raw_login, needed),
	NUMBER_OPTIONAL("idle_min", struct raw_login, idle_min),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fields[] = {
	CYAML_FIELD_STRING_PTR("station", CYAML_FLAG_POINTER, struct settings_raw, station, 1,
			       NAME_MAX_LEN),
	CYAML_FIELD_ENUM("start", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct settings_raw,
			 start, starts, COUNT(starts)),
	NUMBER_OPTIONAL("baud", struct settings_raw, baud),
	NUMBER_OPTIONAL("line_gap_ms", struct settings_raw, line_gap_ms),
	CYAML_FIELD_MAPPING("timeouts", CYAML_FLAG_OPTIONAL, struct settings_raw, timeouts,
			    timeouts_fields),
	CYAML_FIELD_MAPPING("access", CYAML_FLAG_DEFAULT, struct settings_raw, access,
			    access_fields),
	NUMBER_OPTIONAL("takt_s", struct settings_raw, work.takt_s),
	CYAML_FIELD_SEQUENCE("shifts", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			     struct settings_raw, work.shifts, &name_schema, 1, STATION_SHIFTS_MAX),
	CYAML_FIELD_MAPPING("retest", CYAML_FLAG_OPTIONAL, struct settings_raw, work.retest,
			    retest_fields),
	NUMBER_OPTIONAL("stop_after", struct settings_raw, work.stop_after),
	CYAML_FIELD_MAPPING("golden", CYAML_FLAG_OPTIONAL, struct settings_raw, work.golden,
			    golden_fields),
	CYAML_FIELD_MAPPING("login", CYAML_FLAG_OPTIONAL, struct settings_raw, work.login,
			    login_fields),
	CYAML_FIELD_SEQUENCE("nests", CYAML_FLAG_POINTER, struct settings_raw, nests, &nest_schema,
			     1, STATION_NESTS_MAX),
	CYAML_FIELD_MAPPING_PTR("jig", CYAML_FLAG_OPTIONAL, struct settings_raw, jig,
				map_raw_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t station_settings_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct settings_raw, fields),
};

void settings_raw_free(struct settings_raw *raw)
{
	config_free(&station_settings_schema, raw);
}
