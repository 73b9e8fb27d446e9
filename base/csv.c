#include "base/csv.h"

#include <string.h>

void csv_cell(FILE *to, const char *text)
{
	putc('"', to);
	if (*text && strchr("=+-@", *text))
		putc('\'', to);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', to);
		putc(*text, to);
	}
	putc('"', to);
}
