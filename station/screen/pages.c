#include "station/screen/pages.h"

#include "station/screen/failures.h"
#include "station/screen/keys.h"
#include "station/screen/stopped.h"
#include "station/screen/tiles.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int draw_title(struct canvas *c, struct area area, const struct face *face, enum phrase id)
{
	canvas_text(c, area.row, area.column, area.columns, STYLE_STRONG,
		    phrase(face->language, id));
	return 2;
}

/* --- the nests --- */

#define FAILURE_ROWS_MIN 3 /* with the line above */
#define FAILURE_ROWS_GOOD 5

static bool any_marked(const struct model *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (model_is_marked(m, &m->nests[i]) || m->nests[i].state == CONTROL_STOPPED)
			return true;
	return false;
}

/* What keeps the station from its work, as it says it; returns the rows. Its alarm knows it in
 * other languages. */
static int draw_trouble(struct canvas *c, struct area area, const struct model *m,
			const struct face *face)
{
	const char *text = m->is_up ? m->station.trouble : m->lost_text;
	enum phrase reason = PHRASE_COUNT;

	for (size_t i = 0; m->is_up && face->language != ENGLISH && i < m->alarm_count; i++)
		if (m->alarms[i].active && strcmp(m->alarms[i].text, text) == 0)
			reason = phrase_reason(m->alarms[i].code);
	if (reason != PHRASE_COUNT)
		text = phrase(face->language, reason);
	area.rows = 2;
	return *text ? canvas_wrap(c, area, STYLE_WARN, text) + 1 : 0;
}

/* The rows that are kept for what failed, whether something did or not. */
static int failure_rows(int rows, int least)
{
	int left = rows - TILES_PITCH_MAX * least;

	if (left < FAILURE_ROWS_GOOD)
		left = rows - (TILES_PITCH_MAX - 1) * least;
	return left > FAILURE_ROWS_MIN ? left : FAILURE_ROWS_MIN;
}

/* The rows of the nests do not depend on what failed, so that nothing jumps. */
void pages_nests(struct canvas *c, struct area area, const struct model *m, const struct face *face)
{
	int least = tiles_rows(m, area.columns), taken = 0;
	struct area nests;

	if (m->is_up && m->station.phase == PHASE_STOPPED)
		taken = stopped_draw(c, area, m, face) + 1;
	else
		taken = draw_trouble(c, area, m, face);
	nests = canvas_below(area, taken);
	nests.rows -= taken ? 0 : failure_rows(area.rows, least);
	if (nests.rows >= least || !taken)
		taken += tiles_draw(c, nests, m, face);
	if (area.rows - taken < FAILURE_ROWS_MIN || !any_marked(m) || nests.row != area.row)
		return;
	canvas_rule(c, area.row + taken, STYLE_DIM);
	failures_draw(c, canvas_below(area, taken + 1), m, face);
}

/* --- alarms --- */

static int draw_alarm(struct canvas *c, struct area area, const struct control_alarm *alarm,
		      const struct face *face)
{
	enum language language = face->language;
	enum phrase reason = phrase_reason(alarm->code), remedy = phrase_remedy(alarm->code);
	bool is_open = !alarm->acknowledged_at;
	enum style style = alarm->active ? STYLE_BAND_FAIL : is_open ? STYLE_BAND_WARN : STYLE_DIM;
	char clock[PAINT_CLOCK_SIZE], head[PHRASE_SIZE], seen[PHRASE_SIZE] = "";
	char text[CONTROL_TEXT_MAX + CONTROL_NEST_MAX + 8];
	int at, rows;

	if (!is_open)
		phrase_fill(seen, language, PHRASE_ALARM_SEEN, alarm->person, NULL);
	snprintf(head, sizeof(head), "%s %s",
		 alarm->active ? "‼"
		 : is_open     ? "▲"
			       : "·",
		 phrase(language, alarm->active ? PHRASE_ALARM_STANDS : PHRASE_ALARM_GONE));
	canvas_text(c, area.row, area.column, 11, style, head);
	paint_clock(alarm->raised_at, CLOCK_SECONDS, clock);
	at = 12 + canvas_text(c, area.row, area.column + 12, 10, STYLE_DIM, clock) + 1;
	if (alarm->count > 1) {
		snprintf(head, sizeof(head), "×%" PRIu64, alarm->count);
		at += canvas_text(c, area.row, area.column + at, 6, STYLE_DIM, head) + 1;
	}
	canvas_right(c, area.row, area.column + at, area.columns - at, STYLE_DIM, seen);
	snprintf(text, sizeof(text), "%s%s%s", alarm->nests, *alarm->nests ? "  " : "",
		 reason == PHRASE_COUNT || language == ENGLISH ? alarm->text
							       : phrase(language, reason));
	rows = canvas_wrap(c,
			   (struct area) { area.row, area.column + at, 2,
					   area.columns - at - canvas_width(seen) - 1 },
			   is_open ? STYLE_STRONG : STYLE_DIM, text);
	return rows +
	       canvas_wrap(
		       c, (struct area) { area.row + rows, area.column + 12, 2, area.columns - 12 },
		       is_open ? STYLE_PLAIN : STYLE_DIM,
		       remedy == PHRASE_COUNT || language == ENGLISH ? alarm->remedy
								     : phrase(language, remedy));
}

