#include "base/hex.h"

char *hex_encode(struct bytes bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		text[2 * i] = digits[bytes.data[i] >> 4];
		text[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	text[2 * bytes.len] = '\0';
	return text;
}

/* One more than the digit's value; 0: it is none. */
static const uint8_t values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool hex_decode(const char *text, uint8_t *ret_data, size_t len)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned high = values[(uint8_t)text[2 * i]],
			 low = values[(uint8_t)text[2 * i + 1]];

		if (!high || !low)
			return false;
		ret_data[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return true;
}
