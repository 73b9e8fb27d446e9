#include "cloud/reconcile/pull_inside.h"

#include <inttypes.h>

void pull_start(struct pull *p, pull_fill fill, void *context)
{
	p->fill = fill;
	p->context = context;
	p->before = p->at = p->end = 0;
	p->containers = p->depth = 0;
	p->wants = PULL_WANTS_DOCUMENT;
	p->ended = false;
}

uint64_t pull_position(const struct pull *p)
{
	return p->before + p->at;
}

bool pull_wrong(const struct pull *p, struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "byte %" PRIu64 ": %s", pull_position(p) + !p->ended, what);
}

static bool refill(struct pull *p, struct err *e)
{
	p->before += p->end;
	p->at = p->end = 0;
	if (!p->ended && !p->fill(p->context, p->buffer, sizeof(p->buffer), &p->end, e))
		return false;
	p->ended = p->end == 0;
	return true;
}

bool pull_peek(struct pull *p, int *ret_byte, struct err *e)
{
	if (p->at == p->end && !refill(p, e))
		return false;
	*ret_byte = p->ended ? END : p->buffer[p->at];
	return true;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool skip_blanks(struct pull *p, int *ret_byte, struct err *e)
{
	do {
		while (p->at < p->end && is_blank(p->buffer[p->at]))
			p->at++;
		if (!pull_peek(p, ret_byte, e))
			return false;
	} while (is_blank(*ret_byte));
	return true;
}

bool pull_cut_off(const struct pull *p, struct err *e)
{
	return pull_wrong(p, e,
			  "the JSON ends in the middle: it was cut off; have it printed again");
}

bool pull_put(struct pull *p, uint8_t byte, struct err *e)
{
	if (p->text.len == sizeof(p->copy))
		return pull_wrong(p, e, "a text is longer than this can be");
	p->copy[p->text.len++] = byte;
	return true;
}

bool pull_expect(struct pull *p, int wanted, const char *what, struct err *e)
{
	int c;

	if (!pull_peek(p, &c, e))
		return false;
	if (c != wanted)
		return c == END ? pull_cut_off(p, e) : pull_wrong(p, e, what);
	p->at++;
	return true;
}

/* --- numbers and words --- */

static bool take_digits(struct pull *p, struct err *e)
{
	int c;

	if (!pull_peek(p, &c, e))
		return false;
	if (c < '0' || c > '9')
		return c == END ? pull_cut_off(p, e)
				: pull_wrong(p, e, "a digit is missing in a number");
	do {
		if (!pull_put(p, (uint8_t)c, e))
			return false;
		p->at++;
		if (!pull_peek(p, &c, e))
			return false;
	} while (c >= '0' && c <= '9');
	return true;
}

/* One of those letters, if it comes next. */
static bool take_one(struct pull *p, const char *letters, bool *ret_taken, struct err *e)
{
	int c;

	if (!pull_peek(p, &c, e))
		return false;
	*ret_taken = c > 0 && strchr(letters, c);
	p->at += *ret_taken;
	return !*ret_taken || pull_put(p, (uint8_t)c, e);
}

static bool take_number(struct pull *p, struct err *e)
{
	bool is;

	p->text = bytes_of(p->copy, 0);
	if (!take_one(p, "-", &is, e) || !take_one(p, "0", &is, e))
		return false;
	if (!is && !take_digits(p, e))
		return false;
	if (!take_one(p, ".", &is, e) || (is && !take_digits(p, e)))
		return false;
	if (!take_one(p, "eE", &is, e))
		return false;
	return !is || (take_one(p, "+-", &is, e) && take_digits(p, e));
}

static bool take_word(struct pull *p, const char *word, struct err *e)
{
	for (; *word; word++)
		if (!pull_expect(p, *word, "this is no JSON", e))
			return false;
	return true;
}

/* --- structure --- */

static bool in_object(const struct pull *p)
{
	return p->containers >> (p->depth - 1) & 1;
}

static bool enter(struct pull *p, bool object, struct err *e)
{
	if (p->depth == PULL_DEPTH_MAX)
		return pull_wrong(p, e, "it is nested too deeply");
	p->at++;
	p->containers &= ~(UINT64_C(1) << p->depth);
	p->containers |= (uint64_t)object << p->depth++;
	p->wants = PULL_WANTS_FIRST;
	return true;
}

static void behind_value(struct pull *p)
{
	p->wants = p->depth ? PULL_WANTS_NEXT : PULL_WANTS_DOCUMENT;
}

static bool take_value(struct pull *p, int c, enum pull_token *ret_token, struct err *e)
{
	switch (c) {
	case '{':
		*ret_token = PULL_OBJECT;
		return enter(p, true, e);
	case '[':
		*ret_token = PULL_ARRAY;
		return enter(p, false, e);
	case '"':
		*ret_token = PULL_STRING;
		p->at++;
		behind_value(p);
		return pull_string(p, e);
	case 't':
		*ret_token = PULL_TRUE;
		behind_value(p);
		return take_word(p, "true", e);
	case 'f':
		*ret_token = PULL_FALSE;
		behind_value(p);
		return take_word(p, "false", e);
	case 'n':
		*ret_token = PULL_NULL;
		behind_value(p);
		return take_word(p, "null", e);
	default:
		*ret_token = PULL_NUMBER;
		if (c != '-' && (c < '0' || c > '9'))
			return pull_wrong(p, e, "this is no JSON");
		behind_value(p);
		return take_number(p, e);
	}
}

/* The comma or the colon that stands there, and the blanks behind it. */
static bool take_mark(struct pull *p, enum pull_wants then, int *ret_byte, struct err *e)
{
	p->at++;
	p->wants = then;
	if (!skip_blanks(p, ret_byte, e))
		return false;
	return *ret_byte != END || pull_cut_off(p, e);
}

static bool is_closing(const struct pull *p, int c)
{
	return (p->wants == PULL_WANTS_FIRST || p->wants == PULL_WANTS_NEXT) &&
	       c == (in_object(p) ? '}' : ']');
}

static void leave(struct pull *p, enum pull_token *ret_token)
{
	*ret_token = in_object(p) ? PULL_OBJECT_END : PULL_ARRAY_END;
	p->at++;
	p->depth--;
	behind_value(p);
}

static bool take_name(struct pull *p, int c, enum pull_token *ret_token, struct err *e)
{
	if (c != '"')
		return pull_wrong(p, e, "the name of a member is missing");
	*ret_token = PULL_NAME;
	p->at++;
	p->wants = PULL_WANTS_COLON;
	return pull_string(p, e);
}

bool pull_next(struct pull *p, enum pull_token *ret_token, struct err *e)
{
	enum pull_wants inside;
	int c;

	if (!skip_blanks(p, &c, e))
		return false;
	if (c == END) {
		*ret_token = PULL_END_OF_INPUT;
		return p->wants == PULL_WANTS_DOCUMENT || pull_cut_off(p, e);
	}
	if (p->wants == PULL_WANTS_COLON) {
		if (c != ':')
			return pull_wrong(p, e, "a colon is missing");
		if (!take_mark(p, PULL_WANTS_VALUE, &c, e))
			return false;
	}
	if (is_closing(p, c)) {
		leave(p, ret_token);
		return true;
	}
	inside = p->depth && in_object(p) ? PULL_WANTS_NAME : PULL_WANTS_VALUE;
	if (p->wants == PULL_WANTS_NEXT) {
		if (c != ',')
			return pull_wrong(p, e, "a comma, or the closing bracket, is missing");
		if (!take_mark(p, inside, &c, e))
			return false;
	} else if (p->wants == PULL_WANTS_FIRST) {
		p->wants = inside;
	}
	return p->wants == PULL_WANTS_NAME ? take_name(p, c, ret_token, e)
					   : take_value(p, c, ret_token, e);
}

bool pull_skip(struct pull *p, enum pull_token token, struct err *e)
{
	unsigned depth = p->depth;

	if (token != PULL_OBJECT && token != PULL_ARRAY)
		return true;
	while (p->depth >= depth)
		if (!pull_next(p, &token, e))
			return false;
	return true;
}
