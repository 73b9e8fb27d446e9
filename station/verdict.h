/* verdict: what an error means for a run, as one table: who is to blame, the short code for the
 * screen, what to do now. FAULT_… and the refusals that blame the board are FAIL; ERR_CANCELLED is
 * ABORTED; all else is the station's: ERROR. Threads: any. Layer above: recipe, desk. Below:
 * serial/fault, hsm/api/refusal. */
#ifndef STATION_VERDICT_H
#define STATION_VERDICT_H

#include "station/control/control.h"

enum outcome verdict_outcome(int code);
const char *verdict_code(int code); /* "F21", "unit-other-key", "busy" */
const char *verdict_remedy(int code);

#endif
