#include "hsm/ledger/ledger.h"

#include "hsm/ledger/schema.h"
#include "hsm/ledger/store.h"

#include <inttypes.h>
#include <stdio.h>

#define FILTER_SQL_MAX 512

static void read_issuance(sqlite3_stmt *row, struct issuance *ret_issuance)
{
	struct issuance i = { 0 };

	i.id = (uint64_t)sqlite3_column_int64(row, 0);
	i.issued_entry = (uint64_t)sqlite3_column_int64(row, 1);
	i.state = (enum state)sqlite3_column_int(row, 2);
	i.evidence = (enum evidence)sqlite3_column_int(row, 3);
	i.unit_source = (enum unit_source)sqlite3_column_int(row, 4);
	i.rekeyed = sqlite3_column_int(row, 5);
	store_text(row, 6, i.order, sizeof(i.order));
	store_text(row, 7, i.product, sizeof(i.product));
	store_text(row, 8, i.unit, sizeof(i.unit));
	store_text(row, 9, i.nest, sizeof(i.nest));
	store_text(row, 10, i.operator, sizeof(i.operator));
	store_text(row, 11, i.reason, sizeof(i.reason));
	i.serial_len = (uint8_t)store_blob(row, 12, i.serial, sizeof(i.serial));
	store_blob(row, 13, i.certificate_id, sizeof(i.certificate_id));
	store_blob(row, 14, i.key_sha256, sizeof(i.key_sha256));
	store_blob(row, 15, i.ca_id, sizeof(i.ca_id));
	i.reserved_at = sqlite3_column_int64(row, 16);
	i.issued_at = sqlite3_column_int64(row, 17);
	i.installed_at = sqlite3_column_int64(row, 18);
	i.ended_at = sqlite3_column_int64(row, 19);
	*ret_issuance = i;
}

/* ERR_NOT_FOUND without a sentence: the caller says what it looked for. */
static bool one_issuance(struct ledger *l, enum statement statement, const struct value *values,
			 struct issuance *ret_issuance, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, statement, values, &query, e) || !store_row(l, query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "the ledger has no such certificate");
	read_issuance(query, ret_issuance);
	return true;
}

/* The first that is not void, or else the first, of rows that come latest first. Chosen here, for
 * SQLite would set up a sorter each time. */
static bool latest_issuance(struct ledger *l, enum statement statement, const struct value *values,
			    struct issuance *ret_issuance, struct err *e)
{
	struct issuance latest = { 0 }, other;
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, statement, values, &query, e) || !store_row(l, query, &row, e))
		return false;
	if (!row)
		return err_set(e, ERR_NOT_FOUND, "the ledger has no such certificate");
	read_issuance(query, &latest);
	while (latest.state == STATE_VOID) {
		if (!store_row(l, query, &row, e))
			return false;
		if (!row)
			break;
		read_issuance(query, &other);
		if (other.state != STATE_VOID)
			latest = other;
	}
	*ret_issuance = latest;
	return true;
}

bool ledger_issuance(struct ledger *l, uint64_t id, struct issuance *ret_issuance, struct err *e)
{
	return one_issuance(l, SQL_ISSUANCE_GET, VALUES(INTEGER(id)), ret_issuance, e);
}

bool ledger_by_unit(struct ledger *l, const char *unit, struct issuance *ret_issuance,
		    struct err *e)
{
	return latest_issuance(l, SQL_BY_UNIT, VALUES(TEXT(bytes_text(unit))), ret_issuance, e);
}

bool ledger_by_key(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
		   struct issuance *ret_issuance, struct err *e)
{
	return latest_issuance(l, SQL_BY_KEY, VALUES(BLOB(bytes_of(key_sha256, SHA256_LEN))),
			       ret_issuance, e);
}

bool ledger_key_elsewhere(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
			  const char *unit, struct issuance *ret_issuance, struct err *e)
{
	return latest_issuance(
		l, SQL_KEY_ELSEWHERE,
		VALUES(BLOB(bytes_of(key_sha256, SHA256_LEN)), TEXT(bytes_text(unit))),
		ret_issuance, e);
}

