/* state: the tables of the present state, derived from the entries: orders, units of orders,
 * issuances, alarms, CRL numbers. One table of functions in state.c says for each type of entry
 * what must hold before it and what it does. Private to this folder. Layer above: ledger. Below:
 * store. */
#ifndef HSM_LEDGER_STATE_H
#define HSM_LEDGER_STATE_H

#include "hsm/ledger/store.h"

/* May this entry come now? Reads only. ERR_REFUSED with a sentence if it may not. */
MUST_CHECK bool state_check(struct ledger *l, const struct entry *entry, struct err *e);
/* Does to the tables what a checked entry says. */
MUST_CHECK bool state_apply(struct ledger *l, const struct entry *entry, struct err *e);
/* A look-up that found nothing means "not allowed" here: turns ERR_NOT_FOUND into ERR_REFUSED;
 * always false. */
bool state_refuse_missing(struct err *e);
/* Empties the tables. */
MUST_CHECK bool state_clear(struct ledger *l, struct err *e);

#endif
