/* check_port: the part of --check that looks at the nests' lines. Layer above: check. Below:
 * settings, board. */
#ifndef STATION_CHECK_PORT_H
#define STATION_CHECK_PORT_H

#include "base/check.h"
#include "station/settings.h"

/* Is each line there, and one nest's only? */
void check_ports(const struct station_settings *settings, struct check *c);

/* May this user open each? */
void check_port_rights(const struct station_settings *settings, struct check *c);

/* Has udev rules for the names below /dev/imprint that nests use? */
void check_names(const struct station_settings *settings, struct check *c);

#endif
