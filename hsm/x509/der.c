#include "hsm/x509/der.h"

#include <assert.h>
#include <time.h>

#define LONG_FORM 0x80
#define LENGTH_OCTETS_MAX 4
#define CLASS 0xc0
#define CONSTRUCTED 0x20
#define TAG_NUMBER 0x1f
#define LAST_UTC_YEAR 2049

/* Takes a length off the input: minimal, definite, and no more than what is left. */
static bool read_length(struct bytes *input, size_t *ret_len)
{
	size_t len, octets;

	if (input->len == 0)
		return false;
	len = input->data[0];
	octets = len & ~(size_t)LONG_FORM;
	*input = bytes_of(input->data + 1, input->len - 1);
	if (len >= LONG_FORM) {
		if (octets == 0 || octets > LENGTH_OCTETS_MAX || octets > input->len ||
		    input->data[0] == 0)
			return false;
		len = 0;
		for (size_t i = 0; i < octets; i++)
			len = len << 8 | input->data[i];
		if (len < LONG_FORM)
			return false;
		*input = bytes_of(input->data + octets, input->len - octets);
	}
	*ret_len = len;
	return len <= input->len;
}

bool der_next(struct bytes *input, struct der_element *ret_element)
{
	struct bytes rest = *input;
	uint8_t tag;
	size_t len;

	if (rest.len == 0)
		return false;
	tag = rest.data[0];
	rest = bytes_of(rest.data + 1, rest.len - 1);
	if ((tag & TAG_NUMBER) == TAG_NUMBER || !read_length(&rest, &len))
		return false;
	ret_element->tag = tag;
	ret_element->content = bytes_of(rest.data, len);
	ret_element->whole = bytes_of(input->data, (size_t)(rest.data - input->data) + len);
	*input = bytes_of(rest.data + len, rest.len - len);
	return true;
}

bool der_read(struct bytes *input, uint8_t tag, struct bytes *ret_content)
{
	struct bytes rest = *input;
	struct der_element element;

	if (!der_next(&rest, &element) || element.tag != tag)
		return false;
	*ret_content = element.content;
	*input = rest;
	return true;
}

bool der_only(struct bytes input, uint8_t tag, struct bytes *ret_content)
{
	struct bytes content;

	if (!der_read(&input, tag, &content) || input.len != 0)
		return false;
	*ret_content = content;
	return true;
}

/* The first octet counts the unused bits of the last one; they are zero. */
static bool strict_bits(struct bytes content)
{
	if (content.len < 2)
		return content.len == 1 && content.data[0] == 0;
	return content.data[0] <= 7 &&
	       (content.data[content.len - 1] & ((1u << content.data[0]) - 1)) == 0;
}

static bool strict_primitive(uint8_t tag, struct bytes c)
{
	switch (tag) {
	case DER_BOOLEAN:
		return c.len == 1 && (c.data[0] == 0 || c.data[0] == 0xff);
	case DER_NULL:
		return c.len == 0;
	case DER_INTEGER:
	case DER_ENUMERATED:
		if (c.len < 2)
			return c.len == 1;
		return !(c.data[0] == 0 && c.data[1] < 0x80) &&
		       !(c.data[0] == 0xff && c.data[1] >= 0x80);
	case DER_BIT_STRING:
		return strict_bits(c);
	case DER_OID:
		return c.len >= 1 && c.data[c.len - 1] < 0x80;
	default:
		return true;
	}
}

/* Of the universal types, sequences and sets alone are constructed; a string in pieces is BER. */
static bool strict_form(uint8_t tag)
{
	bool collects = (tag | CONSTRUCTED) == DER_SEQUENCE || (tag | CONSTRUCTED) == DER_SET;

	return (tag & CLASS) != 0 || ((tag & CONSTRUCTED) != 0) == collects;
}

