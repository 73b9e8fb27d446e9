/* pin_mark: which PIN the token refused, kept in a file over restarts, so that no PIN is ever tried
 * twice: many tokens lock after three wrong tries.
 *	salt[16] tag[2]		the tag is the first 12 bits of SHA-256 over salt and PIN
 * So little of it is enough to know the PIN again and of no use to find it. An empty path: no mark.
 * Threads: one at a time. Layer above: token. Below: save. */
#ifndef HSM_PIN_MARK_H
#define HSM_PIN_MARK_H

#include "base/bytes.h"
#include "base/err.h"

/* True if there is a mark: only then is it worth while to read the PIN and ask. */
bool pin_mark_exists(const char *path);
/* ERR_PIN, with what to do now, if this is the PIN that was refused. */
MUST_CHECK bool pin_mark_check(const char *path, struct bytes pin, struct err *e);
/* Durable when it returns. */
MUST_CHECK bool pin_mark_set(const char *path, struct bytes pin, struct err *e);
/* The token took a PIN. */
void pin_mark_clear(const char *path);

#endif
