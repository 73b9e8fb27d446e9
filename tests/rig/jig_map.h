/* map: writes the part `jig:` of station.yaml that fits the virtual jig, to DIR/map.yaml.
 * Threads: one. Layer above: jig_main. Below: jig_server. */
#ifndef TESTS_RIG_JIG_MAP_H
#define TESTS_RIG_JIG_MAP_H

#include "tests/rig/jig_server.h"

enum map_style {
	MAP_REGISTERS, /* a controller: words, its heartbeat, and a counter that it gives back */
	MAP_BITS,      /* a coupler: bits, and its watchdog */
};

MUST_CHECK bool map_write(const struct server *server, const char *path, enum map_style style,
			  struct err *e);

#endif
