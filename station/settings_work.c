#include "station/settings_raw.h"

#include "base/config.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define TAKT_S_MAX 3600
#define TRIES_MAX 100
#define STOP_AFTER_DEFAULT 3
#define HOURS_MAX 720
#define IDLE_MIN_DEFAULT 30
#define DAY_MIN 1440

/* "06:00"; -1 if it is no time of day. */
static int minutes_of(const char *text)
{
	int hours, minutes;

	if (strlen(text) != 5 || !isdigit((unsigned char)text[0]) ||
	    !isdigit((unsigned char)text[1]) || text[2] != ':' ||
	    !isdigit((unsigned char)text[3]) || !isdigit((unsigned char)text[4]))
		return -1;
	hours = (text[0] - '0') * 10 + text[1] - '0';
	minutes = (text[3] - '0') * 10 + text[4] - '0';
	return hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

static bool take_shifts(const char *path, const struct raw_work *raw, struct station_work *work,
			struct err *e)
{
	char key[32];

	work->shift_count = raw->shifts_count ? raw->shifts_count : 1; /* one, from midnight */
	for (size_t i = 0; i < raw->shifts_count; i++) {
		int minutes = minutes_of(raw->shifts[i]);

		snprintf(key, sizeof(key), "shifts[%zu]", i);
		if (minutes < 0)
			return config_mistake(path, key, e,
					      "\"%s\" is no time of day; allowed here: 00:00 to "
					      "23:59",
					      raw->shifts[i]);
		if (i > 0 && (unsigned)minutes <= work->shift_minutes[i - 1])
			return config_mistake(
				path, key, e,
				"the shifts stand in the order of the day, each once");
		work->shift_minutes[i] = (unsigned)minutes;
	}
	return true;
}

bool settings_take_work(const char *path, const struct raw_work *raw, struct station_work *ret_work,
			struct err *e)
{
	struct station_work *work = ret_work;

	work->reseat = raw->retest.reseat;
	work->login_needed = raw->login.needed;
	work->golden_count = raw->golden.units_count;
	for (size_t i = 0; i < work->golden_count; i++)
		snprintf(work->golden[i], sizeof(work->golden[i]), "%s", raw->golden.units[i]);
	return config_number(path, "takt_s", raw->takt_s, 0, 1, TAKT_S_MAX, &work->takt_s, e) &&
	       config_number(path, "retest.tries", raw->retest.tries, 0, 1, TRIES_MAX,
			     &work->retest_tries, e) &&
	       config_number(path, "stop_after", raw->stop_after, STOP_AFTER_DEFAULT, 0,
			     STATION_STOP_MAX, &work->stop_after, e) &&
	       config_number(path, "golden.every_hours", raw->golden.every_hours, 0, 1, HOURS_MAX,
			     &work->golden_every_hours, e) &&
	       config_number(path, "login.idle_min", raw->login.idle_min, IDLE_MIN_DEFAULT, 1,
			     DAY_MIN, &work->login_idle_min, e) &&
	       take_shifts(path, raw, work, e);
}

/* When that shift began last. Days are stepped by the calendar: they have 23 to 25 hours. */
static int64_t began_last(unsigned minutes, int64_t wall_s)
{
	time_t now = (time_t)wall_s;
	struct tm today;
	time_t began = now + 1;

	localtime_r(&now, &today);
	for (int back = 0; began > now; back++) {
		struct tm day = { .tm_year = today.tm_year,
				  .tm_mon = today.tm_mon,
				  .tm_mday = today.tm_mday - back,
				  .tm_hour = (int)minutes / 60,
				  .tm_min = (int)minutes % 60,
				  .tm_isdst = -1 };

		began = mktime(&day);
	}
	return began;
}

int64_t station_shift_began(const struct station_settings *s, int64_t wall_s)
{
	/* The time zone is one for all threads, and the C library's own lock on it is one that the
	 * thread sanitizer does not know. */
	static pthread_mutex_t zone = PTHREAD_MUTEX_INITIALIZER;
	AUTO(lock) lock = lock_take(&zone);
	int64_t newest = 0;

	for (size_t i = 0; i < s->work.shift_count; i++) {
		int64_t began = began_last(s->work.shift_minutes[i], wall_s);

		newest = began > newest ? began : newest;
	}
	return newest;
}

bool station_is_golden(const struct station_settings *s, const char *unit)
{
	for (size_t i = 0; i < s->work.golden_count; i++)
		if (strcmp(s->work.golden[i], unit) == 0)
			return true;
	return false;
}