static void draw_more(struct canvas *c, struct area area, size_t count, const struct face *face)
{
	char number[24], text[PHRASE_SIZE];

	if (count == 0)
		return;
	snprintf(number, sizeof(number), "%zu", count);
	canvas_right(c, area.row, area.column, area.columns - 1, STYLE_BAND_WARN,
		     phrase_fill(text, face->language, PHRASE_ALARMS_MORE, number, NULL));
}

void pages_alarms(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face)
{
	int row = draw_title(c, area, face, PHRASE_PAGE_ALARMS);
	size_t shown = 0;

	if (m->alarm_count == 0)
		canvas_text(c, area.row + row, area.column, area.columns, STYLE_PLAIN,
			    phrase(face->language, PHRASE_NO_ALARMS));
	for (int open = 1; open >= 0; open--) /* those that want a person come first */
		for (size_t i = 0; i < m->alarm_count && row + 3 <= area.rows; i++)
			if ((m->alarms[i].acknowledged_at == 0) == open) {
				row += draw_alarm(c, canvas_below(area, row), &m->alarms[i], face);
				shown++;
			}
	draw_more(c, area, m->alarm_count - shown, face);
}

/* --- help --- */

void pages_help(struct canvas *c, struct area area, const struct model *m, const struct face *face)
{
	const int name = 9, code = 21;
	int top = draw_title(c, area, face, PHRASE_PAGE_HELP) - 1, rows = area.rows - top;
	size_t parts = rows > 0 ? (keys_count + (size_t)rows - 1) / (size_t)rows : 1;
	size_t first = face->part % parts * (size_t)rows;
	char barcode[32], part[64];

	(void)m;
	snprintf(part, sizeof(part), "%zu/%zu F1", face->part % parts + 1, parts);
	canvas_right(c, area.row, area.column, area.columns - 1, STYLE_DIM, parts > 1 ? part : "");
	for (size_t i = first; i < keys_count && i < first + (size_t)rows; i++) {
		const struct key_row *key = &keys_table[i];
		int row = area.row + top + (int)(i - first);

		snprintf(barcode, sizeof(barcode), "%s%s", *key->barcode ? KEYS_BARCODE : "",
			 key->barcode);
		canvas_text(c, row, area.column, name, STYLE_STRONG, key->name);
		canvas_text(c, row, area.column + name, code, STYLE_WORK, barcode);
		canvas_text(c, row, area.column + name + code, area.columns - name - code,
			    STYLE_PLAIN, phrase(face->language, key->does));
	}
}

/* --- the report of the shift --- */

static void draw_cell(struct canvas *c, int row, int column, enum style style, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	canvas_right(c, row, column, 12, style, text);
}

static void draw_tally(struct canvas *c, struct area area, int column, enum phrase head,
		       const struct control_tally *tally, const struct face *face)
{
	const uint64_t numbers[] = { tally->good, tally->bad, tally->tried, tally->retests };
	char fpy[24];

	canvas_right(c, area.row, column, 12, STYLE_DIM, phrase(face->language, head));
	for (size_t i = 0; i < COUNT(numbers); i++)
		draw_cell(c, area.row + 1 + (int)i, column, STYLE_PLAIN, numbers[i]);
	paint_percent(tally->first_pass, tally->tried, fpy, sizeof(fpy));
	canvas_right(c, area.row + 1 + (int)COUNT(numbers), column, 12, STYLE_STRONG, fpy);
}

