/* errand: one question to the station or to the signer, on a connection of its own, so that an
 * abort never waits behind a start. Asking never blocks; the answer is taken when poll shows it.
 * Threads: one. Layer above: screen. Below: control/client, hsm/api/request. */
#ifndef STATION_SCREEN_ERRAND_H
#define STATION_SCREEN_ERRAND_H

#include "hsm/api/request.h"
#include "station/control/client.h"

#define ERRAND_PATIENCE_MS 10000

enum errand_purpose {
	ERRAND_NONE,  /* free */
	ERRAND_ALIVE, /* the alarms; any answer says that the station is alive */
	ERRAND_START,
	ERRAND_DO, /* what is answered with DONE */
	ERRAND_RESET,
	ERRAND_SCAN,
	ERRAND_FIND_ORDER, /* is this scan an order? */
	ERRAND_USE_ORDER,
	ERRAND_LIST_ORDERS,
};

struct errand {
	enum errand_purpose purpose;
	int fd;
	int64_t deadline;
	char about[CONTROL_NAME_MAX + 1]; /* the scan or the order that it is about */
};

/* Both fill a free errand. */
MUST_CHECK bool errand_ask_station(struct errand *errand, enum errand_purpose purpose,
				   const struct control_request *request, uint8_t *record,
				   struct err *e);
MUST_CHECK bool errand_ask_signer(struct errand *errand, enum errand_purpose purpose,
				  const struct request *request, uint8_t *record, struct err *e);

bool errand_is_to_signer(const struct errand *errand);

/* Takes the answer; ERR_TIMEOUT if it is not there yet. The reply's views live in `record`. */
MUST_CHECK bool errand_take_station(struct errand *errand, uint8_t *record,
				    struct control_reply *ret_reply, struct err *e);
MUST_CHECK bool errand_take_signer(struct errand *errand, uint8_t *record, struct reply *ret_reply,
				   struct err *e);

void errand_end(struct errand *errand);

#endif
