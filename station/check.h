/* check: what imprint-station --check looks at, one row each (base/check): settings, modes, products,
 * ports, udev names, folders, disk and the signer. It changes nothing. Run by root on an installed
 * station it becomes the station's user first. Threads: one. Layer above: station_main. Below:
 * settings, board, hsm/api/request, base/check, base/owner. */
#ifndef STATION_CHECK_H
#define STATION_CHECK_H

#include "base/err.h"

#include <stdbool.h>

/* Returns the exit status: 0, or 1 if a row is FAIL. */
int check_station(void);

/* Prints every mistake in the station's part of a product; false if there is one. */
bool check_product(const char *path);

#endif
