/* verdict: what an error means for a run, as one table: who is to blame, the short code for the
 * screen, what to do now. FAULT_…, the refusals that blame the board and a wrong label are FAIL;
 * ERR_CANCELLED and a run that the policy did not allow are ABORTED; all else is the station's:
 * ERROR. Threads: any. Layer above: recipe, desk. Below:
 * serial/fault, hsm/api/refusal. */
#ifndef STATION_VERDICT_H
#define STATION_VERDICT_H

#include "station/control/control.h"

/* The station's own refusals (policy.h), above those of signer and boards. */
enum policy_code {
	POLICY_TRIES = 300, /* the unit has had its tries */
	POLICY_GOLDEN,	    /* a golden unit in production, or another one in golden mode */
	POLICY_LABEL,	    /* the label says another unit than the board */
	POLICY_NO_LABEL,    /* the product wants a label, and none was scanned */
};

enum outcome verdict_outcome(int code);
const char *verdict_code(int code); /* "F21", "unit-other-key", "busy" */
const char *verdict_remedy(int code);

#endif
