/* bridge: many lines in one loop, and what its service does (tests/rig/service.h):
 *	list			for each line what was counted
 *	hang-up LINE | plug LINE
 * Threads: one. Layer above: bridge_main. Below: line, service. */
#ifndef RIG_BRIDGE_LOOP_H
#define RIG_BRIDGE_LOOP_H

#include "base/cleanup.h"
#include "tests/rig/bridge_line.h"

#define BRIDGE_LINES_MAX 64

struct bridge_options {
	const char *dir, *lines; /* "E1,E2" */
	struct line_options line;
};

struct bridge;

MUST_CHECK bool bridge_open(const struct bridge_options *options, struct bridge **ret_bridge,
			    struct err *e);
void bridge_close(struct bridge *bridge);
AUTO_DEFINE(bridge, struct bridge *, bridge_close)

/* Serves until stop_fd is readable. */
MUST_CHECK bool bridge_run(struct bridge *bridge, int stop_fd, struct err *e);

#endif
