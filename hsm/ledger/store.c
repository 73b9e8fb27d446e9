#include "hsm/ledger/store.h"

#include "hsm/ledger/schema.h"

#include <sys/statvfs.h>

#define BUSY_MS 1000 /* somebody looks at the file with another program */

static const char *const pragmas[] = {
	"PRAGMA page_size=2048", /* random places in an index cost a page each: small ones */
	"PRAGMA journal_mode=WAL",
	"PRAGMA synchronous=FULL",
	"PRAGMA foreign_keys=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA temp_store=MEMORY",
	"PRAGMA cache_size=-4096",	  /* KiB: the signer stays below 20 MB */
	"PRAGMA wal_autocheckpoint=8000", /* pages: 16 MB before they are folded into the file */
};

#define ORDER_SELECT "SELECT " SCHEMA_ORDER_COLUMNS " FROM orders WHERE "
#define ISSUANCE_SELECT "SELECT " SCHEMA_ISSUANCE_COLUMNS " FROM issuances WHERE "
#define LATEST_FIRST " ORDER BY id DESC"

static const char *const sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_ENTRY_PUT] = "INSERT INTO entries VALUES (?1, ?2)",
	[SQL_ENTRY_GET] = "SELECT data FROM entries WHERE number = ?1",
	[SQL_ENTRIES_FROM] = "SELECT number, data FROM entries WHERE number >= ?1 ORDER BY number",
	[SQL_ENTRY_LAST] = "SELECT max(number) FROM entries",
	[SQL_TREE_GET] = "SELECT ledger_id, epoch, size, frontier, time_s, last FROM tree",
	[SQL_TREE_PUT] =
		"UPDATE tree SET epoch = ?1, size = ?2, frontier = ?3, time_s = ?4, last = ?5",
	[SQL_LATEST_GET] = "SELECT type, number FROM latest",
	[SQL_LATEST_PUT] = "INSERT OR REPLACE INTO latest VALUES (?1, ?2)",
	[SQL_ORDER_GET] = ORDER_SELECT "id = ?1",
	[SQL_ORDER_IN_USE] = ORDER_SELECT "in_use = 1",
	[SQL_ORDERS_AFTER] = ORDER_SELECT "id > ?1 ORDER BY id LIMIT ?2",
	[SQL_ORDER_PUT] =
		"INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, ?6, 0, 0, 0, ?7, ?8)",
	[SQL_ORDER_QUANTITY] = "UPDATE orders SET quantity = ?2 WHERE id = ?1",
	[SQL_ORDER_UNUSE] = "UPDATE orders SET in_use = 0 WHERE in_use = 1",
	[SQL_ORDER_USE] = "UPDATE orders SET in_use = 1 WHERE id = ?1",
	[SQL_ORDER_CLOSE] = "UPDATE orders SET state = 2, in_use = 0 WHERE id = ?1",
	[SQL_ORDERS_CLOSE] = "UPDATE orders SET state = 2, in_use = 0",
	[SQL_ORDER_LISTED] = "UPDATE orders SET listed = listed + ?2 WHERE id = ?1",
	[SQL_ORDER_COUNT] =
		"UPDATE orders SET used = used + ?2, installed = installed + ?3 WHERE id = ?1",
	[SQL_UNIT_PUT] = "INSERT OR IGNORE INTO order_units VALUES (?1, ?2)",
	[SQL_UNIT_GET] = "SELECT 1 FROM order_units WHERE order_id = ?1 AND unit = ?2",
	[SQL_UNIT_NEXT] = "SELECT unit FROM order_units AS listed WHERE order_id = ?1 AND unit >= "
			  "?2 AND NOT EXISTS (SELECT 1 FROM issuances WHERE unit = listed.unit AND "
			  "(issued_entry > 0 OR state = 1)) ORDER BY unit LIMIT 1",
	[SQL_ISSUANCE_PUT] =
		"INSERT INTO issuances (" SCHEMA_ISSUANCE_COLUMNS ") VALUES (?1, 0, 1, 0, ?2, 0, "
		"?3, ?4, ?5, ?6, ?7, '', ?8, NULL, ?9, ?10, ?11, 0, 0, 0)",
	[SQL_ISSUANCE_ISSUED] =
		"UPDATE issuances SET state = 2, issued_entry = ?2, certificate_id = "
		"?3, issued_at = ?4 WHERE id = ?1",
	[SQL_ISSUANCE_INSTALLED] =
		"UPDATE issuances SET state = 3, evidence = ?2, nest = ?3, operator "
		"= ?4, installed_at = ?5 WHERE id = ?1",
	[SQL_ISSUANCE_ENDED] =
		"UPDATE issuances SET state = ?2, reason = ?3, rekeyed = ?4, ended_at = "
		"?5 WHERE id = ?1",
	[SQL_ISSUANCE_GET] = ISSUANCE_SELECT "id = ?1",
	[SQL_BY_UNIT] = ISSUANCE_SELECT "unit = ?1" LATEST_FIRST,
	[SQL_BY_KEY] = ISSUANCE_SELECT "key_sha256 = ?1" LATEST_FIRST,
	[SQL_BY_CERTIFICATE] = ISSUANCE_SELECT "certificate_id = ?1",
	[SQL_BY_SERIAL] = ISSUANCE_SELECT "serial = ?1",
	[SQL_UNIT_LIVE] = "SELECT id FROM issuances WHERE unit = ?1 AND state <= 3 LIMIT 1",
	[SQL_KEY_ELSEWHERE] = ISSUANCE_SELECT
	"key_sha256 = ?1 AND unit <> ?2 AND (issued_entry > 0 OR state = 1)" LATEST_FIRST,
	[SQL_KEY_REVOKED] =
		ISSUANCE_SELECT "key_sha256 = ?1 AND state = 5 ORDER BY id DESC LIMIT 1",
	[SQL_REKEYS] = "SELECT count(*) FROM issuances WHERE unit = ?1 AND rekeyed = 1",
	[SQL_ALARM_GET] =
		"SELECT entry FROM alarms WHERE kind = ?1 AND unit = ?2 AND other_unit = ?3",
	[SQL_ALARM_PUT] = "INSERT OR IGNORE INTO alarms VALUES (?1, ?2, ?3, ?4)",
	[SQL_ALARM_REPEAT] =
		"INSERT INTO alarm_repeats VALUES (?1, ?2, ?3, 1) ON CONFLICT DO UPDATE "
		"SET count = count + 1",
	[SQL_CRL_GET] = "SELECT number FROM crls WHERE ca_id = ?1",
	[SQL_CRL_PUT] = "INSERT OR REPLACE INTO crls VALUES (?1, ?2)",
};

