#include "station/screen/stopped.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LABEL_COLUMNS 15

static const struct {
	enum control_stop stop;
	enum phrase what, remedy;
} stops[] = {
	{ STOP_ESTOP, PHRASE_STOP_ESTOP, PHRASE_STOP_ESTOP_DO },
	{ STOP_LID, PHRASE_STOP_LID, PHRASE_STOP_LID_DO },
	{ STOP_CLAMP_LOST, PHRASE_STOP_CLAMP_LOST, PHRASE_STOP_CLAMP_LOST_DO },
	{ STOP_CLAMP_TIMEOUT, PHRASE_STOP_CLAMP_TIMEOUT, PHRASE_STOP_CLAMP_LOST_DO },
	{ STOP_AIR, PHRASE_STOP_AIR, PHRASE_STOP_AIR_DO },
	{ STOP_BUS, PHRASE_STOP_BUS, PHRASE_STOP_BUS_DO },
	{ STOP_RESTARTED, PHRASE_STOP_RESTARTED, PHRASE_STOP_RESTARTED_DO },
	{ STOP_READ_BACK, PHRASE_STOP_READ_BACK, PHRASE_STOP_TECHNICIAN_DO },
	{ STOP_STALE, PHRASE_STOP_STALE, PHRASE_STOP_BUS_DO },
	{ STOP_START_STUCK, PHRASE_STOP_START_STUCK, PHRASE_STOP_START_STUCK_DO },
	{ STOP_SENSORS, PHRASE_STOP_SENSORS, PHRASE_STOP_TECHNICIAN_DO },
	{ STOP_ABORTED, PHRASE_STOP_ABORTED, PHRASE_STOP_ABORTED_DO },
};

static bool is_powered(const struct model *m, const struct control_nest *nest)
{
	return m->station.powered >> nest->index & 1;
}

static void powered_names(const struct model *m, enum language language, char *ret_names,
			  size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < m->count; i++)
		count += is_powered(m, &m->nests[i]);
	if (count > 1 && count == m->count)
		snprintf(ret_names, size, "%s", phrase(language, PHRASE_ALL_NESTS));
	else
		model_names(m, is_powered, ret_names, size);
}

/* Under way when the jig stopped: its unit's certificate may be issued and not installed. */
static bool is_unfinished(const struct model *m, const struct control_nest *nest)
{
	return nest->state == CONTROL_RUNNING ||
	       (nest->batch == m->station.batch && nest->outcome != OUTCOME_NONE &&
		nest->outcome != OUTCOME_PASS && nest->outcome != OUTCOME_FAIL);
}

static void unfinished_text(const struct model *m, const struct face *face, char *ret_text,
			    size_t size)
{
	size_t len = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < m->count && len < size - 1; i++) {
		const struct control_nest *nest = &m->nests[i];

		if (is_unfinished(m, nest))
			len += (size_t)snprintf(ret_text + len, size - len, "%s%s%s%s",
						len ? ", " : "", nest->name,
						*nest->unit ? "\u00a0" : "", nest->unit);
	}
	if (len == 0)
		snprintf(ret_text, size, "%s", phrase(face->language, PHRASE_STOP_NO_UNITS));
	else if (len < size)
		snprintf(ret_text + len, size - len, ". %s",
			 phrase(face->language, PHRASE_STOP_UNITS_DO));
}

static const char *stop_what(const struct model *m, enum language language)
{
	if (language == ENGLISH && *m->station.stop_text)
		return m->station.stop_text;
	for (size_t i = 0; i < COUNT(stops); i++)
		if (stops[i].stop == m->station.stop)
			return phrase(language, stops[i].what);
	return m->station.stop_text;
}

static void stop_remedy(const struct model *m, enum language language, char *ret_text, size_t size)
{
	enum phrase remedy = PHRASE_STOP_TECHNICIAN_DO;

	for (size_t i = 0; i < COUNT(stops); i++)
		if (stops[i].stop == m->station.stop)
			remedy = stops[i].remedy;
	snprintf(ret_text, size, "%s %s", phrase(language, remedy),
		 phrase(language, PHRASE_STOP_THEN_RESET));
}

static int draw_line(struct canvas *c, struct area area, const struct face *face, enum phrase label,
		     enum style style, const char *text, int rows)
{
	if (rows > area.rows)
		rows = area.rows;
	canvas_text(c, area.row, area.column, LABEL_COLUMNS, STYLE_DIM,
		    phrase(face->language, label));
	return canvas_wrap(c,
			   (struct area) { area.row, area.column + LABEL_COLUMNS, rows,
					   area.columns - LABEL_COLUMNS },
			   style, text);
}

int stopped_draw(struct canvas *c, struct area area, const struct model *m, const struct face *face)
{
	char names[128], text[PHRASE_SIZE + CONTROL_TEXT_MAX];
	int row;

	row = draw_line(c, area, face, PHRASE_STOP_WHAT, STYLE_STRONG, stop_what(m, face->language),
			3);
	powered_names(m, face->language, names, sizeof(names));
	if (*names)
		phrase_fill(text, face->language, PHRASE_STOP_POWER_ON, names, NULL);
	else
		strcpy(text, phrase(face->language, PHRASE_STOP_POWER_OFF));
	row += draw_line(c, canvas_below(area, row), face, PHRASE_STOP_POWER,
			 *names ? STYLE_BAND_WARN : STYLE_PLAIN, text, 2);
	unfinished_text(m, face, text, sizeof(text));
	row += draw_line(c, canvas_below(area, row), face, PHRASE_STOP_UNITS, STYLE_PLAIN, text, 5);
	stop_remedy(m, face->language, text, sizeof(text));
	return row + draw_line(c, canvas_below(area, row), face, PHRASE_STOP_GO_ON, STYLE_STRONG,
			       text, 2);
}
