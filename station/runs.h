/* runs: the record of runs: every attempt on every nest, one JSON object a line, in the station's
 * lib folder.
 *	runs.jsonl		the newest; at RUNS_FILE_MAX bytes it becomes runs.1.jsonl
 *	runs.1.jsonl …		older ones; the one after RUNS_FILES is let go
 * Lines are only ever added, and each is synced before its run counts as ended; runs that end
 * together share one sync. Run numbers rise. Each line begins {"run":NUMBER, and ends with LF; a
 * line torn by a power cut is cut off at the next start, with a line in the log.
 * Threads: any. Layer above: nest, desk. Below: control, jansson. */
#ifndef STATION_RUNS_H
#define STATION_RUNS_H

#include "base/cleanup.h"
#include "station/control/control.h"

#define RUNS_FILES 8
#define RUNS_FILE_MAX (8 * 1024 * 1024)

struct run {
	uint64_t number; /* set by runs_add */
	unsigned tries;	 /* set by runs_add: of this unit in this nest, since its last PASS */
	enum outcome outcome;
	int64_t started_at, ended_at; /* seconds since 1970 UTC */
	uint64_t duration_ms;
	uint64_t bytes;			    /* of CSR and files that went over the wire */
	const char *step, *code, *evidence; /* of tables, never NULL */
	/* printable ASCII */
	char nest[CONTROL_NEST_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1]; /* "" if it never came to that; so the next ones */
	char product[CONTROL_NAME_MAX + 1];
	char order[CONTROL_NAME_MAX + 1];
	char operator[CONTROL_NAME_MAX + 1];
	char text[CONTROL_TEXT_MAX + 1];
	char certificate_id[CONTROL_ID_MAX + 1];
};

struct runs;

/* Opens the record in that folder (the caller keeps dir_fd open) and reads where it stands. */
MUST_CHECK bool runs_open(int dir_fd, struct runs **ret_runs, struct err *e);
void runs_close(struct runs *runs);
AUTO_DEFINE(runs, struct runs *, runs_close)

/* Adds a run and returns when it is durable. On failure it is not known to be. */
MUST_CHECK bool runs_add(struct runs *runs, struct run *run, struct err *e);

/* The index-th file, 0 = the newest, opened to be read. ERR_NOT_FOUND if there are not so many. */
MUST_CHECK bool runs_file(const struct runs *runs, uint64_t index, int *ret_fd, struct err *e);

#endif
