#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_put(struct err *e, int code, const char *format, ...)
{
	va_list args;

	e->code = code;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
}

void err_put_errno(struct err *e, int code, const char *format, ...)
{
	int saved = errno;
	char reason[128];
	va_list args;
	size_t len;

	e->code = code;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s",
		 strerror_r(saved, reason, sizeof(reason)));
}

void err_put_context(struct err *e, const char *format, ...)
{
	char before[ERR_TEXT_SIZE];
	size_t len, room;
	va_list args;

	memcpy(before, e->text, sizeof(before));
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	len = strlen(e->text);
	room = sizeof(e->text) - len;
	snprintf(e->text + len, room, ": %.*s", (int)sizeof(before) - 1, before);
}
