#include "hsm/ledger/ledger.h"

#include "hsm/ledger/store.h"

#include <inttypes.h>

#define LENGTH_PREFIX 4

static bool copy_entry(sqlite3_stmt *row, uint8_t **ret_data, size_t *ret_len, struct err *e)
{
	struct bytes data = store_view(row, 0);
	uint8_t *copy = malloc(data.len ? data.len : 1);

	if (!copy)
		return err_set(e, ERR_SYSTEM, "out of memory");
	memcpy(copy, data.data, data.len);
	*ret_data = copy;
	*ret_len = data.len;
	return true;
}

bool ledger_entry(struct ledger *l, uint64_t number, uint8_t **ret_data, size_t *ret_len,
		  struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, SQL_ENTRY_GET, VALUES(INTEGER(number)), &query, e) ||
	    !store_row(l, query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "the ledger has no entry %" PRIu64, number);
	return copy_entry(query, ret_data, ret_len, e);
}

bool ledger_latest(struct ledger *l, enum entry_type type, uint8_t **ret_data, size_t *ret_len,
		   struct err *e)
{
	if (l->now.latest[type] == 0)
		return err_set(e, ERR_NOT_FOUND, "the ledger has no entry \"%s\"",
			       entry_type_name(type));
	return ledger_entry(l, l->now.latest[type], ret_data, ret_len, e);
}

bool ledger_entries(struct ledger *l, uint64_t number, uint8_t *ret_data, size_t size,
		    size_t *ret_len, uint64_t *ret_next, struct err *e)
{
	AUTO(query) query = NULL;
	size_t len = 0;
	bool row;

	if (!store_start(l, SQL_ENTRIES_FROM, VALUES(INTEGER(number)), &query, e))
		return false;
	for (;;) {
		struct bytes data;

		if (!store_row(l, query, &row, e))
			return false;
		*ret_next = row ? (uint64_t)sqlite3_column_int64(query, 0) : 0;
		data = row ? store_view(query, 1) : bytes_of("", 0);
		if (!row || LENGTH_PREFIX + data.len > size - len)
			break;
		for (int i = 0; i < LENGTH_PREFIX; i++)
			ret_data[len++] = (uint8_t)(data.len >> 8 * (LENGTH_PREFIX - 1 - i));
		memcpy(ret_data + len, data.data, data.len);
		len += data.len;
	}
	*ret_len = len;
	return true;
}

bool ledger_alarm_is_new(struct ledger *l, uint64_t kind, const char *unit, const char *other_unit,
			 bool *ret_new, struct err *e)
{
	const struct value *pair =
		VALUES(INTEGER(kind), TEXT(bytes_text(unit)), TEXT(bytes_text(other_unit)));
	int64_t entry;

	if (!store_number(l, SQL_ALARM_GET, pair, 0, &entry, e) ||
	    (entry && !store_run(l, SQL_ALARM_REPEAT, pair, e)))
		return false;
	*ret_new = entry == 0;
	return true;
}

bool ledger_crl_number(struct ledger *l, const uint8_t ca_id[static SHA256_LEN], uint64_t *ret_last,
		       struct err *e)
{
	int64_t last;

	if (!store_number(l, SQL_CRL_GET, VALUES(BLOB(bytes_of(ca_id, SHA256_LEN))), 0, &last, e))
		return false;
	*ret_last = (uint64_t)last;
	return true;
}
