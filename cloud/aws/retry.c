#include "cloud/aws/retry.h"

#define SECOND_MS 1000
#define DOUBLINGS_MAX 10

int64_t retry_take_ms(struct retry_bucket *bucket, int64_t now_ms)
{
	int64_t call_ms = SECOND_MS / bucket->calls_a_second, wait_ms;

	if (bucket->full_ms < now_ms)
		bucket->full_ms = now_ms;
	bucket->full_ms += call_ms;
	wait_ms = bucket->full_ms - now_ms - RETRY_BURST * call_ms;
	return wait_ms > 0 ? wait_ms : 0;
}

int64_t retry_pause_ms(unsigned tries, uint32_t chance)
{
	unsigned doublings = tries - 1 < DOUBLINGS_MAX ? tries - 1 : DOUBLINGS_MAX;
	int64_t half = (int64_t)(RETRY_PAUSE_MS / 2) << doublings;

	return half + chance % (half + 1);
}
