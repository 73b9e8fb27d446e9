/* pin: the token's user PIN, for the moment of a login. It lies in one page that is never swapped
 * nor dumped, and is cleansed when it is given back. Where from: a file of mode 0600 or 0400 that
 * belongs to the user we run as; with "" the systemd credential token-pin. A line end behind it
 * does not count. Errors: ERR_PIN (no file, wrong mode, empty): a person must act. Threads: one at
 * a time, the others wait. Layer above: token. Below: none. */
#ifndef HSM_PIN_H
#define HSM_PIN_H

#include "base/bytes.h"
#include "base/err.h"

#define PIN_MAX 255

/* Reads the PIN; pin_release must follow. A NUL stands behind it. */
MUST_CHECK bool pin_read(const char *path, struct bytes *ret_pin, struct err *e);
void pin_release(void);

#endif
