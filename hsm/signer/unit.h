/* unit: whose certificate it is to be: is the unit id one of the product, and which has a board that
 * does not say one. Threads: the loop, but unit_who: any. Layer above: issue, work. Below: signer,
 * ledger, product. */
#ifndef HSM_SIGNER_UNIT_H
#define HSM_SIGNER_UNIT_H

#include "hsm/signer/signer.h"

#define UNIT_WHO_SIZE (NAME_MAX_LEN + 32)

/* "unit T-1"; or the nest, while the unit is still to be taken from the order's list. */
const char *unit_who(const struct job *job, char text[static UNIT_WHO_SIZE]);

/* Is it an id as the product has them, from where the product takes them? */
MUST_CHECK bool unit_check(const struct job *job, struct err *e);

/* A board that does not know its unit id has that which its key was given before, or the next of
 * the order's list. */
MUST_CHECK bool unit_take(struct signer *s, struct job *job, struct err *e);

#endif
