#include "hsm/ledger/state.h"

#include "hsm/api/proof/sha256.h"
#include "hsm/ledger/schema.h"

#include <inttypes.h>

/* A field's text as a C string; entries hold no NUL, and no field is longer than its limit. */
static const char *name_of(struct bytes text, char name[static NAME_MAX_LEN + 1])
{
	size_t len = text.len <= NAME_MAX_LEN ? text.len : 0;

	if (len)
		memcpy(name, text.data, len);
	name[len] = '\0';
	return name;
}

static bool refuse_missing(struct err *e)
{
	/* The only look-up failure that means "not allowed" rather than trouble. */
	if (e->code == ERR_NOT_FOUND)
		e->code = ERR_REFUSED;
	return false;
}

static bool find_order(struct ledger *l, const struct entry *entry, struct order *ret_order,
		       struct err *e)
{
	char id[NAME_MAX_LEN + 1];

	return ledger_order(l, name_of(entry->order, id), ret_order, e) || refuse_missing(e);
}

static bool find_open_order(struct ledger *l, const struct entry *entry, struct order *ret_order,
			    struct err *e)
{
	if (!find_order(l, entry, ret_order, e))
		return false;
	if (ret_order->state != ORDER_OPEN)
		return err_set(e, ERR_REFUSED, "order %s is closed", ret_order->id);
	return true;
}

/* Takes the next unit id from a list, one a line. */
static bool next_unit(struct bytes *list, struct bytes *ret_unit)
{
	const uint8_t *end;

	if (list->len == 0)
		return false;
	end = memchr(list->data, '\n', list->len);
	*ret_unit = bytes_of(list->data, end ? (size_t)(end - list->data) : list->len);
	list->data += ret_unit->len + (end != NULL);
	list->len -= ret_unit->len + (end != NULL);
	return true;
}

static bool check_list(struct bytes list, struct err *e)
{
	struct bytes unit;

	for (unsigned line = 1; next_unit(&list, &unit); line++)
		if (unit.len == 0 || unit.len > NAME_MAX_LEN)
			return err_set(e, ERR_REFUSED,
				       "line %u of the list is no unit id: 1 to %d characters",
				       line, NAME_MAX_LEN);
	return true;
}

static bool apply_list(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct bytes list = entry->list, unit;
	int64_t listed = 0;

	while (next_unit(&list, &unit)) {
		if (!store_run(l, SQL_UNIT_PUT, VALUES(TEXT(entry->order), TEXT(unit)), e))
			return false;
		listed += sqlite3_changes(l->db);
	}
	return listed == 0 ||
	       store_run(l, SQL_ORDER_LISTED, VALUES(TEXT(entry->order), INTEGER(listed)), e);
}

static bool check_pattern(struct ledger *l, const struct entry *entry, struct err *e)
{
	char text[PATTERN_MAX_LEN + 1];
	bool ignored;

	if ((entry->units == UNITS_PATTERN) != (entry->pattern.len > 0))
		return err_set(e, ERR_REFUSED, "an order has a pattern if its units are a pattern");
	if (entry->units != UNITS_LIST && entry->list.len > 0)
		return err_set(e, ERR_REFUSED, "an order has a list if its units are a list");
	if (entry->units != UNITS_PATTERN)
		return true;
	memcpy(text, entry->pattern.data, entry->pattern.len);
	text[entry->pattern.len] = '\0';
	if (pattern_match(&l->pattern, text, "", &ignored, e))
		return true;
	e->code = ERR_REFUSED;
	return false;
}

static bool check_order_opened(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (find_order(l, entry, &order, e))
		return err_set(e, ERR_REFUSED, "there is an order %s already", order.id);
	return e->code == ERR_REFUSED && check_pattern(l, entry, e) && check_list(entry->list, e);
}

static bool apply_order_opened(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_PUT,
			 VALUES(TEXT(entry->order), TEXT(entry->product), TEXT(entry->by),
				TEXT(entry->pattern), INTEGER(entry->units),
				INTEGER(entry->quantity), INTEGER(entry->time_s),
				INTEGER(entry->until)),
			 e) &&
	       apply_list(l, entry, e);
}

static bool check_order_units(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (!find_open_order(l, entry, &order, e))
		return false;
	if (order.units != UNITS_LIST)
		return err_set(e, ERR_REFUSED, "order %s was opened without a list of units",
			       order.id);
	return check_list(entry->list, e);
}

static bool check_order_quantity(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (!find_open_order(l, entry, &order, e))
		return false;
	if (entry->quantity < order.used)
		return err_set(e, ERR_REFUSED,
			       "order %s has used %" PRIu32 " already; its quantity cannot be less",
			       order.id, order.used);
	return true;
}

static bool apply_order_quantity(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_QUANTITY,
			 VALUES(TEXT(entry->order), INTEGER(entry->quantity)), e);
}

static bool check_order_is_open(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	return find_open_order(l, entry, &order, e);
}

