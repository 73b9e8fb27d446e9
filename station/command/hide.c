#include "station/command/hide.h"

#include <ctype.h>
#include <string.h>

static bool is_known(const struct hide *h, const char *id, size_t len)
{
	for (size_t i = 0; i < h->count; i++)
		if (strncmp(h->ids[i], id, len) == 0 && !h->ids[i][len])
			return true;
	return false;
}

static void add(struct hide *h, const char *id, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN || is_known(h, id, len))
		return;
	if (h->count == HIDE_MAX) {
		h->full = true;
		return;
	}
	memcpy(h->ids[h->count], id, len);
	h->ids[h->count++][len] = '\0';
}

void hide_learn(struct hide *h, const char *text)
{
	/* What stands before an id, and what ends it. */
	static const struct {
		const char *before, *end;
	} marks[] = {
		{ "\"unit\": \"", "\"\n" },
		{ "\"unit\":\"", "\"\n" },
		{ " unit=\"", "\"\n" },
		{ " unit=", " \"\n" },
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (const char *at = text; (at = strstr(at, marks[i].before));) {
			at += strlen(marks[i].before);
			add(h, at, strcspn(at, marks[i].end));
		}
}

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

void hide_apply(const struct hide *h, char *text)
{
	for (size_t i = 0; i < h->count; i++) {
		size_t len = strlen(h->ids[i]);

		for (char *at = text; (at = strstr(at, h->ids[i])); at += len)
			if ((at == text || !is_of_word(at[-1])) && !is_of_word(at[len]))
				memset(at, '*', len);
	}
}

/* A quote that begins a text: not the one in "don't". */
static bool opens_quote(const char *line, size_t at)
{
	return (line[at] == '"' || line[at] == '\'') &&
	       (at == 0 || strchr(" \t[{,:", line[at - 1]));
}

/* Where the comment of a line begins; `len` if it has none. */
static size_t comment_of(const char *line, size_t len)
{
	char quote = '\0';

	for (size_t i = 0; i < len; i++) {
		if (quote)
			quote = line[i] == quote ? '\0' : quote;
		else if (opens_quote(line, i))
			quote = line[i];
		else if (line[i] == '#' && (i == 0 || strchr(" \t", line[i - 1])))
			return i;
	}
	return len;
}

void hide_remarks(char *text)
{
	static const char key[] = "init_args";
	bool goes_on = false;
	size_t indent = 0;

	for (char *line = text; *line; line += *line == '\n') {
		size_t len = strcspn(line, "\n"), blanks = strspn(line, " ");
		size_t seen = comment_of(line, len);
		char *told = memmem(line, seen, key, strlen(key));

		goes_on = goes_on && (blanks > indent || blanks == len);
		if (goes_on) {
			seen = blanks;
		} else if (told) {
			seen = (size_t)(told - line) + strlen(key);
			indent = blanks;
			goes_on = true;
		}
		memset(line + seen, '*', len - seen);
		line += len;
	}
}
