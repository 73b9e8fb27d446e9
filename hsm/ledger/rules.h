/* rules: what the signer does with a checked request for a certificate. Look-up first, then order
 * and quota, in the transaction in which the answer is acted upon: the loop asks, appends and asks
 * again, so no two requests of one batch can both pass. No I/O of its own but the ledger's.
 * Threads: the loop. Layer above: signer. Below: ledger. */
#ifndef HSM_LEDGER_RULES_H
#define HSM_LEDGER_RULES_H

#include "hsm/ledger/ledger.h"

struct rules_question {
	const char *unit;
	const char *product; /* the order's, or for a repeat with a closed order, that order's */
	const uint8_t *key_sha256;
	const uint8_t *ca_id;
	const struct order *order;   /* as ledger_order gave it in this transaction */
	bool rekey_before_installed; /* the product's word */
	int64_t now_s;
};

enum verdict {
	VERDICT_REFUSED, /* err says why: code REFUSAL_…, sentence */
	VERDICT_NEW,	 /* reserve one */
	VERDICT_AGAIN, /* release *ret_issuance again: issued or installed, same unit, key, product,
			  CA */
	VERDICT_PENDING, /* *ret_issuance is reserved: a worker signs it now; ask again when it is
			    done */
	VERDICT_REKEY,	 /* void *ret_issuance with rekeyed = 1, then ask again */
	VERDICT_ALARM,	 /* as REFUSED; and the pair (unit, other unit of *ret_issuance) is worth an
			    alarm entry */
};

/* False only for the ledger's own trouble. A refusal is true with VERDICT_REFUSED or VERDICT_ALARM,
 * and its code and sentence in *ret_refusal. */
MUST_CHECK bool rules_decide(struct ledger *l, const struct rules_question *question,
			     enum verdict *ret_verdict, struct issuance *ret_issuance,
			     struct err *ret_refusal, struct err *e);

#endif
