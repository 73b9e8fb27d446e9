/* broker: Debian's mosquitto with the rehearsal's plugin, as a child that ends with its parent.
 * Errors: ERR_NOT_FOUND (mosquitto or the plugin is not installed), ERR_BUSY (a port is taken),
 * ERR_SYSTEM. Threads: the parent's first, for the child ends with that thread. Layer above: service.
 * Below: folder. */
#ifndef CLOUD_REHEARSAL_LAUNCH_BROKER_H
#define CLOUD_REHEARSAL_LAUNCH_BROKER_H

#include "base/cleanup.h"
#include "cloud/rehearsal/launch/settings.h"

#include <sys/types.h>

#define BROKER_START_MS 20000

struct broker {
	pid_t pid; /* 0: none */
	int fd;	   /* readable when it has ended */
};

/* A port of 127.0.0.1 that nobody serves; *port 0 becomes a free one. `option` is how to choose
 * another. As long as *ret_fd is open, the kernel gives the port to nobody who takes any. */
MUST_CHECK bool broker_port(uint16_t *port, const char *option, int *ret_fd, struct err *e);
/* Starts it on both ports and returns when they answer. `dir` is the working directory's path. */
MUST_CHECK bool broker_start(const char *dir, const struct settings *settings, int cancel_fd,
			     struct broker *ret_broker, struct err *e);
void broker_stop(struct broker *broker);

#endif
