/* refusal: why the signer said no, as one table: code, name, remedy. err.code of a refused request
 * is one of these; the sentence in the reply names unit and cause. BOARD: the board's fault
 * (outcome FAIL); STATION: ours (outcome ERROR). Threads: any. Layer above: signer, station,
 * command. Below: err. */
#ifndef HSM_API_REFUSAL_H
#define HSM_API_REFUSAL_H

#include <stdbool.h>

enum refusal {
	REFUSAL_FIRST = 100,
	REFUSAL_PERMISSION = REFUSAL_FIRST, /* this user may not ask that */
	REFUSAL_REQUEST,		    /* the request is malformed */
	REFUSAL_CSR,			    /* the CSR breaks a rule; the sentence says which */
	REFUSAL_KEY_TYPE,	/* a good CSR, but a key that the product does not allow */
	REFUSAL_UNIT_TEXT,	/* the unit id does not match the product's pattern */
	REFUSAL_UNIT_OTHER_KEY, /* this unit has a certificate for another key */
	REFUSAL_UNIT_INSTALLED, /* this unit is finished, and its kind of board would lose its key
				   if it were asked for a CSR: the station refuses by itself */
	REFUSAL_KEY_OTHER_UNIT, /* this key has a certificate for another unit: alarm */
	REFUSAL_KEY_REVOKED, /* this key's certificate was revoked, or the key is on record as bad
			      */
	REFUSAL_REKEY_LIMIT, /* a fourth new key for a unit that was never installed */
	REFUSAL_ORDER_NONE,  /* no order is in use */
	REFUSAL_ORDER_UNKNOWN,
	REFUSAL_ORDER_EXISTS,
	REFUSAL_ORDER_CLOSED,
	REFUSAL_ORDER_LATE,  /* its time is over */
	REFUSAL_ORDER_UNIT,  /* the unit is not one of the order's */
	REFUSAL_ORDER_QUOTA, /* its quantity is used up */
	REFUSAL_PRODUCT,     /* the order's product file is missing or wrong */
	REFUSAL_UNKNOWN,     /* no such unit, issuance or certificate */
	REFUSAL_STATE,	     /* not possible in the issuance's state */
	REFUSAL_NONCE,	     /* that nonce is not open: ask for the certificate again */
	REFUSAL_PROOF,	     /* the board's signature does not verify */
	REFUSAL_CLOCK,	     /* issuing pauses until a supervisor accepts the time */
	REFUSAL_DISK,	     /* less than 64 MB free */
	REFUSAL_TOKEN,	     /* the token is lost, or refused its PIN: the signer reopens it */
	REFUSAL_CA,	     /* no CA yet, or the CA is outside its validity */
	REFUSAL_FAILED,	     /* the signer's own trouble; nothing was issued */
	REFUSAL_LAST,
};

/* "unit-other-key"; "" for a code that is no refusal. */
const char *refusal_name(int code);
/* What to do now, one sentence. */
const char *refusal_remedy(int code);
/* True if the board is to blame (FAIL), false if the station is (ERROR). */
bool refusal_blames_board(int code);

#endif
