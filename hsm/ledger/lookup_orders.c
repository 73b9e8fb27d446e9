#include "hsm/ledger/ledger.h"

#include "hsm/ledger/store.h"

#include <stdio.h>

static void read_order(sqlite3_stmt *row, struct order *ret_order)
{
	struct order o = { 0 };

	store_text(row, 0, o.id, sizeof(o.id));
	store_text(row, 1, o.product, sizeof(o.product));
	store_text(row, 2, o.opened_by, sizeof(o.opened_by));
	store_text(row, 3, o.pattern, sizeof(o.pattern));
	o.units = (enum order_units)sqlite3_column_int(row, 4);
	o.state = (enum order_state)sqlite3_column_int(row, 5);
	o.in_use = sqlite3_column_int(row, 6);
	o.quantity = (uint32_t)sqlite3_column_int64(row, 7);
	o.used = (uint32_t)sqlite3_column_int64(row, 8);
	o.listed = (uint32_t)sqlite3_column_int64(row, 9);
	o.installed = (uint32_t)sqlite3_column_int64(row, 10);
	o.opened_at = sqlite3_column_int64(row, 11);
	o.until = sqlite3_column_int64(row, 12);
	*ret_order = o;
}

static bool one_order(struct ledger *l, enum statement statement, const struct value *values,
		      struct order *ret_order, bool *ret_found, struct err *e)
{
	AUTO(query) query = NULL;

	if (!store_start(l, statement, values, &query, e) || !store_row(l, query, ret_found, e))
		return false;
	if (*ret_found)
		read_order(query, ret_order);
	return true;
}

bool ledger_order(struct ledger *l, const char *id, struct order *ret_order, struct err *e)
{
	bool found;

	if (!one_order(l, SQL_ORDER_GET, VALUES(TEXT(bytes_text(id))), ret_order, &found, e))
		return false;
	return found ||
	       err_set(e, ERR_NOT_FOUND, "there is no order %s: see imprint order list", id);
}

bool ledger_order_in_use(struct ledger *l, struct order *ret_order, struct err *e)
{
	bool found;

	if (!one_order(l, SQL_ORDER_IN_USE, NULL, ret_order, &found, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND,
				"no order is in use: a supervisor runs imprint order use ID");
}

static bool is_listed(struct ledger *l, const char *id, const char *unit, bool *ret_listed,
		      struct err *e)
{
	int64_t listed;

	if (!store_number(l, SQL_UNIT_GET, VALUES(TEXT(bytes_text(id)), TEXT(bytes_text(unit))), 0,
			  &listed, e))
		return false;
	*ret_listed = listed != 0;
	return true;
}

static bool next_unit(struct ledger *l, const char *from, char ret_unit[static NAME_MAX_LEN + 1],
		      bool *ret_found, struct err *e)
{
	AUTO(query) query = NULL;

	if (!store_start(l, SQL_UNIT_NEXT,
			 VALUES(TEXT(bytes_text(l->list_order)), TEXT(bytes_text(from))), &query,
			 e) ||
	    !store_row(l, query, ret_found, e))
		return false;
	if (*ret_found)
		store_text(query, 0, ret_unit, NAME_MAX_LEN + 1);
	return true;
}

bool ledger_order_next_unit(struct ledger *l, const char *id,
			    char ret_unit[static NAME_MAX_LEN + 1], struct err *e)
{
	char unit[NAME_MAX_LEN + 1];
	bool found;

	if (strcmp(l->list_order, id) != 0) {
		snprintf(l->list_order, sizeof(l->list_order), "%s", id);
		l->list_unit[0] = '\0';
	}
	if (!next_unit(l, l->list_unit, unit, &found, e) ||
	    (!found && !next_unit(l, "", unit, &found, e)))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND,
			       "every unit id on the list of order %s has its certificate", id);
	strcpy(l->list_unit, unit);
	strcpy(ret_unit, unit);
	return true;
}

bool ledger_order_takes(struct ledger *l, const struct order *order, const char *unit,
			bool *ret_takes, struct err *e)
{
	switch (order->units) {
	case UNITS_PATTERN:
		return pattern_match(&l->pattern, order->pattern, unit, ret_takes, e);
	case UNITS_LIST:
		return is_listed(l, order->id, unit, ret_takes, e);
	default:
		*ret_takes = true;
		return true;
	}
}

bool ledger_orders(struct ledger *l, const char *after, struct order *ret_orders, size_t room,
		   size_t *ret_count, struct err *e)
{
	AUTO(query) query = NULL;
	size_t count = 0;
	bool row = true;

	if (!store_start(l, SQL_ORDERS_AFTER, VALUES(TEXT(bytes_text(after)), INTEGER(room)),
			 &query, e))
		return false;
	while (count < room) {
		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			break;
		read_order(query, &ret_orders[count++]);
	}
	*ret_count = count;
	return true;
}
