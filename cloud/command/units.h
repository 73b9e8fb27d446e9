/* units: which unit has which certificate, for all certificates of the station's ledger at once: one
 * look-up each would be too many questions. 97 bytes a certificate. Threads: one. Layer above:
 * list. Below: hsm/api/client. */
#ifndef CLOUD_COMMAND_UNITS_H
#define CLOUD_COMMAND_UNITS_H

#include "cloud/command/command.h"

struct units;

MUST_CHECK bool units_load(struct units **ret_units, struct err *e);
void units_free(struct units *units);
AUTO_DEFINE(units, struct units *, units_free)

/* The unit of a certificate id; "" if the ledger has none. units NULL: there is no ledger. */
const char *units_find(const struct units *units, const char *id);

#endif
