/* socket: SEQPACKET sockets between our processes, one record a message, never empty, at most 64
 * KiB. A socket is a name in a folder that is reached through a descriptor, so a long path is no
 * limit. Every descriptor is close-on-exec. A descriptor may travel with a record (CRL, backup).
 * Errors: ERR_TIMEOUT, ERR_CANCELLED, ERR_GONE (the peer hung up), ERR_BUSY (somebody serves there
 * already), ERR_NOT_FOUND (nobody serves there), ERR_REFUSED (its mode keeps this user out),
 * ERR_SYSTEM. Threads: one a socket. Layer below: wait. */
#ifndef BASE_SOCKET_H
#define BASE_SOCKET_H

#include "base/bytes.h"
#include "base/err.h"

#include <sys/types.h>

#define SOCKET_RECORD_MAX 65536
#define SOCKET_GROUPS_MAX 64

struct socket_peer {
	uid_t uid;
	pid_t pid;
	gid_t groups[SOCKET_GROUPS_MAX]; /* the primary one first */
	size_t group_count;
};

/* Serves `name` in the folder `dir_fd`. A name left behind by a dead server is taken over; a living
 * one is ERR_BUSY, and what is no socket stays where it is: ERR_INVALID. Non-blocking. */
MUST_CHECK bool socket_listen(int dir_fd, const char *name, mode_t mode, int *ret_fd,
			      struct err *e);

/* Takes the next caller, non-blocking; *ret_fd is -1 if there is none. */
MUST_CHECK bool socket_accept(int listen_fd, int *ret_fd, struct err *e);

MUST_CHECK bool socket_connect(int dir_fd, const char *name, int *ret_fd, struct err *e);

/* Who is there: SO_PEERCRED and SO_PEERGROUPS, as the kernel knew them at connect. */
MUST_CHECK bool socket_peer(int fd, struct socket_peer *ret_peer, struct err *e);

/* Sends one record, with `pass_fd` beside it unless that is -1. */
MUST_CHECK bool socket_send(int fd, struct bytes record, int pass_fd, int64_t deadline,
			    int cancel_fd, struct err *e);

/* Takes one record into `buffer` (SOCKET_RECORD_MAX long). A descriptor that came with it goes to
 * *ret_fd, which the caller owns; with ret_fd NULL it is closed. */
MUST_CHECK bool socket_receive(int fd, uint8_t *buffer, size_t *ret_len, int *ret_fd,
			       int64_t deadline, int cancel_fd, struct err *e);

#endif
