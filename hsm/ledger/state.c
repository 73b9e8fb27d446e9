#include "hsm/ledger/state.h"

#include "hsm/ledger/issuance_state.h"
#include "hsm/ledger/order_state.h"
#include "hsm/ledger/schema.h"

#include <inttypes.h>

bool state_refuse_missing(struct err *e)
{
	/* The only look-up failure that means "not allowed" rather than trouble. */
	if (e->code == ERR_NOT_FOUND)
		e->code = ERR_REFUSED;
	return false;
}

static bool apply_alarm(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ALARM_PUT,
			 VALUES(INTEGER(entry->kind), TEXT(entry->unit), TEXT(entry->other_unit),
				INTEGER(entry->number)),
			 e);
}

static bool check_crl(struct ledger *l, const struct entry *entry, struct err *e)
{
	uint64_t last;

	if (!ledger_crl_number(l, entry->ca_id.data, &last, e))
		return false;
	if (entry->crl_number <= last)
		return err_set(e, ERR_REFUSED, "the last CRL of this CA has the number %" PRIu64,
			       last);
	return true;
}

static bool apply_crl(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_CRL_PUT, VALUES(BLOB(entry->ca_id), INTEGER(entry->crl_number)), e);
}

typedef bool (*action)(struct ledger *l, const struct entry *entry, struct err *e);

static const struct rule {
	action check, apply; /* NULL: nothing to check, nothing to do */
} rules[ENTRY_TYPE_COUNT] = {
	[ENTRY_ORDER_OPENED] = { order_check_opened, order_apply_opened },
	[ENTRY_ORDER_UNITS] = { order_check_units, order_apply_units },
	[ENTRY_ORDER_QUANTITY] = { order_check_quantity, order_apply_quantity },
	[ENTRY_ORDER_USED] = { order_check_open, order_apply_used },
	[ENTRY_ORDER_CLOSED] = { order_check_open, order_apply_closed },
	[ENTRY_RESERVED] = { issuance_check_reserved, issuance_apply_reserved },
	[ENTRY_ISSUED] = { issuance_check_issued, issuance_apply_issued },
	[ENTRY_INSTALLED] = { issuance_check_installed, issuance_apply_installed },
	[ENTRY_VOID] = { issuance_check_void, issuance_apply_void },
	[ENTRY_REVOKED] = { issuance_check_revoked, issuance_apply_revoked },
	[ENTRY_ALARM] = { NULL, apply_alarm },
	[ENTRY_CRL] = { check_crl, apply_crl },
	[ENTRY_RESTORED] = { NULL, order_apply_restored },
};

/* Where in the sequence an entry of this type may stand. */
static bool check_place(const struct ledger *l, const struct entry *entry, struct err *e)
{
	const struct position *p = &l->now;
	bool first = p->tree.size == 0;
	bool after_new_epoch = p->last == ENTRY_LEDGER && p->epoch > 1;

	if (first && entry->type != ENTRY_LEDGER)
		return err_set(e, ERR_REFUSED, "the first entry of a ledger must be \"%s\"",
			       entry_type_name(ENTRY_LEDGER));
	if (after_new_epoch != (entry->type == ENTRY_RESTORED))
		return err_set(e, ERR_REFUSED, "a new epoch begins with \"%s\" and \"%s\"",
			       entry_type_name(ENTRY_LEDGER), entry_type_name(ENTRY_RESTORED));
	if (!first && entry->time_s < p->time_s && entry->type != ENTRY_TIME_ACCEPTED)
		return err_set(e, ERR_REFUSED,
			       "the clock is behind the ledger's last entry by %" PRId64 " s",
			       p->time_s - entry->time_s);
	return true;
}

bool state_check(struct ledger *l, const struct entry *entry, struct err *e)
{
	action check = rules[entry->type].check;

	return check_place(l, entry, e) && (!check || check(l, entry, e));
}

bool state_apply(struct ledger *l, const struct entry *entry, struct err *e)
{
	action apply = rules[entry->type].apply;

	return !apply || apply(l, entry, e);
}

bool state_clear(struct ledger *l, struct err *e)
{
	if (sqlite3_exec(l->db, schema_clear_sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(l, "rebuilding", e);
	return true;
}
