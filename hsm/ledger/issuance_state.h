/* issuance_state: what entries about a certificate need before them, and what they do to the
 * tables. Private to this folder. Layer above: state. Below: order_state, store. */
#ifndef HSM_LEDGER_ISSUANCE_STATE_H
#define HSM_LEDGER_ISSUANCE_STATE_H

#include "hsm/ledger/state.h"

MUST_CHECK bool issuance_check_reserved(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_apply_reserved(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_check_issued(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_apply_issued(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_check_installed(struct ledger *l, const struct entry *entry,
					 struct err *e);
MUST_CHECK bool issuance_apply_installed(struct ledger *l, const struct entry *entry,
					 struct err *e);
MUST_CHECK bool issuance_check_void(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_apply_void(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_check_revoked(struct ledger *l, const struct entry *entry, struct err *e);
MUST_CHECK bool issuance_apply_revoked(struct ledger *l, const struct entry *entry, struct err *e);

#endif
