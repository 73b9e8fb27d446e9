/* sessions: the devices that are connected now: which certificate, under which client id.
 * A table; `client` is the broker's own name of the connection, compared only. Threads: one a table.
 * Layer above: gate. Below: none. */
#ifndef CLOUD_REHEARSAL_BROKER_SESSIONS_H
#define CLOUD_REHEARSAL_BROKER_SESSIONS_H

#include "cloud/rehearsal/registry.h"

#define SESSIONS_MAX 1024
#define SESSIONS_CLIENT_ID_SIZE 129 /* AWS takes 128 bytes; a longer one is told apart by these */

struct session {
	const void *client; /* NULL is free */
	char certificate_id[REGISTRY_ID_SIZE], client_id[SESSIONS_CLIENT_ID_SIZE];
};

struct sessions {
	struct session entries[SESSIONS_MAX];
};

/* False if the table is full. A client that is in already is written over. */
bool sessions_add(struct sessions *s, const void *client, const char *certificate_id,
		  const char *client_id);
void sessions_remove(struct sessions *s, const void *client);
/* One with that client id and another certificate; or NULL. */
const struct session *sessions_clash(const struct sessions *s, const char *certificate_id,
				     const char *client_id);

#endif
