#include "hsm/api/head.h"

#include "base/cbor.h"
#include "base/clock.h"
#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD_ITEMS 6
#define HEAD_MARK "imprint-head-v1" /* keeps the head key from signing anything else */

size_t head_signed_bytes(const struct head *head, uint8_t ret_data[static HEAD_SIGNED_MAX])
{
	struct cbor_writer w = { .data = ret_data, .size = HEAD_SIGNED_MAX };

	cbor_put_array(&w, HEAD_ITEMS);
	cbor_put_key(&w, HEAD_MARK);
	cbor_put_bytes(&w, BYTES(head->ledger_id));
	cbor_put_unsigned(&w, head->epoch);
	cbor_put_unsigned(&w, head->size);
	cbor_put_bytes(&w, BYTES(head->root));
	cbor_put_unsigned(&w, (uint64_t)head->time_s);
	return w.len;
}

char *head_format(const struct head *head, char text[static HEAD_TEXT_MAX])
{
	char id[2 * LEDGER_ID_LEN + 1], root[2 * SHA256_LEN + 1], key[2 * HEAD_KEY_MAX + 1],
		signature[2 * HEAD_SIGNATURE_MAX + 1], time[CLOCK_TEXT_SIZE];

	snprintf(text, HEAD_TEXT_MAX,
		 "{\"ledger\":\"%s\",\"epoch\":%" PRIu32 ",\"size\":%" PRIu64
		 ",\"root\":\"%s\",\"time\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}",
		 hex_encode(BYTES(head->ledger_id), id), head->epoch, head->size,
		 hex_encode(BYTES(head->root), root), clock_format(head->time_s, time),
		 hex_encode(bytes_of(head->key, head->key_len), key),
		 hex_encode(bytes_of(head->signature, head->signature_len), signature));
	return text;
}

/* Reads a head's line from left to right; NULL once something is not as it must be. */
struct cursor {
	const char *at;
};

static void take(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);

	c->at = c->at && strncmp(c->at, literal, len) == 0 ? c->at + len : NULL;
}

static uint64_t take_number(struct cursor *c, uint64_t max)
{
	uint64_t value = 0;
	const char *start = c->at;

	while (c->at && *c->at >= '0' && *c->at <= '9') {
		unsigned digit = (unsigned)(*c->at - '0');

		if (value > (max - digit) / 10)
			c->at = NULL;
		else
			c->at++;
		value = value * 10 + digit;
	}
	if (c->at == start)
		c->at = NULL;
	return value;
}

/* The text up to the next quote, which is left. */
static void take_text(struct cursor *c, char *ret_text, size_t size)
{
	size_t len = c->at ? strcspn(c->at, "\"") : size;

	if (len >= size) {
		c->at = NULL;
		len = 0;
	}
	if (len)
		memcpy(ret_text, c->at, len);
	ret_text[len] = '\0';
	if (c->at)
		c->at += len;
}

static size_t take_hex(struct cursor *c, uint8_t *ret_data, size_t max_len)
{
	char text[2 * HEAD_KEY_MAX + 1];
	size_t len;

	take_text(c, text, sizeof(text));
	len = strlen(text) / 2;
	if (len > max_len || !hex_decode(text, ret_data, len)) {
		c->at = NULL;
		return 0;
	}
	return len;
}

static void take_head(struct cursor *c, struct head *head)
{
	char time[CLOCK_TEXT_SIZE];

	take(c, "{\"ledger\":\"");
	if (take_hex(c, head->ledger_id, LEDGER_ID_LEN) != LEDGER_ID_LEN)
		c->at = NULL;
	take(c, "\",\"epoch\":");
	head->epoch = (uint32_t)take_number(c, UINT32_MAX);
	take(c, ",\"size\":");
	head->size = take_number(c, INT64_MAX);
	take(c, ",\"root\":\"");
	if (take_hex(c, head->root, SHA256_LEN) != SHA256_LEN)
		c->at = NULL;
	take(c, "\",\"time\":\"");
	take_text(c, time, sizeof(time));
	if (c->at && !clock_parse(time, &head->time_s))
		c->at = NULL;
	take(c, "\",\"key\":\"");
	head->key_len = take_hex(c, head->key, HEAD_KEY_MAX);
	take(c, "\",\"signature\":\"");
	head->signature_len = take_hex(c, head->signature, HEAD_SIGNATURE_MAX);
	take(c, "\"}");
}

bool head_parse(const char *text, struct head *ret_head, struct err *e)
{
	struct cursor c = { text + strspn(text, " \t\r\n") };
	struct head head = { 0 };

	take_head(&c, &head);
	if (!c.at || c.at[strspn(c.at, " \t\r\n")] || head.time_s < 0 ||
	    head.time_s > ENTRY_TIME_MAX)
		return err_set(
			e, ERR_INVALID,
			"this is not the head of a ledger; it must be the one line of JSON that "
			"imprint ledger head prints");
	*ret_head = head;
	return true;
}

void head_write(struct writer *w, const struct head *head)
{
	write_raw(w, head->ledger_id, LEDGER_ID_LEN);
	write_u32(w, head->epoch);
	write_u64(w, head->size);
	write_raw(w, head->root, SHA256_LEN);
	write_u64(w, (uint64_t)head->time_s);
	write_bytes(w, bytes_of(head->key, head->key_len));
	write_bytes(w, bytes_of(head->signature, head->signature_len));
}

static size_t read_short(struct reader *r, uint8_t *ret_data, size_t max_len)
{
	struct bytes data = read_bytes(r, max_len);

	if (r->bad)
		return 0;
	if (data.len)
		memcpy(ret_data, data.data, data.len);
	return data.len;
}

void head_read(struct reader *r, struct head *ret_head)
{
	struct head head = { 0 };
	uint64_t time_s;

	read_raw(r, head.ledger_id, LEDGER_ID_LEN);
	head.epoch = read_u32(r);
	head.size = read_u64(r);
	read_raw(r, head.root, SHA256_LEN);
	time_s = read_u64(r);
	if (time_s > ENTRY_TIME_MAX)
		r->bad = true;
	head.time_s = r->bad ? 0 : (int64_t)time_s;
	head.key_len = read_short(r, head.key, HEAD_KEY_MAX);
	head.signature_len = read_short(r, head.signature, HEAD_SIGNATURE_MAX);
	*ret_head = head;
}
