#include "cloud/aws/members.h"

#include "cloud/aws/iot.h"

#include <string.h>

#define TIME_MAX 253402300799 /* the end of the year 9999 */

bool members_is_id(const char *text, size_t len)
{
	return len == IOT_ID_SIZE - 1 && strspn(text, "0123456789abcdef") >= len;
}

static bool is_text(const char *text, size_t len, bool lines)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] <= ' ' || text[i] > '~') &&
		    !(lines && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r')))
			return false;
	return true;
}

static bool read_text(const struct member *member, const char *text, size_t len, void *to)
{
	if (!text || len >= member->size || !is_text(text, len, member->kind == MEMBER_TEXT) ||
	    (member->kind == MEMBER_ID && !members_is_id(text, len)))
		return false;
	memcpy(to, text, len + 1);
	return true;
}

static bool read_choice(const struct member *member, const char *text, void *to)
{
	bool yes = text && strcmp(text, member->yes) == 0;

	if (!yes && (!text || strcmp(text, member->no) != 0))
		return false;
	memcpy(to, &yes, sizeof(yes));
	return true;
}

static bool read_time(const json_t *value, void *to)
{
	double seconds = json_number_value(value);
	int64_t whole;

	if (!json_is_number(value) || !(seconds >= 0 && seconds < TIME_MAX + 1.0))
		return false;
	whole = (int64_t)seconds;
	memcpy(to, &whole, sizeof(whole));
	return true;
}

static bool read_value(const struct member *member, const json_t *value, void *to)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	enum iot_status status;

	switch (member->kind) {
	case MEMBER_WORD:
	case MEMBER_TEXT:
	case MEMBER_ID:
		return read_text(member, text, len, to);
	case MEMBER_CHOICE:
		return read_choice(member, text, to);
	case MEMBER_TIME:
		return read_time(value, to);
	case MEMBER_STATUS:
		if (!text || !iot_status_of(text, len, &status))
			return false;
		memcpy(to, &status, sizeof(status));
		return true;
	}
	return false;
}

bool members_read(const json_t *object, const struct member *members, size_t count, void *to,
		  struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, ERR_INVALID, "AWS's answer lacks what was asked for: repeat it");
	for (const struct member *member = members; member < members + count; member++) {
		const json_t *value = json_object_get(object, member->name);

		if ((!value || json_is_null(value)) && !member->needed)
			continue;
		if (!read_value(member, value, (char *)to + member->offset))
			return err_set(e, ERR_INVALID,
				       "AWS's answer makes no sense: its %s is %s: repeat it, and "
				       "look for a newer imprint",
				       member->name, value ? "not what it may be" : "missing");
	}
	return true;
}
