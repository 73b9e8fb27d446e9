#include "station/settings_raw.h"

#include "base/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LINE_GAP_MS_MAX 1000
#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

/* What a Linux serial line can be set to, from the slowest that a board may want. */
static const unsigned bauds[] = {
	9600,	19200,	 38400,	  57600,   115200,  230400,  460800,  500000,  576000,
	921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

static bool take_baud(const char *path, const char *key_path, const uint32_t *value,
		      unsigned fallback, unsigned *ret_baud, struct err *e)
{
	char allowed[256] = "";

	if (!value) {
		*ret_baud = fallback;
		return true;
	}
	for (size_t i = 0; i < COUNT(bauds); i++) {
		size_t len = strlen(allowed);

		if (bauds[i] == *value) {
			*ret_baud = bauds[i];
			return true;
		}
		snprintf(allowed + len, sizeof(allowed) - len, "%s%u", len ? ", " : "", bauds[i]);
	}
	return config_mistake(path, key_path, e, "%u is no baud rate; allowed here: %s", *value,
			      allowed);
}

/* "B3" is row 2, column 3; a name of another form stands where the list has it. */
static void place_of(const char *name, size_t index, struct station_nest *nest)
{
	unsigned column = 0;

	for (const char *digit = name + 1; *name && isdigit((unsigned char)*digit) && column < 100;
	     digit++) {
		column = column * 10 + (unsigned)(*digit - '0');
		if (digit[1] == '\0' && isalpha((unsigned char)*name) && column >= 1 &&
		    column <= STATION_SIDE_MAX) {
			nest->row = (unsigned)(toupper((unsigned char)*name) - 'A') + 1;
			nest->column = column;
			return;
		}
	}
	nest->row = 1;
	nest->column = (unsigned)index + 1;
}

static bool is_port(const char *port)
{
	return port[0] == '/' || strncmp(port, "pty:/", 5) == 0 || strncmp(port, "unix:/", 6) == 0;
}

static bool check_nest(const char *path, const struct station_settings *s,
		       const struct station_nest *nest, struct err *e)
{
	char key[64];

	snprintf(key, sizeof(key), "nests[%zu].name", s->nest_count);
	if (strspn(nest->name, NAME_CHARACTERS) != strlen(nest->name))
		return config_mistake(
			path, key, e,
			"\"%s\" is no name of a nest; allowed here: A-Z a-z 0-9 and -", nest->name);
	if (station_settings_nest(s, nest->name))
		return config_mistake(path, key, e, "there is a nest %s already", nest->name);
	snprintf(key, sizeof(key), "nests[%zu].port", s->nest_count);
	if (!is_port(nest->port))
		return config_mistake(path, key, e,
				      "\"%.80s\" is no port; allowed here: /dev/…, pty:/…, unix:/…",
				      nest->port);
	for (size_t i = 0; i < s->nest_count; i++)
		if (strcmp(s->nests[i].port, nest->port) == 0)
			return config_mistake(path, key, e, "nest %s has this port already",
					      s->nests[i].name);
	return true;
}

static bool take_driver(const char *path, const char *key_path, const char *driver,
			char ret_driver[static BOARD_DRIVER_MAX + 1], struct err *e)
{
	char allowed[256] = "";
	const char *name;

	for (size_t i = 0; driver && (name = board_driver_name(i)); i++) {
		size_t len = strlen(allowed);

		if (strcmp(name, driver) == 0) {
			strcpy(ret_driver, name);
			return true;
		}
		snprintf(allowed + len, sizeof(allowed) - len, "%s%s", len ? ", " : "", name);
	}
	return !driver || config_mistake(path, key_path, e, "\"%s\" is no driver; allowed here: %s",
					 driver, allowed);
}

static bool take_place(const char *path, const struct raw_nest *raw, size_t index,
		       struct station_nest *nest, struct err *e)
{
	char row[32], column[32];

	place_of(nest->name, index, nest);
	snprintf(row, sizeof(row), "nests[%zu].row", index);
	snprintf(column, sizeof(column), "nests[%zu].column", index);
	return config_number(path, row, raw->row, nest->row, 1, STATION_SIDE_MAX, &nest->row, e) &&
	       config_number(path, column, raw->column, nest->column, 1, STATION_SIDE_MAX,
			     &nest->column, e);
}

static bool take_nest(const char *path, const struct raw_nest *raw,
		      const struct station_nest *usual, struct station_settings *s, struct err *e)
{
	struct station_nest *nest = &s->nests[s->nest_count];
	char baud[32], gap[32], driver[32];

	snprintf(baud, sizeof(baud), "nests[%zu].baud", s->nest_count);
	snprintf(gap, sizeof(gap), "nests[%zu].line_gap_ms", s->nest_count);
	snprintf(driver, sizeof(driver), "nests[%zu].driver", s->nest_count);
	strcpy(nest->name, raw->name);
	strcpy(nest->port, raw->port);
	if (!check_nest(path, s, nest, e) ||
	    !take_driver(path, driver, raw->driver, nest->driver, e) ||
	    !take_baud(path, baud, raw->baud, usual->baud, &nest->baud, e) ||
	    !config_number(path, gap, raw->line_gap_ms, usual->line_gap_ms, 0, LINE_GAP_MS_MAX,
			   &nest->line_gap_ms, e) ||
	    !take_place(path, raw, s->nest_count, nest, e))
		return false;
	s->nest_count++;
	return true;
}

/* Two nests in one place of the jig would hide each other on the screen. */
static bool check_places(const char *path, const struct station_settings *s, struct err *e)
{
	char key[64];

	for (size_t i = 0; i < s->nest_count; i++)
		for (size_t j = 0; j < i; j++) {
			if (s->nests[i].row != s->nests[j].row ||
			    s->nests[i].column != s->nests[j].column)
				continue;
			snprintf(key, sizeof(key), "nests[%zu]", i);
			return config_mistake(path, key, e,
					      "nest %s stands at row %u, column %u, where %s is: "
					      "give both a row and a column",
					      s->nests[i].name, s->nests[i].row, s->nests[i].column,
					      s->nests[j].name);
		}
	return true;
}

bool settings_take_nests(const char *path, const struct settings_raw *raw,
			 struct station_settings *s, struct err *e)
{
	struct station_nest usual = { 0 };

	if (!take_baud(path, "baud", raw->baud, STATION_BAUD_DEFAULT, &usual.baud, e) ||
	    !config_number(path, "line_gap_ms", raw->line_gap_ms, 0, 0, LINE_GAP_MS_MAX,
			   &usual.line_gap_ms, e))
		return false;
	for (size_t i = 0; i < raw->nests_count; i++)
		if (!take_nest(path, &raw->nests[i], &usual, s, e))
			return false;
	return check_places(path, s, e);
}