void pages_report(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face)
{
	static const enum phrase rows[] = { PHRASE_GOOD, PHRASE_BAD, PHRASE_TRIED, PHRASE_RETESTS,
					    PHRASE_FPY };
	const struct control_station *s = &m->station;
	char clock[PAINT_CLOCK_SIZE], text[PHRASE_SIZE];
	int top = draw_title(c, area, face, PHRASE_PAGE_REPORT);

	if (s->shift_began) {
		phrase_fill(text, face->language, PHRASE_SINCE,
			    paint_clock(s->shift_began, CLOCK_DATE_MINUTES, clock), NULL);
		canvas_right(c, area.row, area.column, area.columns, STYLE_DIM, text);
	}
	area = canvas_below(area, top);
	for (size_t i = 0; i < COUNT(rows); i++)
		canvas_text(c, area.row + 1 + (int)i, area.column, 18, STYLE_DIM,
			    phrase(face->language, rows[i]));
	draw_tally(c, area, area.column + 18, PHRASE_SHIFT, &s->shift, face);
	draw_tally(c, area, area.column + 34, PHRASE_LOT, &s->lot, face);
	draw_tally(c, area, area.column + 50, PHRASE_LAST_50, &s->last, face);
}

/* --- orders --- */

void pages_orders(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face)
{
	int row = draw_title(c, area, face, PHRASE_PAGE_ORDERS);

	if (m->order_count == 0)
		canvas_text(c, area.row + row, area.column, area.columns, STYLE_PLAIN,
			    phrase(face->language, PHRASE_NO_ORDERS));
	for (size_t i = 0; i < m->order_count && row < area.rows; i++, row++) {
		const struct model_order *order = &m->orders[i];
		enum style style = order->in_use    ? STYLE_STRONG
				   : order->is_open ? STYLE_PLAIN
						    : STYLE_DIM;
		char number[48];

		canvas_text(c, area.row + row, area.column, 24, style, order->id);
		canvas_text(c, area.row + row, area.column + 25, 24, style, order->product);
		snprintf(number, sizeof(number), "%" PRIu64 "/%" PRIu64, order->used,
			 order->quantity);
		canvas_right(c, area.row + row, area.column + 50, 16, style, number);
		canvas_text(c, area.row + row, area.column + 68, 10, style,
			    phrase(face->language, order->in_use    ? PHRASE_IN_USE
						   : order->is_open ? PHRASE_OPEN
								    : PHRASE_CLOSED));
	}
}

/* --- the test of the colours --- */

void pages_lamps(struct canvas *c, struct area area, const struct model *m, const struct face *face)
{
	const struct {
		enum style style;
		const char *symbol, *word;
	} lamps[] = {
		{ STYLE_PASS, "√", "PASS" },
		{ STYLE_BAND_PASS, "√", "PASS" },
		{ STYLE_BAND_FAIL, "✘", "FAIL" },
		{ STYLE_BAND_WARN, "▲", "ERROR" },
		{ STYLE_WARN, "×", "ABORTED" },
		{ STYLE_WORK, "●", phrase(face->language, PHRASE_LAMP_WORK) },
		{ STYLE_STRONG, "■", phrase(face->language, PHRASE_TILE_READY) },
		{ STYLE_DIM, "·", phrase(face->language, PHRASE_TILE_EMPTY) },
	};
	int row = draw_title(c, area, face, PHRASE_PAGE_LAMPS);

	(void)m;
	for (size_t i = 0; i < COUNT(lamps) && row < area.rows; i++, row++) {
		canvas_fill(c, (struct area) { area.row + row, area.column, 1, 60 },
			    lamps[i].style);
		canvas_text(c, area.row + row, area.column + 1, 2, lamps[i].style, lamps[i].symbol);
		canvas_text(c, area.row + row, area.column + 4, 12, lamps[i].style, lamps[i].word);
		canvas_text(c, area.row + row, area.column + 18, 40, lamps[i].style, "██ ░░ ── →");
	}
	canvas_wrap(c, canvas_below(area, row), STYLE_PLAIN,
		    phrase(face->language, PHRASE_LAMP_SENTENCE));
}
