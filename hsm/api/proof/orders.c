#include "hsm/api/proof/orders.h"

#include <stdlib.h>

static struct bytes id_of(const void *rows, uint32_t row)
{
	const struct orders *o = rows;

	return bytes_text(texts_get(o->texts, o->rows[row].id));
}

static struct bytes unit_of(const void *rows, uint32_t row)
{
	const struct orders *o = rows;

	return bytes_of(&o->units[row], sizeof(o->units[row]));
}

void orders_start(struct orders *o, struct texts *texts)
{
	*o = (struct orders) { .texts = texts };
	index_start(&o->by_id, id_of, o);
	index_start(&o->by_unit, unit_of, o);
}

void orders_free(struct orders *o)
{
	index_free(&o->by_id);
	index_free(&o->by_unit);
	pattern_clear(&o->pattern);
	free(o->rows);
	free(o->units);
}

static bool find_open(const struct orders *o, struct bytes id, uint32_t *ret_row, struct err *e)
{
	uint32_t row = index_find(&o->by_id, id);

	if (row == INDEX_NONE)
		return err_set(e, ERR_CORRUPT, "there is no such order");
	if (!o->rows[row].open)
		return err_set(e, ERR_CORRUPT, "the order is closed");
	*ret_row = row;
	return true;
}

static bool add_unit(struct orders *o, uint32_t order, struct bytes unit, struct err *e)
{
	struct orders_unit pair = { .order = order };
	void *units = o->units;

	if (unit.len == 0 || unit.len > NAME_MAX_LEN)
		return err_set(e, ERR_CORRUPT, "the list of units is malformed");
	if (!texts_put(o->texts, unit, &pair.unit, e))
		return false;
	if (index_find(&o->by_unit, bytes_of(&pair, sizeof(pair))) != INDEX_NONE)
		return true;
	if (!index_room(&units, o->unit_count, &o->unit_capacity, sizeof(pair), e))
		return false;
	o->units = units;
	o->units[o->unit_count] = pair;
	return index_put(&o->by_unit, (uint32_t)o->unit_count++, e);
}

static bool add_list(struct orders *o, uint32_t order, struct bytes list, struct err *e)
{
	while (list.len > 0) {
		const uint8_t *end = memchr(list.data, '\n', list.len);
		size_t len = end ? (size_t)(end - list.data) : list.len;

		if (!add_unit(o, order, bytes_of(list.data, len), e))
			return false;
		list.data += len + (end != NULL);
		list.len -= len + (end != NULL);
	}
	return true;
}

static bool opened(struct orders *o, const struct entry *entry, struct err *e)
{
	struct orders_row new = { .quantity = (uint32_t)entry->quantity,
				  .until = (int64_t)entry->until,
				  .units = (uint8_t)entry->units,
				  .open = true };
	void *rows = o->rows;
	uint32_t row = (uint32_t)o->count;

	if (index_find(&o->by_id, entry->order) != INDEX_NONE)
		return err_set(e, ERR_CORRUPT, "there is such an order already");
	if (!texts_put(o->texts, entry->order, &new.id, e) ||
	    !texts_put(o->texts, entry->product, &new.product, e) ||
	    !texts_put(o->texts, entry->pattern, &new.pattern, e) ||
	    !index_room(&rows, o->count, &o->capacity, sizeof(new), e))
		return false;
	o->rows = rows;
	o->rows[o->count++] = new;
	return index_put(&o->by_id, row, e) && add_list(o, row, entry->list, e);
}

static bool change(struct orders *o, const struct entry *entry, struct err *e)
{
	uint32_t row;

	if (!find_open(o, entry->order, &row, e))
		return false;
	if (entry->type == ENTRY_ORDER_CLOSED)
		o->rows[row].open = false;
	if (entry->type == ENTRY_ORDER_UNITS)
		return add_list(o, row, entry->list, e);
	if (entry->type != ENTRY_ORDER_QUANTITY)
		return true;
	if (entry->quantity < o->rows[row].used)
		return err_set(e, ERR_CORRUPT, "the order's quantity falls below what is used");
	o->rows[row].quantity = (uint32_t)entry->quantity;
	return true;
}

bool orders_entry(struct orders *o, const struct entry *entry, struct err *e)
{
	if (entry->type == ENTRY_ORDER_OPENED)
		return opened(o, entry, e);
	if (entry->type != ENTRY_RESTORED)
		return change(o, entry, e);
	for (size_t i = 0; i < o->count; i++)
		o->rows[i].open = false;
	return true;
}

static bool lists(const struct orders *o, uint32_t row, struct bytes unit)
{
	struct orders_unit pair = { row, index_find(&o->texts->index, unit) };

	return pair.unit != INDEX_NONE &&
	       index_find(&o->by_unit, bytes_of(&pair, sizeof(pair))) != INDEX_NONE;
}

static bool matches(struct orders *o, uint32_t row, struct bytes unit, bool *ret_match,
		    struct err *e)
{
	char text[NAME_MAX_LEN + 1] = "";

	if (unit.len <= NAME_MAX_LEN)
		memcpy(text, unit.data, unit.len);
	if (pattern_match(&o->pattern, texts_get(o->texts, o->rows[row].pattern), text, ret_match,
			  e))
		return true;
	e->code = ERR_CORRUPT;
	return false;
}

static bool check_unit(struct orders *o, uint32_t row, struct bytes unit, struct err *e)
{
	bool match = true;

	if (o->rows[row].units == UNITS_LIST && !lists(o, row, unit))
		return err_set(e, ERR_CORRUPT, "the unit is not on the order's list");
	if (o->rows[row].units == UNITS_PATTERN && !matches(o, row, unit, &match, e))
		return false;
	return match || err_set(e, ERR_CORRUPT, "the unit does not match the order's pattern");
}

bool orders_take(struct orders *o, const struct entry *entry, uint32_t *ret_row, struct err *e)
{
	struct orders_row *order;
	uint32_t row;

	if (!find_open(o, entry->order, &row, e))
		return false;
	order = &o->rows[row];
	if (order->used >= order->quantity)
		return err_set(e, ERR_CORRUPT, "the order's quantity was used up");
	if (!bytes_equal(entry->product, bytes_text(texts_get(o->texts, order->product))))
		return err_set(e, ERR_CORRUPT, "the order is for another product");
	if (order->until && entry->time_s > order->until)
		return err_set(e, ERR_CORRUPT, "the order was over");
	if (!check_unit(o, row, entry->unit, e))
		return false;
	order->used++;
	*ret_row = row;
	return true;
}

void orders_give_back(struct orders *o, uint32_t row)
{
	o->rows[row].used--;
}
