/* phrase: every text in every language, its holes and its room; the big words. */
#include "station/screen/keys.h"
#include "station/screen/canvas.h"
#include "station/screen/letters.h"
#include "station/screen/phrase.h"
#include "hsm/api/refusal.h"
#include "serial/fault.h"
#include "station/alarms.h"
#include "station/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define SCREEN_COLUMNS 80

/* Bit n: the hole {n} is there. Everything else in braces is a mistake. */
static unsigned holes_of(const char *text)
{
	unsigned holes = 0;

	for (const char *c = strchr(text, '{'); c; c = strchr(c + 1, '{')) {
		assert_true(c[1] >= '1' && c[1] <= '9' && c[2] == '}');
		holes |= 1u << (c[1] - '0');
	}
	return holes;
}

static void every_text_is_there_in_every_language(void **state)
{
	(void)state;
	for (enum phrase id = 0; id < PHRASE_COUNT; id++) {
		for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
			const char *text = phrase(language, id);
			char filled[PHRASE_SIZE];

			if (!text || !*text)
				fail_msg("text %d is not there in %s", id,
					 phrase_language_name(language));
			if (holes_of(text) != holes_of(phrase(ENGLISH, id)))
				fail_msg("\"%s\" has not the holes of \"%s\"", text,
					 phrase(ENGLISH, id));
			phrase_fill(filled, language, id, NULL);
			if (canvas_width(filled) > phrase_room(id))
				fail_msg("\"%s\" is %d wide, but has room for %d", text,
					 canvas_width(filled), phrase_room(id));
		}
	}
}

static void the_big_words_can_be_drawn_and_fit(void **state)
{
	(void)state;
	for (enum phrase id = PHRASE_BIG_OFFLINE; id <= PHRASE_BIG_ABORTED; id++) {
		for (enum language language = 0; language < LANGUAGE_COUNT; language++) {
			const char *word = phrase(language, id);

			if (!letters_know(word))
				fail_msg("%s cannot be drawn", word);
			if (letters_width(word) > SCREEN_COLUMNS - 14)
				fail_msg("%s is %d wide", word, letters_width(word));
		}
	}
	assert_false(letters_know("pass"));
	assert_false(letters_know("合"));
}

static void holes_are_filled(void **state)
{
	char text[PHRASE_SIZE], long_name[2 * PHRASE_SIZE];

	(void)state;
	assert_string_equal(phrase_fill(text, ENGLISH, PHRASE_SAID_RUNNING, "3", "8", NULL),
			    "3 of 8 done.");
	assert_string_equal(phrase_fill(text, JAPANESE, PHRASE_TRY_OF, "1", "2", NULL),
			    "2 回中 1 回目。");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	phrase_fill(text, ENGLISH, PHRASE_SAY_TRIED, long_name, NULL);
	assert_int_equal(strlen(text), PHRASE_SIZE - 1);
}

static void codes_and_languages_are_known(void **state)
{
	enum language language;

	(void)state;
	assert_int_equal(phrase_reason("F21"), PHRASE_F21);
	assert_int_equal(phrase_remedy("F21"), PHRASE_F21_DO);
	assert_int_equal(phrase_reason("no such"), PHRASE_COUNT);
	assert_true(phrase_language_parse("de_DE.UTF-8", &language));
	assert_int_equal(language, GERMAN);
	assert_true(phrase_language_parse("zh", &language));
	assert_int_equal(language, CHINESE);
	assert_false(phrase_language_parse("C.UTF-8", &language));
	assert_false(phrase_language_parse("denglish", &language));
}

static void assert_known(const char *code)
{
	if (*code && (phrase_reason(code) == PHRASE_COUNT || phrase_remedy(code) == PHRASE_COUNT))
		fail_msg("the code %s has no text in other languages than English", code);
}

static void every_code_can_be_said(void **state)
{
	static const int own[] = { ERR_CANCELLED, ERR_BUSY,	  ERR_GONE,	ERR_TIMEOUT,
				   ERR_INVALID,	  ERR_SYSTEM,	  POLICY_TRIES, POLICY_GOLDEN,
				   POLICY_LABEL,  POLICY_NO_LABEL };

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_known(verdict_code(own[i]));
	for (int code = FAULT_FIRST; code < FAULT_LAST; code++)
		assert_known(verdict_code(code));
	for (int code = REFUSAL_FIRST; code < REFUSAL_LAST; code++)
		assert_known(verdict_code(code));
	for (enum alarm alarm = 0; alarm < ALARM_COUNT; alarm++)
		assert_known(alarms_code(alarm));
	assert_known("interrupted");
	assert_known("record");
}

static void keys_and_barcodes_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < keys_count; i++) {
		char barcode[64];

		snprintf(barcode, sizeof(barcode), KEYS_BARCODE "%s", keys_table[i].barcode);
		if (keys_table[i].key)
			assert_int_equal(keys_of_key(keys_table[i].key), keys_table[i].deed);
		if (keys_table[i].letter)
			assert_int_equal(keys_of_key(keys_table[i].letter), keys_table[i].deed);
		if (*keys_table[i].barcode)
			assert_int_equal(keys_of_barcode(barcode), keys_table[i].deed);
	}
	assert_int_equal(keys_of_key(0), DEED_COUNT);
	assert_int_equal(keys_of_key('#'), DEED_COUNT);
	assert_int_equal(keys_of_barcode(KEYS_BARCODE), DEED_COUNT);
	assert_int_equal(keys_of_barcode(KEYS_BARCODE "NOTHING"), DEED_COUNT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_is_there_in_every_language),
		cmocka_unit_test(the_big_words_can_be_drawn_and_fit),
		cmocka_unit_test(holes_are_filled),
		cmocka_unit_test(codes_and_languages_are_known),
		cmocka_unit_test(every_code_can_be_said),
		cmocka_unit_test(keys_and_barcodes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
