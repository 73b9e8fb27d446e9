#include "station/screen/footer.h"

#include <inttypes.h>

#define MARGIN 1

struct footer {
	struct canvas *c;
	const struct model *m;
	const struct face *face;
	int row; /* the next free one */
};

static const char *say(const struct footer *p, enum phrase id)
{
	return phrase(p->face->language, id);
}

static int put(const struct footer *p, int column, enum style style, const char *text)
{
	return column +
	       canvas_text(p->c, p->row, column, p->c->columns - MARGIN - column, style, text);
}

static int put_number(const struct footer *p, int column, enum phrase what, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), " %" PRIu64, number);
	column = put(p, column, STYLE_DIM, say(p, what));
	return put(p, column, STYLE_PLAIN, text) + 3;
}

static int put_pair(const struct footer *p, int column, enum phrase what, const char *value,
		    enum style style)
{
	column = put(p, column, STYLE_DIM, say(p, what));
	return put(p, column + 1, style, value) + 3;
}

static int put_cycle(const struct footer *p, int column)
{
	const struct control_station *s = &p->m->station;
	bool late = s->takt_ms && s->cycle_ms > s->takt_ms;
	char cycle[24], takt[24], text[PHRASE_SIZE];

	if (!s->cycle_ms)
		return column;
	snprintf(cycle, sizeof(cycle), "%" PRIu64 " s", (s->cycle_ms + 500) / 1000);
	column = put_pair(p, column, PHRASE_CYCLE, cycle, late ? STYLE_WARN : STYLE_PLAIN);
	if (!s->takt_ms)
		return column;
	snprintf(takt, sizeof(takt), "%" PRIu64 " s", (s->takt_ms + 500) / 1000);
	phrase_fill(text, p->face->language, PHRASE_TAKT, takt, NULL);
	return put(p, column - 1, STYLE_DIM, text) + 3;
}

static void draw_counters(struct footer *p)
{
	const struct control_station *s = &p->m->station;
	char fpy[24];
	int column = MARGIN;

	paint_percent(s->shift.first_pass, s->shift.tried, fpy, sizeof(fpy));
	column = put(p, column, STYLE_DIM, say(p, PHRASE_SHIFT)) + 2;
	column = put_number(p, column, PHRASE_GOOD, s->shift.good);
	column = put_number(p, column, PHRASE_BAD, s->shift.bad);
	column = put_pair(p, column, PHRASE_FPY, fpy, STYLE_PLAIN);
	column = put_cycle(p, column);
	if (s->uph)
		put_number(p, column, PHRASE_UPH, s->uph);
	p->row++;
}

static int put_health(const struct footer *p, int column, enum phrase what, uint64_t health)
{
	static const struct {
		enum phrase word;
		enum style style;
	} looks[HEALTH_COUNT] = {
		[HEALTH_OK] = { PHRASE_IS_OK, STYLE_PLAIN },
		[HEALTH_WARN] = { PHRASE_IS_WARN, STYLE_BAND_WARN },
		[HEALTH_BAD] = { PHRASE_IS_BAD, STYLE_BAND_FAIL },
	};

	if (health == HEALTH_NONE || health >= HEALTH_COUNT)
		return column;
	column = put(p, column, STYLE_DIM, say(p, what)) + 1;
	return put(p, column, looks[health].style, say(p, looks[health].word)) + 2;
}

static void draw_health(struct footer *p)
{
	const struct control_station *s = &p->m->station;
	int column = MARGIN, columns = p->c->columns - 2 * MARGIN, help;
	char number[24], text[PHRASE_SIZE];

	help = canvas_right(p->c, p->row, MARGIN, columns, STYLE_DIM, say(p, PHRASE_HELP_HINT));
	if (s->alarms && p->m->is_up) {
		snprintf(number, sizeof(number), "%" PRIu64, s->alarms);
		phrase_fill(text, p->face->language, PHRASE_ALARMS_OPEN, number, NULL);
		canvas_right(p->c, p->row, MARGIN, columns - help - 2, STYLE_BAND_WARN, text);
	}
	if (!p->m->is_up)
		return;
	column = put_health(p, column, PHRASE_HEALTH_JIG, s->jig_health);
	column = put_health(p, column, PHRASE_HEALTH_TOKEN, s->token_health);
	column = put_health(p, column, PHRASE_HEALTH_LEDGER, s->ledger_health);
	column = put_health(p, column, PHRASE_HEALTH_CLOCK, s->clock_health);
	put_health(p, column, PHRASE_HEALTH_DISK, s->disk_health);
}

int footer_rows(const struct canvas *c)
{
	return c->rows > PAINT_ROWS_MIN + 4 ? 4 : 3;
}

void footer_draw(struct canvas *c, int row, const struct model *m, const struct face *face)
{
	struct footer footer = { c, m, face, row }, *p = &footer;

	canvas_rule(p->c, p->row++, STYLE_DIM);
	draw_counters(p);
	draw_health(p);
	if (footer_rows(p->c) > 3) {
		p->row++;
		put(p, MARGIN, STYLE_DIM, say(p, PHRASE_HELP_KEYS));
	}
}
