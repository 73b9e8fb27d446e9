/* client: asking the running signer, and its long lists page by page. The connection is made by the
 * first question and kept. One question at a time; an answer's views live until the next question.
 * Errors: those of request.h; ERR_INVALID if the signer's list makes no sense or does not move on.
 * Threads: one a client. Layer above: hsm/command, cloud. Below: request. */
#ifndef HSM_API_CLIENT_H
#define HSM_API_CLIENT_H

#include "base/message.h"
#include "hsm/api/head.h"
#include "hsm/api/request.h"

#define CLIENT_TIMEOUT_MS 60000
#define CLIENT_LONG_MS 600000 /* with a descriptor: backup, CRL */

struct client {
	int fd; /* -1: not connected yet */
	uint8_t record[MESSAGE_MAX];
};

void client_close(struct client *c);
/* pass_fd: -1 or a descriptor that the signer writes to. */
MUST_CHECK bool client_ask(struct client *c, const struct request *request, int pass_fd,
			   struct reply *ret_reply, struct err *e);
/* The head, signed now. */
MUST_CHECK bool client_head(struct client *c, struct head *ret_head, struct err *e);

/* Each issuance (order NULL: of all orders) issued at or after `since`; in order. */
typedef bool (*client_issuance)(void *context, const struct issuance *issuance, struct err *e);
MUST_CHECK bool client_issuances(struct client *c, const char *order, int64_t since,
				 client_issuance each, void *context, struct err *e);
/* Each entry with a number > after, as bytes; in order. */
typedef bool (*client_entry)(void *context, struct bytes data, struct err *e);
MUST_CHECK bool client_entries(struct client *c, uint64_t after, client_entry each, void *context,
			       struct err *e);

#endif
