#include "station/screen/scanner.h"

#include <string.h>

static void start_again(struct scanner *s)
{
	*s = (struct scanner) { .key = s->key };
}

static enum scanner_event end_of_scan(struct scanner *s, char end)
{
	bool is_long = s->is_long;
	size_t len = s->len;

	if (len == 0) {
		s->key = end == '\t' ? '\t' : '\r';
		return SCANNER_KEY;
	}
	s->text[len] = '\0';
	if (len < SCANNER_LEN_MIN)
		return SCANNER_NOTHING; /* typed quickly: given out by the gap, Enter forgotten */
	s->len = s->given = 0;
	s->is_long = false;
	return is_long ? SCANNER_TOO_LONG : SCANNER_SCAN;
}

enum scanner_event scanner_take(struct scanner *s, char character)
{
	if (s->has_ended)
		start_again(s);
	if (character == '\n' && s->len == 0)
		return SCANNER_NOTHING; /* the LF of CR LF */
	if (character == '\r' || character == '\n' || character == '\t')
		return end_of_scan(s, character);
	if (character == ' ' &&
	    s->len == 0) { /* no label begins with it: START waits for nothing */
		s->key = ' ';
		return SCANNER_KEY;
	}
	if (s->len < SCANNER_LEN_MAX)
		s->text[s->len++] = character;
	else
		s->is_long = true;
	return SCANNER_NOTHING;
}

/* A key that is held repeats itself: that is one key. */
static bool is_one_key(const struct scanner *s)
{
	for (size_t i = 1; i < s->len; i++)
		if (s->text[i] != s->text[0])
			return false;
	return true;
}

enum scanner_event scanner_rest(struct scanner *s)
{
	if (s->len == 0)
		return SCANNER_NOTHING;
	if (!s->has_ended && is_one_key(s))
		s->len = 1;
	if (!s->has_ended && s->len >= SCANNER_LEN_MIN) {
		start_again(s);
		return SCANNER_NO_END;
	}
	s->has_ended = true;
	if (s->given == s->len) {
		start_again(s);
		return SCANNER_NOTHING;
	}
	s->key = s->text[s->given++];
	return SCANNER_KEY;
}

bool scanner_waits(const struct scanner *s)
{
	return s->len > 0;
}