static bool strict_below(struct bytes input, unsigned depth)
{
	struct der_element element;

	while (input.len > 0) {
		if (!der_next(&input, &element) || !strict_form(element.tag))
			return false;
		if (element.tag & CONSTRUCTED) {
			if (depth == DER_DEPTH_MAX || !strict_below(element.content, depth + 1))
				return false;
		} else if (!strict_primitive(element.tag, element.content)) {
			return false;
		}
	}
	return true;
}

bool der_strict(struct bytes input)
{
	return strict_below(input, 0);
}

struct der_writer der_writer(uint8_t *data, size_t size)
{
	return (struct der_writer) { .data = data, .size = size };
}

static bool make_room(struct der_writer *w, size_t len)
{
	if (len > w->size - w->len)
		w->overflow = true;
	return !w->overflow;
}

void der_put_raw(struct der_writer *w, struct bytes der)
{
	if (der.len == 0 || !make_room(w, der.len))
		return;
	memcpy(w->data + w->len, der.data, der.len);
	w->len += der.len;
}

static size_t write_length(uint8_t octets[static LENGTH_OCTETS_MAX + 1], size_t len)
{
	size_t count = 0;

	if (len < LONG_FORM) {
		octets[0] = (uint8_t)len;
		return 1;
	}
	for (size_t rest = len; rest > 0; rest >>= 8)
		count++;
	assert(count <= LENGTH_OCTETS_MAX);
	octets[0] = (uint8_t)(LONG_FORM | count);
	for (size_t i = 0; i < count; i++)
		octets[1 + i] = (uint8_t)(len >> 8 * (count - 1 - i));
	return 1 + count;
}

size_t der_begin(struct der_writer *w, uint8_t tag)
{
	der_put_raw(w, bytes_of(&tag, 1));
	return w->len;
}

void der_end(struct der_writer *w, size_t mark)
{
	uint8_t octets[LENGTH_OCTETS_MAX + 1];
	size_t len = w->len - mark;
	size_t length_len = write_length(octets, len);

	if (!make_room(w, length_len))
		return;
	memmove(w->data + mark + length_len, w->data + mark, len);
	memcpy(w->data + mark, octets, length_len);
	w->len += length_len;
}

void der_put(struct der_writer *w, uint8_t tag, struct bytes content)
{
	uint8_t head[1 + LENGTH_OCTETS_MAX + 1] = { tag };
	size_t head_len = 1 + write_length(head + 1, content.len);

	der_put_raw(w, bytes_of(head, head_len));
	der_put_raw(w, content);
}

void der_put_integer(struct der_writer *w, struct bytes octets)
{
	static const uint8_t zero = 0;
	size_t mark = der_begin(w, DER_INTEGER);

	while (octets.len > 0 && octets.data[0] == 0)
		octets = bytes_of(octets.data + 1, octets.len - 1);
	if (octets.len == 0 || octets.data[0] >= 0x80)
		der_put_raw(w, bytes_of(&zero, 1));
	der_put_raw(w, octets);
	der_end(w, mark);
}

void der_put_small(struct der_writer *w, uint64_t value)
{
	uint8_t octets[8];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(value >> 8 * (sizeof(octets) - 1 - i));
	der_put_integer(w, BYTES(octets));
}

void der_put_time(struct der_writer *w, int64_t wall_s)
{
	time_t when = (time_t)wall_s;
	char text[DER_TIME_MAX];
	struct tm tm;

	gmtime_r(&when, &tm);
	if (strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) == 0)
		w->overflow = true;
	else if (tm.tm_year + 1900 <= LAST_UTC_YEAR)
		der_put(w, DER_UTC_TIME, bytes_text(text + 2)); /* without the century */
	else
		der_put(w, DER_GENERALIZED_TIME, bytes_text(text));
}

bool der_ok(const struct der_writer *w)
{
	return !w->overflow;
}

struct bytes der_written(const struct der_writer *w)
{
	return bytes_of(w->data, w->len);
}
