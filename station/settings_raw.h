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

struct raw_retest {
	uint32_t *tries;
	bool reseat;
};

struct raw_golden {
	char **units;
	uint32_t units_count, *every_hours;
};

struct raw_login {
	bool needed;
	uint32_t *idle_min;
};

struct raw_work {
	uint32_t *takt_s, *stop_after;
	char **shifts;
	uint32_t shifts_count;
	struct raw_retest retest;
	struct raw_golden golden;
	struct raw_login login;
};

struct settings_raw {
	char *station;
	enum station_start start;
	uint32_t *baud, *line_gap_ms;
	struct raw_timeouts timeouts;
	struct raw_access access;
	struct raw_work work;
	struct raw_nest *nests;
	uint32_t nests_count;
	struct map_raw *jig;
};

void settings_raw_free(struct settings_raw *raw);
AUTO_DEFINE(settings_raw, struct settings_raw *, settings_raw_free)

/* baud, line_gap_ms and nests, into the settings. */
MUST_CHECK bool settings_take_nests(const char *path, const struct settings_raw *raw,
				    struct station_settings *s, struct err *e);
/* What holds for a shift's work. */
MUST_CHECK bool settings_take_work(const char *path, const struct raw_work *raw,
				   struct station_work *ret_work, struct err *e);

#endif
