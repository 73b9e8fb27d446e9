/* asker: one nest's line to the signer: opened when first needed, opened again when it is lost. A
 * signer that is away, full or waiting for its token is asked again with growing pauses, until the
 * deadline: a restart of the signer, or a token that hangs first, costs a board some seconds, not
 * its run. Threads: one an asker. Layer above: recipe. Below: hsm/api/request. */
#ifndef STATION_ASKER_H
#define STATION_ASKER_H

#include "hsm/api/request.h"

struct asker {
	int fd; /* -1: no connection */
	int cancel_fd;
	uint8_t *record; /* MESSAGE_MAX; the reply's views live in it */
};

/* Errors: refusals as they come; ERR_GONE if the signer stayed away; ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_INVALID, ERR_SYSTEM. */
MUST_CHECK bool asker_ask(struct asker *asker, const struct request *request,
			  struct reply *ret_reply, int64_t deadline, struct err *e);
void asker_close(struct asker *asker);

#endif
