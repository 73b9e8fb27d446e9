/* The texts of pull: escapes undone, UTF-8 checked. */
#include "cloud/reconcile/pull_inside.h"

#define HIGH_SURROGATE 0xd800
#define LOW_SURROGATE 0xdc00
#define SURROGATES 0x400 /* of either kind */

static bool put_character(struct pull *p, uint32_t c, struct err *e)
{
	if (c < 0x80)
		return pull_put(p, (uint8_t)c, e);
	if (c < 0x800)
		return pull_put(p, (uint8_t)(0xc0 | c >> 6), e) &&
		       pull_put(p, 0x80 | (c & 0x3f), e);
	if (c < 0x10000)
		return pull_put(p, (uint8_t)(0xe0 | c >> 12), e) &&
		       pull_put(p, 0x80 | (c >> 6 & 0x3f), e) && pull_put(p, 0x80 | (c & 0x3f), e);
	return pull_put(p, (uint8_t)(0xf0 | c >> 18), e) &&
	       pull_put(p, 0x80 | (c >> 12 & 0x3f), e) && pull_put(p, 0x80 | (c >> 6 & 0x3f), e) &&
	       pull_put(p, 0x80 | (c & 0x3f), e);
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
		if (!pull_peek(p, &c, e))
			return false;
		if (c == END)
			return pull_cut_off(p, e);
		if (digit_of(c) < 0)
			return pull_wrong(p, e, "\\u is not followed by four hexadecimal digits");
		unit = unit << 4 | (uint32_t)digit_of(c);
		p->at++;
	}
	*ret_unit = unit;
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
		return pull_wrong(p, e, lone);
	if (!pull_expect(p, '\\', lone, e) || !pull_expect(p, 'u', lone, e) ||
	    !take_unit(p, &second, e))
		return false;
	if (second - LOW_SURROGATE >= SURROGATES)
		return pull_wrong(p, e, lone);
	return put_character(
		p, 0x10000 + ((first - HIGH_SURROGATE) << 10 | (second - LOW_SURROGATE)), e);
}

/* Behind a backslash. */
static bool take_escape(struct pull *p, struct err *e)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int c;

	if (!pull_peek(p, &c, e))
		return false;
	if (c == END)
		return pull_cut_off(p, e);
	at = c ? strchr(letters, c) : NULL;
	if (!at && c != 'u')
		return pull_wrong(p, e, "there is no such escape");
	p->at++;
	return at ? pull_put(p, (uint8_t)meant[at - letters], e) : take_escaped(p, e);
}

/* A character of two to four bytes: RFC 3629, so none that is too long, none of the surrogates. */
static bool take_utf8(struct pull *p, int first, struct err *e)
{
	static const char no_utf8[] = "this is not UTF-8";
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1, c;
	int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	if (first < 0xc2 || first > 0xf4)
		return pull_wrong(p, e, no_utf8);
	p->at++;
	if (!pull_put(p, (uint8_t)first, e))
		return false;
	for (; more; more--, least = 0x80, most = 0xbf) {
		if (!pull_peek(p, &c, e))
			return false;
		if (c < least || c > most)
			return c == END ? pull_cut_off(p, e) : pull_wrong(p, e, no_utf8);
		p->at++;
		if (!pull_put(p, (uint8_t)c, e))
			return false;
	}
	return true;
}

/* Byte by byte, into p->copy. */
static bool take_slowly(struct pull *p, struct err *e)
{
	int c;

	for (;;) {
		if (!pull_peek(p, &c, e))
			return false;
		if (c == END)
			return pull_cut_off(p, e);
		if (c < 0x20)
			return pull_wrong(p, e, "a control character in a text");
		if (c >= 0x80) {
			if (!take_utf8(p, c, e))
				return false;
			continue;
		}
		p->at++;
		if (c == '"')
			break;
		if (!(c == '\\' ? take_escape(p, e) : pull_put(p, (uint8_t)c, e)))
			return false;
	}
	p->text.data = p->copy;
	return true;
}

/* As nearly every text is plain and whole in the buffer, it stays there. */
bool pull_string(struct pull *p, struct err *e)
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
