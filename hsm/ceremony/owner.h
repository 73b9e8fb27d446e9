/* owner: the user to whom the signer's files belong, and becoming it. Under IMPRINT_DIR, or for
 * anybody but root, that is who runs the program; for root on an installed station it is the user
 * imprint-signer, which the package makes. Threads: one, before others start. Layer above:
 * ceremony. Below: none. */
#ifndef HSM_OWNER_H
#define HSM_OWNER_H

#include "base/err.h"

#include <sys/types.h>

struct owner {
	uid_t uid;
	gid_t gid;
	bool installed; /* not under IMPRINT_DIR */
};

MUST_CHECK bool owner_find(struct owner *ret_owner, struct err *e);
/* For a while, and back to who we were; only root needs to. */
MUST_CHECK bool owner_enter(const struct owner *owner, struct err *e);
MUST_CHECK bool owner_leave(struct err *e);
/* For good. */
MUST_CHECK bool owner_become(const struct owner *owner, struct err *e);

#endif
