#include "cloud/rehearsal/rest/target.h"

#include "base/hex.h"

/* In place: what is decoded is never longer. */
static bool decode(char *text, bool plus_is_blank)
{
	char *to = text;
	uint8_t byte;

	for (; *text; text++) {
		if (*text == '%') {
			char digits[3] = { text[1], text[1] ? text[2] : '\0', '\0' };

			if (!hex_decode(digits, &byte, 1) || byte == 0)
				return false;
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = plus_is_blank && *text == '+' ? ' ' : *text;
		}
	}
	*to = '\0';
	return true;
}

/* Ends the piece at `text` at the first of `mark`, and returns what is behind it; NULL at the end. */
static char *cut(char *text, char mark)
{
	char *end = strchr(text, mark);

	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}

static bool parse_path(char *path, struct target *t, struct err *e)
{
	for (char *next = NULL; path; path = next) {
		next = cut(path, '/');
		if (t->segment_count == TARGET_SEGMENTS_MAX)
			return err_set(e, ERR_INVALID, "the path has too many parts");
		if (!decode(path, false))
			return err_set(e, ERR_INVALID, "the path is not properly %%-encoded");
		t->segments[t->segment_count++] = path;
	}
	return true;
}

static bool parse_query(char *query, struct target *t, struct err *e)
{
	for (char *next = NULL; query; query = next) {
		char *value;

		next = cut(query, '&');
		if (!*query)
			continue;
		value = cut(query, '=');
		value = value ? value : query + strlen(query);
		if (t->query_count == TARGET_QUERY_MAX)
			return err_set(e, ERR_INVALID, "the query has too many parameters");
		if (!decode(query, true) || !decode(value, true))
			return err_set(e, ERR_INVALID, "the query is not properly %%-encoded");
		t->query[t->query_count++] = (struct target_pair) { query, value };
	}
	return true;
}

bool target_parse(const char *raw, struct target *ret_target, struct err *e)
{
	struct target *t = ret_target;
	size_t len = strlen(raw);
	char *query;

	t->segment_count = t->query_count = 0;
	if (len > REST_TARGET_MAX || *raw != '/')
		return err_set(e, ERR_INVALID, "the request's target is no path, or too long");
	memcpy(t->text, raw, len + 1);
	query = cut(t->text, '?');
	return parse_path(t->text + 1, t, e) && parse_query(query, t, e);
}

const char *target_query(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->query_count; i++)
		if (!strcmp(target->query[i].name, name))
			return target->query[i].value;
	return NULL;
}
