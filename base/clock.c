#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#define ERROR_LIMIT_US 16000000 /* the kernel's NTP_PHASE_LIMIT */

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_boot_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t clock_wall_s(void)
{
	return read_us(CLOCK_REALTIME) / 1000000; /* time() lags by up to a tick of the kernel */
}

int64_t clock_deadline(int64_t timeout_ms)
{
	return clock_monotonic_ms() + timeout_ms;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

enum clock_sync clock_sync(void)
{
	struct timex now = { 0 }; /* asks, and changes nothing */

	if (adjtimex(&now) < 0)
		return CLOCK_UNKNOWN;
	return now.maxerror < ERROR_LIMIT_US ? CLOCK_SYNCHRONISED : CLOCK_UNSYNCHRONISED;
}

char *clock_format(int64_t wall_s, char text[static CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(text, "-");
	return text;
}

bool clock_parse(const char *text, int64_t *ret_wall_s)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char again[CLOCK_TEXT_SIZE];
	int64_t wall_s;

	if (!end || *end) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	if (!end || *end)
		return false;
	wall_s = (int64_t)timegm(&tm);
	/* strptime takes 31 February; the way back does not print it again. */
	if (strncmp(clock_format(wall_s, again), text, 10))
		return false;
	*ret_wall_s = wall_s;
	return true;
}
