/* adopt: certificates that the CA signed in the gap of a restore, read back from boards or from AWS,
 * come into the ledger again. They enter as what they are, without an entry of a new kind: an order
 * of their own, opened and closed in the same transaction (READ-BACK- and its entry's number), and
 * under it for each `reserved` and `issued`. Each must be signed by the CA in use and name its unit;
 * what the ledger knows already, or has another certificate for, is refused, and then none comes in.
 * They are issued, not installed: the same board again settles that. Errors: those of ceremony.
 * Threads: one. Layer above: ca_main. Below: ceremony_open, ledger. */
#ifndef HSM_ADOPT_H
#define HSM_ADOPT_H

#include "hsm/ceremony/ceremony.h"

#define ADOPT_MAX 1000 /* certificates at once */

struct adopt_one {
	char unit[NAME_MAX_LEN + 1];
	uint8_t der[CERTIFICATE_MAX];
	size_t len;
};

struct adopt {
	const char *product;
	const char *by;
	struct adopt_one *certificates;
	size_t count;
};

MUST_CHECK bool adopt_certificates(const struct adopt *adopt,
				   char ret_text[static CEREMONY_TEXT_MAX], struct err *e);

#endif
