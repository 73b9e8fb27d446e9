/* query: one SQL statement with its values.
 *	AUTO(query) query = NULL;
 *	if (!query_start(db, "SELECT pem FROM ca WHERE id = ?1", VALUES(STRING(id)), &query, e) ||
 *	    !query_row(query, &row, e))
 *		return false;
 * Values must live until the query is freed. Errors: ERR_SYSTEM, with SQLite's reason. Threads: the
 * database's. Layer above: registry, the REST operations. Below: SQLite. */
#ifndef CLOUD_REHEARSAL_QUERY_H
#define CLOUD_REHEARSAL_QUERY_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <sqlite3.h>

enum value_kind { VALUE_END, VALUE_NUMBER, VALUE_STRING, VALUE_BLOB };
struct value {
	enum value_kind kind;
	int64_t number;
	const char *text; /* NULL is SQL's NULL */
	struct bytes bytes;
};
#define NUMBER(x) ((struct value) { .kind = VALUE_NUMBER, .number = (x) })
#define STRING(x) ((struct value) { .kind = VALUE_STRING, .text = (x) })
#define BLOB(x) ((struct value) { .kind = VALUE_BLOB, .bytes = (x) })
#define VALUES(...) ((const struct value[]) { __VA_ARGS__, { .kind = VALUE_END } })

AUTO_DEFINE(query, sqlite3_stmt *, sqlite3_finalize)

/* `values` NULL: none. */
MUST_CHECK bool query_start(sqlite3 *db, const char *sql, const struct value *values,
			    sqlite3_stmt **ret_query, struct err *e);
/* The next row; *ret_row is false at the end. */
MUST_CHECK bool query_row(sqlite3_stmt *query, bool *ret_row, struct err *e);

/* A statement without a row. */
MUST_CHECK bool query_run(sqlite3 *db, const char *sql, const struct value *values, struct err *e);
/* The number in the first row's first column; 0 if there is no row. */
MUST_CHECK bool query_number(sqlite3 *db, const char *sql, const struct value *values,
			     int64_t *ret_number, struct err *e);

/* A text column; "" for NULL. Valid until the next row. */
const char *query_text(sqlite3_stmt *row, int column);

#endif
