/* settings_raw: station.yaml as libcyaml hands it over, before anything but its form is checked;
 * NULL and 0 where an optional key is absent. Internal to settings. Threads: any. Below:
 * base/config. */
#ifndef STATION_SETTINGS_RAW_H
#define STATION_SETTINGS_RAW_H

#include "base/cleanup.h"
#include "fixtures/map_raw.h"
#include "station/settings.h"

struct raw_timeouts {
	uint32_t *identify_ms, *csr_ms, *certificate_ms, *install_ms, *prove_ms;
};

struct raw_access {
	char **operator, ** technician, **reader;
	uint32_t operator_count, technician_count, reader_count;
};

struct raw_nest {
	char *name, *port, *driver;
	uint32_t *baud, *line_gap_ms, *row, *column;
};

struct settings_raw {
	char *station;
	enum station_start start;
	uint32_t *baud, *line_gap_ms;
	struct raw_timeouts timeouts;
	struct raw_access access;
	struct raw_nest *nests;
	uint32_t nests_count;
	struct map_raw *jig;
};

void settings_raw_free(struct settings_raw *raw);
AUTO_DEFINE(settings_raw, struct settings_raw *, settings_raw_free)

/* baud, line_gap_ms and nests, into the settings. */
MUST_CHECK bool settings_take_nests(const char *path, const struct settings_raw *raw,
				    struct station_settings *s, struct err *e);

#endif
