#include "station/screen/tiles.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define TILE_COLUMNS_MIN 10 /* with the blank behind it */
#define TILE_COLUMNS_MAX 30
#define TILE_ROWS_MAX 3
#define WORD_FITS 15	/* columns for name, symbol, end of the unit id and word in one row */
#define WIDE_COLUMNS 13 /* for name, symbol and the longest word in one row */

struct grid {
	int columns, rows; /* of tiles */
	int width, height; /* of one tile */
	int left, top;	   /* the least column and row of the jig */
	bool is_geometry;  /* else in their order */
};

struct tiles_look tiles_look(enum outcome outcome)
{
	static const struct tiles_look looks[OUTCOME_COUNT] = {
		[OUTCOME_NONE] = { STYLE_DIM, "·", "" },
		[OUTCOME_PASS] = { STYLE_PASS, "√", "PASS" },
		[OUTCOME_FAIL] = { STYLE_BAND_FAIL, "✘", "FAIL" },
		[OUTCOME_ERROR] = { STYLE_BAND_WARN, "▲", "ERROR" },
		[OUTCOME_ABORTED] = { STYLE_WARN, "×", "ABORTED" },
	};

	return looks[outcome < OUTCOME_COUNT ? outcome : OUTCOME_NONE];
}

/* --- where a tile lies --- */

static void measure_jig(const struct model *m, struct grid *g)
{
	uint64_t left = UINT64_MAX, top = UINT64_MAX, right = 0, bottom = 0;

	for (size_t i = 0; i < m->count; i++) {
		const struct control_nest *nest = &m->nests[i];

		left = nest->column < left ? nest->column : left;
		top = nest->row < top ? nest->row : top;
		right = nest->column > right ? nest->column : right;
		bottom = nest->row > bottom ? nest->row : bottom;
	}
	g->left = (int)left;
	g->top = (int)top;
	g->columns = (int)(right - left) + 1;
	g->rows = (int)(bottom - top) + 1;
}

static struct grid grid_of(const struct model *m, int rows, int columns)
{
	struct grid g = { .is_geometry = true };
	int most = (columns + 1) / TILE_COLUMNS_MIN; /* the last needs no blank behind it */

	measure_jig(m, &g);
	if (g.columns > most || g.rows > rows) {
		g.is_geometry = false;
		g.columns = most;
		g.rows = ((int)m->count + most - 1) / most;
	}
	g.width = (columns + 1) / g.columns;
	g.width = g.width < TILE_COLUMNS_MAX ? g.width : TILE_COLUMNS_MAX;
	g.height = rows / g.rows < TILES_PITCH_MAX ? rows / g.rows : TILES_PITCH_MAX;
	return g;
}

int tiles_rows(const struct model *m, int columns)
{
	return m->count ? grid_of(m, CANVAS_ROWS_MAX, columns).rows : 0;
}

/* --- one tile --- */

struct tile {
	struct canvas *c;
	const struct model *m;
	const struct face *face;
	const struct control_nest *nest;
	size_t index;
	struct area area; /* without the blank behind it */
	struct tiles_look look;
	const char *word;
	bool shows_result;
};

static const char *word_of(const struct tile *t, const struct tiles_look *look)
{
	static const enum phrase states[CONTROL_STATE_COUNT] = {
		[CONTROL_UNSEEN] = PHRASE_TILE_UNSEEN, [CONTROL_EMPTY] = PHRASE_TILE_EMPTY,
		[CONTROL_READY] = PHRASE_TILE_READY,   [CONTROL_RUNNING] = PHRASE_TILE_READY,
		[CONTROL_ENDED] = PHRASE_TILE_READY,   [CONTROL_STOPPED] = PHRASE_TILE_STOPPED,
	};
	uint64_t state = t->nest->state < CONTROL_STATE_COUNT ? t->nest->state : CONTROL_UNSEEN;

	if (t->shows_result && state != CONTROL_STOPPED)
		return look->word;
	return phrase(t->face->language, states[state]);
}

static struct tiles_look look_of(const struct tile *t)
{
	if (t->nest->state == CONTROL_RUNNING)
		return (struct tiles_look) { STYLE_WORK, "●", "" };
	if (t->nest->state == CONTROL_STOPPED)
		return (struct tiles_look) { STYLE_BAND_WARN, "‼", "" };
	if (t->shows_result)
		return tiles_look((enum outcome)t->nest->outcome);
	if (t->nest->state == CONTROL_READY)
		return (struct tiles_look) { STYLE_STRONG, "■", "" };
	return tiles_look(OUTCOME_NONE);
}

/* The end of a unit id tells more than its start. */
static const char *tail(const char *text, int width)
{
	size_t len = strlen(text);

	if (width > 0 && len > (size_t)width)
		text += len - (size_t)width;
	return text + strspn(text, "-_. ");
}

