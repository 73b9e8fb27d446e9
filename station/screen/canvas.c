#include "station/screen/canvas.h"

#include <string.h>

#define UTF8_MAX 4
#define ELLIPSIS "..."
#define NO_BREAK 0xa0 /* a blank where no line ends */

void canvas_clear(struct canvas *c, int rows, int columns)
{
	c->rows = rows > CANVAS_ROWS_MAX ? CANVAS_ROWS_MAX : rows;
	c->columns = columns > CANVAS_COLUMNS_MAX ? CANVAS_COLUMNS_MAX : columns;
	canvas_fill(c, (struct area) { 0, 0, c->rows, c->columns }, STYLE_PLAIN);
}

void canvas_fill(struct canvas *c, struct area area, enum style style)
{
	for (int row = area.row; row < area.row + area.rows; row++)
		for (int column = area.column; column < area.column + area.columns; column++)
			if (row >= 0 && row < c->rows && column >= 0 && column < c->columns)
				c->cells[row][column] = (struct cell) { L' ', (uint8_t)style };
}

/* --- characters --- */

/* The next character of the text, and how many bytes it takes; "?" for what is none. */
static wchar_t next_character(const char *text, int *ret_len)
{
	const unsigned char *byte = (const unsigned char *)text;
	int len = *byte < 0x80	     ? 1
		  : *byte >> 5 == 6  ? 2
		  : *byte >> 4 == 14 ? 3
		  : *byte >> 3 == 30 ? 4
				     : 0;
	wchar_t character = len == 1 ? *byte : *byte & (0x7f >> len);

	*ret_len = 1;
	if (len == 0 || len > UTF8_MAX)
		return L'?';
	for (int i = 1; i < len; i++) {
		if (byte[i] >> 6 != 2)
			return L'?';
		character = character << 6 | (byte[i] & 0x3f);
	}
	*ret_len = len;
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ? L'?' : character;
}

/* Which characters are two cells wide: East Asian Width W and F (Unicode, UAX #11), as far as the
 * phrases use them. */
static int cells_of(wchar_t character)
{
	static const struct {
		wchar_t first, last;
	} wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff }, { 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	};

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (character >= wide[i].first && character <= wide[i].last)
			return 2;
	return 1;
}

/* What stands for a symbol where there is only ASCII. */
static wchar_t plain_of(wchar_t character)
{
	static const struct {
		wchar_t symbol, plain;
	} plains[] = {
		{ L'█', L'#' }, { L'░', L'.' }, { L'─', L'-' }, { L'√', L'+' },
		{ L'✘', L'X' }, { L'●', L'*' }, { L'■', L'o' }, { L'▲', L'!' },
		{ L'→', L'>' }, { L'×', L'x' }, { L'‼', L'!' }, { L'·', L'.' },
	};

	for (size_t i = 0; i < sizeof(plains) / sizeof(plains[0]); i++)
		if (plains[i].symbol == character)
			return plains[i].plain;
	return character < 0x80 ? character : L'?';
}

int canvas_width(const char *text)
{
	int width = 0, len;

	for (; *text; text += len)
		width += cells_of(next_character(text, &len));
	return width;
}

static void put(struct canvas *c, int row, int column, enum style style, wchar_t character)
{
	if (row < 0 || row >= c->rows || column < 0 || column >= c->columns)
		return;
	if (character == NO_BREAK)
		character = L' ';
	if (c->ascii)
		character = plain_of(character);
	if (cells_of(character) == 2 && column + 1 >= c->columns)
		character = L' ';
	c->cells[row][column] = (struct cell) { character, (uint8_t)style };
	if (cells_of(character) == 2)
		c->cells[row][column + 1] = (struct cell) { 0, (uint8_t)style };
}

/* --- lines --- */

/* Writes at most `bytes` of the text into at most `width` cells; returns the cells taken. */
static int put_bytes(struct canvas *c, int row, int column, int width, enum style style,
		     const char *text, size_t bytes)
{
	const char *end = text + bytes;
	int taken = 0, len;

	for (; text < end && *text; text += len) {
		wchar_t character = next_character(text, &len);

		if (taken + cells_of(character) > width)
			break;
		put(c, row, column + taken, style, character);
		taken += cells_of(character);
	}
	return taken;
}

int canvas_text(struct canvas *c, int row, int column, int width, enum style style,
		const char *text)
{
	return put_bytes(c, row, column, width, style, text, strlen(text));
}

int canvas_right(struct canvas *c, int row, int column, int width, enum style style,
		 const char *text)
{
	int taken = canvas_width(text);

	if (taken > width)
		taken = width;
	return canvas_text(c, row, column + width - taken, taken, style, text);
}

/* The bytes of the text that make the next line, without the blanks behind it. */
static size_t line_len(const char *text, int columns)
{
	size_t at = 0, fits = 0;
	int taken = 0, len;

	while (text[at]) {
		wchar_t character = next_character(text + at, &len);

		if (character == L' ' || cells_of(character) == 2)
			fits = at;
		if (taken + cells_of(character) > columns)
			return fits ? fits : at;
		taken += cells_of(character);
		at += (size_t)len;
	}
	return at;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

int canvas_wrap(struct canvas *c, struct area area, enum style style, const char *text)
{
	int row = 0;

	for (text = skip_blanks(text); *text && row < area.rows && area.columns > 1; row++) {
		size_t len = line_len(text, area.columns);
		int taken =
			put_bytes(c, area.row + row, area.column, area.columns, style, text, len);

		text = skip_blanks(text + len);
		if (*text && row == area.rows - 1) {
			int at = taken + 3 <= area.columns ? taken : area.columns - 3;

			canvas_text(c, area.row + row, area.column + at, 3, style, ELLIPSIS);
		}
	}
	return row;
}

int canvas_wrap_rows(int columns, const char *text)
{
	int rows = 0;

	for (text = skip_blanks(text); *text && columns > 1; rows++)
		text = skip_blanks(text + line_len(text, columns));
	return rows;
}

void canvas_rule(struct canvas *c, int row, enum style style)
{
	for (int column = 0; column < c->columns; column++)
		put(c, row, column, style, L'─');
}

/* --- as text --- */

static void print_character(wchar_t character, FILE *to)
{
	unsigned value = (unsigned)character;

	if (value < 0x80) {
		fputc((int)value, to);
	} else if (value < 0x800) {
		fprintf(to, "%c%c", 0xc0 | value >> 6, 0x80 | (value & 0x3f));
	} else {
		fprintf(to, "%c%c%c", 0xe0 | value >> 12, 0x80 | (value >> 6 & 0x3f),
			0x80 | (value & 0x3f));
	}
}

void canvas_print(const struct canvas *c, FILE *to)
{
	for (int row = 0; row < c->rows; row++) {
		int end = c->columns;

		while (end > 0 && c->cells[row][end - 1].character == L' ')
			end--;
		for (int column = 0; column < end; column++)
			if (c->cells[row][column].character)
				print_character(c->cells[row][column].character, to);
		fputc('\n', to);
	}
}
