#include "base/message.h"

static uint8_t *take_room(struct writer *w, size_t len)
{
	uint8_t *at = w->data + w->len;

	if (w->overflow || len > w->size - w->len) {
		w->overflow = true;
		return NULL;
	}
	w->len += len;
	return at;
}

static void write_number(struct writer *w, uint64_t value, size_t len)
{
	uint8_t *at = take_room(w, len);

	for (size_t i = 0; at && i < len; i++)
		at[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

struct writer writer_start(uint8_t *data, size_t size, uint8_t type)
{
	struct writer w = { .data = data, .size = size };

	write_u8(&w, MESSAGE_VERSION);
	write_u8(&w, type);
	return w;
}

void write_u8(struct writer *w, uint8_t value)
{
	write_number(w, value, 1);
}

void write_u16(struct writer *w, uint16_t value)
{
	write_number(w, value, 2);
}

void write_u32(struct writer *w, uint32_t value)
{
	write_number(w, value, 4);
}

void write_u64(struct writer *w, uint64_t value)
{
	write_number(w, value, 8);
}

void write_raw(struct writer *w, const void *data, size_t len)
{
	uint8_t *at = take_room(w, len);

	if (at && len)
		memcpy(at, data, len);
}

void write_bytes(struct writer *w, struct bytes bytes)
{
	write_u32(w, (uint32_t)bytes.len);
	write_raw(w, bytes.data, bytes.len);
}

void write_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT16_MAX) {
		w->overflow = true;
		return;
	}
	write_u16(w, (uint16_t)len);
	write_raw(w, text, len);
}

bool writer_ok(const struct writer *w)
{
	return !w->overflow;
}

static const uint8_t *take_bytes(struct reader *r, size_t len)
{
	const uint8_t *at = r->data + r->at;

	if (r->bad || len > r->len - r->at) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	return at;
}

static uint64_t read_number(struct reader *r, size_t len)
{
	const uint8_t *at = take_bytes(r, len);
	uint64_t value = 0;

	for (size_t i = 0; at && i < len; i++)
		value = value << 8 | at[i];
	return value;
}

struct reader reader_start(struct bytes record, uint8_t *ret_type)
{
	struct reader r = { .data = record.data, .len = record.len };

	if (read_u8(&r) != MESSAGE_VERSION)
		r.bad = true;
	*ret_type = read_u8(&r);
	return r;
}

uint8_t read_u8(struct reader *r)
{
	return (uint8_t)read_number(r, 1);
}

uint16_t read_u16(struct reader *r)
{
	return (uint16_t)read_number(r, 2);
}

uint32_t read_u32(struct reader *r)
{
	return (uint32_t)read_number(r, 4);
}

uint64_t read_u64(struct reader *r)
{
	return read_number(r, 8);
}

void read_raw(struct reader *r, void *ret_data, size_t len)
{
	const uint8_t *at = take_bytes(r, len);

	if (at)
		memcpy(ret_data, at, len);
	else
		memset(ret_data, 0, len);
}

struct bytes read_bytes(struct reader *r, size_t max_len)
{
	size_t len = read_u32(r);
	const uint8_t *at;

	if (len > max_len)
		r->bad = true;
	at = take_bytes(r, len);
	return at ? bytes_of(at, len) : bytes_of("", 0);
}

/* C0 but LF, DEL, and C1 in UTF-8: terminals obey them. */
static bool is_control(const uint8_t *text, size_t at)
{
	return (text[at] < 0x20 && text[at] != '\n') || text[at] == 0x7f ||
	       (at > 0 && text[at - 1] == 0xc2 && text[at] < 0xa0);
}

void read_text(struct reader *r, char *ret_text, size_t size)
{
	size_t len = read_u16(r);
	const uint8_t *at;

	if (len >= size)
		r->bad = true;
	at = take_bytes(r, len);
	for (size_t i = 0; at && i < len; i++)
		if (is_control(at, i))
			r->bad = true;
	if (!at || r->bad)
		len = 0;
	if (len)
		memcpy(ret_text, at, len);
	ret_text[len] = '\0';
}

bool reader_end(const struct reader *r)
{
	return !r->bad && r->at == r->len;
}
