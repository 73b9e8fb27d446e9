/* runs: the record of runs: every attempt on every nest, one JSON object a line, in the station's
 * lib folder.
 *	runs.jsonl		the newest; at RUNS_FILE_MAX bytes it becomes runs.1.jsonl
 *	runs.1.jsonl …		older ones; the one after RUNS_FILES is let go
 * Lines are only ever added, and each is synced before its run counts as ended; runs that end
 * together share one sync. Run numbers rise. The line of a run begins {"run":NUMBER; between them
 * stand the acts of people that change what follows, {"act":"free" and {"act":"mode", and what
 * tells the next start of the runs under way (left.h): {"act":"under-way" with what the run would
 * come to if the station ended now, and {"act":"gone". Every count and limit of the station comes
 * from these lines alone (history.h), all of which are read when it starts.
 * Threads: any. Layer above: nest, desk. Below: history, lines, control. */
#ifndef STATION_RUNS_H
#define STATION_RUNS_H

#include "base/cleanup.h"
#include "station/control/control.h"

#define RUNS_FILES 8
#define RUNS_FILE_MAX (8 * 1024 * 1024)
#define RUNS_FAILS_MAX 16 /* units that failed in a nest are told apart, so many */

struct run {
	uint64_t number; /* set by runs_add */
	unsigned tries;	 /* set by runs_add: which try of its unit in its nest this is */
	enum outcome outcome;
	enum control_mode mode;
	int64_t shift;		      /* when its shift began, seconds since 1970 UTC */
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

/* What a person did that changes what follows. */
enum runs_act_kind { ACT_FREE, ACT_MODE, ACT_GONE };

struct runs_act {
	enum runs_act_kind kind;
	int64_t shift;		/* when it began */
	enum control_mode mode; /* MODE */
	/* FREE: its failed units are forgotten; GONE: the board that was left there was taken out */
	char nest[CONTROL_NEST_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1];     /* FREE: so are the tries of this one; or "" */
	char person[CONTROL_NAME_MAX + 1];   /* whose badge allowed it, or "" */
	char operator[CONTROL_NAME_MAX + 1]; /* who asked */
};

struct runs_counts {
	struct control_tally shift, lot, last;
	uint64_t uph;
	int64_t golden_passed_at; /* 0: never */
};

struct runs;

/* Opens the record in that folder (the caller keeps dir_fd open) and reads where it stands. Runs in
 * whose middle the station ended go on record as such; a full disk does not keep the station from
 * telling of them: then they are known, and nothing can be added before them. */
MUST_CHECK bool runs_open(int dir_fd, struct runs **ret_runs, struct err *e);
void runs_close(struct runs *runs);
AUTO_DEFINE(runs, struct runs *, runs_close)

/* True once all runs that were left are on record; tries it again if they are not. */
MUST_CHECK bool runs_settle(struct runs *runs, struct err *e);

/* Adds a run and returns when it is durable. On failure it does not count, and its line is taken
 * back: a later sync that succeeds says nothing of what an earlier one lost. */
MUST_CHECK bool runs_add(struct runs *runs, struct run *run, struct err *e);

/* The same for an act; it holds when this returns true. */
MUST_CHECK bool runs_do(struct runs *runs, const struct runs_act *act, struct err *e);

/* A run begins, or goes on: if the station ends before runs_add, the next one knows of it. `kept`: a
 * power cut does not change that; then this returns when it is durable. */
MUST_CHECK bool runs_under_way(struct runs *runs, const struct run *run, bool kept, struct err *e);
/* The run in whose middle the station ended (number 0: not on record yet), if it was that nest's last one and its board was not
 * seen to leave. */
bool runs_left(struct runs *runs, const char *nest, struct run *ret_run);

/* What the record comes to now. */
void runs_count(struct runs *runs, const char *order, int64_t shift,
		struct runs_counts *ret_counts);
enum control_mode runs_mode(struct runs *runs);
unsigned runs_unit_fails(struct runs *runs, const char *unit);
size_t runs_nest_fails(struct runs *runs, const char *nest);

/* The index-th file, 0 = the newest, opened to be read. ERR_NOT_FOUND if there are not so many. */
MUST_CHECK bool runs_file(const struct runs *runs, uint64_t index, int *ret_fd, struct err *e);

#endif
