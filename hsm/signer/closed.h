/* closed: what a signer does that the PIN keeps from its token, before it ends. Nobody starts it
 * again but a caller at the socket that systemd holds: one who was left in its queue would do so at
 * once, over and over, until systemd gives the socket up. So all who call hear why, for some seconds.
 * With no socket of systemd's it is over at once. Threads: one. Layer above: signer_main. Below:
 * base/socket, base/notify. */
#ifndef HSM_SIGNER_CLOSED_H
#define HSM_SIGNER_CLOSED_H

#include "base/err.h"

void closed_say(const struct err *why);

#endif
