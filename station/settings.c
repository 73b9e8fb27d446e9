#include "station/settings.h"

#include "base/config.h"
#include "station/schemas.h"
#include "station/settings_raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS_MIN 100
#define TIMEOUT_MS_MAX 600000
#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

static bool take_timeouts(const char *path, const struct raw_timeouts *raw,
			  struct station_timeouts *ret_timeouts, struct err *e)
{
	const struct {
		const char *key_path;
		const uint32_t *value;
		unsigned fallback, *ret_value;
	} table[] = {
		{ "timeouts.identify_ms", raw->identify_ms, 3000, &ret_timeouts->identify_ms },
		{ "timeouts.csr_ms", raw->csr_ms, 20000, &ret_timeouts->csr_ms },
		{ "timeouts.certificate_ms", raw->certificate_ms, 20000,
		  &ret_timeouts->certificate_ms },
		{ "timeouts.install_ms", raw->install_ms, 20000, &ret_timeouts->install_ms },
		{ "timeouts.prove_ms", raw->prove_ms, 5000, &ret_timeouts->prove_ms },
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (!config_number(path, table[i].key_path, table[i].value, table[i].fallback,
				   TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, table[i].ret_value, e))
			return false;
	return true;
}

static bool take_access(const char *path, const struct raw_access *raw, struct station_settings *s,
			struct err *e)
{
	const struct {
		const char *key;
		char **names;
		size_t count;
		enum station_role role;
	} lists[] = {
		{ "operator", raw->operator, raw->operator_count, STATION_OPERATOR },
		{ "technician", raw->technician, raw->technician_count, STATION_TECHNICIAN },
		{ "reader", raw->reader, raw->reader_count, STATION_READER },
	};
	char key_path[64];

	for (size_t i = 0; i < COUNT(lists); i++)
		for (size_t j = 0; j < lists[i].count; j++) {
			struct station_peer *peer = &s->peers[s->peer_count];

			snprintf(key_path, sizeof(key_path), "access.%s[%zu]", lists[i].key, j);
			if (s->peer_count == STATION_PEERS_MAX)
				return config_mistake(path, key_path, e,
						      "too many users and groups; allowed here: %d "
						      "in all",
						      STATION_PEERS_MAX);
			if (!access_find(lists[i].names[j], &peer->who, e))
				return config_place(path, key_path, e);
			peer->role = lists[i].role;
			s->peer_count++;
		}
	return true;
}

static bool take_jig(const char *path, const struct settings_raw *raw, struct station_settings *s,
		     struct err *e)
{
	const char *names[STATION_NESTS_MAX];

	s->start = raw->start ? raw->start : raw->jig ? START_JIG : START_COMMAND;
	if (raw->jig && s->start != START_JIG)
		return config_mistake(path, "start", e,
				      "a station with a jig starts by it; allowed here: jig");
	if (!raw->jig)
		return s->start != START_JIG ||
		       config_mistake(path, "start", e,
				      "there is no jig: in this file; allowed here: command, "
				      "arrival");
	for (size_t i = 0; i < s->nest_count; i++)
		names[i] = s->nests[i].name;
	return map_take(path, raw->jig, names, s->nest_count, &s->jig, e);
}

bool station_settings_load(const char *path, struct station_settings *ret_settings, struct err *e)
{
	AUTO_FREE struct station_settings *s = calloc(1, sizeof(*s));
	AUTO(settings_raw) raw = NULL;

	if (!s)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", path);
	if (!config_load(path, &station_settings_schema, (cyaml_data_t **)&raw, e))
		return false;
	if (strspn(raw->station, NAME_CHARACTERS) != strlen(raw->station))
		return config_mistake(path, "station", e,
				      "\"%s\" is no station name; allowed here: A-Z a-z 0-9 and -",
				      raw->station);
	strcpy(s->station, raw->station);
	if (!take_timeouts(path, &raw->timeouts, &s->timeouts, e) ||
	    !take_access(path, &raw->access, s, e) || !settings_take_nests(path, raw, s, e) ||
	    !settings_take_work(path, &raw->work, &s->work, e) || !take_jig(path, raw, s, e))
		return false;
	*ret_settings = *s;
	return true;
}

unsigned station_settings_role(const struct station_settings *s, const struct socket_peer *peer)
{
	unsigned roles = 0;

	for (size_t i = 0; i < s->peer_count; i++)
		if (access_is(&s->peers[i].who, peer))
			roles |= s->peers[i].role;
	return roles;
}

bool station_settings_need_ip(const struct station_settings *s)
{
	for (size_t i = 0; i < s->jig.bus_count; i++)
		if (*s->jig.buses[i].host)
			return true;
	return false;
}

const struct station_nest *station_settings_nest(const struct station_settings *s, const char *name)
{
	for (size_t i = 0; i < s->nest_count; i++)
		if (strcmp(s->nests[i].name, name) == 0)
			return &s->nests[i];
	return NULL;
}
