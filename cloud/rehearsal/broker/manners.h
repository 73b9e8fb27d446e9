/* manners: does a refused device come back too soon? A device has to wait longer after each refusal.
 * Measured against pauses that double from 1 s to 64 s: who needed less than a quarter of their sum
 * (jitter shortens some) over at least 5 attempts is hasty. An accepted connection, or a pause of
 * 5 minutes, starts anew. A table of the latest certificates; the one heard of longest ago gives way.
 * Pure: the caller's milliseconds, from any clock that never goes back. Threads: one a table. Layer
 * above: gate. Below: none. */
#ifndef CLOUD_REHEARSAL_BROKER_MANNERS_H
#define CLOUD_REHEARSAL_BROKER_MANNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANNERS_MAX 256
#define MANNERS_KEY_SIZE 129
#define MANNERS_ATTEMPTS_MIN 5
#define MANNERS_PAUSE_MAX_MS 64000
#define MANNERS_QUIET_MS 300000
#define MANNERS_TELL_MS 60000 /* one report a minute for each */

struct manners_entry {
	char key[MANNERS_KEY_SIZE]; /* cut to size; "" is free */
	int64_t first_ms, last_ms, told_ms;
	uint32_t attempts;
	bool told;
};

struct manners {
	struct manners_entry entries[MANNERS_MAX];
};

/* Notes an attempt that was refused. True: say that it is hasty, with the attempts and their time. */
bool manners_refused(struct manners *m, const char *certificate_id, int64_t now_ms,
		     uint32_t *ret_attempts, int64_t *ret_elapsed_ms);
void manners_accepted(struct manners *m, const char *certificate_id);

/* True at most once a minute for each key: for other things that would fill the log. */
bool manners_may_tell(struct manners *m, const char *key, int64_t now_ms);

#endif
