/* synchronous: makes SQLite careless, for negative controls only. Preloaded into a program, it
 * turns "synchronous=FULL" in the SQL of sqlite3_exec and sqlite3_prepare_v2 into
 * "synchronous=OFF" or "=NORMAL", whichever $RIG_SYNCHRONOUS says, and reports each on stderr. A
 * test of durability must then go red. Threads: any. Layer above: tests/e2e. Below: SQLite. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WANTED "synchronous=FULL"
#define KEEP strlen("synchronous=")
#define SQL_MAX 4096

typedef int exec_fn(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *,
		    char **);
typedef int prepare_fn(sqlite3 *, const char *, int, sqlite3_stmt **, const char **);

/* The text to use: `sql`, or the careless one in `buffer`. */
static const char *careless(const char *sql, char buffer[static SQL_MAX])
{
	const char *mode = getenv("RIG_SYNCHRONOUS");
	const char *at = sql ? strstr(sql, WANTED) : NULL;

	if (!mode || !at)
		return sql;
	if (snprintf(buffer, SQL_MAX, "%.*s%s%s", (int)(at - sql + (long)KEEP), sql, mode,
		     at + strlen(WANTED)) >= SQL_MAX)
		abort(); /* a control that controls nothing */
	fprintf(stderr, "rig: synchronous=%s\n", mode);
	return buffer;
}

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

int sqlite3_exec(sqlite3 *db, const char *sql,
		 int (*row)(void *context, int count, char **values, char **names), void *context,
		 char **ret_error)
{
	exec_fn *exec = (exec_fn *)real("sqlite3_exec");
	char buffer[SQL_MAX];

	return exec(db, careless(sql, buffer), row, context, ret_error);
}

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len, sqlite3_stmt **ret_statement,
		       const char **ret_tail)
{
	prepare_fn *prepare = (prepare_fn *)real("sqlite3_prepare_v2");
	char buffer[SQL_MAX];

	/* Where a tail is asked for, it must point into the caller's own text. */
	return prepare(db, ret_tail ? sql : careless(sql, buffer), len, ret_statement, ret_tail);
}