static bool apply_order_used(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_UNUSE, NULL, e) &&
	       store_run(l, SQL_ORDER_USE, VALUES(TEXT(entry->order)), e);
}

static bool apply_order_closed(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_CLOSE, VALUES(TEXT(entry->order)), e);
}

static bool check_reserved(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance other;
	struct order order;
	int64_t live;

	if (!find_open_order(l, entry, &order, e))
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

static bool count(struct ledger *l, struct bytes order, int used, int installed, struct err *e)
{
	return store_run(l, SQL_ORDER_COUNT, VALUES(TEXT(order), INTEGER(used), INTEGER(installed)),
			 e);
}

static bool apply_reserved(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ISSUANCE_PUT,
			 VALUES(INTEGER(entry->number), INTEGER(entry->source), TEXT(entry->order),
				TEXT(entry->product), TEXT(entry->unit), TEXT(entry->nest),
				TEXT(entry->operator), BLOB(entry->serial), BLOB(entry->key_sha256),
				BLOB(entry->ca_id), INTEGER(entry->time_s)),
			 e) &&
	       count(l, entry->order, 1, 0, e);
}

/* The issuance that the entry moves on to another state. */
static bool check_move(struct ledger *l, const struct entry *entry, enum state to,
		       struct issuance *ret_issuance, struct err *e)
{
	if (!ledger_issuance(l, entry->issuance, ret_issuance, e))
		return refuse_missing(e);
	if (!state_may_follow(ret_issuance->state, to))
		return err_set(e, ERR_REFUSED,
			       "the certificate of unit %s (issuance %" PRIu64
			       ") is %s: it cannot become %s",
			       ret_issuance->unit, ret_issuance->id,
			       state_name(ret_issuance->state), state_name(to));
	return true;
}

static bool check_issued(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return check_move(l, entry, STATE_ISSUED, &issuance, e);
}

static bool apply_issued(struct ledger *l, const struct entry *entry, struct err *e)
{
	uint8_t id[SHA256_LEN];

	sha256(&entry->certificate, 1, id);
	return store_run(l, SQL_ISSUANCE_ISSUED,
			 VALUES(INTEGER(entry->issuance), INTEGER(entry->number), BLOB(BYTES(id)),
				INTEGER(entry->time_s)),
			 e);
}

static bool check_installed(struct ledger *l, const struct entry *entry, struct err *e)
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

static bool apply_installed(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return ledger_issuance(l, entry->issuance, &issuance, e) &&
	       store_run(l, SQL_ISSUANCE_INSTALLED,
			 VALUES(INTEGER(entry->issuance), INTEGER(entry->evidence),
				TEXT(entry->nest), TEXT(entry->operator), INTEGER(entry->time_s)),
			 e) &&
	       count(l, bytes_text(issuance.order), 0, 1, e);
}

static bool check_void(struct ledger *l, const struct entry *entry, struct err *e)
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
static bool apply_void(struct ledger *l, const struct entry *entry, struct err *e)
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
	return count(l, bytes_text(issuance.order), -1, 0, e);
}

static bool check_revoked(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct issuance issuance;

	return check_move(l, entry, STATE_REVOKED, &issuance, e);
}

static bool apply_revoked(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ISSUANCE_ENDED,
			 VALUES(INTEGER(entry->issuance), INTEGER(STATE_REVOKED),
				TEXT(entry->reason), INTEGER(0), INTEGER(entry->time_s)),
			 e);
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

static bool apply_restored(struct ledger *l, const struct entry *entry, struct err *e)
{
	(void)entry;
	return store_run(l, SQL_ORDERS_CLOSE, NULL, e);
}

typedef bool (*action)(struct ledger *l, const struct entry *entry, struct err *e);

static const struct rule {
	action check, apply; /* NULL: nothing to check, nothing to do */
} rules[ENTRY_TYPE_COUNT] = {
	[ENTRY_ORDER_OPENED] = { check_order_opened, apply_order_opened },
	[ENTRY_ORDER_UNITS] = { check_order_units, apply_list },
	[ENTRY_ORDER_QUANTITY] = { check_order_quantity, apply_order_quantity },
	[ENTRY_ORDER_USED] = { check_order_is_open, apply_order_used },
	[ENTRY_ORDER_CLOSED] = { check_order_is_open, apply_order_closed },
	[ENTRY_RESERVED] = { check_reserved, apply_reserved },
	[ENTRY_ISSUED] = { check_issued, apply_issued },
	[ENTRY_INSTALLED] = { check_installed, apply_installed },
	[ENTRY_VOID] = { check_void, apply_void },
	[ENTRY_REVOKED] = { check_revoked, apply_revoked },
	[ENTRY_ALARM] = { NULL, apply_alarm },
	[ENTRY_CRL] = { check_crl, apply_crl },
	[ENTRY_RESTORED] = { NULL, apply_restored },
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
