/* client: the asking side of the control socket: one connection, one question at a time.
 * Errors: what base/socket.h says; for an answer REFUSED, err.code is its code (enum err_code) and
 * err.text its sentence. The reply's views live in `record` (MESSAGE_MAX). Threads: one a
 * connection. Layer above: command, screen. Below: control, socket. */
#ifndef STATION_CONTROL_CLIENT_H
#define STATION_CONTROL_CLIENT_H

#include "station/control/control.h"

/* ERR_NOT_FOUND if the station does not run. */
MUST_CHECK bool control_connect(int *ret_fd, struct err *e);

/* Asks and takes the answer. A descriptor that comes with it goes to *ret_passed (the caller's), or
 * is closed if that is NULL. */
MUST_CHECK bool control_call(int fd, const struct control_request *request, uint8_t *record,
			     struct control_reply *ret_reply, int *ret_passed, int64_t deadline,
			     struct err *e);

/* After WATCH: the next NESTS. ERR_TIMEOUT if nothing changed. */
MUST_CHECK bool control_next(int fd, uint8_t *record, struct control_reply *ret_reply,
			     int64_t deadline, struct err *e);

#endif
