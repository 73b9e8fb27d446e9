#include "station/command/doctor.h"

#include "station/command/child.h"

#include <stdlib.h>
#include <string.h>

#define SYSTEMCTL_MS 20000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct unit {
	const char *id, *load, *file, *active, *sub, *result, *status;
};

static const char *const properties[] = { "Id",	      "LoadState", "UnitFileState", "ActiveState",
					  "SubState", "Result",	   "ExecMainStatus" };

/* Why a unit failed, by its exit status or by systemd's word for it. */
static const struct {
	const char *status, *result, *text;
} reasons[] = {
	{ "243", NULL,
	  "its credential could not be set up (243/CREDENTIALS): the file that LoadCredential= "
	  "names is missing, or was sealed on another PC; make it again with systemd-creds "
	  "encrypt" },
	{ "78", NULL,
	  "the token's PIN is missing, open to others, or was refused (and none is tried twice): "
	  "see the rows about PIN and token" },
	{ NULL, "watchdog", "it hung and was ended: look at the token and its cable" },
	{ NULL, "start-limit-hit", "it ended too often in a row: mend what the other rows say" },
	{ NULL, "service-start-limit-hit",
	  "it ended too often in a row: mend what the other rows say" },
	{ NULL, "oom-kill", "the PC ran out of memory" },
	{ NULL, NULL, "its journal says why" },
};

static const char *reason_of(const struct unit *unit)
{
	size_t i = 0;

	while ((reasons[i].status && strcmp(reasons[i].status, unit->status) != 0) ||
	       (reasons[i].result && strcmp(reasons[i].result, unit->result) != 0))
		i++;
	return reasons[i].text;
}

static bool is(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

static void judge(const struct unit *u, struct check *c)
{
	if (is(u->load, "not-found"))
		check_say(c, CHECK_FAIL, "units",
			  "%s is not installed: apt install imprint-station", u->id);
	else if (is(u->active, "failed") || is(u->sub, "auto-restart"))
		check_say(c, CHECK_FAIL, "units",
			  "%s failed: %s; then: systemctl reset-failed %s; systemctl start %s "
			  "(journalctl -u %s -n 50)",
			  u->id, reason_of(u), u->id, u->id, u->id);
	else if (is(u->file, "masked") || is(u->load, "masked"))
		check_say(c, CHECK_FAIL, "units", "%s is masked: systemctl unmask %s", u->id,
			  u->id);
	else if (!is(u->file, "enabled"))
		check_say(c, CHECK_WARN, "units",
			  "%s does not start with the PC: systemctl enable --now %s", u->id, u->id);
	else if (!is(u->active, "active"))
		check_say(c, CHECK_WARN, "units", "%s does not run (%s): systemctl start %s", u->id,
			  u->active, u->id);
	else
		check_say(c, CHECK_OK, "units", "%s is enabled and runs", u->id);
}

static void take(struct unit *unit, char *line)
{
	const char **const places[] = { &unit->id,  &unit->load,   &unit->file,	 &unit->active,
					&unit->sub, &unit->result, &unit->status };
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < COUNT(places); i++)
		if (strcmp(line, properties[i]) == 0)
			*places[i] = value;
}

void doctor_read_units(char *text, struct check *c)
{
	static const struct unit none = { "", "", "", "", "", "", "" };
	struct unit unit = none;
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		if (*line) {
			take(&unit, line);
			continue;
		}
		if (*unit.id)
			judge(&unit, c);
		unit = none;
	}
	if (*unit.id)
		judge(&unit, c);
}

void doctor_units(struct check *c)
{
	static const char *const words[] = {
		"systemctl",
		"show",
		"--property=Id,LoadState,UnitFileState,ActiveState,SubState,Result,ExecMainStatus",
		"imprint-signer.socket",
		"imprint-signer.service",
		"imprint-station.service",
		NULL
	};
	static char text[DOCTOR_TEXT_SIZE];
	struct err e;
	int status;

	if (doctor_installed() &&
	    child_read(words, SYSTEMCTL_MS, text, sizeof(text), &status, &e) && status == 0)
		doctor_read_units(text, c);
}
