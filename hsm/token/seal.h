/* seal: the token's PINs as credentials that systemd-creds encrypts to this PC: with its TPM where it
 * has one, and with a key of this installation, /var/lib/systemd/credential.secret. They are bound to
 * no state of the firmware, whose update must not stop a line.
 *	/etc/credstore.encrypted/imprint-token-pin	the user's: the signer's unit loads it
 *	/etc/credstore.encrypted/imprint-token-so-pin	the security officer's
 * What root runs by hand opens the first with seal_open, before it becomes the signer's user.
 * Errors: ERR_PIN, ERR_SYSTEM. Threads: one, before others start. Layer above: ceremony. Below:
 * save. */
#ifndef HSM_SEAL_H
#define HSM_SEAL_H

#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

#define SEAL_PIN "token-pin"
#define SEAL_SO_PIN "token-so-pin"

/* We are root, on an installed station (no IMPRINT_DIR), and systemd runs this machine. */
bool seal_possible(void);
/* The seal needs this PC's TPM, and not only its disk. */
bool seal_has_tpm(void);
bool seal_exists(const char *name);

MUST_CHECK bool seal_write(const char *name, const char *pin, struct err *e);
MUST_CHECK bool seal_read(const char *name, char *ret_pin, size_t size, struct err *e);

/* If that is possible, and there is a sealed user PIN: gives it to this process as systemd would, in
 * CREDENTIALS_DIRECTORY. It lies in memory that no other process sees, is never swapped, and goes
 * with this process; that user and group may read it. */
MUST_CHECK bool seal_open(uid_t uid, gid_t gid, struct err *e);

#endif
