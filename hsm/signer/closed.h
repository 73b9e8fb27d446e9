/* closed: what a signer does that cannot open its ledger, CA or token, before it ends: for some
 * seconds all who call at the socket that systemd holds hear why, where they would wait in its queue.
 * After a refused PIN nobody but such a caller starts it again, and one who was left in the queue
 * would do so at once, over and over, until systemd gives the socket up. With no socket of systemd's
 * it is over at once. Threads: one. Layer above: signer_main. Below: base/socket, base/notify. */
#ifndef HSM_SIGNER_CLOSED_H
#define HSM_SIGNER_CLOSED_H

#include "base/err.h"

void closed_say(const struct err *why);

#endif
