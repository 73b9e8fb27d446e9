/* retry: how fast AWS is asked, and when again. Pure functions over the monotonic clock; the caller
 * waits.
 *	bucket	holds at most RETRY_BURST calls and gets RETRY_CALLS_A_SECOND new ones a second
 *	pause	before try 2, 3, …: RETRY_PAUSE_MS, doubled each time, of which the later half is
 *		left to chance, so that many stations do not come back together
 * Threads: a bucket belongs to one. Layer above: service. Below: none. */
#ifndef CLOUD_AWS_RETRY_H
#define CLOUD_AWS_RETRY_H

#include <stdint.h>

#define RETRY_CALLS_A_SECOND 10
#define RETRY_BURST 10
#define RETRY_PAUSE_MS 100

struct retry_bucket {
	int64_t full_ms; /* when it is full again; all zero: it is full */
};

/* Takes one call out of the bucket; returns for how long to wait before it is made. */
int64_t retry_take_ms(struct retry_bucket *bucket, int64_t now_ms);

/* After `tries` tries that failed (at least one); `chance` is any number. */
int64_t retry_pause_ms(unsigned tries, uint32_t chance);

#endif
