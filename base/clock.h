/* clock: the monotonic clock for deadlines, the wall clock for records.
 * Deadlines are absolute milliseconds of CLOCK_MONOTONIC. Wall times are whole seconds since 1970
 * UTC. Threads: any. Layer below: none. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE 24 /* "2026-11-22T05:13:36Z" and a NUL, with room for a five-digit year */
#define CLOCK_NEVER INT64_MAX

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_boot_ms(void); /* goes on during suspend: held against the wall clock */
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void); /* only to be held against the boot clock */

/* The deadline that lies timeout_ms from now. */
int64_t clock_deadline(int64_t timeout_ms);

/* Whether something (timesyncd, chrony, ntpd) keeps the wall clock right. As timedatectl tells it: by the
 * kernel's bound of the clock's error, which is below 16 s from the first answer of a time server until
 * some hours after the last. STA_UNSYNC would not do: it is about copying the time into the PC's own
 * clock, and stands with a chrony without "rtcsync" and where that one has local time. */
enum clock_sync {
	CLOCK_UNKNOWN, /* we may not ask: a container, or a unit with ProtectClock=yes */
	CLOCK_UNSYNCHRONISED,
	CLOCK_SYNCHRONISED,
};
enum clock_sync clock_sync(void);

/* RFC 3339 in UTC with a Z. Returns text. */
char *clock_format(int64_t wall_s, char text[static CLOCK_TEXT_SIZE]);

/* Reads "2026-11-22T05:13:36Z" or "2026-11-22" (midnight UTC); false if it is anything else. */
bool clock_parse(const char *text, int64_t *ret_wall_s);

#endif
