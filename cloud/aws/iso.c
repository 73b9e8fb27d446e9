#include "cloud/aws/iso.h"

#include <string.h>
#include <time.h>

#define FORM "dddd-dd-ddTdd:dd:dd"

static bool has_form(const char *text, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

static int two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

/* "+09:00" or "Z"; or nothing. */
static bool read_zone(const char *at, int64_t *ret_s)
{
	int hours, minutes;

	*ret_s = 0;
	if (!*at || !strcmp(at, "Z"))
		return true;
	if ((*at != '+' && *at != '-') || !has_form(at + 1, "dd:dd") || at[6])
		return false;
	hours = two(at + 1);
	minutes = two(at + 4);
	*ret_s = (*at == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

bool iso_read(const char *text, int64_t *ret_time_s, bool *ret_zoned)
{
	const char *zone = text + strlen(FORM);
	struct tm tm;
	int64_t ahead_s;

	if (!has_form(text, FORM))
		return false;
	tm = (struct tm) { .tm_year = two(text) * 100 + two(text + 2) - 1900,
			   .tm_mon = two(text + 5) - 1,
			   .tm_mday = two(text + 8),
			   .tm_hour = two(text + 11),
			   .tm_min = two(text + 14),
			   .tm_sec = two(text + 17) };
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	if (*zone == '.')
		zone += 1 + strspn(zone + 1, "0123456789");
	if (!read_zone(zone, &ahead_s))
		return false;
	*ret_time_s = timegm(&tm) - ahead_s;
	*ret_zoned = *zone != '\0';
	return true;
}
