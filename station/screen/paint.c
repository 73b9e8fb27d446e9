#include "station/screen/paint.h"

#include "station/screen/footer.h"
#include "station/screen/letters.h"
#include "station/screen/pages.h"
#include "station/screen/tiles.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define MARGIN 1
#define FAILURE_ROWS 4 /* with the line above */
#define SAID_COLUMNS_MIN 20
#define CA_NEAR_S (180 * INT64_C(86400))

struct painter {
	struct canvas *c;
	const struct model *m;
	const struct face *face;
	int row; /* the next free one */
};

static const char *say(const struct painter *p, enum phrase id)
{
	return phrase(p->face->language, id);
}

char *paint_clock(int64_t wall_s, enum paint_clock what, char ret_text[static PAINT_CLOCK_SIZE])
{
	time_t time = (time_t)wall_s;
	struct tm t = { 0 };
	size_t date = 0;

	localtime_r(&time, &t);
	ret_text[0] = '\0';
	if (what == CLOCK_DATE || what == CLOCK_DATE_MINUTES)
		date = strftime(ret_text, PAINT_CLOCK_SIZE, "%Y-%m-%d ", &t);
	if (what == CLOCK_SECONDS)
		strftime(ret_text, PAINT_CLOCK_SIZE, "%H:%M:%S", &t);
	else if (what != CLOCK_DATE)
		strftime(ret_text + date, PAINT_CLOCK_SIZE - date, "%H:%M", &t);
	else
		ret_text[date - 1] = '\0';
	return ret_text;
}

