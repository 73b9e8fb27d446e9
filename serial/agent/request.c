#include "serial/agent/request.h"

#define INTEGER 0x02
#define BIT_STRING 0x03
#define UTF8_STRING 0x0c
#define SEQUENCE 0x30
#define SET 0x31

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 65 bytes */
static const uint8_t key_prefix[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t common_name[] = { 0x06, 0x03, 0x55, 0x04, 0x03 };
static const uint8_t no_attributes[] = { 0xa0, 0x00 };
static const uint8_t version_0[] = { 0x02, 0x01, 0x00 };
/* SEQUENCE { ecdsa-with-SHA256 }, no parameters (RFC 5758) */
static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* DER written from its end to its beginning, so that every length is known when it is needed. The
 * sizes above are reckoned so that it always fits; full only guards that. */
struct der {
	uint8_t *data;
	size_t at; /* what is written lies from here to the end */
	bool full;
};

static void put(struct der *d, struct bytes bytes)
{
	d->full = d->full || bytes.len > d->at;
	if (d->full)
		return;
	d->at -= bytes.len;
	if (bytes.len)
		memcpy(d->data + d->at, bytes.data, bytes.len);
}

/* Puts the head before what was written since the end was at `end`. */
static void wrap(struct der *d, uint8_t tag, size_t end)
{
	size_t len = end - d->at;
	uint8_t head[4] = { tag };
	size_t head_len = len < 0x80 ? 2 : len <= 0xff ? 3 : 4;

	head[1] = (uint8_t)(head_len == 2 ? len : 0x80 + head_len - 2);
	if (head_len == 3)
		head[2] = (uint8_t)len;
	if (head_len == 4) {
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
	}
	put(d, bytes_of(head, head_len));
}

static void put_integer(struct der *d, const uint8_t *number, size_t len)
{
	static const uint8_t zero = 0;
	size_t end = d->at;

	while (len > 1 && number[0] == 0) {
		number++;
		len--;
	}
	put(d, bytes_of(number, len));
	if (number[0] & 0x80)
		put(d, bytes_of(&zero, 1));
	wrap(d, INTEGER, end);
}

static void put_signature(struct der *d, const uint8_t raw[AGENT_SIGNATURE_RAW])
{
	size_t end = d->at;

	put_integer(d, raw + AGENT_SIGNATURE_RAW / 2, AGENT_SIGNATURE_RAW / 2);
	put_integer(d, raw, AGENT_SIGNATURE_RAW / 2);
	wrap(d, SEQUENCE, end);
}

static void put_subject(struct der *d, struct bytes unit)
{
	size_t end = d->at;

	put(d, unit);
	wrap(d, UTF8_STRING, end);
	put(d, BYTES(common_name));
	wrap(d, SEQUENCE, end);
	wrap(d, SET, end);
	wrap(d, SEQUENCE, end);
}

/* What is signed: CertificationRequestInfo. */
static void put_info(struct der *d, const uint8_t point[AGENT_POINT_SIZE], struct bytes unit)
{
	size_t end = d->at;

	put(d, BYTES(no_attributes));
	put(d, bytes_of(point, AGENT_POINT_SIZE));
	put(d, BYTES(key_prefix));
	put_subject(d, unit);
	put(d, BYTES(version_0));
	wrap(d, SEQUENCE, end);
}

static bool sign(const struct agent_port *port, struct bytes key, struct bytes info,
		 uint8_t ret_raw[AGENT_SIGNATURE_RAW])
{
	uint8_t hash[AGENT_HASH_SIZE];

	port->hash_start(port->context);
	port->hash_add(port->context, info.data, info.len);
	port->hash_end(port->context, hash);
	return port->key_sign(port->context, key, hash, ret_raw);
}

static size_t to_front(struct der *d, size_t size)
{
	size_t len = size - d->at;

	if (d->full)
		return 0;
	memmove(d->data, d->data + d->at, len);
	return len;
}

size_t request_make(const struct agent_port *port, struct bytes key, struct bytes unit,
		    uint8_t ret_csr[REQUEST_MAX])
{
	static const uint8_t unused_bits = 0;
	uint8_t info[REQUEST_MAX / 2 + AGENT_UNIT_MAX];
	uint8_t point[AGENT_POINT_SIZE], raw[AGENT_SIGNATURE_RAW];
	struct der inner = { .data = info, .at = sizeof(info) };
	struct der d = { .data = ret_csr, .at = REQUEST_MAX };

	if (unit.len > AGENT_UNIT_MAX || !port->key_point(port->context, key, point))
		return 0;
	put_info(&inner, point, unit);
	if (inner.full || !sign(port, key, bytes_of(info + inner.at, sizeof(info) - inner.at), raw))
		return 0;
	put_signature(&d, raw);
	put(&d, bytes_of(&unused_bits, 1));
	wrap(&d, BIT_STRING, REQUEST_MAX);
	put(&d, BYTES(algorithm));
	put(&d, bytes_of(info + inner.at, sizeof(info) - inner.at));
	wrap(&d, SEQUENCE, REQUEST_MAX);
	return to_front(&d, REQUEST_MAX);
}

size_t request_signature(const uint8_t raw[AGENT_SIGNATURE_RAW],
			 uint8_t ret_der[REQUEST_SIGNATURE_MAX])
{
	struct der d = { .data = ret_der, .at = REQUEST_SIGNATURE_MAX };

	put_signature(&d, raw);
	return to_front(&d, REQUEST_SIGNATURE_MAX);
}