/* What SQLite does not say. */
static const char *inodes(const char *path)
{
	struct statvfs disk;

	if (statvfs(path, &disk) < 0 || disk.f_files == 0 || disk.f_ffree > 0)
		return "";
	return ": its disk has no inode left; remove files there";
}

bool store_fail(struct ledger *l, const char *doing, struct err *e)
{
	int code = sqlite3_errcode(l->db) & 0xff;

	if (l->in_transaction)
		l->spoiled = true;
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return err_set(
			e, ERR_CORRUPT,
			"the ledger %s is damaged (%s): keep a copy of it and of the files beside "
			"it, then restore a backup",
			l->path, sqlite3_errmsg(l->db));
	return err_set(e, ERR_SYSTEM, "%s the ledger %s: %s%s", doing, l->path,
		       sqlite3_errmsg(l->db), code == SQLITE_CANTOPEN ? inodes(l->path) : "");
}

static bool execute(struct ledger *l, const char *text, const char *doing, struct err *e)
{
	if (sqlite3_exec(l->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(l, doing, e);
	return true;
}

static bool connect(struct ledger *l, const char *path, int access, struct err *e)
{
	int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	if (sqlite3_open_v2(path, &l->db, flags, NULL) != SQLITE_OK)
		return store_fail(l, "opening", e);
	sqlite3_busy_timeout(l->db, BUSY_MS);
	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++)
		if (!execute(l, pragmas[i], "opening", e))
			return false;
	return true;
}

bool store_make(struct ledger *l, const char *path, struct err *e)
{
	AUTO(statement) tree = NULL;

	if (!connect(l, path, SQLITE_OPEN_READWRITE, e) ||
	    !execute(l, schema_mark_sql, "making", e) ||
	    !execute(l, schema_version_sql, "making", e) || !execute(l, schema_sql, "making", e))
		return false;
	if (sqlite3_prepare_v2(l->db, "INSERT INTO tree VALUES (1, ?1, 0, 0, x'', 0, 0)", -1, &tree,
			       NULL) != SQLITE_OK ||
	    sqlite3_bind_blob(tree, 1, l->id, LEDGER_ID_LEN, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_step(tree) != SQLITE_DONE)
		return store_fail(l, "making", e);
	return true;
}

static bool pragma_is(struct ledger *l, const char *text, int64_t wanted, struct err *e)
{
	AUTO(statement) pragma = NULL;

	if (sqlite3_prepare_v2(l->db, text, -1, &pragma, NULL) != SQLITE_OK ||
	    sqlite3_step(pragma) != SQLITE_ROW)
		return store_fail(l, "opening", e);
	if (sqlite3_column_int64(pragma, 0) != wanted)
		return err_set(e, ERR_CORRUPT,
			       "%s is not a ledger of this version: check which file it is",
			       l->path);
	return true;
}

static bool open_as(struct ledger *l, int access, struct err *e)
{
	return connect(l, l->path, access, e) &&
	       pragma_is(l, "PRAGMA application_id", SCHEMA_APPLICATION_ID, e) &&
	       pragma_is(l, "PRAGMA user_version", SCHEMA_VERSION, e);
}

bool store_open(struct ledger *l, struct err *e)
{
	return open_as(l, SQLITE_OPEN_READWRITE, e);
}

bool store_look(struct ledger *l, struct err *e)
{
	return open_as(l, SQLITE_OPEN_READONLY, e);
}

void store_close(struct ledger *l)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		sqlite3_finalize(l->statements[i]);
		l->statements[i] = NULL;
	}
	sqlite3_close(l->db);
	l->db = NULL;
}

