/* server: the signer's socket: who calls, what they may ask, one request of each caller at a time.
 * A caller whose request is under way is not read, so no caller can fill the memory; a caller that
 * does not take its answer is dropped. Threads: the loop. Layer above: main. Below: signer,
 * base/socket. */
#ifndef HSM_SIGNER_SERVER_H
#define HSM_SIGNER_SERVER_H

#include "hsm/signer/signer.h"

/* Serves until SIGTERM or SIGINT; then finishes what is under way, for at most a few seconds. */
MUST_CHECK bool server_run(struct signer *s, struct err *e);

/* The roles of a peer, by the signer's settings. uid 0 has no implicit right; the station's user is
 * only that, unless the settings say that this is a training set-up. */
struct socket_peer;
unsigned server_roles(const struct settings *settings, const struct socket_peer *peer);

#endif
