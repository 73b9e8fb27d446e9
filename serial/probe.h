/* probe: what a board answers on a port, whatever kind it is: asked as each driver does, in turn. It
 * changes nothing on the board. Errors: the drivers' (serial/fault.h) if the line is of no use;
 * FAULT_SILENT if nothing answers; ERR_NOT_FOUND if something does that no driver understands.
 * Threads: one. Layer above: board_main, learn. Below: board. */
#ifndef SERIAL_PROBE_H
#define SERIAL_PROBE_H

#include "serial/board.h"

#include <stdio.h>

struct probe {
	const char *driver, *unit_file, *prompt; /* NULL: each driver; its own defaults */
	unsigned baud, timeout_ms, sec_tag;	 /* timeout_ms: for each driver */
	bool has_sec_tag;
};

/* What each driver found wrong goes to `why`, one a line, unless that is NULL. */
MUST_CHECK bool probe_port(const struct probe *p, const char *port, FILE *why,
			   const char **ret_driver, struct board_report *ret_report, struct err *e);

#endif
