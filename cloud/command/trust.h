/* trust: would a device that holds these roots and no others trust the server that answers there?
 * The chain and the host name are checked as a TLS client does; the server's own wish for a device
 * certificate is not met, so whether it then lets anybody in is not asked. Bounded by
 * TRUST_TIMEOUT_MS after the name is resolved, which resolv.conf(5) bounds. Errors: ERR_INVALID the
 * roots are none; ERR_GONE nobody answers there, or no TLS; ERR_TIMEOUT; ERR_NOT_FOUND no such host.
 * Threads: any. Layer above: endpoint. Below: libssl, base/wait. */
#ifndef CLOUD_COMMAND_TRUST_H
#define CLOUD_COMMAND_TRUST_H

#include "base/err.h"

#define TRUST_TIMEOUT_MS 20000
#define TRUST_TEXT_SIZE 256

struct trust {
	bool trusted;
	char why_not[TRUST_TEXT_SIZE]; /* "" if trusted */
	char root[TRUST_TEXT_SIZE];    /* the subject of the root that is meant: the first */
};

/* roots: PEM, one or more. */
MUST_CHECK bool trust_ask(const char *host, const char *port, const char *roots,
			  struct trust *ret_trust, struct err *e);

#endif