bool ledger_key_revoked(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
			struct issuance *ret_issuance, struct err *e)
{
	return one_issuance(l, SQL_KEY_REVOKED, VALUES(BLOB(bytes_of(key_sha256, SHA256_LEN))),
			    ret_issuance, e);
}

bool ledger_by_certificate(struct ledger *l, const uint8_t id[static SHA256_LEN],
			   struct issuance *ret_issuance, struct err *e)
{
	return one_issuance(l, SQL_BY_CERTIFICATE, VALUES(BLOB(bytes_of(id, SHA256_LEN))),
			    ret_issuance, e);
}

bool ledger_by_serial(struct ledger *l, struct bytes serial, struct issuance *ret_issuance,
		      struct err *e)
{
	return one_issuance(l, SQL_BY_SERIAL, VALUES(BLOB(serial)), ret_issuance, e);
}

bool ledger_rekeys(struct ledger *l, const char *unit, uint32_t *ret_count, struct err *e)
{
	int64_t count;

	if (!store_number(l, SQL_REKEYS, VALUES(TEXT(bytes_text(unit))), 0, &count, e))
		return false;
	*ret_count = (uint32_t)count;
	return true;
}

/* The state stands in the text, and twice, for that is how the index without installed ones
 * (issuances_state) is found. */
static bool filter_statement(struct ledger *l, const struct issuance_filter *filter,
			     sqlite3_stmt **ret_statement, struct err *e)
{
	char text[FILTER_SQL_MAX], state[64] = "";

	if (filter->state)
		snprintf(state, sizeof(state), " AND state = %d%s", (int)filter->state,
			 filter->state == STATE_INSTALLED ? "" : " AND state <> 3");
	snprintf(text, sizeof(text),
		 "SELECT " SCHEMA_ISSUANCE_COLUMNS
		 " FROM issuances WHERE id > ?1 AND issued_at >= ?2%s%s%s ORDER BY id LIMIT ?5",
		 filter->order[0] ? " AND order_id = ?3" : "",
		 filter->unit[0] ? " AND unit = ?4" : "", state);
	return store_prepare(l, text, ret_statement, e);
}

bool ledger_issuances(struct ledger *l, uint64_t after, const struct issuance_filter *filter,
		      struct issuance *ret_rows, size_t room, size_t *ret_count, struct err *e)
{
	AUTO(statement) statement = NULL;
	size_t count = 0;
	bool row = true;

	if (!filter_statement(l, filter, &statement, e))
		return false;
	if (sqlite3_bind_int64(statement, 1, (int64_t)after) ||
	    sqlite3_bind_int64(statement, 2, filter->since) ||
	    (filter->order[0] &&
	     sqlite3_bind_text(statement, 3, filter->order, -1, SQLITE_STATIC)) ||
	    (filter->unit[0] && sqlite3_bind_text(statement, 4, filter->unit, -1, SQLITE_STATIC)) ||
	    sqlite3_bind_int64(statement, 5, (int64_t)room))
		return store_fail(l, "reading", e);
	while (count < room) {
		if (!store_row(l, statement, &row, e))
			return false;
		if (!row)
			break;
		read_issuance(statement, &ret_rows[count++]);
	}
	*ret_count = count;
	return true;
}

bool ledger_certificate(struct ledger *l, const struct issuance *issuance, uint8_t *ret_der,
			size_t *ret_len, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry entry;
	size_t len;

	if (issuance->issued_entry == 0)
		return err_set(e, ERR_NOT_FOUND, "unit %s was never issued this certificate",
			       issuance->unit);
	if (!ledger_entry(l, issuance->issued_entry, &data, &len, e))
		return false;
	if (!entry_decode(bytes_of(data, len), &entry, e) || entry.type != ENTRY_ISSUED ||
	    entry.issuance != issuance->id)
		return err_set(e, ERR_CORRUPT,
			       "entry %" PRIu64 " of the ledger is not the certificate of unit %s",
			       issuance->issued_entry, issuance->unit);
	memcpy(ret_der, entry.certificate.data, entry.certificate.len);
	*ret_len = entry.certificate.len;
	return true;
}
