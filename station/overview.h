/* overview: the signer's status as the control socket shows it, asked for from the poll loop, which
 * never waits for the answer: overview_fd is polled, and overview_turn does what there is to do.
 * Threads: the poll loop's. Layer above: desk. Below: hsm/api/request. */
#ifndef STATION_OVERVIEW_H
#define STATION_OVERVIEW_H

#include "hsm/api/request.h"

#define OVERVIEW_PATIENCE_MS 3000 /* then the signer counts as away */

struct overview {
	int fd; /* -1: no connection */
	bool is_asking;
	int64_t asked_at;    /* monotonic ms, of the question under way */
	int64_t answered_at; /* when the question was put that `status` answers; 0: never */
	struct signer_status status;
	char trouble[REASON_MAX_LEN + 1]; /* "", or why the status is not known; then it is empty */
	uint8_t *record;		  /* MESSAGE_MAX, lent by the caller */
};

void overview_init(struct overview *o, uint8_t *record);
void overview_close(struct overview *o);

/* Puts the question, unless one is under way. */
void overview_ask(struct overview *o);
/* Takes the answer if it is there, and gives up if it is late. Call when overview_fd is readable,
 * and now and then. */
void overview_turn(struct overview *o);
/* To be polled for POLLIN, or -1. */
int overview_fd(const struct overview *o);

#endif
