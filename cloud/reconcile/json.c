#include "cloud/reconcile/json.h"

#include <inttypes.h>

#define END (-1)
#define HIGH_SURROGATE 0xd800
#define LOW_SURROGATE 0xdc00
#define SURROGATES 0x400 /* of either kind */

void json_start(struct json *j, json_fill fill, void *context)
{
	j->fill = fill;
	j->context = context;
	j->before = j->at = j->end = 0;
	j->containers = j->depth = 0;
	j->wants = JSON_WANTS_DOCUMENT;
	j->ended = false;
}

uint64_t json_position(const struct json *j)
{
	return j->before + j->at;
}

static bool wrong(const struct json *j, struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "byte %" PRIu64 ": %s", json_position(j) + !j->ended, what);
}

static bool refill(struct json *j, struct err *e)
{
	j->before += j->end;
	j->at = j->end = 0;
	if (!j->ended && !j->fill(j->context, j->buffer, sizeof(j->buffer), &j->end, e))
		return false;
	j->ended = j->end == 0;
	return true;
}

/* The next byte, which stays; END at the end of the input. */
static bool peek(struct json *j, int *ret_byte, struct err *e)
{
	if (j->at == j->end && !refill(j, e))
		return false;
	*ret_byte = j->ended ? END : j->buffer[j->at];
	return true;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool skip_blanks(struct json *j, int *ret_byte, struct err *e)
{
	do {
		while (j->at < j->end && is_blank(j->buffer[j->at]))
			j->at++;
		if (!peek(j, ret_byte, e))
			return false;
	} while (is_blank(*ret_byte));
	return true;
}

static bool cut_off(const struct json *j, struct err *e)
{
	return wrong(j, e, "the JSON ends in the middle: it was cut off");
}

/* --- strings --- */

static bool put(struct json *j, uint8_t byte, struct err *e)
{
	if (j->text.len == sizeof(j->copy))
		return wrong(j, e, "a text is longer than this can be");
	j->copy[j->text.len++] = byte;
	return true;
}

static bool put_character(struct json *j, uint32_t c, struct err *e)
{
	if (c < 0x80)
		return put(j, (uint8_t)c, e);
	if (c < 0x800)
		return put(j, (uint8_t)(0xc0 | c >> 6), e) && put(j, 0x80 | (c & 0x3f), e);
	if (c < 0x10000)
		return put(j, (uint8_t)(0xe0 | c >> 12), e) && put(j, 0x80 | (c >> 6 & 0x3f), e) &&
		       put(j, 0x80 | (c & 0x3f), e);
	return put(j, (uint8_t)(0xf0 | c >> 18), e) && put(j, 0x80 | (c >> 12 & 0x3f), e) &&
	       put(j, 0x80 | (c >> 6 & 0x3f), e) && put(j, 0x80 | (c & 0x3f), e);
}

static int digit_of(int c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool take_unit(struct json *j, uint32_t *ret_unit, struct err *e)
{
	uint32_t unit = 0;
	int c;

	for (int i = 0; i < 4; i++) {
		if (!peek(j, &c, e))
			return false;
		if (c == END)
			return cut_off(j, e);
		if (digit_of(c) < 0)
			return wrong(j, e, "\\u is not followed by four hexadecimal digits");
		unit = unit << 4 | (uint32_t)digit_of(c);
		j->at++;
	}
	*ret_unit = unit;
	return true;
}

static bool expect(struct json *j, int wanted, const char *what, struct err *e)
{
	int c;

	if (!peek(j, &c, e))
		return false;
	if (c != wanted)
		return c == END ? cut_off(j, e) : wrong(j, e, what);
	j->at++;
	return true;
}

/* Behind \u. Above U+FFFF it takes two. */
static bool take_escaped(struct json *j, struct err *e)
{
	static const char lone[] = "half a character (a lone surrogate)";
	uint32_t first, second;

	if (!take_unit(j, &first, e))
		return false;
	if (first - HIGH_SURROGATE >= 2 * SURROGATES)
		return put_character(j, first, e);
	if (first >= LOW_SURROGATE)
		return wrong(j, e, lone);
	if (!expect(j, '\\', lone, e) || !expect(j, 'u', lone, e) || !take_unit(j, &second, e))
		return false;
	if (second - LOW_SURROGATE >= SURROGATES)
		return wrong(j, e, lone);
	return put_character(
		j, 0x10000 + ((first - HIGH_SURROGATE) << 10 | (second - LOW_SURROGATE)), e);
}

/* Behind a backslash. */
static bool take_escape(struct json *j, struct err *e)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int c;

	if (!peek(j, &c, e))
		return false;
	if (c == END)
		return cut_off(j, e);
	at = c ? strchr(letters, c) : NULL;
	if (!at && c != 'u')
		return wrong(j, e, "there is no such escape");
	j->at++;
	return at ? put(j, (uint8_t)meant[at - letters], e) : take_escaped(j, e);
}

/* A character of two to four bytes: RFC 3629, so none that is too long, none of the surrogates. */
static bool take_utf8(struct json *j, int first, struct err *e)
{
	static const char no_utf8[] = "this is not UTF-8";
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1, c;
	int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	if (first < 0xc2 || first > 0xf4)
		return wrong(j, e, no_utf8);
	j->at++;
	if (!put(j, (uint8_t)first, e))
		return false;
	for (; more; more--, least = 0x80, most = 0xbf) {
		if (!peek(j, &c, e))
			return false;
		if (c < least || c > most)
			return c == END ? cut_off(j, e) : wrong(j, e, no_utf8);
		j->at++;
		if (!put(j, (uint8_t)c, e))
			return false;
	}
	return true;
}

/* Byte by byte, into j->copy. */
static bool take_slowly(struct json *j, struct err *e)
{
	int c;

	for (;;) {
		if (!peek(j, &c, e))
			return false;
		if (c == END)
			return cut_off(j, e);
		if (c < 0x20)
			return wrong(j, e, "a control character in a text");
		if (c >= 0x80) {
			if (!take_utf8(j, c, e))
				return false;
			continue;
		}
		j->at++;
		if (c == '"')
			break;
		if (!(c == '\\' ? take_escape(j, e) : put(j, (uint8_t)c, e)))
			return false;
	}
	j->text.data = j->copy;
	return true;
}

/* Behind the first quote. As nearly every text is plain and whole in the buffer, it stays there. */
static bool take_string(struct json *j, struct err *e)
{
	const uint8_t *from = j->buffer + j->at, *end = j->buffer + j->end, *at = from;

	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	j->text = bytes_of(from, (size_t)(at - from));
	j->at += j->text.len;
	if (at < end && *at == '"') {
		j->at++;
		return true;
	}
	memcpy(j->copy, j->text.data, j->text.len);
	return take_slowly(j, e);
}

/* --- numbers and words --- */

static bool take_digits(struct json *j, struct err *e)
{
	int c;

	if (!peek(j, &c, e))
		return false;
	if (c < '0' || c > '9')
		return c == END ? cut_off(j, e) : wrong(j, e, "a digit is missing in a number");
	do {
		if (!put(j, (uint8_t)c, e))
			return false;
		j->at++;
		if (!peek(j, &c, e))
			return false;
	} while (c >= '0' && c <= '9');
	return true;
}

/* One of those letters, if it comes next. */
static bool take_one(struct json *j, const char *letters, bool *ret_taken, struct err *e)
{
	int c;

	if (!peek(j, &c, e))
		return false;
	*ret_taken = c > 0 && strchr(letters, c);
	j->at += *ret_taken;
	return !*ret_taken || put(j, (uint8_t)c, e);
}

static bool take_number(struct json *j, struct err *e)
{
	bool is;

	j->text = bytes_of(j->copy, 0);
	if (!take_one(j, "-", &is, e) || !take_one(j, "0", &is, e))
		return false;
	if (!is && !take_digits(j, e))
		return false;
	if (!take_one(j, ".", &is, e) || (is && !take_digits(j, e)))
		return false;
	if (!take_one(j, "eE", &is, e))
		return false;
	return !is || (take_one(j, "+-", &is, e) && take_digits(j, e));
}

static bool take_word(struct json *j, const char *word, struct err *e)
{
	for (; *word; word++)
		if (!expect(j, *word, "this is no JSON", e))
			return false;
	return true;
}

/* --- structure --- */

static bool in_object(const struct json *j)
{
	return j->containers >> (j->depth - 1) & 1;
}

static bool enter(struct json *j, bool object, struct err *e)
{
	if (j->depth == JSON_DEPTH_MAX)
		return wrong(j, e, "it is nested too deeply");
	j->at++;
	j->containers &= ~(UINT64_C(1) << j->depth);
	j->containers |= (uint64_t)object << j->depth++;
	j->wants = JSON_WANTS_FIRST;
	return true;
}

static void behind_value(struct json *j)
{
	j->wants = j->depth ? JSON_WANTS_NEXT : JSON_WANTS_DOCUMENT;
}

static bool take_value(struct json *j, int c, enum json_token *ret_token, struct err *e)
{
	switch (c) {
	case '{':
		*ret_token = JSON_OBJECT;
		return enter(j, true, e);
	case '[':
		*ret_token = JSON_ARRAY;
		return enter(j, false, e);
	case '"':
		*ret_token = JSON_STRING;
		j->at++;
		behind_value(j);
		return take_string(j, e);
	case 't':
		*ret_token = JSON_TRUE;
		behind_value(j);
		return take_word(j, "true", e);
	case 'f':
		*ret_token = JSON_FALSE;
		behind_value(j);
		return take_word(j, "false", e);
	case 'n':
		*ret_token = JSON_NULL;
		behind_value(j);
		return take_word(j, "null", e);
	default:
		*ret_token = JSON_NUMBER;
		if (c != '-' && (c < '0' || c > '9'))
			return wrong(j, e, "this is no JSON");
		behind_value(j);
		return take_number(j, e);
	}
}

/* The comma or the colon that stands there, and the blanks behind it. */
static bool take_mark(struct json *j, enum json_wants then, int *ret_byte, struct err *e)
{
	j->at++;
	j->wants = then;
	if (!skip_blanks(j, ret_byte, e))
		return false;
	return *ret_byte != END || cut_off(j, e);
}

static bool is_closing(const struct json *j, int c)
{
	return (j->wants == JSON_WANTS_FIRST || j->wants == JSON_WANTS_NEXT) &&
	       c == (in_object(j) ? '}' : ']');
}

static void leave(struct json *j, enum json_token *ret_token)
{
	*ret_token = in_object(j) ? JSON_OBJECT_END : JSON_ARRAY_END;
	j->at++;
	j->depth--;
	behind_value(j);
}

static bool take_name(struct json *j, int c, enum json_token *ret_token, struct err *e)
{
	if (c != '"')
		return wrong(j, e, "the name of a member is missing");
	*ret_token = JSON_NAME;
	j->at++;
	j->wants = JSON_WANTS_COLON;
	return take_string(j, e);
}

bool json_next(struct json *j, enum json_token *ret_token, struct err *e)
{
	enum json_wants inside;
	int c;

	if (!skip_blanks(j, &c, e))
		return false;
	if (c == END) {
		*ret_token = JSON_END_OF_INPUT;
		return j->wants == JSON_WANTS_DOCUMENT || cut_off(j, e);
	}
	if (j->wants == JSON_WANTS_COLON) {
		if (c != ':')
			return wrong(j, e, "a colon is missing");
		if (!take_mark(j, JSON_WANTS_VALUE, &c, e))
			return false;
	}
	if (is_closing(j, c)) {
		leave(j, ret_token);
		return true;
	}
	inside = j->depth && in_object(j) ? JSON_WANTS_NAME : JSON_WANTS_VALUE;
	if (j->wants == JSON_WANTS_NEXT) {
		if (c != ',')
			return wrong(j, e, "a comma, or the closing bracket, is missing");
		if (!take_mark(j, inside, &c, e))
			return false;
	} else if (j->wants == JSON_WANTS_FIRST) {
		j->wants = inside;
	}
	return j->wants == JSON_WANTS_NAME ? take_name(j, c, ret_token, e)
					   : take_value(j, c, ret_token, e);
}

bool json_skip(struct json *j, enum json_token token, struct err *e)
{
	unsigned depth = j->depth;

	if (token != JSON_OBJECT && token != JSON_ARRAY)
		return true;
	while (j->depth >= depth)
		if (!json_next(j, &token, e))
			return false;
	return true;
}