static bool bind(sqlite3_stmt *statement, const struct value *values)
{
	int rc = SQLITE_OK;

	for (int i = 0; rc == SQLITE_OK && values && values[i].kind != VALUE_END; i++) {
		const struct value *v = &values[i];
		const char *data = v->bytes.data ? (const char *)v->bytes.data : "";
		int len = (int)v->bytes.len;

		if (v->kind == VALUE_INTEGER)
			rc = sqlite3_bind_int64(statement, i + 1, v->number);
		else if (v->kind == VALUE_TEXT)
			rc = sqlite3_bind_text(statement, i + 1, data, len, SQLITE_STATIC);
		else
			rc = sqlite3_bind_blob(statement, i + 1, data, len, SQLITE_STATIC);
	}
	return rc == SQLITE_OK;
}

static bool is_alive(const struct ledger *l, struct err *e)
{
	return !l->dead ||
	       err_set(e, ERR_SYSTEM,
		       "the ledger %s failed before and is closed: start the signer again",
		       l->path);
}

bool store_prepare(struct ledger *l, const char *text, sqlite3_stmt **ret_statement, struct err *e)
{
	if (!is_alive(l, e))
		return false;
	if (sqlite3_prepare_v2(l->db, text, -1, ret_statement, NULL) != SQLITE_OK)
		return store_fail(l, "asking", e);
	return true;
}

bool store_start(struct ledger *l, enum statement statement, const struct value *values,
		 sqlite3_stmt **ret_statement, struct err *e)
{
	sqlite3_stmt **kept = &l->statements[statement];

	if (!is_alive(l, e))
		return false;
	if (!*kept && sqlite3_prepare_v3(l->db, sql[statement], -1, SQLITE_PREPARE_PERSISTENT, kept,
					 NULL) != SQLITE_OK)
		return store_fail(l, "asking", e);
	if (!bind(*kept, values))
		return store_fail(l, "asking", e);
	*ret_statement = *kept;
	return true;
}

/* To SQLite a COMMIT changes nothing. */
static bool reads(sqlite3_stmt *statement)
{
	return sqlite3_stmt_readonly(statement) && sqlite3_column_count(statement) > 0;
}

bool store_row(struct ledger *l, sqlite3_stmt *statement, bool *ret_row, struct err *e)
{
	int rc = sqlite3_step(statement);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(l, reads(statement) ? "reading" : "writing", e);
	*ret_row = rc == SQLITE_ROW;
	return true;
}

bool store_run(struct ledger *l, enum statement statement, const struct value *values,
	       struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	return store_start(l, statement, values, &query, e) && store_row(l, query, &row, e);
}

bool store_number(struct ledger *l, enum statement statement, const struct value *values,
		  int64_t none, int64_t *ret_number, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!store_start(l, statement, values, &query, e) || !store_row(l, query, &row, e))
		return false;
	*ret_number = row ? sqlite3_column_int64(query, 0) : none;
	return true;
}

struct bytes store_view(sqlite3_stmt *row, int column)
{
	const void *data = sqlite3_column_blob(row, column);
	int len = sqlite3_column_bytes(row, column);

	return bytes_of(data ? data : "", (size_t)len);
}

size_t store_blob(sqlite3_stmt *row, int column, uint8_t *ret_data, size_t size)
{
	struct bytes data = store_view(row, column);

	if (data.len > size)
		return 0;
	memcpy(ret_data, data.data, data.len);
	return data.len;
}

void store_text(sqlite3_stmt *row, int column, char *ret_text, size_t size)
{
	size_t len = store_blob(row, column, (uint8_t *)ret_text, size - 1);

	ret_text[len] = '\0';
}
