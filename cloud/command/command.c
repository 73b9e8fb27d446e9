#include "cloud/command/command.h"

#include "hsm/api/refusal.h"

#include <stdarg.h>

#define LABEL_WIDTH 19

struct client cloud_signer = { .fd = -1 };

/* C0, DEL, and C1 as UTF-8 has it (c2 80..9f). */
char *cloud_clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			c[0] = c[1] = '?';
	return text;
}

int cloud_failed(const struct err *e)
{
	/* A sentence with a second half says there what to do. */
	const char *remedy = strchr(e->text, ';') ? "" : refusal_remedy(e->code);
	char text[ERR_TEXT_SIZE];

	strcpy(text, e->text);
	fprintf(stderr, "%simprint: %s%s%s\n", e->code == ERR_CORRUPT ? "ALARM: " : "",
		cloud_clean(text), *remedy ? ". " : "", remedy);
	return e->code == ERR_USAGE	? CLOUD_USAGE
	       : e->code == ERR_CORRUPT ? CLOUD_ALARM
					: CLOUD_FAILED;
}

int cloud_print(const json_t *object)
{
	struct err e;

	if (object && json_dumpf(object, stdout, JSON_COMPACT) == 0 && putchar('\n') == '\n')
		return CLOUD_DONE;
	err_set(&e, ERR_SYSTEM, "cannot print the answer as JSON");
	return cloud_failed(&e);
}

void cloud_line(const char *label, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("%-*s%s\n", LABEL_WIDTH, label, cloud_clean(text));
}

char *cloud_time(int64_t wall_s, char text[static CLOCK_TEXT_SIZE])
{
	return wall_s ? clock_format(wall_s, text) : strcpy(text, "-");
}

json_t *cloud_time_json(int64_t wall_s)
{
	char text[CLOCK_TEXT_SIZE];

	return wall_s ? json_string(clock_format(wall_s, text)) : json_null();
}