void paint_percent(uint64_t part, uint64_t all, char *ret_text, size_t size)
{
	uint64_t tenths = all ? 1000 * part / all : 0;

	if (all)
		snprintf(ret_text, size, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
	else
		snprintf(ret_text, size, "-");
}

/* --- the header --- */

/* When the order will be done, at the pace of the last cycles. */
static bool end_of_order(const struct control_station *s, int64_t now, int64_t *ret_wall_s)
{
	uint64_t left = s->quantity > s->used ? s->quantity - s->used : 0;

	if (!s->uph || !left || left / s->uph >= 24)
		return false;
	*ret_wall_s = now + (int64_t)(left * 3600 / s->uph);
	return true;
}

static void draw_progress(const struct painter *p, int column, int columns)
{
	const struct control_station *s = &p->m->station;
	char number[24], left[PHRASE_SIZE], end[PHRASE_SIZE], clock[PAINT_CLOCK_SIZE];
	char text[2 * PHRASE_SIZE];
	int64_t ends_at;
	int taken;

	snprintf(number, sizeof(number), "%" PRIu64,
		 s->quantity > s->used ? s->quantity - s->used : 0);
	phrase_fill(left, p->face->language, PHRASE_LEFT, number, NULL);
	snprintf(text, sizeof(text), "%" PRIu64 "/%" PRIu64 "  %s", s->used, s->quantity, left);
	taken = canvas_text(p->c, p->row, column, columns, STYLE_TITLE, text) + 2;
	if (!end_of_order(s, p->m->wall_s, &ends_at))
		return;
	phrase_fill(end, p->face->language, PHRASE_ENDS_AT,
		    paint_clock(ends_at, CLOCK_MINUTES, clock), NULL);
	if (canvas_width(end) <= columns - taken)
		canvas_text(p->c, p->row, column + taken, columns, STYLE_TITLE, end);
}

static void person_text(const struct painter *p, char *ret_text, size_t size)
{
	static const enum phrase roles[BADGE_COUNT] = {
		[BADGE_NONE] = PHRASE_NOBODY,
		[BADGE_OPERATOR] = PHRASE_ROLE_OPERATOR,
		[BADGE_TECHNICIAN] = PHRASE_ROLE_TECHNICIAN,
		[BADGE_SUPERVISOR] = PHRASE_ROLE_SUPERVISOR,
	};
	const struct control_station *s = &p->m->station;
	char clock[PAINT_CLOCK_SIZE];
	uint64_t role = s->role < BADGE_COUNT ? s->role : BADGE_NONE;

	paint_clock(p->m->wall_s, CLOCK_MINUTES, clock);
	if (*s->person)
		snprintf(ret_text, size, "%s (%s)   %s", s->person, say(p, roles[role]), clock);
	else
		snprintf(ret_text, size, "%s   %s", say(p, PHRASE_NOBODY), clock);
}

static void draw_header(struct painter *p)
{
	const struct control_station *s = &p->m->station;
	int columns = p->c->columns - 2 * MARGIN, left, right;
	char order[PHRASE_SIZE], person[PHRASE_SIZE];

	canvas_fill(p->c, (struct area) { p->row, 0, 1, p->c->columns }, STYLE_TITLE);
	person_text(p, person, sizeof(person));
	right = canvas_right(p->c, p->row, MARGIN, columns, STYLE_TITLE, person);
	snprintf(order, sizeof(order), "%s  %s  %s", s->station,
		 *s->order     ? s->order
		 : *s->trouble ? "-" /* who knows the orders does not answer */
			       : say(p, PHRASE_NO_ORDER),
		 s->product);
	left = canvas_text(p->c, p->row, MARGIN, (columns - right) * 2 / 3, STYLE_TITLE, order);
	if (*s->order)
		draw_progress(p, MARGIN + left + 3, columns - left - right - 5);
	p->row++;
}

/* What holds for all that is made here; the loudest alone. */
static bool mode_text(const struct painter *p, char ret_text[static PHRASE_SIZE])
{
	const struct control_station *s = &p->m->station;
	char date[PAINT_CLOCK_SIZE];

	if (s->mode == MODE_DRY_RUN)
		strcpy(ret_text, say(p, PHRASE_DRY_RUN));
	else if (s->mode == MODE_GOLDEN)
		strcpy(ret_text, say(p, PHRASE_GOLDEN_MODE));
	else if (s->test_ca)
		strcpy(ret_text, say(p, PHRASE_TEST_CA));
	else if (s->ca_ends && s->ca_ends < p->m->wall_s + CA_NEAR_S)
		phrase_fill(ret_text, p->face->language, PHRASE_CA_ENDS_SOON,
			    paint_clock(s->ca_ends, CLOCK_DATE, date), NULL);
	else
		return false;
	return true;
}

static void draw_middle(const struct painter *p, enum style style, const char *text)
{
	int width = canvas_width(text), column = (p->c->columns - width) / 2;

	canvas_fill(p->c, (struct area) { p->row, 0, 1, p->c->columns }, style);
	canvas_text(p->c, p->row, column > 0 ? column : 0, p->c->columns, style, text);
}

static void draw_mode(struct painter *p)
{
	char text[PHRASE_SIZE];

	if (!mode_text(p, text))
		return;
	draw_middle(p, STYLE_BAND_WARN, text);
	p->row++;
}

/* --- the word --- */

/* How the rows above the body are shared out. It does not depend on the word, so that nothing
 * jumps when the word changes. */
struct plan {
	int scale; /* of the big letters */
	int pad;   /* rows of the band above and below them */
	int gap;   /* rows between the band and NEXT */
};

static int longest_word(enum language language)
{
	int longest = 0;

	for (enum phrase id = PHRASE_BIG_OFFLINE; id <= PHRASE_BIG_ABORTED; id++) {
		int width = letters_width(phrase(language, id));

		longest = width > longest ? width : longest;
	}
	return longest;
}

static struct plan plan_of(const struct painter *p)
{
	struct plan plan = { .scale = 1 };
	int nests = tiles_rows(p->m, p->c->columns - MARGIN);
	int body = (nests < 4 ? 3 * nests : nests) + FAILURE_ROWS;
	int room =
		p->c->rows - p->row - 2 - footer_rows(p->c) - body; /* for the band and the gap */
	int width = longest_word(p->face->language);

	while (plan.scale < LETTERS_SCALE_MAX && LETTERS_ROWS * (plan.scale + 1) + 3 <= room &&
	       width * (plan.scale + 1) + 4 * MARGIN <= p->c->columns)
		plan.scale++;
	room -= LETTERS_ROWS * plan.scale;
	plan.pad = room >= 2;
	plan.gap = room >= 3;
	return plan;
}

/* The sentence stands beside the word, or where there is no room below it. */
static void draw_said(const struct painter *p, const struct model_word *word,
		      const struct plan *plan, int beside)
{
	int rows = LETTERS_ROWS * plan->scale, width = p->c->columns - beside - MARGIN, lines;
	char first[24], second[24], said[PHRASE_SIZE];

	snprintf(first, sizeof(first), "%zu", word->first);
	snprintf(second, sizeof(second), "%zu", word->second);
	phrase_fill(said, p->face->language, word->said, first, second, NULL);
	if (width < SAID_COLUMNS_MIN && plan->pad) {
		canvas_right(p->c, p->row + plan->pad + rows, MARGIN, p->c->columns - 2 * MARGIN,
			     word->style, said);
		return;
	}
	lines = canvas_wrap_rows(width, said);
	canvas_wrap(p->c,
		    (struct area) { p->row + plan->pad + (rows - lines) / 2, beside, rows, width },
		    word->style, said);
}

static void draw_word(struct painter *p, const struct model_word *word, const struct plan *plan)
{
	const char *big = say(p, word->big);
	int rows = LETTERS_ROWS * plan->scale + 2 * plan->pad;
	int columns = letters_width(big) * plan->scale;

	canvas_fill(p->c, (struct area) { p->row, 0, rows, p->c->columns }, word->style);
	letters_draw(p->c, p->row + plan->pad, 2 * MARGIN, plan->scale, word->style, big);
	draw_said(p, word, plan, 2 * MARGIN + columns + 3 * plan->scale);
	p->row += rows + plan->gap;
}

static void draw_next(struct painter *p)
{
	char names[CONTROL_NAMES_MAX + 1], text[PHRASE_SIZE];
	enum phrase next = model_next(p->m, names, sizeof(names));
	int at = MARGIN + canvas_text(p->c, p->row, MARGIN, 20, STYLE_STRONG, say(p, PHRASE_NEXT)) +
		 2;
	int rows;

	phrase_fill(text, p->face->language, next, names, NULL);
	rows = canvas_wrap(p->c, (struct area) { p->row, at, 2, p->c->columns - at - MARGIN },
			   STYLE_STRONG, text);
	p->row += rows ? rows : 1;
}

/* What this screen has to say stands where else a line is. */
static void draw_banner(struct painter *p)
{
	char text[PHRASE_SIZE + CONTROL_NAME_MAX];

	if (p->face->types) {
		snprintf(text, sizeof(text), "%s %s_", say(p, PHRASE_TYPED), p->face->typed);
		draw_middle(p, STYLE_BAND_WORK, text);
	} else if (*p->face->banner) {
		draw_middle(p, p->face->banner_style, p->face->banner);
	} else {
		canvas_rule(p->c, p->row, STYLE_DIM);
	}
	p->row++;
}

/* --- all of it --- */

static void draw_body(const struct painter *p, struct area area)
{
	typedef void page_function(struct canvas * c, struct area area, const struct model *m,
				   const struct face *face);
	static page_function *const pages[PAGE_COUNT] = {
		[PAGE_NESTS] = pages_nests,   [PAGE_ALARMS] = pages_alarms,
		[PAGE_HELP] = pages_help,     [PAGE_REPORT] = pages_report,
		[PAGE_ORDERS] = pages_orders, [PAGE_LAMPS] = pages_lamps,
	};

	pages[p->face->page](p->c, area, p->m, p->face);
}

static void draw_too_small(const struct painter *p)
{
	struct model_word word = model_word(p->m);
	char rows[16], columns[16], text[PHRASE_SIZE];

	snprintf(rows, sizeof(rows), "%d", p->c->rows);
	snprintf(columns, sizeof(columns), "%d", p->c->columns);
	phrase_fill(text, p->face->language, PHRASE_TOO_SMALL, columns, rows, NULL);
	canvas_text(p->c, 0, 0, p->c->columns, word.style, say(p, word.big));
	canvas_wrap(p->c, (struct area) { 1, 0, p->c->rows - 1, p->c->columns }, STYLE_PLAIN, text);
}

void paint(struct canvas *c, const struct model *m, const struct face *face)
{
	struct painter p = { c, m, face, 0 };
	struct model_word word = model_word(m);
	struct plan plan;
	int end;

	if (c->rows < PAINT_ROWS_MIN || c->columns < PAINT_COLUMNS_MIN) {
		draw_too_small(&p);
		return;
	}
	end = c->rows - footer_rows(c);
	draw_header(&p);
	draw_mode(&p);
	plan = plan_of(&p);
	draw_word(&p, &word, &plan);
	draw_next(&p);
	draw_banner(&p);
	draw_body(&p, (struct area) { p.row, MARGIN, end - p.row, c->columns - MARGIN });
	footer_draw(c, end, m, face);
}
