/* owner: the user to whom a daemon's files belong, and becoming it, so that what root looks at or
 * makes is no file of root's. Under IMPRINT_DIR, or for anybody but root, that is who runs the
 * program; for root on an installed station it is the daemon's user, which the package makes.
 * Threads: one, before others start. Layer above: ceremony, and --check of both daemons. Below:
 * none. */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

#include "base/err.h"

#include <sys/types.h>

#define OWNER_SIGNER "imprint-signer"
#define OWNER_STATION "imprint-station"

struct owner {
	uid_t uid;
	gid_t gid;
	bool installed; /* not under IMPRINT_DIR */
	const char *user;
	bool is_other; /* the files belong to another user, and we are not root */
};

MUST_CHECK bool owner_find(const char *user, struct owner *ret_owner, struct err *e);
/* For a while, and back to who we were; only root needs to. */
MUST_CHECK bool owner_enter(const struct owner *owner, struct err *e);
MUST_CHECK bool owner_leave(struct err *e);
/* For good. */
MUST_CHECK bool owner_become(const struct owner *owner, struct err *e);

#endif
