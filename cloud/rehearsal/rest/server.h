/* server: HTTP on loopback for the operations, by libmicrohttpd, in a thread of its own. At most
 * SERVER_CONNECTIONS_MAX connections, each idle for SERVER_IDLE_S at most; a body, a head or a target
 * that is too long is refused before it is read. The registry belongs to that thread until
 * server_stop. Errors: ERR_BUSY (the port is taken), ERR_SYSTEM. Layer above: service. Below:
 * dispatch, libmicrohttpd. */
#ifndef CLOUD_REHEARSAL_REST_SERVER_H
#define CLOUD_REHEARSAL_REST_SERVER_H

#include "base/cleanup.h"
#include "cloud/rehearsal/rest/dispatch.h"

#define SERVER_CONNECTIONS_MAX 64
#define SERVER_IDLE_S 30
#define SERVER_HEAD_MAX 32768 /* bytes of request line and headers, and of what is kept of them */

struct server;

/* `port` 0: any free one. `d` must live as long as the server. */
MUST_CHECK bool server_start(const struct dispatch *d, uint16_t port, struct server **ret_server,
			     struct err *e);
uint16_t server_port(const struct server *s);
void server_stop(struct server *s);
AUTO_DEFINE(server, struct server *, server_stop)

#endif
