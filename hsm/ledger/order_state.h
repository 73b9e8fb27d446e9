/* order_state: what entries about orders need before them, and what they do to the tables. Private
 * to this folder. Layer above: state. Below: store. */
#ifndef HSM_LEDGER_ORDER_STATE_H
#define HSM_LEDGER_ORDER_STATE_H

#include "hsm/ledger/state.h"

MUST_CHECK bool order_check_opened(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_opened(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_check_units(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_units(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_check_quantity(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_quantity(struct ledger *l, const struct entry *entry, struct err *e);
/* For used and closed. */
MUST_CHECK bool order_check_open(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_used(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_closed(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool order_apply_restored(struct ledger *l, const struct entry *entry, struct err *e);

/* The order of an entry; ERR_REFUSED if it is not there or not open. */
MUST_CHECK bool order_find_open(struct ledger *l, const struct entry *entry,
				struct order *ret_order, struct err *e);
/* Adds to what an order has used and installed. */
MUST_CHECK bool order_count(struct ledger *l, struct bytes order, int used, int installed,
			    struct err *e);

#endif
