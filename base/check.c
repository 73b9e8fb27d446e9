#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORD_LEN 4

static const struct {
	char word[WORD_LEN + 1];
	const char *colour;
} levels[CHECK_LEVELS] = {
	[CHECK_OK] = { "ok  ", "\033[32m" },
	[CHECK_WARN] = { "WARN", "\033[33m" },
	[CHECK_FAIL] = { "FAIL", "\033[1;31m" },
};

void check_say(struct check *c, enum check_level level, const char *subject, const char *format,
	       ...)
{
	char text[CHECK_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *t = text; *t; t++)
		if ((unsigned char)*t < 0x20 || *t == 0x7f)
			*t = '?';
	printf("%s%s%s  %-*s  %s\n", c->colour ? levels[level].colour : "", levels[level].word,
	       c->colour ? "\033[0m" : "", CHECK_SUBJECT_WIDTH, subject, text);
	fflush(stdout);
	c->counts[level]++;
}

bool check_that(struct check *c, const char *subject, bool good, const struct err *e)
{
	if (!good)
		check_say(c, CHECK_FAIL, subject, "%s", e->text);
	return good;
}

static bool read_level(const char *line, enum check_level *ret_level)
{
	for (int i = 0; i < CHECK_LEVELS; i++)
		if (strncmp(line, levels[i].word, WORD_LEN) == 0) {
			*ret_level = (enum check_level)i;
			return true;
		}
	return false;
}

bool check_read(char *line, enum check_level *ret_level, const char **ret_subject,
		const char **ret_text)
{
	char *subject, *end;

	if (!read_level(line, ret_level) || strncmp(line + WORD_LEN, "  ", 2) != 0)
		return false;
	subject = line + WORD_LEN + 2;
	end = strchr(subject, ' ');
	if (!end || end == subject)
		return false;
	*end = '\0';
	*ret_subject = subject;
	*ret_text = end + 1 + strspn(end + 1, " ");
	return true;
}

void check_sum(const struct check *c)
{
	printf("%u ok, %u to look at, %u wrong\n", c->counts[CHECK_OK], c->counts[CHECK_WARN],
	       c->counts[CHECK_FAIL]);
}

int check_exit(const struct check *c)
{
	return c->counts[CHECK_FAIL] ? 1 : 0;
}
