#include "station/screen/letters.h"

#include <string.h>

#define GAP 2 /* columns between letters, and of a blank */

/* Strokes are two columns or one row thick, so that they look alike. */
static const struct letter {
	const char *character;
	const char *rows[LETTERS_ROWS];
} letters[] = {
	{ "A", { " #### ", "##  ##", "######", "##  ##", "##  ##" } },
	{ "B", { "##### ", "##  ##", "##### ", "##  ##", "##### " } },
	{ "C", { " #####", "##    ", "##    ", "##    ", " #####" } },
	{ "D", { "##### ", "##  ##", "##  ##", "##  ##", "##### " } },
	{ "E", { "######", "##    ", "##### ", "##    ", "######" } },
	{ "F", { "######", "##    ", "##### ", "##    ", "##    " } },
	{ "G", { " #####", "##    ", "##  ##", "##  ##", " #####" } },
	{ "H", { "##  ##", "##  ##", "######", "##  ##", "##  ##" } },
	{ "I", { "##", "##", "##", "##", "##" } },
	{ "J", { "    ##", "    ##", "    ##", "##  ##", " #### " } },
	{ "K", { "##  ##", "## ## ", "####  ", "## ## ", "##  ##" } },
	{ "L", { "##    ", "##    ", "##    ", "##    ", "######" } },
	{ "M", { "##   ##", "### ###", "## # ##", "##   ##", "##   ##" } },
	{ "N", { "##   ##", "###  ##", "## # ##", "##  ###", "##   ##" } },
	{ "O", { " #### ", "##  ##", "##  ##", "##  ##", " #### " } },
	{ "P", { "##### ", "##  ##", "##### ", "##    ", "##    " } },
	{ "Q", { " #### ", "##  ##", "##  ##", "## ## ", " ## ##" } },
	{ "R", { "##### ", "##  ##", "##### ", "## ## ", "##  ##" } },
	{ "S", { " #####", "##    ", " #### ", "    ##", "##### " } },
	{ "T", { "######", "  ##  ", "  ##  ", "  ##  ", "  ##  " } },
	{ "U", { "##  ##", "##  ##", "##  ##", "##  ##", " #### " } },
	{ "V", { "##  ##", "##  ##", "##  ##", " #### ", "  ##  " } },
	{ "W", { "##   ##", "##   ##", "## # ##", "### ###", "##   ##" } },
	{ "X", { "##  ##", " #### ", "  ##  ", " #### ", "##  ##" } },
	{ "Y", { "##  ##", "##  ##", " #### ", "  ##  ", "  ##  " } },
	{ "Z", { "######", "   ## ", "  ##  ", " ##   ", "######" } },
	{ "Ä", { "##  ##", " #### ", "##  ##", "######", "##  ##" } },
	{ "Ö", { "##  ##", " #### ", "##  ##", "##  ##", " #### " } },
	{ "Ü", { "##  ##", "      ", "##  ##", "##  ##", " #### " } },
	{ "0", { " #### ", "##  ##", "##  ##", "##  ##", " #### " } },
	{ "1", { " ## ", "### ", " ## ", " ## ", "####" } },
	{ "2", { "##### ", "    ##", " #### ", "##    ", "######" } },
	{ "3", { "##### ", "    ##", " #### ", "    ##", "##### " } },
	{ "4", { "##  ##", "##  ##", "######", "    ##", "    ##" } },
	{ "5", { "######", "##    ", "##### ", "    ##", "##### " } },
	{ "6", { " #### ", "##    ", "##### ", "##  ##", " #### " } },
	{ "7", { "######", "    ##", "   ## ", "  ##  ", "  ##  " } },
	{ "8", { " #### ", "##  ##", " #### ", "##  ##", " #### " } },
	{ "9", { " #### ", "##  ##", " #####", "    ##", " #### " } },
	{ " ", { "  ", "  ", "  ", "  ", "  " } },
};

static const struct letter *next_letter(const char **word)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		size_t len = strlen(letters[i].character);

		if (strncmp(*word, letters[i].character, len) == 0) {
			*word += len;
			return &letters[i];
		}
	}
	return NULL;
}

bool letters_know(const char *word)
{
	while (*word)
		if (!next_letter(&word))
			return false;
	return true;
}

int letters_width(const char *word)
{
	const struct letter *letter;
	int width = 0;

	while (*word && (letter = next_letter(&word)))
		width += (width ? GAP : 0) + (int)strlen(letter->rows[0]);
	return width;
}

static void draw_letter(struct canvas *c, int row, int column, int scale, enum style style,
			const struct letter *letter)
{
	for (int y = 0; y < LETTERS_ROWS * scale; y++)
		for (int x = 0; letter->rows[y / scale][x]; x++)
			for (int i = 0; i < scale && letter->rows[y / scale][x] == '#'; i++)
				canvas_text(c, row + y, column + x * scale + i, 1, style, "█");
}

void letters_draw(struct canvas *c, int row, int column, int scale, enum style style,
		  const char *word)
{
	const struct letter *letter;

	while (*word && (letter = next_letter(&word))) {
		draw_letter(c, row, column, scale, style, letter);
		column += ((int)strlen(letter->rows[0]) + GAP) * scale;
	}
}
