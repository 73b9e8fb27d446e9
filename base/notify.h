/* notify: what a daemon says to systemd, and the sockets it is handed. Without systemd both do
 * nothing. Source: sd_notify(3), sd_listen_fds(3). Threads: any after the start. Layer below: none.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

/* Sends lines such as "READY=1\nSTATUS=42 certificates". */
void notify_send(const char *lines);

/* The period in which "WATCHDOG=1" is expected, in ms, or 0 for none. */
int64_t notify_watchdog_ms(void);

/* The one listening socket that systemd hands over, or -1. Close-on-exec and non-blocking. */
int notify_listen_fd(void);

#endif
