#include "serial/base64.h"

#define QUAD 4
#define BITS 6

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* -1: none. */
static int value_of(uint8_t c, enum base64_alphabet alphabet)
{
	const char *last = alphabet == BASE64_URL ? "-_" : "+/";
	const char *at = c ? strchr(letters, c) : NULL;

	if (at)
		return (int)(at - letters);
	return c == (uint8_t)last[0] ? 62 : c == (uint8_t)last[1] ? 63 : -1;
}

/* Characters without the padding; false if that is wrong. */
static bool strip(struct bytes text, enum base64_alphabet alphabet, size_t *ret_len)
{
	size_t len = text.len;

	if (alphabet == BASE64_STANDARD) {
		if (len % QUAD != 0)
			return false;
		for (int i = 0; i < 2 && len > 0 && text.data[len - 1] == '='; i++)
			len--;
	}
	*ret_len = len;
	return len % QUAD != 1;
}

bool base64_decode(struct bytes text, enum base64_alphabet alphabet, uint8_t *ret_data, size_t size,
		   size_t *ret_len)
{
	size_t count, len = 0;
	uint32_t bits = 0;
	int held = 0;

	if (!strip(text, alphabet, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		int value = value_of(text.data[i], alphabet);

		if (value < 0)
			return false;
		bits = (bits << BITS | (uint32_t)value) & 0xffff;
		held += BITS;
		if (held < 8)
			continue;
		if (len == size)
			return false;
		held -= 8;
		ret_data[len++] = (uint8_t)(bits >> held);
	}
	if (bits & ((1u << held) - 1))
		return false;
	*ret_len = len;
	return true;
}

void base64_encode(struct bytes bytes, char *ret_text)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t bits = (uint32_t)bytes.data[i] << 16;

		bits |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		bits |= left > 2 ? bytes.data[i + 2] : 0;
		for (size_t j = 0; j < QUAD; j++) {
			uint32_t value = bits >> (18 - BITS * j) & 63;

			*ret_text++ = j > left	   ? '='
				      : value < 62 ? letters[value]
						   : "+/"[value - 62];
		}
	}
	*ret_text = '\0';
}
