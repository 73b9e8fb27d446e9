/* keys: what a person can ask for: one table of key, barcode and what it does. A letter works as
 * well as its function key. Layer above: screen, pages (help). Below: phrase. */
#ifndef STATION_SCREEN_KEYS_H
#define STATION_SCREEN_KEYS_H

#include "station/screen/phrase.h"

#define KEYS_BARCODE "IMPRINT-" /* how every command barcode begins */

/* Keys that are no characters. */
enum key { KEY_IS_ESCAPE = 0x1b, KEY_IS_REDRAW = 0x0c, KEY_IS_END = 0x03, KEY_IS_F = 0x100 };

enum deed {
	DEED_START,
	DEED_HELP,
	DEED_LANGUAGE,
	DEED_ALARMS,
	DEED_REPORT,
	DEED_ORDERS,
	DEED_LAMPS,
	DEED_MODE,
	DEED_RESET,
	DEED_FREE,
	DEED_ABORT,
	DEED_LOGOUT,
	DEED_GOLDEN,
	DEED_NORMAL,
	DEED_ACKNOWLEDGE,
	DEED_TYPE,
	DEED_BACK,
	DEED_REDRAW,
	DEED_END,
	DEED_COUNT /* none */
};

struct key_row {
	enum deed deed;
	int key, letter;     /* 0: none */
	const char *name;    /* of the key, for the help */
	const char *barcode; /* behind KEYS_BARCODE; "" if there is none */
	enum phrase does;
	bool while_working; /* allowed while boards run */
};

extern const struct key_row keys_table[];
extern const size_t keys_count;

/* DEED_COUNT if it is none. */
enum deed keys_of_key(int key);
/* `barcode` begins with KEYS_BARCODE. */
enum deed keys_of_barcode(const char *barcode);
bool keys_while_working(enum deed deed);

#endif
