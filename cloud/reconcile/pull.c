#include "cloud/reconcile/pull.h"

#include <inttypes.h>

#define END (-1)
#define HIGH_SURROGATE 0xd800
#define LOW_SURROGATE 0xdc00
#define SURROGATES 0x400 /* of either kind */

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

static bool wrong(const struct pull *p, struct err *e, const char *what)
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

/* The next byte, which stays; END at the end of the input. */
static bool peek(struct pull *p, int *ret_byte, struct err *e)
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
		if (!peek(p, ret_byte, e))
			return false;
	} while (is_blank(*ret_byte));
	return true;
}

static bool cut_off(const struct pull *p, struct err *e)
{
	return wrong(p, e, "the JSON ends in the middle: it was cut off");
}

/* --- strings --- */

static bool put(struct pull *p, uint8_t byte, struct err *e)
{
	if (p->text.len == sizeof(p->copy))
		return wrong(p, e, "a text is longer than this can be");
	p->copy[p->text.len++] = byte;
	return true;
}

static bool put_character(struct pull *p, uint32_t c, struct err *e)
{
	if (c < 0x80)
		return put(p, (uint8_t)c, e);
	if (c < 0x800)
		return put(p, (uint8_t)(0xc0 | c >> 6), e) && put(p, 0x80 | (c & 0x3f), e);
	if (c < 0x10000)
		return put(p, (uint8_t)(0xe0 | c >> 12), e) && put(p, 0x80 | (c >> 6 & 0x3f), e) &&
		       put(p, 0x80 | (c & 0x3f), e);
	return put(p, (uint8_t)(0xf0 | c >> 18), e) && put(p, 0x80 | (c >> 12 & 0x3f), e) &&
	       put(p, 0x80 | (c >> 6 & 0x3f), e) && put(p, 0x80 | (c & 0x3f), e);
}

static int digit_of(int c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool take_unit(struct pull *p, uint32_t *ret_unit, struct err *e)
{
	uint32_t unit = 0;
	int c;

	for (int i = 0; i < 4; i++) {
		if (!peek(p, &c, e))
			return false;
		if (c == END)
			return cut_off(p, e);
		if (digit_of(c) < 0)
			return wrong(p, e, "\\u is not followed by four hexadecimal digits");
		unit = unit << 4 | (uint32_t)digit_of(c);
		p->at++;
	}
	*ret_unit = unit;
	return true;
}

static bool expect(struct pull *p, int wanted, const char *what, struct err *e)
{
	int c;

	if (!peek(p, &c, e))
		return false;
	if (c != wanted)
		return c == END ? cut_off(p, e) : wrong(p, e, what);
	p->at++;
	return true;
}

/* Behind \u. Above U+FFFF it takes two. */
static bool take_escaped(struct pull *p, struct err *e)
{
	static const char lone[] = "half a character (a lone surrogate)";
	uint32_t first, second;

	if (!take_unit(p, &first, e))
		return false;
	if (first - HIGH_SURROGATE >= 2 * SURROGATES)
		return put_character(p, first, e);
	if (first >= LOW_SURROGATE)
		return wrong(p, e, lone);
	if (!expect(p, '\\', lone, e) || !expect(p, 'u', lone, e) || !take_unit(p, &second, e))
		return false;
	if (second - LOW_SURROGATE >= SURROGATES)
		return wrong(p, e, lone);
	return put_character(
		p, 0x10000 + ((first - HIGH_SURROGATE) << 10 | (second - LOW_SURROGATE)), e);
}

/* Behind a backslash. */
static bool take_escape(struct pull *p, struct err *e)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int c;

	if (!peek(p, &c, e))
		return false;
	if (c == END)
		return cut_off(p, e);
	at = c ? strchr(letters, c) : NULL;
	if (!at && c != 'u')
		return wrong(p, e, "there is no such escape");
	p->at++;
	return at ? put(p, (uint8_t)meant[at - letters], e) : take_escaped(p, e);
}

