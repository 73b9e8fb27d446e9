#include "hsm/ledger/order_state.h"

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

static bool find_order(struct ledger *l, const struct entry *entry, struct order *ret_order,
		       struct err *e)
{
	char id[NAME_MAX_LEN + 1];

	return ledger_order(l, name_of(entry->order, id), ret_order, e) || state_refuse_missing(e);
}

bool order_find_open(struct ledger *l, const struct entry *entry, struct order *ret_order,
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

bool order_apply_units(struct ledger *l, const struct entry *entry, struct err *e)
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

bool order_check_opened(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (find_order(l, entry, &order, e))
		return err_set(e, ERR_REFUSED, "there is an order %s already", order.id);
	return e->code == ERR_REFUSED && check_pattern(l, entry, e) && check_list(entry->list, e);
}

bool order_apply_opened(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_PUT,
			 VALUES(TEXT(entry->order), TEXT(entry->product), TEXT(entry->by),
				TEXT(entry->pattern), INTEGER(entry->units),
				INTEGER(entry->quantity), INTEGER(entry->time_s),
				INTEGER(entry->until)),
			 e) &&
	       order_apply_units(l, entry, e);
}

bool order_check_units(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (!order_find_open(l, entry, &order, e))
		return false;
	if (order.units != UNITS_LIST)
		return err_set(e, ERR_REFUSED, "order %s was opened without a list of units",
			       order.id);
	return check_list(entry->list, e);
}

bool order_check_quantity(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	if (!order_find_open(l, entry, &order, e))
		return false;
	if (entry->quantity < order.used)
		return err_set(e, ERR_REFUSED,
			       "order %s has used %" PRIu32 " already; its quantity cannot be less",
			       order.id, order.used);
	return true;
}

bool order_apply_quantity(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_QUANTITY,
			 VALUES(TEXT(entry->order), INTEGER(entry->quantity)), e);
}

bool order_check_open(struct ledger *l, const struct entry *entry, struct err *e)
{
	struct order order;

	return order_find_open(l, entry, &order, e);
}

bool order_apply_used(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_UNUSE, NULL, e) &&
	       store_run(l, SQL_ORDER_USE, VALUES(TEXT(entry->order)), e);
}

bool order_apply_closed(struct ledger *l, const struct entry *entry, struct err *e)
{
	return store_run(l, SQL_ORDER_CLOSE, VALUES(TEXT(entry->order)), e);
}

bool order_count(struct ledger *l, struct bytes order, int used, int installed, struct err *e)
{
	return store_run(l, SQL_ORDER_COUNT, VALUES(TEXT(order), INTEGER(used), INTEGER(installed)),
			 e);
}

bool order_apply_restored(struct ledger *l, const struct entry *entry, struct err *e)
{
	(void)entry;
	return store_run(l, SQL_ORDERS_CLOSE, NULL, e);
}
