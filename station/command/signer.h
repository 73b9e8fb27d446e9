/* signer: one question to the signer from a person's command, and what to print of the answer.
 * Threads: one. Layer above: the commands on orders and certificates. Below: hsm/api/request. */
#ifndef STATION_COMMAND_SIGNER_H
#define STATION_COMMAND_SIGNER_H

#include "hsm/api/request.h"

/* The reply's views live until the next question. */
MUST_CHECK bool signer_ask(const struct request *request, struct reply *ret_reply, struct err *e);

/* Asks, and prints the sentence that comes back. */
MUST_CHECK bool signer_tell(const struct request *request, struct err *e);
/* The same; a failure is said, too. Returns the exit code. */
int signer_do(const struct request *request);

/* Copies what a person typed; ERR_USAGE if it is too long or not printable. */
MUST_CHECK bool signer_text(char *ret_text, size_t size, const char *what, const char *typed,
			    struct err *e);

#endif
