/* mode: who else may change or read a file of ours. A daemon that obeys a file which others may
 * write does what they want; both daemons refuse that at their start. Errors: ERR_REFUSED with the
 * chmod or chown to type, ERR_NOT_FOUND, ERR_SYSTEM. Threads: any. Layer above: the daemons' starts,
 * signer/check, station/check. Below: place. */
#ifndef BASE_MODE_H
#define BASE_MODE_H

#include "base/err.h"
#include "base/place.h"

/* Others than owner and group may not even look into it, and the group may not write. */
MUST_CHECK bool mode_private(const char *path, struct err *e);

/* What a daemon obeys: the folder etc, its settings file `name` in it, and every product. */
MUST_CHECK bool mode_settings(const char *name, struct err *e);

/* What a daemon keeps: its lib folder, if it is there. */
MUST_CHECK bool mode_kept(enum place place, struct err *e);

/* Of all that is in that folder, nothing is closed to us, as what root has copied there would be.
 * `user` is who should own it. */
MUST_CHECK bool mode_usable(enum place place, const char *user, struct err *e);

#endif
