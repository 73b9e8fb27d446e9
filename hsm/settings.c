#include "hsm/settings.h"

#include "base/access.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/place.h"
#include "hsm/schemas.h"

#include <stdlib.h>
#include <string.h>

#define PIN_MARK "pin-refused"
#define PREFIX_TEXT_MAX (2 * SETTINGS_PREFIX_MAX)
#define LINGER_MS_MAX 100
#define LINGER_MS_DEFAULT 2
#define CRL_DAYS_MAX 3650
#define CRL_DAYS_DEFAULT 30
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

/* The file as libcyaml hands it over; NULL where an optional key is absent. */
struct raw_token {
	char *module, *label, *pin_file, *softhsm_conf, *init_args;
	uint32_t *sessions;
	bool network;
};

struct raw_access {
	char **station, **supervisor, **reader;
	uint32_t station_count, supervisor_count, reader_count;
	bool training;
};

struct raw_ledger {
	uint32_t *linger_ms, *crl_days;
};

struct raw {
	char *station, *serial_prefix;
	struct raw_token token;
	struct raw_access access;
	struct raw_ledger ledger;
};

#define TEXT(key, structure, member, min, max)                                                     \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, structure, member, min, max)
#define TEXT_OPTIONAL(key, structure, member, min, max)                                            \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member,   \
			       min, max)
#define NUMBER_OPTIONAL(key, structure, member)                                                    \
	CYAML_FIELD_UINT_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member)

static const cyaml_schema_field_t token_fields[] = {
	TEXT("module", struct raw_token, module, 1, PATH_MAX - 1),
	TEXT("label", struct raw_token, label, 1, TOKEN_LABEL_MAX),
	TEXT_OPTIONAL("pin_file", struct raw_token, pin_file, 1, PATH_MAX - 1),
	TEXT_OPTIONAL("softhsm_conf", struct raw_token, softhsm_conf, 1, PATH_MAX - 1),
	TEXT_OPTIONAL("init_args", struct raw_token, init_args, 0, 255),
	NUMBER_OPTIONAL("sessions", struct raw_token, sessions),
	CYAML_FIELD_BOOL("network", CYAML_FLAG_OPTIONAL, struct raw_token, network),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t name_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1,
								     64) };

