#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 1024

void log_event(int level, const char *phrase, const char *facts, ...)
{
	char line[LINE_SIZE];
	int len = snprintf(line, sizeof(line), "<%d>%s%s", level, phrase, *facts ? " " : "");
	va_list args;

	if (len < 0 || len >= LINE_SIZE - 2)
		return;
	va_start(args, facts);
	vsnprintf(line + len, sizeof(line) - (size_t)len - 1, facts, args);
	va_end(args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	strcat(line, "\n");
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* nobody listens: there is no other place to say so */
}

const char *log_text(const char *text, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", text);
	for (char *c = ret_text; *c; c++)
		if (*c == '"')
			*c = '\'';
	return ret_text;
}
