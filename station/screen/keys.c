#include "station/screen/keys.h"

#include <string.h>

#define F(number) (KEY_IS_F + (number))

/* clang-format off */
const struct key_row keys_table[] = {
	{ DEED_START, ' ', 0, "SPACE", "START", PHRASE_DO_START, false },
	{ DEED_START, 0, 0, "", "RETEST", PHRASE_DO_START, false },
	{ DEED_HELP, F(1), '?', "F1 ?", "HELP", PHRASE_DO_HELP, true },
	{ DEED_LANGUAGE, F(2), 'l', "F2 l", "LANGUAGE", PHRASE_DO_LANGUAGE, true },
	{ DEED_ALARMS, F(3), 'a', "F3 a", "ALARMS", PHRASE_DO_ALARMS, true },
	{ DEED_REPORT, F(4), 'r', "F4 r", "REPORT", PHRASE_DO_REPORT, true },
	{ DEED_ORDERS, F(5), 'o', "F5 o", "ORDERS", PHRASE_DO_ORDERS, true },
	{ DEED_LAMPS, F(6), 't', "F6 t", "LAMPS", PHRASE_DO_LAMPS, true },
	{ DEED_MODE, F(7), 0, "F7", "DRY-RUN", PHRASE_DO_MODE, false },
	{ DEED_RESET, F(8), 0, "F8", "RESET", PHRASE_DO_RESET, true },
	{ DEED_FREE, F(9), 0, "F9", "FREE", PHRASE_DO_FREE, false },
	{ DEED_ABORT, F(10), 0, "F10 F10", "ABORT", PHRASE_DO_ABORT, true },
	{ DEED_LOGOUT, F(11), 'x', "F11 x", "LOGOUT", PHRASE_DO_LOGOUT, false },
	{ DEED_GOLDEN, F(12), 0, "F12", "GOLDEN", PHRASE_DO_GOLDEN, false },
	{ DEED_NORMAL, 0, 0, "", "NORMAL", PHRASE_DO_NORMAL, false },
	{ DEED_ACKNOWLEDGE, 0, 0, "", "ACKNOWLEDGE", PHRASE_DO_ACKNOWLEDGE, true },
	{ DEED_TYPE, '\r', 0, "Enter", "", PHRASE_DO_TYPE, true },
	{ DEED_BACK, KEY_IS_ESCAPE, 'q', "Esc q", "BACK", PHRASE_DO_BACK, true },
	{ DEED_REDRAW, KEY_IS_REDRAW, 0, "Ctrl-L", "", PHRASE_DO_REDRAW, true },
	{ DEED_END, KEY_IS_END, 0, "Ctrl-C", "", PHRASE_DO_END, true },
};
/* clang-format on */

const size_t keys_count = sizeof(keys_table) / sizeof(keys_table[0]);

enum deed keys_of_key(int key)
{
	for (size_t i = 0; i < keys_count; i++)
		if (key && (keys_table[i].key == key || keys_table[i].letter == key))
			return keys_table[i].deed;
	return DEED_COUNT;
}

enum deed keys_of_barcode(const char *barcode)
{
	const char *name = barcode + strlen(KEYS_BARCODE);

	for (size_t i = 0; i < keys_count; i++)
		if (*keys_table[i].barcode && strcmp(keys_table[i].barcode, name) == 0)
			return keys_table[i].deed;
	return DEED_COUNT;
}

bool keys_while_working(enum deed deed)
{
	for (size_t i = 0; i < keys_count; i++)
		if (keys_table[i].deed == deed)
			return keys_table[i].while_working;
	return false;
}
