/* fault: what can be wrong with a board or its wire, as one table: code, short code for the
 * operator, remedy. The err.code of every serial/ function that fails because of the board is one
 * of these; ERR_CANCELLED and ERR_SYSTEM stay what they are. Every fault is the board's: the run's
 * outcome is FAIL. Threads: any. Layer above: drivers, station. Below: err. */
#ifndef SERIAL_FAULT_H
#define SERIAL_FAULT_H

#include "base/err.h"

enum fault {
	FAULT_FIRST = 200,
	FAULT_SILENT = FAULT_FIRST, /* no answer at all */
	FAULT_GARBAGE,		    /* bytes come, but no valid packet in time */
	FAULT_LINE_GONE,	    /* unplugged, or the other end hung up */
	FAULT_RESTARTED,	    /* it restarted in the middle */
	FAULT_ANSWER,		    /* a valid packet with an answer that makes no sense */
	FAULT_REFUSED,		    /* it answered with an error code */
	FAULT_FLASH,		    /* it did not keep what was written */
	FAULT_NO_ROOM,		    /* a file does not fit */
	FAULT_UNIT_TEXT,	    /* its unit id is not printable ASCII of 1 to 64 characters */
	FAULT_UNIT_CHANGED,	    /* it names another unit at the end than at the start */
	FAULT_CSR_SIZE,		    /* its CSR is empty or too long */
	FAULT_PROOF,		    /* its proof does not verify */
	FAULT_LAST,
};

/* "F10" to the operator; "" for a code that is no fault. */
const char *fault_short(int code);
/* What to do now: "Re-seat the board; if it stays silent, check the cable of this nest." */
const char *fault_remedy(int code);

#endif
