/* pins: the two PINs of a new SoftHSM token: the user's, with which the signer logs in, and the
 * security officer's, which is needed never again. Drawn at random and sealed to this PC (see
 * token/seal), or in files of mode 0600, the first the signer's, the second ours. Those of an attempt
 * before, which a crash may have ended, are taken again. The caller cleanses them. Threads: one.
 * Layer above: ceremony_init. Below: seal, save. */
#ifndef HSM_PINS_H
#define HSM_PINS_H

#include "base/owner.h"

#define PINS_SIZE 80

struct pins {
	char user[PINS_SIZE], so[PINS_SIZE];
};

/* Sealed, and the user's given to this process. *ret_sealed is false where that cannot be, or a file
 * of that path is there. A sealed PIN that cannot be opened is an error: a token may need it. */
MUST_CHECK bool pins_seal(const struct owner *owner, const char *path, struct pins *ret_pins,
			  bool *ret_sealed, struct err *e);
MUST_CHECK bool pins_in_files(const struct owner *owner, const char *path, const char *so_path,
			      struct pins *ret_pins, struct err *e);

#endif
