/* guard: may the wall clock be believed? Certificates carry its time.
 * Up to 5 s back, the last entry's time is used. More back, or wall and boot clock drifting apart
 * by more than 60 s since the start, or more than 30 days past the last entry at the start: issuing
 * pauses until a supervisor accepts the time. Threads: the loop. Layer above: signer. Below: clock.
 */
#ifndef HSM_SIGNER_GUARD_H
#define HSM_SIGNER_GUARD_H

#include "base/err.h"

#include <stdint.h>

struct guard {
	int64_t ahead_ms; /* wall less boot clock, at the start or when the time was accepted */
	int64_t last_s;	  /* the last entry's time */
	bool stale;	  /* it was more than 30 days after the last entry at the start */
};

void guard_start(struct guard *g, int64_t last_entry_s);
/* The time for an entry, never before the last one's: good for records even while issuing pauses.
 */
int64_t guard_now(const struct guard *g);
/* True if certificates may be made; else REFUSAL_CLOCK with the reason and the remedy. */
MUST_CHECK bool guard_check(const struct guard *g, struct err *e);
/* An entry with this time was appended. */
void guard_entry(struct guard *g, int64_t time_s);
/* A supervisor says that the clock is right now. Returns the time, which may be before the last
 * entry's. */
int64_t guard_accept(struct guard *g);

#endif
