#include "serial/frame.h"

#define LEN_SIZE 2
#define CRC_SIZE 2
#define NO_SEXTET 0xff

static const uint8_t first_marker[2] = { 0x06, 0x09 };
static const uint8_t next_marker[2] = { 0x04, 0x14 };
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint16_t frame_crc(struct bytes bytes)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		crc = (uint16_t)(crc ^ bytes.data[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

static void put_u16(uint8_t ret[2], size_t value)
{
	ret[0] = (uint8_t)(value >> 8);
	ret[1] = (uint8_t)value;
}

struct frame_encoder frame_encoder_start(struct bytes message)
{
	struct frame_encoder f = { .message = message };

	put_u16(f.head, message.len + CRC_SIZE);
	put_u16(f.tail, frame_crc(message));
	return f;
}

static uint8_t packet_byte(const struct frame_encoder *f, size_t at)
{
	if (at < LEN_SIZE)
		return f->head[at];
	at -= LEN_SIZE;
	return at < f->message.len ? f->message.data[at] : f->tail[at - f->message.len];
}

static void encode_quad(const uint8_t raw[3], size_t len, uint8_t ret_quad[4])
{
	uint32_t bits = (uint32_t)raw[0] << 16 | (uint32_t)raw[1] << 8 | raw[2];

	for (int i = 0; i < 4; i++)
		ret_quad[i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 0x3f];
	for (size_t i = len + 1; i < 4; i++)
		ret_quad[i] = '=';
}

size_t frame_encode_line(struct frame_encoder *f, uint8_t ret_line[FRAME_LINE_MAX])
{
	size_t total = f->message.len + FRAME_OVERHEAD;
	size_t left = total - f->at < FRAME_LINE_RAW ? total - f->at : FRAME_LINE_RAW;
	size_t len = 2;

	if (left == 0)
		return 0;
	memcpy(ret_line, f->at == 0 ? first_marker : next_marker, 2);
	while (left > 0) {
		uint8_t raw[3] = { 0 };
		size_t count = left < 3 ? left : 3;

		for (size_t i = 0; i < count; i++)
			raw[i] = packet_byte(f, f->at++);
		encode_quad(raw, count, ret_line + len);
		len += 4;
		left -= count;
	}
	ret_line[len++] = '\n';
	return len;
}

size_t frame_wire_len(size_t message_len)
{
	size_t total = message_len + FRAME_OVERHEAD;
	size_t lines = (total + FRAME_LINE_RAW - 1) / FRAME_LINE_RAW;

	/* Every line but the last holds a multiple of 3, so the quads add up. */
	return lines * 3 + (total + 2) / 3 * 4;
}

struct frame_decoder frame_decoder_start(uint8_t *data, size_t size)
{
	struct frame_decoder d = { .data = data, .size = size };

	return d;
}

static void drop(struct frame_decoder *d)
{
	d->in_line = false;
	d->in_packet = false;
	d->dropped++;
}

static void begin_line(struct frame_decoder *d, bool first)
{
	if (first && d->in_packet)
		d->dropped++;
	if (first)
		d->got = 0;
	d->in_packet = true;
	d->in_line = true;
	d->padded = false;
	d->quad_len = 0;
}

/* Outside a line everything but a marker is somebody else's text. */
static void seek(struct frame_decoder *d, uint8_t byte)
{
	if (d->last == first_marker[0] && byte == first_marker[1])
		begin_line(d, true);
	else if (d->in_packet && d->last == next_marker[0] && byte == next_marker[1])
		begin_line(d, false);
	d->last = byte;
}

static uint8_t sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : NO_SEXTET;
}

/* One byte of the packet: len16 first, then message and CRC. */
static bool store(struct frame_decoder *d, uint8_t byte)
{
	if (d->got < LEN_SIZE) {
		d->total = d->got == 0 ? (size_t)byte << 8 : d->total | byte;
		d->got++;
		return d->got < LEN_SIZE || (d->total >= CRC_SIZE && d->total <= d->size);
	}
	if (d->got - LEN_SIZE >= d->total)
		return false;
	d->data[d->got++ - LEN_SIZE] = byte;
	return true;
}

static bool decode_quad(struct frame_decoder *d)
{
	size_t count = d->quad[2] == '=' ? 1 : d->quad[3] == '=' ? 2 : 3;
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		uint8_t value = i <= count ? sextet(d->quad[i]) : 0;

		if (value == NO_SEXTET || (i > count && d->quad[i] != '='))
			return false;
		bits = bits << 6 | value;
	}
	d->padded = count < 3;
	for (size_t i = 0; i < count; i++)
		if (!store(d, (uint8_t)(bits >> (16 - 8 * i))))
			return false;
	return true;
}

/* At a line's end: true if the packet is whole and right; a packet that wants more stays open. */
static bool end_line(struct frame_decoder *d, struct bytes *ret_message)
{
	d->in_line = false;
	d->last = 0;
	if (d->quad_len != 0) {
		drop(d);
		return false;
	}
	if (d->got < LEN_SIZE || d->got - LEN_SIZE < d->total)
		return false;
	if (frame_crc(bytes_of(d->data, d->total)) != 0) {
		drop(d);
		return false;
	}
	d->in_packet = false;
	*ret_message = bytes_of(d->data, d->total - CRC_SIZE);
	return true;
}

bool frame_decode(struct frame_decoder *d, uint8_t byte, struct bytes *ret_message)
{
	d->received++;
	if (byte == '\r')
		return false;
	if (!d->in_line) {
		seek(d, byte);
		return false;
	}
	if (byte == '\n')
		return end_line(d, ret_message);
	if (d->padded || (byte != '=' && sextet(byte) == NO_SEXTET)) {
		drop(d);
		d->last = byte;
		return false;
	}
	d->quad[d->quad_len++] = byte;
	if (d->quad_len == 4) {
		d->quad_len = 0;
		if (!decode_quad(d))
			drop(d);
	}
	return false;
}
