#include "cloud/rehearsal/journal.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int journal_fd = -1;

void journal_open(int fd)
{
	journal_fd = fd;
}

/* Copies what is printable; the end of a line looks like one. */
static size_t clean(const char *text, char *ret_line, size_t size)
{
	size_t len = 0;

	for (; *text && len + 4 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n') {
			memcpy(ret_line + len, " | ", 3);
			len += 3;
		} else {
			ret_line[len++] = (char)(c < 0x20 || c > 0x7e ? '?' : c);
		}
	}
	ret_line[len++] = '\n';
	return len;
}

void journal_say(const char *format, ...)
{
	char text[JOURNAL_LINE_MAX], line[JOURNAL_LINE_MAX], now[CLOCK_TEXT_SIZE];
	va_list args;
	int head;
	size_t len;

	if (journal_fd < 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	head = snprintf(line, sizeof(line), "%s: ", clock_format(clock_wall_s(), now));
	len = clean(text, line + head, sizeof(line) - (size_t)head);
	/* One write: two processes share the file. A full disk is nobody's business here. */
	if (write(journal_fd, line, (size_t)head + len) < 0)
		return;
}
