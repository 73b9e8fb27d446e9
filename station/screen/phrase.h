/* phrase: every text of the screen in every language: one table, phrase_list.h, one row a text.
 * A text may have holes, {1} to {9}; each language may have them in another order. What comes from
 * the station (units, nests, sentences of the signer) is filled in as it is. A fault or an alarm is
 * known by its code; where the table has it, its reason and its remedy are said in the language of
 * the screen, else the station's own sentence is shown. Pure. Threads: any. Layer above: paint,
 * screen. Below: none. */
#ifndef STATION_SCREEN_PHRASE_H
#define STATION_SCREEN_PHRASE_H

#include <stdbool.h>
#include <stddef.h>

#define PHRASE_SIZE 1024 /* bytes of a filled text, with its NUL */

enum language { ENGLISH, GERMAN, JAPANESE, CHINESE, LANGUAGE_COUNT };

#define PHRASE(id, width, english, german, japanese, chinese) PHRASE_##id,
enum phrase {
#include "station/screen/phrase_list.h"
	PHRASE_COUNT
};
#undef PHRASE

const char *phrase(enum language language, enum phrase id);
/* The most cells that the text, its holes empty, may take. */
int phrase_room(enum phrase id);

/* Fills the holes with the texts that follow, the last one NULL. Returns ret_text. */
char *phrase_fill(char ret_text[static PHRASE_SIZE], enum language language, enum phrase id, ...)
	__attribute__((sentinel));

/* What is wrong and what to do, for a code such as "F21"; PHRASE_COUNT if the table has it not. */
enum phrase phrase_reason(const char *code);
enum phrase phrase_remedy(const char *code);

const char *phrase_language_name(enum language language); /* in that language: "Deutsch" */
/* "en", "de", "ja", "zh", and what may follow ("de_DE.UTF-8"); false if it is none of these. */
bool phrase_language_parse(const char *text, enum language *ret_language);

#endif
