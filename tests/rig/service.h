/* service: how a program of the rig is told what to do: the socket DIR/control (SEQPACKET), one
 * command a record, answered by "ok" and the lines of a list, or by "error: " and a sentence. One
 * caller at a time; the next one waits until it hangs up. DIR/ready is there while it serves.
 * Threads: one. Layer above: rig, bridge, jig_main. Below: base/socket. */
#ifndef TESTS_RIG_SERVICE_H
#define TESTS_RIG_SERVICE_H

#include "base/cleanup.h"
#include "base/socket.h"

#include <limits.h>
#include <poll.h>

#define SERVICE_REPLY_SIZE 65536

/* Does a command, which it may cut into words; service_say puts more behind the "ok". */
typedef bool service_run(void *context, char *command, char *reply, struct err *e);

struct service {
	char dir[PATH_MAX];
	int listen_fd, client_fd;
	char record[SOCKET_RECORD_MAX + 1], reply[SERVICE_REPLY_SIZE];
};

/* The folder is there. Callers wait from now on; DIR/ready says that they are answered. */
MUST_CHECK bool service_open(const char *dir, struct service **ret_service, struct err *e);
MUST_CHECK bool service_ready(const struct service *service, struct err *e);
void service_close(struct service *service);
AUTO_DEFINE(service, struct service *, service_close)

/* What the loop polls, and does with what came of it. */
struct pollfd service_poll(const struct service *service);
void service_work(struct service *service, const struct pollfd *polled, service_run *run,
		  void *context);

/* Appends to a reply; what has no room is cut. */
void service_say(char *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From another process or thread: sends a command and returns the answer. */
MUST_CHECK bool service_send(const char *dir, const char *command,
			     char ret_reply[static SERVICE_REPLY_SIZE], struct err *e);

#endif
