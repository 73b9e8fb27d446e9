/* access: people and groups in a settings file, and whether a caller is one of them.
 *	imprint-station		a user by name		1003	a user by number
 *	@imprint		a group by name		@1004	a group by number
 * Threads: any. Layer above: settings of signer and station. Below: socket. */
#ifndef BASE_ACCESS_H
#define BASE_ACCESS_H

#include "base/err.h"
#include "base/socket.h"

#include <stdint.h>

struct access_name {
	bool is_group;
	uint32_t id; /* uid or gid */
};

/* Looks up a name. ERR_NOT_FOUND if this machine has no such user or group; ERR_INVALID if the text
 * cannot be one. */
MUST_CHECK bool access_find(const char *text, struct access_name *ret_name, struct err *e);

/* True if the caller is that user, or in that group. uid 0 is nobody special. */
bool access_is(const struct access_name *name, const struct socket_peer *peer);

#endif
