#include "station/check_port.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES "/etc/udev/rules.d/62-imprint-nests.rules"
#define RULES_MAX 65536
#define NAMES "/dev/imprint/"

/* A device in /dev, with all names resolved; false for a line of another kind, or none. */
static bool device_of(const char *port, char ret_path[static PATH_MAX])
{
	return port[0] == '/' && realpath(port, ret_path);
}

/* Two names of one device: two nests would talk on one line. */
static void check_twins(const struct station_settings *settings, size_t index, struct check *c)
{
	char mine[PATH_MAX], other[PATH_MAX];

	if (!device_of(settings->nests[index].port, mine))
		return;
	for (size_t i = 0; i < index; i++)
		if (device_of(settings->nests[i].port, other) && strcmp(mine, other) == 0)
			check_say(c, CHECK_FAIL, "port",
				  "nests %s and %s have the same line %s: run imprint nest learn",
				  settings->nests[i].name, settings->nests[index].name, mine);
}

void check_ports(const struct station_settings *settings, struct check *c)
{
	size_t present = 0;

	for (size_t i = 0; i < settings->nest_count; i++) {
		const struct station_nest *nest = &settings->nests[i];

		check_twins(settings, i, c);
		if (board_line_present(nest->port)) {
			present++;
			continue;
		}
		check_say(c, CHECK_WARN, "port",
			  "nest %s: no line at %s; check its cable, or the nest is empty",
			  nest->name, nest->port);
	}
	check_say(c, present ? CHECK_OK : CHECK_WARN, "ports", "%zu of %zu nests have a line",
		  present, settings->nest_count);
}

static void check_right(const struct station_nest *nest, struct check *c)
{
	struct stat status;

	if (nest->port[0] != '/' || faccessat(AT_FDCWD, nest->port, R_OK | W_OK, AT_EACCESS) == 0 ||
	    stat(nest->port, &status) < 0)
		return;
	check_say(
		c, CHECK_FAIL, "port",
		"nest %s: the station's user may not open %s (mode %04o, group %u); it must be of "
		"group imprint-jig: see that udev has 61-imprint.rules, then udevadm trigger",
		nest->name, nest->port, (unsigned)status.st_mode & 07777, (unsigned)status.st_gid);
}

void check_port_rights(const struct station_settings *settings, struct check *c)
{
	for (size_t i = 0; i < settings->nest_count; i++)
		check_right(&settings->nests[i], c);
}

static bool has_rule(const char *rules, const char *port)
{
	char link[STATION_PORT_MAX + 32];

	snprintf(link, sizeof(link), "SYMLINK+=\"%s\"", port + strlen("/dev/"));
	return strstr(rules, link);
}

void check_names(const struct station_settings *settings, struct check *c)
{
	AUTO_FREE uint8_t *rules = NULL;
	size_t len, named = 0, missing = 0;
	struct err e;

	for (size_t i = 0; i < settings->nest_count; i++)
		named += strncmp(settings->nests[i].port, NAMES, strlen(NAMES)) == 0;
	if (!named)
		return;
	if (!file_read(RULES, RULES_MAX, &rules, &len, &e)) {
		check_say(c, CHECK_FAIL, "udev", "%s; run imprint nest learn", e.text);
		return;
	}
	for (size_t i = 0; i < settings->nest_count; i++) {
		const struct station_nest *nest = &settings->nests[i];

		if (strncmp(nest->port, NAMES, strlen(NAMES)) != 0 ||
		    has_rule((const char *)rules, nest->port))
			continue;
		missing++;
		check_say(c, CHECK_FAIL, "udev",
			  "nest %s: no rule in " RULES " makes %s; run imprint nest learn --nests "
			  "%s",
			  nest->name, nest->port, nest->name);
	}
	if (!missing)
		check_say(c, CHECK_OK, "udev", "rules name %zu nests", named);
}
