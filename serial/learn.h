/* learn: which line is which nest's, found by plugging them in one after the other. Asks for each
 * nest, waits for a line that was not there before, shows its socket and what the board on it
 * answers, and at the end writes udev's rules and prints the nests for etc/station.yaml. ENTER or
 * ctrl-D ends it earlier; so does a long time without a new line. Errors: ERR_USAGE (names),
 * ERR_TIMEOUT, ERR_SYSTEM; what was learnt until then is written. Threads: one. Layer above:
 * board_main. Below: adapter, probe, rules. */
#ifndef SERIAL_LEARN_H
#define SERIAL_LEARN_H

#include "serial/probe.h"

#define LEARN_RULES "/etc/udev/rules.d/62-imprint-nests.rules"

struct learn {
	const char *nests; /* "A1,A2,B1"; NULL: A1, A2, A3 and so on */
	const char *rules; /* the file */
	const char *root;  /* "": this system's /sys and /dev */
	const struct probe *probe;
};

MUST_CHECK bool learn_run(const struct learn *l, struct err *e);

#endif
