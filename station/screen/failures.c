#include "station/screen/failures.h"

#include "station/screen/tiles.h"

#include <inttypes.h>
#include <string.h>

#define ROWS_MAX 4    /* of one failure */
#define TRIES_MAX 100 /* more tries than that: they are not limited */

static char *say_try(const struct control_nest *nest, enum language language,
		     char text[static PHRASE_SIZE])
{
	char tries[24], all[24];

	snprintf(tries, sizeof(tries), "%" PRIu64, nest->tries);
	snprintf(all, sizeof(all), "%" PRIu64, nest->tries + nest->tries_left);
	if (nest->tries == 0 || nest->outcome != OUTCOME_FAIL || nest->state == CONTROL_STOPPED)
		return strcpy(text, ""); /* only these are counted */
	return phrase_fill(text, language,
			   nest->tries_left <= TRIES_MAX ? PHRASE_TRY_OF : PHRASE_TRY, tries, all,
			   NULL);
}

/* In English the station's own sentence says more; in other languages the code's. */
static const char *say_reason(const struct control_nest *nest, enum language language)
{
	enum phrase reason = phrase_reason(nest->code);

	if (nest->state == CONTROL_STOPPED)
		return phrase(language, PHRASE_NEST_STOPPED);
	if (reason == PHRASE_COUNT || (language == ENGLISH && *nest->text))
		return nest->text;
	return phrase(language, reason);
}

static const char *say_remedy(const struct control_nest *nest, enum language language)
{
	enum phrase remedy = phrase_remedy(nest->code);

	if (nest->state == CONTROL_STOPPED)
		return phrase(language, PHRASE_NEST_STOPPED_DO);
	if (nest->tries_left == 0 && nest->outcome == OUTCOME_FAIL)
		return phrase(language, PHRASE_NO_TRY);
	if (remedy == PHRASE_COUNT || (language == ENGLISH && *nest->remedy))
		return nest->remedy;
	return phrase(language, remedy);
}

static int draw_failure(struct canvas *c, struct area area, const struct control_nest *nest,
			enum language language)
{
	struct tiles_look look = tiles_look((enum outcome)nest->outcome);
	char text[CONTROL_TEXT_MAX + CONTROL_CODE_MAX + 8], tried[PHRASE_SIZE],
		remedy[2 * PHRASE_SIZE];
	int at, rows;

	at = canvas_text(c, area.row, area.column, area.columns, look.style, nest->name) + 1;
	snprintf(text, sizeof(text), "%s  %s", nest->state == CONTROL_STOPPED ? "‼" : nest->code,
		 say_reason(nest, language));
	area.column += at;
	area.columns -= at;
	rows = area.rows;
	area.rows = rows > 1 ? rows - 1 : 1;
	rows = canvas_wrap(c, area, STYLE_STRONG, text);
	say_try(nest, language, tried);
	snprintf(remedy, sizeof(remedy), "%s%s%s", tried, *tried ? " " : "",
		 say_remedy(nest, language));
	area.row += rows;
	area.rows = area.rows - rows + 1;
	return rows + canvas_wrap(c, area, STYLE_PLAIN, remedy);
}

static bool wants_words(const struct model *m, const struct control_nest *nest)
{
	return model_is_marked(m, nest) || nest->state == CONTROL_STOPPED;
}

int failures_draw(struct canvas *c, struct area area, const struct model *m,
		  const struct face *face)
{
	int row = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct area left = { area.row + row, area.column, area.rows - row, area.columns };

		if (!wants_words(m, &m->nests[i]) || left.rows < 2)
			continue;
		if (left.rows > ROWS_MAX)
			left.rows = ROWS_MAX;
		row += draw_failure(c, left, &m->nests[i], face->language);
	}
	return row;
}
