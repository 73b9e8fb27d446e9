#include "hsm/ledger/issuance_state.h"

#include "hsm/api/proof/sha256.h"
#include "hsm/ledger/order_state.h"

#include <inttypes.h>

bool issuance_check_reserved(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance other;
	struct order order;
	int64_t live;

	if (!order_find_open(l, entry, &order, e))
		return false;
	if (order.used >= order.quantity)
		return err_set(e, ERR_REFUSED, "order %s has used up its quantity", order.id);
	if (!bytes_equal(entry->product, bytes_text(order.product)))
		return err_set(e, ERR_REFUSED, "order %s is for product %s", order.id,
			       order.product);
	if (ledger_by_serial(l, entry->serial, &other, e))
		return err_set(e, ERR_REFUSED,
			       "this certificate serial was given to unit %s already", other.unit);
	if (e->code != ERR_NOT_FOUND ||
	    !store_number(l, SQL_UNIT_LIVE, VALUES(TEXT(entry->unit)), 0, &live, e))
		return false;
	if (live)
		return err_set(e, ERR_REFUSED, "the unit has a certificate: issuance %" PRId64,
			       live);
	return true;
}

bool issuance_apply_reserved(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ISSUANCE_PUT,
			 VALUES(INTEGER(entry->number), INTEGER(entry->source), TEXT(entry->order),
				TEXT(entry->product), TEXT(entry->unit), TEXT(entry->nest),
				TEXT(entry->operator), BLOB(entry->serial), BLOB(entry->key_sha256),
				BLOB(entry->ca_id), INTEGER(entry->time_s)),
			 e) &&
	       order_count(l, entry->order, 1, 0, e);
}

/* The issuance that the entry moves on to another state. */
static bool check_move(struct ledger *l, const struct entry *entry, enum state to,
		       struct issuance *ret_issuance, struct err *e)
{
	if (!ledger_issuance(l, entry->issuance, ret_issuance, e))
		return state_refuse_missing(e);
	if (!state_may_follow(ret_issuance->state, to))
		return err_set(e, ERR_REFUSED,
			       "the certificate of unit %s (issuance %" PRIu64
			       ") is %s: it cannot become %s",
			       ret_issuance->unit, ret_issuance->id,
			       state_name(ret_issuance->state), state_name(to));
	return true;
}

bool issuance_check_issued(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return check_move(l, entry, STATE_ISSUED, &issuance, e);
}

bool issuance_apply_issued(struct ledger *l, const struct entry *entry, struct err *e)
{
	uint8_t id[SHA256_LEN];

	sha256(&entry->certificate, 1, id);
	return store_run(l, SQL_ISSUANCE_ISSUED,
			 VALUES(INTEGER(entry->issuance), INTEGER(entry->number), BLOB(BYTES(id)),
				INTEGER(entry->time_s)),
			 e);
}

bool issuance_check_installed(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	if (!check_move(l, entry, STATE_INSTALLED, &issuance, e))
		return false;
	if (entry->digests.len % SHA256_LEN || entry->nonce.len % SHA256_LEN ||
	    (entry->evidence == EVIDENCE_SIGNED &&
	     (entry->nonce.len == 0 || entry->signature.len == 0)))
		return err_set(e, ERR_REFUSED,
			       "the evidence for unit %s lacks its nonce, signature or file hashes",
			       issuance.unit);
	return true;
}

bool issuance_apply_installed(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return ledger_issuance(l, entry->issuance, &issuance, e) &&
	       store_run(l, SQL_ISSUANCE_INSTALLED,
			 VALUES(INTEGER(entry->issuance), INTEGER(entry->evidence),
				TEXT(entry->nest), TEXT(entry->operator), INTEGER(entry->time_s)),
			 e) &&
	       order_count(l, bytes_text(issuance.order), 0, 1, e);
}

bool issuance_check_void(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	if (!check_move(l, entry, STATE_VOID, &issuance, e))
		return false;
	if (entry->rekeyed && issuance.state != STATE_ISSUED)
		return err_set(e, ERR_REFUSED,
			       "only an issued certificate is voided for a new key");
	return true;
}

/* The quota comes back if nothing left the process, or by the rekey rule. */
bool issuance_apply_void(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	if (!ledger_issuance(l, entry->issuance, &issuance, e) ||
	    !store_run(l, SQL_ISSUANCE_ENDED,
		       VALUES(INTEGER(entry->issuance), INTEGER(STATE_VOID), TEXT(entry->reason),
			      INTEGER(entry->rekeyed), INTEGER(entry->time_s)),
		       e))
		return false;
	if (issuance.state == STATE_ISSUED && !entry->rekeyed)
		return true;
	return order_count(l, bytes_text(issuance.order), -1, 0, e);
}

bool issuance_check_revoked(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return check_move(l, entry, STATE_REVOKED, &issuance, e);
}

bool issuance_apply_revoked(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ISSUANCE_ENDED,
			 VALUES(INTEGER(entry->issuance), INTEGER(STATE_REVOKED),
				TEXT(entry->reason), INTEGER(0), INTEGER(entry->time_s)),
			 e);
}
