/* agent: the board's own side of `prov` (docs/prov.md), for a product's firmware.
 * A product supplies the functions of struct agent_port, calls agent_start once at boot and
 * agent_receive for each byte of the console line; the agent answers through port->put. It shares
 * the line with boot messages, and is to be left out of, or locked in, what the customer gets.
 * Portable C99: no allocation, no libc beyond string.h. Everything runs inside agent_receive; the
 * caller keeps that in one thread. Any input is safe.
 * Layer above: firmware. Below: store, request, frame, cbor. */
#ifndef SERIAL_AGENT_AGENT_H
#define SERIAL_AGENT_AGENT_H

#include "serial/agent/port.h"
#include "serial/agent/request.h"
#include "serial/agent/store.h"
#include "serial/frame.h"
#include "serial/prov.h"

#ifndef AGENT_MESSAGE_MAX
#define AGENT_MESSAGE_MAX 1024 /* the longest request and answer: at least 512, at most 4096 */
#endif

struct agent {
	const struct agent_port *port;
	uint8_t command; /* of group 113, under way or the last one */
	uint8_t boot[PROV_BOOT_SIZE];
	struct store_session session;	 /* the file being written */
	uint32_t request_count, busy_us; /* since boot, with no time to send in it */
	size_t csr_len;			 /* 0: not made since boot */
	uint8_t csr[REQUEST_MAX];
	struct frame_decoder decoder;
	uint8_t request[AGENT_MESSAGE_MAX + 2];
	uint8_t answer[AGENT_MESSAGE_MAX];
};

/* The port outlives the agent. False if there are no random numbers: then a restart would go
 * unseen. */
bool agent_start(struct agent *agent, const struct agent_port *port);
void agent_receive(struct agent *agent, uint8_t byte);

#endif
