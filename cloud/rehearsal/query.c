#include "cloud/rehearsal/query.h"

static bool fail(sqlite3 *db, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "the rehearsal's registry: %s", sqlite3_errmsg(db));
}

static int bind_value(sqlite3_stmt *query, int index, const struct value *v)
{
	const char *data = v->bytes.data ? (const char *)v->bytes.data : "";

	if (v->kind == VALUE_NUMBER)
		return sqlite3_bind_int64(query, index, v->number);
	if (v->kind == VALUE_STRING)
		return sqlite3_bind_text(query, index, v->text, -1, SQLITE_STATIC);
	return sqlite3_bind_blob64(query, index, data, v->bytes.len, SQLITE_STATIC);
}

bool query_start(sqlite3 *db, const char *sql, const struct value *values, sqlite3_stmt **ret_query,
		 struct err *e)
{
	AUTO(query) query = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK)
		return fail(db, e);
	for (int i = 0; values && values[i].kind != VALUE_END; i++)
		if (bind_value(query, i + 1, &values[i]) != SQLITE_OK)
			return fail(db, e);
	*ret_query = TAKE(query);
	return true;
}

bool query_row(sqlite3_stmt *query, bool *ret_row, struct err *e)
{
	int rc = sqlite3_step(query);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return fail(sqlite3_db_handle(query), e);
	*ret_row = rc == SQLITE_ROW;
	return true;
}

bool query_run(sqlite3 *db, const char *sql, const struct value *values, struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	return query_start(db, sql, values, &query, e) && query_row(query, &row, e);
}

bool query_number(sqlite3 *db, const char *sql, const struct value *values, int64_t *ret_number,
		  struct err *e)
{
	AUTO(query) query = NULL;
	bool row;

	if (!query_start(db, sql, values, &query, e) || !query_row(query, &row, e))
		return false;
	*ret_number = row ? sqlite3_column_int64(query, 0) : 0;
	return true;
}

const char *query_text(sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	return text ? (const char *)text : "";
}
