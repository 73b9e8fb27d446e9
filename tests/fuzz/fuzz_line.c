/* Any bytes on the line: the reader stays inside its text, and every line it gives ends. The first
 * byte says whether quotes count, the first line is the pattern. */
#include "serial/line.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line_reader reader;
	char pattern[64] = "";

	reader = (struct line_reader) { .prompt = "uart:~$ ", .quoted = size > 0 && data[0] & 1 };
	for (size_t i = 1; i < size; i++) {
		if (!line_take(&reader, data[i]))
			continue;
		assert(strlen(reader.text) > 0 && strlen(reader.text) <= LINE_TEXT_MAX);
		assert(line_matches("*", reader.text));
		assert(line_matches(reader.text, reader.text) || strpbrk(reader.text, "#~*"));
		if (!*pattern)
			memcpy(pattern, reader.text, strnlen(reader.text, sizeof(pattern) - 1));
		(void)line_matches(pattern, reader.text);
	}
	return 0;
}
