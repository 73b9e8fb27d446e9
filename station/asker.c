#include "station/asker.h"

#include "base/clock.h"
#include "base/wait.h"
#include "hsm/api/refusal.h"

#include <unistd.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 1000

static bool is_refusal(int code)
{
	return code >= REFUSAL_FIRST && code < REFUSAL_LAST;
}

static bool is_away(int code)
{
	return code == ERR_GONE || code == ERR_NOT_FOUND || code == ERR_BUSY;
}

void asker_close(struct asker *asker)
{
	if (asker->fd >= 0)
		close(asker->fd);
	asker->fd = -1;
}

static bool ask_once(struct asker *asker, const struct request *request, struct reply *ret_reply,
		     int64_t deadline, struct err *e)
{
	if (asker->fd < 0 && !signer_connect(&asker->fd, e))
		return false;
	if (signer_call(asker->fd, request, -1, asker->record, ret_reply, deadline,
			asker->cancel_fd, e))
		return true;
	if (!is_refusal(e->code))
		asker_close(asker); /* a late answer must not be taken for the next one */
	if (e->code == ERR_INVALID)
		e->code = REFUSAL_REQUEST; /* we do not understand each other */
	return false;
}

static bool stayed_away(int64_t since_ms, struct err *e)
{
	if (is_refusal(e->code))
		return false;
	return err_set(e, ERR_GONE, "the signer did not answer for %lld s; see its log",
		       (long long)(clock_monotonic_ms() - since_ms + 500) / 1000);
}

bool asker_ask(struct asker *asker, const struct request *request, struct reply *ret_reply,
	       int64_t deadline, struct err *e)
{
	int64_t since_ms = clock_monotonic_ms(), pause_ms = PAUSE_FIRST_MS;

	while (!ask_once(asker, request, ret_reply, deadline, e)) {
		if (!is_away(e->code) && e->code != REFUSAL_TOKEN)
			return false;
		if (clock_monotonic_ms() + pause_ms > deadline)
			return stayed_away(since_ms, e);
		if (!wait_pause(pause_ms, asker->cancel_fd, e))
			return false;
		pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	return true;
}
