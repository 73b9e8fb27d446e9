/* canvas: what stands on the screen, as cells: one character and one style each. Pure memory: a
 * terminal, a dump or a test reads it. A character of East Asia takes two cells; the second one
 * holds 0. Text is UTF-8; what is no character, or a control character, shows as "?". Whatever lies
 * outside is clipped. Threads: one. Layer above: paint, terminal. Below: none. */
#ifndef STATION_SCREEN_CANVAS_H
#define STATION_SCREEN_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#define CANVAS_ROWS_MAX 100
#define CANVAS_COLUMNS_MAX 300

/* What a thing means; the terminal knows how that looks. Never colour alone: the word and the
 * symbol say the same. */
enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_STRONG,
	STYLE_PASS,
	STYLE_FAIL,
	STYLE_WARN,
	STYLE_WORK,
	STYLE_TITLE,	 /* the header and the footer */
	STYLE_BAND_PASS, /* filled areas */
	STYLE_BAND_FAIL,
	STYLE_BAND_WARN,
	STYLE_BAND_WORK,
	STYLE_BAND_CALM,
	STYLE_COUNT
};

struct cell {
	wchar_t character;
	uint8_t style;
};

struct canvas {
	int rows, columns;
	bool ascii; /* block characters and symbols are shown by letters */
	struct cell cells[CANVAS_ROWS_MAX][CANVAS_COLUMNS_MAX];
};

struct area {
	int row, column, rows, columns;
};

/* The rows that are left below the first `used`. */
static inline struct area canvas_below(struct area area, int used)
{
	return (struct area) { area.row + used, area.column, area.rows - used, area.columns };
}

/* All blank, of at most the greatest size. */
void canvas_clear(struct canvas *c, int rows, int columns);
void canvas_fill(struct canvas *c, struct area area, enum style style);

/* Both return the cells taken, at most `width`. A text that is too long is cut. */
int canvas_text(struct canvas *c, int row, int column, int width, enum style style,
		const char *text);
int canvas_right(struct canvas *c, int row, int column, int width, enum style style,
		 const char *text);

/* Breaks the text at blanks (East Asian text anywhere) into the area; returns the rows taken. The
 * text goes on where the area ends: then its last line ends with "...". */
int canvas_wrap(struct canvas *c, struct area area, enum style style, const char *text);
/* The rows that it would take. */
int canvas_wrap_rows(int columns, const char *text);

void canvas_rule(struct canvas *c, int row, enum style style);

/* The cells that a text takes. */
int canvas_width(const char *text);

/* As text, a line a row, without blanks at the end of a line. */
void canvas_print(const struct canvas *c, FILE *to);

#endif
