/* server: the signer's socket: who calls, what they may ask, one request of each caller at a time.
 * A caller whose request is under way is not read, so no caller can fill the memory; a caller that
 * does not take its answer is dropped. Threads: the loop. Layer above: main. Below: signer,
 * base/socket. */
#ifndef HSM_SIGNER_SERVER_H
#define HSM_SIGNER_SERVER_H

#include "hsm/signer/signer.h"

/* Serves until SIGTERM or SIGINT; then finishes what is under way, for at most a few seconds. */
MUST_CHECK bool server_run(struct signer *s, struct err *e);

#endif
