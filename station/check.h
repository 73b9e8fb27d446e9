/* check: what imprint-station --check looks at: settings, ports, folders and the signer, one line
 * each: "ok", "WARN" or "FAIL" and a sentence that says what to do.
 * Threads: one. Layer above: station_main. Below: settings, board, hsm/api/request. */
#ifndef STATION_CHECK_H
#define STATION_CHECK_H

#include "base/err.h"

#include <stdbool.h>

/* Prints the lines on stdout; false if one is FAIL. */
bool check_station(void);

/* Prints every mistake in the station's part of a product; false if there is one. */
bool check_product(const char *path);

#endif
