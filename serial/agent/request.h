/* request: a certificate request (PKCS#10, RFC 2986) in DER, without a crypto library: P-256,
 * subject CN = unit id, no attributes, ecdsa-with-SHA256. And the DER form of a signature (RFC
 * 3279 2.2.3). Portable C99. Layer above: agent. Below: port. */
#ifndef SERIAL_AGENT_REQUEST_H
#define SERIAL_AGENT_REQUEST_H

#include "serial/agent/port.h"

#define REQUEST_MAX 320
#define REQUEST_SIGNATURE_MAX 72

/* Returns the length, or 0 if the firmware could not sign. `unit` is at most AGENT_UNIT_MAX long.
 */
size_t request_make(const struct agent_port *port, struct bytes key, struct bytes unit,
		    uint8_t ret_csr[REQUEST_MAX]);

/* r and s as a DER sequence of two integers; returns its length. */
size_t request_signature(const uint8_t raw[AGENT_SIGNATURE_RAW],
			 uint8_t ret_der[REQUEST_SIGNATURE_MAX]);

#endif
