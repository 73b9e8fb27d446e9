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
