/* store: the ledger's SQLite file, private to this folder: schema, prepared statements, and the
 * struct behind ledger.h. A statement is one row of the table in store.c, prepared once and kept.
 * Any failure inside a transaction spoils it: it can only be rolled back; a failed commit ends the
 * handle. Threads: the ledger's. Layer above: ledger, state, lookup, backup. Below: SQLite. */
#ifndef HSM_LEDGER_STORE_H
#define HSM_LEDGER_STORE_H

#include "hsm/api/proof/pattern.h"
#include "hsm/ledger/position.h"

#include <limits.h>
#include <sqlite3.h>

#define STORE_PATH_MAX (PATH_MAX - 16) /* room for what is put behind the ledger's name */

enum statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_ENTRY_PUT,
	SQL_ENTRY_GET,
	SQL_ENTRIES_FROM,
	SQL_ENTRY_LAST,
	SQL_TREE_GET,
	SQL_TREE_PUT,
	SQL_LATEST_GET,
	SQL_LATEST_PUT,
	SQL_ORDER_GET,
	SQL_ORDER_IN_USE,
	SQL_ORDERS_AFTER,
	SQL_ORDER_PUT,
	SQL_ORDER_QUANTITY,
	SQL_ORDER_UNUSE,
	SQL_ORDER_USE,
	SQL_ORDER_CLOSE,
	SQL_ORDERS_CLOSE,
	SQL_ORDER_LISTED,
	SQL_ORDER_COUNT,
	SQL_UNIT_PUT,
	SQL_UNIT_GET,
	SQL_UNIT_NEXT,
	SQL_ISSUANCE_PUT,
	SQL_ISSUANCE_ISSUED,
	SQL_ISSUANCE_INSTALLED,
	SQL_ISSUANCE_ENDED,
	SQL_ISSUANCE_GET,
	SQL_BY_UNIT,
	SQL_BY_KEY,
	SQL_BY_CERTIFICATE,
	SQL_BY_SERIAL,
	SQL_UNIT_LIVE,
	SQL_KEY_ELSEWHERE,
	SQL_KEY_REVOKED,
	SQL_REKEYS,
	SQL_ALARM_GET,
	SQL_ALARM_PUT,
	SQL_ALARM_REPEAT,
	SQL_CRL_GET,
	SQL_CRL_PUT,
	SQL_COUNT
};

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
	char path[STORE_PATH_MAX];
	int lock_fd;
	bool in_transaction, spoiled, dead;
	uint8_t id[LEDGER_ID_LEN];
	struct position now, committed; /* a rollback goes back to the latter */
	struct pattern pattern;
	char list_order[NAME_MAX_LEN + 1],
		list_unit[NAME_MAX_LEN + 1]; /* where the search goes on */
	uint8_t buffer[ENTRY_MAX];	     /* the entry being written */
};

enum value_kind { VALUE_END, VALUE_INTEGER, VALUE_TEXT, VALUE_BLOB };
struct value {
	enum value_kind kind;
	int64_t number;
	struct bytes bytes;
};
#define INTEGER(x) ((struct value) { VALUE_INTEGER, (int64_t)(x), { NULL, 0 } })
#define TEXT(x) ((struct value) { VALUE_TEXT, 0, (x) })
#define BLOB(x) ((struct value) { VALUE_BLOB, 0, (x) })
#define VALUES(...) ((const struct value[]) { __VA_ARGS__, { VALUE_END, 0, { NULL, 0 } } })

/* Opens or makes the database file and its schema. */
MUST_CHECK bool store_make(struct ledger *l, const char *path, struct err *e);
MUST_CHECK bool store_open(struct ledger *l, struct err *e);
/* For reading alone: the files stay as they are. */
MUST_CHECK bool store_look(struct ledger *l, struct err *e);
void store_close(struct ledger *l);

/* Starts a statement with its values (NULL = none), which must live until store_done. */
MUST_CHECK bool store_start(struct ledger *l, enum statement statement, const struct value *values,
			    sqlite3_stmt **ret_statement, struct err *e);
/* Prepares a statement for this once; the caller finalizes it. */
MUST_CHECK bool store_prepare(struct ledger *l, const char *text, sqlite3_stmt **ret_statement,
			      struct err *e);
/* The next row; *ret_row false at the end. */
MUST_CHECK bool store_row(struct ledger *l, sqlite3_stmt *statement, bool *ret_row, struct err *e);
static inline void store_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
}
AUTO_DEFINE(query, sqlite3_stmt *, store_done)
AUTO_DEFINE(statement, sqlite3_stmt *, sqlite3_finalize)
AUTO_DEFINE(database, sqlite3 *, sqlite3_close)

/* Runs a statement that has no row. */
MUST_CHECK bool store_run(struct ledger *l, enum statement statement, const struct value *values,
			  struct err *e);
/* The one number that a statement yields; `none` if it yields no row. */
MUST_CHECK bool store_number(struct ledger *l, enum statement statement, const struct value *values,
			     int64_t none, int64_t *ret_number, struct err *e);

/* Columns of a row, copied with their bounds; a column that does not fit is cut to nothing. */
void store_text(sqlite3_stmt *row, int column, char *ret_text, size_t size);
size_t store_blob(sqlite3_stmt *row, int column, uint8_t *ret_data, size_t size);
struct bytes store_view(sqlite3_stmt *row, int column);

/* The sentence for what SQLite says now: ERR_CORRUPT if the file is damaged, else ERR_SYSTEM. */
bool store_fail(struct ledger *l, const char *doing, struct err *e);

#endif
