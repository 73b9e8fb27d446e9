#include "cloud/aws/ini.h"

#include <stdbool.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
	while (text.len && is_space(text.data[0]))
		text = bytes_of(text.data + 1, text.len - 1);
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Cuts the first line off. */
static struct bytes next_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->data, '\n', text->len);
	struct bytes line = bytes_of(text->data, end ? (size_t)(end - text->data) : text->len);
	size_t used = line.len + (end ? 1 : 0);

	*text = bytes_of(text->data + used, text->len - used);
	return line;
}

/* "key = value" or "key: value". */
static bool read_pair(struct bytes line, struct ini_value *value)
{
	size_t len = 0;

	while (len < line.len && line.data[len] != '=' && line.data[len] != ':')
		len++;
	if (len == line.len)
		return false;
	value->key = trim(bytes_of(line.data, len));
	value->value = trim(bytes_of(line.data + len + 1, line.len - len - 1));
	return value->key.len > 0;
}

static bool read_section(struct bytes line, struct ini_value *value)
{
	const uint8_t *end = memchr(line.data, ']', line.len);

	if (!end)
		return false;
	value->section = trim(bytes_of(line.data + 1, (size_t)(end - line.data) - 1));
	value->key = value->value = (struct bytes) { NULL, 0 };
	return value->section.len > 0;
}

static bool read_line(struct bytes line, struct ini_value *value)
{
	if (memchr(line.data, '\0', line.len))
		return false;
	if (line.data[0] == '[')
		return read_section(line, value);
	return value->section.len > 0 && read_pair(line, value);
}

bool ini_read(struct bytes text, ini_each each, void *context, struct err *e)
{
	struct ini_value value = { .section = { NULL, 0 } };

	for (unsigned number = 1; text.len; number++) {
		struct bytes raw = next_line(&text), line = trim(raw);

		if (!line.len || is_space(raw.data[0]) || line.data[0] == '#' ||
		    line.data[0] == ';')
			continue;
		if (!read_line(line, &value))
			return err_set(e, ERR_INVALID,
				       "line %u is neither [section], key = value nor a comment",
				       number);
		if (!each(context, &value, e))
			return err_add(e, "line %u", number);
	}
	return true;
}