static const cyaml_schema_field_t access_fields[] = {
	CYAML_FIELD_SEQUENCE("station", CYAML_FLAG_POINTER, struct raw_access, station,
			     &name_schema, 1, SETTINGS_PEERS_MAX),
	CYAML_FIELD_SEQUENCE("supervisor", CYAML_FLAG_POINTER, struct raw_access, supervisor,
			     &name_schema, 1, SETTINGS_PEERS_MAX),
	CYAML_FIELD_SEQUENCE("reader", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_access,
			     reader, &name_schema, 0, SETTINGS_PEERS_MAX),
	CYAML_FIELD_BOOL("training", CYAML_FLAG_OPTIONAL, struct raw_access, training),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t ledger_fields[] = {
	NUMBER_OPTIONAL("linger_ms", struct raw_ledger, linger_ms),
	NUMBER_OPTIONAL("crl_days", struct raw_ledger, crl_days),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fields[] = {
	TEXT("station", struct raw, station, 1, NAME_MAX_LEN),
	TEXT("serial_prefix", struct raw, serial_prefix, 2, PREFIX_TEXT_MAX),
	CYAML_FIELD_MAPPING("token", CYAML_FLAG_DEFAULT, struct raw, token, token_fields),
	CYAML_FIELD_MAPPING("access", CYAML_FLAG_DEFAULT, struct raw, access, access_fields),
	CYAML_FIELD_MAPPING("ledger", CYAML_FLAG_OPTIONAL, struct raw, ledger, ledger_fields),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t settings_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, fields),
};

static void raw_free(struct raw *raw)
{
	config_free(&settings_schema, raw);
}
AUTO_DEFINE(raw, struct raw *, raw_free)

static bool take_path(const char *path, const char *key_path, const char *value,
		      char ret_path[static PATH_MAX], struct err *e)
{
	if (!value)
		ret_path[0] = '\0';
	else if (!file_beside(path, value, ret_path, e))
		return config_place(path, key_path, e);
	return true;
}

static bool take_station(const char *path, const struct raw *raw, struct settings *s, struct err *e)
{
	size_t len = strlen(raw->serial_prefix);

	if (strspn(raw->station, NAME_CHARACTERS) != strlen(raw->station))
		return config_mistake(path, "station", e,
				      "\"%s\" is no station name; allowed here: A-Z a-z 0-9 and -",
				      raw->station);
	strcpy(s->station, raw->station);
	s->serial_prefix_len = len / 2;
	if (len % 2 != 0 || !hex_decode(raw->serial_prefix, s->serial_prefix, len / 2) ||
	    s->serial_prefix[0] == 0 || s->serial_prefix[0] >= 0x80)
		return config_mistake(path, "serial_prefix", e,
				      "\"%s\" is no serial prefix; allowed here: 1 to %d octets in "
				      "hexadecimal, the first 01 to 7f",
				      raw->serial_prefix, SETTINGS_PREFIX_MAX);
	return true;
}

static bool take_token(const char *path, const struct raw_token *raw, struct settings *s,
		       struct err *e)
{
	struct token_config *token = &s->token;

	strcpy(token->label, raw->label);
	strcpy(token->init_args, raw->init_args ? raw->init_args : "");
	s->token_network = raw->network;
	return place_path(PLACE_LIB_SIGNER, PIN_MARK, token->pin_mark, e) &&
	       take_path(path, "token.module", raw->module, token->module, e) &&
	       take_path(path, "token.pin_file", raw->pin_file, token->pin_file, e) &&
	       take_path(path, "token.softhsm_conf", raw->softhsm_conf, s->softhsm_conf, e) &&
	       config_number(path, "token.sessions", raw->sessions, 1, 1, TOKEN_SESSIONS_MAX,
			     &token->sessions, e);
}

/* One user as station and supervisor would let the station open its own orders. */
static bool check_apart(const struct settings *s, const struct settings_peer *peer, struct err *e)
{
	unsigned both = peer->role | ROLE_READER;

	if (s->training)
		return true;
	for (size_t i = 0; i < s->peer_count; i++)
		if (s->peers[i].is_group == peer->is_group && s->peers[i].id == peer->id &&
		    (s->peers[i].role | both) == (ROLE_STATION | ROLE_SUPERVISOR | ROLE_READER))
			return err_set(e, ERR_INVALID,
				       "one %s is station and supervisor; allowed only with "
				       "\"training: yes\"",
				       peer->is_group ? "group" : "user");
	return true;
}

static bool take_peer(const char *name, enum role role, struct settings *s, struct err *e)
{
	struct settings_peer peer = { .role = role };
	struct access_name found;

	if (s->peer_count == SETTINGS_PEERS_MAX)
		return err_set(e, ERR_INVALID, "too many users and groups; allowed here: %d in all",
			       SETTINGS_PEERS_MAX);
	if (!access_find(name, &found, e))
		return false;
	peer.is_group = found.is_group;
	peer.id = found.id;
	if (!check_apart(s, &peer, e))
		return false;
	s->peers[s->peer_count++] = peer;
	return true;
}

static bool take_access(const char *path, const struct raw_access *raw, struct settings *s,
			struct err *e)
{
	const struct {
		const char *key;
		char **names;
		size_t count;
		enum role role;
	} lists[] = {
		{ "station", raw->station, raw->station_count, ROLE_STATION },
		{ "supervisor", raw->supervisor, raw->supervisor_count, ROLE_SUPERVISOR },
		{ "reader", raw->reader, raw->reader_count, ROLE_READER },
	};
	char key_path[64];

	s->training = raw->training;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t j = 0; j < lists[i].count; j++) {
			if (take_peer(lists[i].names[j], lists[i].role, s, e))
				continue;
			snprintf(key_path, sizeof(key_path), "access.%s[%zu]", lists[i].key, j);
			return config_place(path, key_path, e);
		}
	return true;
}

static bool take_ledger(const char *path, const struct raw_ledger *raw, struct settings *s,
			struct err *e)
{
	return config_number(path, "ledger.linger_ms", raw->linger_ms, LINGER_MS_DEFAULT, 0,
			     LINGER_MS_MAX, &s->linger_ms, e) &&
	       config_number(path, "ledger.crl_days", raw->crl_days, CRL_DAYS_DEFAULT, 1,
			     CRL_DAYS_MAX, &s->crl_days, e);
}

bool settings_load(const char *path, struct settings *ret_settings, struct err *e)
{
	AUTO_FREE struct settings *s = calloc(1, sizeof(*s));
	AUTO(raw) raw = NULL;

	if (!s)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", path);
	if (!config_load(path, &settings_schema, (cyaml_data_t **)&raw, e) ||
	    !take_station(path, raw, s, e) || !take_token(path, &raw->token, s, e) ||
	    !take_access(path, &raw->access, s, e) || !take_ledger(path, &raw->ledger, s, e))
		return false;
	if (s->softhsm_conf[0] && setenv("SOFTHSM2_CONF", s->softhsm_conf, 1) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot set SOFTHSM2_CONF");
	*ret_settings = *s;
	return true;
}
