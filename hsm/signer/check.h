/* check: what imprint-signer --check looks at, one row each (base/check): settings, modes of files,
 * PIN, token, keys, CA, ledger, clock, disk. It changes nothing. Run by root on an installed station
 * it becomes the signer's user first, so that no file of root's is left behind. While the signer
 * runs, it holds the ledger and the token: then it is asked over its socket. No PIN is tried that
 * the token refused before. Threads: one. Layer above: signer_main. Below: keeper, guard, base/check,
 * base/owner. */
#ifndef HSM_SIGNER_CHECK_H
#define HSM_SIGNER_CHECK_H

#include "hsm/signer/signer.h"

/* Returns the exit status: 0, or 1 if a row is FAIL. signer_close releases what it opened. */
int check_signer(struct signer *s);

#endif
