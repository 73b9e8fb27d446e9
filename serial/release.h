/* release: closes a real line, and never waits long for it. The kernel lets the last close wait
 * 30 s for bytes that the far end does not take, as a hung USB board does not. To forbid it that
 * (closing_wait) wants CAP_SYS_ADMIN, and cdc_acm cannot throw them away before Linux 6.6; but a
 * signal ends the wait. So a timer sends one to this thread: RELEASE_SIGNAL, which is ours in the
 * whole process. Source: setserial(8), timer_create(2). Threads: any. Layer above: port.
 * Below: none. */
#ifndef SERIAL_RELEASE_H
#define SERIAL_RELEASE_H

#include <signal.h>

#define RELEASE_SIGNAL SIGRTMIN
#define RELEASE_MS 200 /* for bytes that are on their way */

void release_close(int fd);

#endif
