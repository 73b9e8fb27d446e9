/* What is typed and what is scanned. */
#include "station/screen/screen.h"

#define BACKSPACE 0x08
#define DELETE 0x7f

/* A code that is typed by hand, key by key. */
static void type_key(struct screen *s, int key)
{
	size_t len = strlen(s->face.typed);

	if (key == '\r') {
		s->face.types = false;
		if (len)
			screen_scan(s, s->face.typed);
	} else if (key == KEY_IS_ESCAPE) {
		s->face.types = false;
	} else if (key == BACKSPACE || key == DELETE) {
		s->face.typed[len ? len - 1 : 0] = '\0';
	} else if (key >= 0x20 && key < DELETE && len < CONTROL_NAME_MAX) {
		s->face.typed[len] = (char)key;
		s->face.typed[len + 1] = '\0';
	}
}

static void one_key(struct screen *s, int key)
{
	enum deed deed;

	s->is_changed = true;
	if (s->face.types) {
		type_key(s, key);
		return;
	}
	deed = keys_of_key(key);
	if (deed != DEED_COUNT)
		screen_do(s, deed);
}

static void take_event(struct screen *s, enum scanner_event event)
{
	if (event == SCANNER_KEY) {
		one_key(s, s->scanner.key);
	} else if (event == SCANNER_SCAN) {
		s->face.types = false;
		screen_scan(s, s->scanner.text);
	} else if (event == SCANNER_NO_END) {
		screen_say(s, true, PHRASE_SAY_NO_END, "");
	} else if (event == SCANNER_TOO_LONG) {
		screen_say(s, true, PHRASE_SAY_TOO_LONG, "");
	}
}

void screen_key(struct screen *s, int key)
{
	bool is_of_scan =
		(key >= 0x20 && key < DELETE) || key == '\r' || key == '\n' || key == '\t';

	if (is_of_scan)
		take_event(s, scanner_take(&s->scanner, (char)key));
	else
		one_key(s, key);
}

void screen_rest(struct screen *s)
{
	enum scanner_event event;

	while ((event = scanner_rest(&s->scanner)) != SCANNER_NOTHING)
		take_event(s, event);
}
