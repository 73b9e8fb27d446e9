#include "cloud/ledger/base64.h"

#define XX 0x80 /* no digit */

/* clang-format off */
static const uint8_t values[256] = {
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
	XX, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX,
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
	[128 ... 255] = XX,
};
/* clang-format on */

/* The last group, which may be padded. */
static bool read_last(const uint8_t *from, uint8_t *to, size_t *ret_len)
{
	unsigned padding = from[3] != '=' ? 0 : from[2] != '=' ? 1 : 2;
	uint32_t a = values[from[0]], b = values[from[1]];
	uint32_t c = padding == 2 ? 0 : values[from[2]], d = padding ? 0 : values[from[3]];
	uint32_t group = a << 18 | b << 12 | c << 6 | d;

	if ((a | b | c | d) & XX || group & ((UINT32_C(1) << 8 * padding) - 1))
		return false;
	for (unsigned i = 0; i < 3 - padding; i++)
		to[i] = (uint8_t)(group >> (16 - 8 * i));
	*ret_len += 3 - padding;
	return true;
}

bool base64_read(struct bytes text, uint8_t *ret_data, size_t *ret_len)
{
	const uint8_t *from = text.data, *last;
	uint8_t *to = ret_data;
	uint32_t wrong = 0;

	*ret_len = 0;
	if (text.len % 4)
		return false;
	if (text.len == 0)
		return true;
	last = from + text.len - 4;
	for (; from < last; from += 4, to += 3) {
		uint32_t a = values[from[0]], b = values[from[1]], c = values[from[2]],
			 d = values[from[3]], group = a << 18 | b << 12 | c << 6 | d;

		wrong |= a | b | c | d;
		to[0] = (uint8_t)(group >> 16);
		to[1] = (uint8_t)(group >> 8);
		to[2] = (uint8_t)group;
	}
	*ret_len = (size_t)(to - ret_data);
	return !(wrong & XX) && read_last(last, to, ret_len);
}
