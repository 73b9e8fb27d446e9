#include "cloud/reconcile/html.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define UTF8_MAX 4

/* The length of the UTF-8 character (RFC 3629) at the start, or 0 if it is none. */
static size_t decode(const unsigned char *at, uint32_t *ret_value)
{
	static const uint32_t least[UTF8_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
	uint32_t value = len > 1 ? *at & (0x7fu >> len) : *at;

	if (*at > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80) /* the final NUL too */
			return 0;
		value = value << 6 | (at[i] & 0x3f);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*ret_value = value;
	return len;
}

/* Controls, soft hyphen, fillers, zero-width and bidirectional marks, line separators, variation
 * selectors, byte order mark, tags. */
static bool is_unseen(uint32_t value)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	      { 0x7f, 0x9f },	  { 0xad, 0xad },     { 0x34f, 0x34f },
		{ 0x61c, 0x61c },     { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
		{ 0x200b, 0x200f },   { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (value >= ranges[i].first && value <= ranges[i].last)
			return true;
	return false;
}

static const char *entity(uint32_t value)
{
	switch (value) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(FILE *to, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	uint32_t value = 0;

	while (*at) {
		size_t len = decode(at, &value);

		if (len == 0)
			fputs(REPLACEMENT, to);
		else if (is_unseen(value))
			fprintf(to, "[U+%04" PRIX32 "]", value);
		else if (entity(value))
			fputs(entity(value), to);
		else
			fwrite(at, 1, len, to);
		at += len ? len : 1;
	}
}

char *html_count_text(uint64_t count, char text[static HTML_COUNT_SIZE])
{
	char digits[HTML_COUNT_SIZE];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *at = text;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return text;
}

void html_count(FILE *to, uint64_t count)
{
	char text[HTML_COUNT_SIZE];

	fputs(html_count_text(count, text), to);
}

void html_time(FILE *to, int64_t time_s)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char machine[CLOCK_TEXT_SIZE];
	time_t time = (time_t)time_s;
	struct tm t;

	if (!time_s || !gmtime_r(&time, &t)) {
		fputs("–", to);
		return;
	}
	fprintf(to, "<time datetime=\"%s\">%d %s %d, %02d:%02d</time>",
		clock_format(time_s, machine), t.tm_mday, months[t.tm_mon], t.tm_year + 1900,
		t.tm_hour, t.tm_min);
}
