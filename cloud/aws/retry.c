#include "cloud/aws/retry.h"

#define CALL_MS (1000 / RETRY_CALLS_A_SECOND)
#define DOUBLINGS_MAX 10

int64_t retry_take_ms(struct retry_bucket *bucket, int64_t now_ms)
{
	int64_t wait_ms;

	if (bucket->full_ms < now_ms)
		bucket->full_ms = now_ms;
	bucket->full_ms += CALL_MS;
	wait_ms = bucket->full_ms - now_ms - RETRY_BURST * CALL_MS;
	return wait_ms > 0 ? wait_ms : 0;
}

int64_t retry_pause_ms(unsigned tries, uint32_t chance)
{
	unsigned doublings = tries - 1 < DOUBLINGS_MAX ? tries - 1 : DOUBLINGS_MAX;
	int64_t half = (int64_t)(RETRY_PAUSE_MS / 2) << doublings;

	return half + chance % (half + 1);
}
