#include "hsm/api/text.h"

/* The length of the UTF-8 character at the start, or 0 if it is none (RFC 3629) or a control
 * character. */
static size_t character_len(const uint8_t *at, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t value;

	if (len == 1)
		return at[0] >= 0x20 && at[0] != 0x7f;
	if (len == 0 || len > left || at[0] > 0xf4)
		return 0;
	value = at[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ||
	    value < 0xa0)
		return 0;
	return len;
}

bool text_is_clean(struct bytes text, bool lines)
{
	size_t at = 0;

	while (at < text.len) {
		size_t len = character_len(text.data + at, text.len - at);

		if (len == 0 && !(lines && text.data[at] == '\n'))
			return false;
		at += len ? len : 1;
	}
	return true;
}