/* A character of two to four bytes: RFC 3629, so none that is too long, none of the surrogates. */
static bool take_utf8(struct pull *p, int first, struct err *e)
{
	static const char no_utf8[] = "this is not UTF-8";
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1, c;
	int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	if (first < 0xc2 || first > 0xf4)
		return wrong(p, e, no_utf8);
	p->at++;
	if (!put(p, (uint8_t)first, e))
		return false;
	for (; more; more--, least = 0x80, most = 0xbf) {
		if (!peek(p, &c, e))
			return false;
		if (c < least || c > most)
			return c == END ? cut_off(p, e) : wrong(p, e, no_utf8);
		p->at++;
		if (!put(p, (uint8_t)c, e))
			return false;
	}
	return true;
}

/* Byte by byte, into p->copy. */
static bool take_slowly(struct pull *p, struct err *e)
{
	int c;

	for (;;) {
		if (!peek(p, &c, e))
			return false;
		if (c == END)
			return cut_off(p, e);
		if (c < 0x20)
			return wrong(p, e, "a control character in a text");
		if (c >= 0x80) {
			if (!take_utf8(p, c, e))
				return false;
			continue;
		}
		p->at++;
		if (c == '"')
			break;
		if (!(c == '\\' ? take_escape(p, e) : put(p, (uint8_t)c, e)))
			return false;
	}
	p->text.data = p->copy;
	return true;
}

/* Behind the first quote. As nearly every text is plain and whole in the buffer, it stays there. */
static bool take_string(struct pull *p, struct err *e)
{
	const uint8_t *from = p->buffer + p->at, *end = p->buffer + p->end, *at = from;

	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	p->text = bytes_of(from, (size_t)(at - from));
	p->at += p->text.len;
	if (at < end && *at == '"') {
		p->at++;
		return true;
	}
	memcpy(p->copy, p->text.data, p->text.len);
	return take_slowly(p, e);
}

/* --- numbers and words --- */

static bool take_digits(struct pull *p, struct err *e)
{
	int c;

	if (!peek(p, &c, e))
		return false;
	if (c < '0' || c > '9')
		return c == END ? cut_off(p, e) : wrong(p, e, "a digit is missing in a number");
	do {
		if (!put(p, (uint8_t)c, e))
			return false;
		p->at++;
		if (!peek(p, &c, e))
			return false;
	} while (c >= '0' && c <= '9');
	return true;
}

/* One of those letters, if it comes next. */
static bool take_one(struct pull *p, const char *letters, bool *ret_taken, struct err *e)
{
	int c;

	if (!peek(p, &c, e))
		return false;
	*ret_taken = c > 0 && strchr(letters, c);
	p->at += *ret_taken;
	return !*ret_taken || put(p, (uint8_t)c, e);
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
		if (!expect(p, *word, "this is no JSON", e))
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
		return wrong(p, e, "it is nested too deeply");
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
		return take_string(p, e);
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
			return wrong(p, e, "this is no JSON");
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
	return *ret_byte != END || cut_off(p, e);
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
		return wrong(p, e, "the name of a member is missing");
	*ret_token = PULL_NAME;
	p->at++;
	p->wants = PULL_WANTS_COLON;
	return take_string(p, e);
}

bool pull_next(struct pull *p, enum pull_token *ret_token, struct err *e)
{
	enum pull_wants inside;
	int c;

	if (!skip_blanks(p, &c, e))
		return false;
	if (c == END) {
		*ret_token = PULL_END_OF_INPUT;
		return p->wants == PULL_WANTS_DOCUMENT || cut_off(p, e);
	}
	if (p->wants == PULL_WANTS_COLON) {
		if (c != ':')
			return wrong(p, e, "a colon is missing");
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
			return wrong(p, e, "a comma, or the closing bracket, is missing");
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