/* Of the board that lies there: before its run only its label tells, if it has one. */
static const char *id_of(const struct tile *t)
{
	return t->shows_result ? t->nest->unit : t->nest->label;
}

static void draw_bar(const struct tile *t, int row, int column, int width)
{
	const struct control_nest *nest = t->nest;
	uint64_t steps = nest->step_count ? nest->step_count : 1, part = 0;
	uint64_t done = nest->step_index ? nest->step_index - 1 : 0;
	int filled;

	if (nest->bytes_total && nest->bytes_done <= nest->bytes_total)
		part = 1000 * nest->bytes_done / nest->bytes_total;
	filled = (int)((1000 * done + part) * (uint64_t)width / (1000 * steps));
	for (int i = 0; i < width; i++)
		canvas_text(t->c, row, column + i, 1, t->look.style, i < filled ? "█" : "░");
}

static void seconds_text(const struct tile *t, char *ret_text, size_t size)
{
	uint64_t ms = model_elapsed_ms(t->m, t->index);
	uint64_t tenths = (ms + 50) / 100;

	if (ms >= 100000)
		snprintf(ret_text, size, "%" PRIu64 " s", ms / 1000);
	else
		snprintf(ret_text, size, "%" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
}

/* Of a run that a station left in its middle nobody knows it. */
static bool has_time(const struct tile *t)
{
	return t->nest->state == CONTROL_RUNNING || (t->shows_result && t->nest->elapsed_ms);
}

static int draw_name(const struct tile *t)
{
	int most = t->area.columns - 6, column = t->area.column, taken;

	taken = canvas_text(t->c, t->area.row, column, most, t->look.style,
			    tail(t->nest->name, most));
	canvas_text(t->c, t->area.row, column + taken + 1, 1, t->look.style, t->look.symbol);
	return taken + 3;
}

/* "A1 √ 0384 PASS", "A1 ● 3/10 ██░░░" */
static void draw_one_row(const struct tile *t)
{
	int at = draw_name(t), left = t->area.columns - at, row = t->area.row;
	int column = t->area.column + at, word = canvas_width(t->word);
	char steps[48];

	if (t->nest->state == CONTROL_RUNNING) {
		snprintf(steps, sizeof(steps), "%" PRIu64 "/%" PRIu64, t->nest->step_index,
			 t->nest->step_count);
		at = canvas_text(t->c, row, column, left, t->look.style, steps) + 1;
		draw_bar(t, row, column + at, left - at > 0 ? left - at : 0);
	} else if (t->area.columns + 1 >= WORD_FITS && left > word + 4) {
		canvas_text(t->c, row, column, left - word - 1, t->look.style,
			    tail(id_of(t), left - word - 1));
		canvas_right(t->c, row, column, left, t->look.style, t->word);
	} else if (t->shows_result && *t->nest->unit) {
		canvas_text(t->c, row, column, left, t->look.style, tail(t->nest->unit, left));
	} else if (t->shows_result || word <= left) {
		canvas_text(t->c, row, column, left, t->look.style, t->word);
	}
}

/* The second row of a wide tile: the unit, or which step runs. */
static void draw_detail(const struct tile *t, int row)
{
	char text[CONTROL_STEP_MAX + 64];
	int left = t->area.columns - 1;

	snprintf(text, sizeof(text), "%" PRIu64 "/%" PRIu64 " %s", t->nest->step_index,
		 t->nest->step_count, t->nest->step);
	canvas_text(t->c, row, t->area.column + 1, left, t->look.style,
		    t->nest->state == CONTROL_RUNNING ? text : tail(id_of(t), left));
}

/* "A1 √ PASS  4.3 s", below it the unit. */
static void draw_wide(const struct tile *t)
{
	int at = draw_name(t), left = t->area.columns - at;
	char seconds[32];
	int word =
		canvas_text(t->c, t->area.row, t->area.column + at, left, t->look.style, t->word);

	seconds_text(t, seconds, sizeof(seconds));
	if (has_time(t) && left - word > canvas_width(seconds))
		canvas_right(t->c, t->area.row, t->area.column + at, left - 1, t->look.style,
			     seconds);
	draw_detail(t, t->area.row + 1);
}

/* "A1 √ 0384", below it the word, or the step. */
static void draw_narrow(const struct tile *t)
{
	int left = t->area.columns - 1;

	if (t->shows_result || t->nest->state == CONTROL_RUNNING)
		draw_one_row(t);
	else
		draw_name(t);
	canvas_text(t->c, t->area.row + 1, t->area.column + 1, left, t->look.style,
		    t->nest->state == CONTROL_RUNNING ? t->nest->step : t->word);
}

/* What the operator does with the board that failed; "" where the word says enough. */
static const char *deed_of(const struct tile *t)
{
	const struct control_nest *nest = t->nest;

	if (nest->marked && (nest->tries_left == 0 || nest->state == CONTROL_STOPPED))
		return phrase(t->face->language, PHRASE_TILE_OUT);
	if (nest->marked && nest->outcome == OUTCOME_FAIL)
		return phrase(t->face->language, PHRASE_TILE_RESEAT);
	return "";
}

/* What is below both: the bar; or the code, and what to do with the board. Neither is cut. */
static void draw_third_row(const struct tile *t)
{
	int row = t->area.row + 2, column = t->area.column + 1, width = t->area.columns - 2, at = 0;
	const char *code = t->nest->code, *deed = deed_of(t);

	if (t->nest->state == CONTROL_RUNNING) {
		draw_bar(t, row, column, width);
	} else if (t->shows_result && *code) {
		if (canvas_width(code) <= width && strcasecmp(code, t->look.word) != 0)
			at = canvas_text(t->c, row, column, width, t->look.style, code) + 1;
		if (at + canvas_width(deed) <= width)
			canvas_text(t->c, row, column + at, width - at, t->look.style, deed);
	}
}

static void draw_rows(const struct tile *t)
{
	if (t->area.columns < WIDE_COLUMNS)
		draw_narrow(t);
	else
		draw_wide(t);
	if (t->area.rows > 2)
		draw_third_row(t);
}

static void draw_tile(struct tile *t)
{
	t->shows_result = model_shows_result(t->m, t->nest);
	t->look = look_of(t);
	t->word = word_of(t, &t->look);
	if (t->nest->state == CONTROL_RUNNING)
		t->word = "";
	canvas_fill(t->c, t->area, t->look.style);
	if (t->area.rows == 1)
		draw_one_row(t);
	else
		draw_rows(t);
}

/* --- all of them --- */

/* The first that come when not all fit. */
static int urgency(const struct model *m, const struct control_nest *nest)
{
	return model_is_marked(m, nest) ? 2 : nest->state == CONTROL_RUNNING;
}

static void draw_at(struct canvas *c, struct area place, const struct model *m,
		    const struct face *face, size_t index)
{
	struct tile t = { .c = c,
			  .m = m,
			  .face = face,
			  .nest = &m->nests[index],
			  .index = index,
			  .area = place };

	t.area.columns--; /* a blank between two */
	if (t.area.rows > TILE_ROWS_MAX)
		t.area.rows = TILE_ROWS_MAX;
	draw_tile(&t);
}

static void draw_geometry(struct canvas *c, struct area area, const struct model *m,
			  const struct face *face, const struct grid *g)
{
	for (size_t i = 0; i < m->count; i++) {
		int row = (int)m->nests[i].row - g->top, column = (int)m->nests[i].column - g->left;

		draw_at(c,
			(struct area) { area.row + row * g->height, area.column + column * g->width,
					g->height, g->width },
			m, face, i);
	}
}

/* One row each; the last place says how many are left out. */
static void draw_in_order(struct canvas *c, struct area area, const struct model *m,
			  const struct face *face, const struct grid *g)
{
	size_t places = (size_t)(area.rows * g->columns), place = 0;
	bool all_fit = m->count <= places;
	char number[16], text[PHRASE_SIZE];

	for (int level = all_fit ? 0 : 2; level >= 0; level--) {
		for (size_t i = 0; i < m->count; i++) {
			int at = (int)place;

			if ((!all_fit && urgency(m, &m->nests[i]) != level) ||
			    (!all_fit && place + 1 >= places))
				continue;
			draw_at(c,
				(struct area) { area.row + at / g->columns,
						area.column + at % g->columns * g->width, 1,
						g->width },
				m, face, i);
			place++;
		}
	}
	if (all_fit)
		return;
	snprintf(number, sizeof(number), "%zu", m->count - place);
	canvas_right(c, area.row + area.rows - 1, area.column, area.columns, STYLE_STRONG,
		     phrase_fill(text, face->language, PHRASE_MORE_NESTS, number, NULL));
}

int tiles_draw(struct canvas *c, struct area area, const struct model *m, const struct face *face)
{
	struct grid g;

	if (m->count == 0 || area.rows < 1)
		return 0;
	g = grid_of(m, area.rows, area.columns);
	if (g.is_geometry) {
		area.column += (area.columns + 1 - g.columns * g.width) / 2;
		draw_geometry(c, area, m, face, &g);
		return g.rows * g.height;
	}
	draw_in_order(c, area, m, face, &g);
	return g.rows < area.rows ? g.rows : area.rows;
}
