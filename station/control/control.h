/* control: what may be asked of the station and what it answers, one SEQPACKET record each way, in
 * order. One table in control.c says for each type its name and its fields. Decoding checks every
 * length and refuses a leftover byte. Views (struct bytes) point into the record. The socket is
 * `station.sock` in the station's run folder. Who may ask what is the station's (desk.c).
 *	STATUS and WATCH	answered with NESTS: what holds for the station, then nests. If
 *				`more` is set, ask again with `after` = the last nest's index + 1.
 *				After WATCH come further NESTS by themselves: the nests that
 *changed, at most CONTROL_EVENTS_PER_S a second; who does not read them in time is hung up on.
 *	START			answered with NESTS, each with its answer, when the nests with a
 *board are running. A nest that is named runs again even if it was stopped.
 *	ABORT			answered with DONE; the runs end a moment later.
 *	RUNS			answered with DONE and a descriptor: the index-th file of the record
 *				of runs, 0 = the newest, to be read only. Each line is a JSON
 *object; run numbers rise. ERR_NOT_FOUND if there are not so many. Threads: any. Layer above:
 *station/desk, command, screen. Below: message, socket. */
#ifndef STATION_CONTROL_CONTROL_H
#define STATION_CONTROL_CONTROL_H

#include "base/err.h"
#include "base/message.h"

#define STATION_SOCKET "station.sock"
#define CONTROL_NESTS_MAX 64
#define CONTROL_EVENTS_PER_S 10
#define CONTROL_NAME_MAX 64 /* order, product, unit, operator: characters */
#define CONTROL_NEST_MAX 16 /* a nest's name */
#define CONTROL_NAMES_MAX (CONTROL_NESTS_MAX * (CONTROL_NEST_MAX + 1))
#define CONTROL_STEP_MAX 24
#define CONTROL_CODE_MAX 32
#define CONTROL_TEXT_MAX 511
#define CONTROL_REMEDY_MAX 255
#define CONTROL_EVIDENCE_MAX 12
#define CONTROL_ID_MAX 64 /* a certificate id in hex */
#define CONTROL_ROWS_MAX 61440

enum control_type {
	CONTROL_STATUS = 1, /* after -> NESTS */
	CONTROL_WATCH,	    /* -> NESTS, and NESTS again as they change */
	CONTROL_START,	    /* nests unit operator -> NESTS */
	CONTROL_ABORT,	    /* nests -> DONE */
	CONTROL_RUNS,	    /* after -> DONE with a descriptor */
	CONTROL_TYPE_COUNT
};

struct control_request {
	enum control_type type;
	char nests[CONTROL_NAMES_MAX + 1];   /* names with a blank between; "" = all */
	char unit[CONTROL_NAME_MAX + 1];     /* scanned from a label, for one nest; or "" */
	char operator[CONTROL_NAME_MAX + 1]; /* "" = the user who asks */
	uint64_t after;
};

enum control_reply_type {
	CONTROL_DONE = 128, /* text */
	CONTROL_REFUSED,    /* code (enum err_code), text */
	CONTROL_NESTS,	    /* station, more, rows */
	CONTROL_REPLY_END
};

/* What holds for the whole station. */
struct control_station {
	char station[CONTROL_NAME_MAX + 1];
	char order[CONTROL_NAME_MAX + 1]; /* in use, or "" */
	char product[CONTROL_NAME_MAX + 1];
	char trouble[CONTROL_TEXT_MAX + 1]; /* "" or what keeps the whole station from its work */
	uint64_t quantity, used;
	uint64_t arrival; /* 1: nests start by themselves when a board arrives */
	uint64_t batch;	  /* the last start; a start while something runs belongs to it */
};

struct control_reply {
	enum control_reply_type type;
	uint64_t code;
	char text[CONTROL_TEXT_MAX + 1];
	struct control_station station;
	uint64_t more;
	struct bytes rows; /* read with control_nest_read */
};

enum control_state {
	CONTROL_UNSEEN, /* not looked at yet: only in the first moment of the daemon */
	CONTROL_EMPTY,
	CONTROL_READY, /* a board is there */
	CONTROL_RUNNING,
	CONTROL_ENDED,	 /* its run has ended, and the board is still there */
	CONTROL_STOPPED, /* three unit ids without a PASS: starts only when it is named */
	CONTROL_STATE_COUNT
};

enum outcome {
	OUTCOME_NONE,
	OUTCOME_PASS,
	OUTCOME_FAIL,  /* the board is bad, a silent or slow one too */
	OUTCOME_ERROR, /* the station is bad */
	OUTCOME_ABORTED,
	OUTCOME_COUNT
};

/* What a nest made of the last start. */
enum control_answer {
	ANSWER_NONE,
	ANSWER_PENDING, /* it has not said yet */
	ANSWER_STARTED,
	ANSWER_EMPTY,
	ANSWER_RUNNING, /* it ran already */
	ANSWER_STOPPED,
	ANSWER_COUNT
};

struct control_nest {
	uint64_t index; /* place in the settings, from 0 */
	uint64_t row, column;
	uint64_t state, answer;		  /* enum control_state, control_answer */
	uint64_t step_index, step_count;  /* the step under way, from 1 */
	uint64_t bytes_done, bytes_total; /* of that step */
	uint64_t elapsed_ms;		  /* of the run: so far, or in all */
	uint64_t run;			  /* number in the record of runs; 0 while it runs */
	uint64_t batch;			  /* the start that its last run came from; 0: arrival */
	uint64_t tries;			  /* of this unit in this nest without a PASS between */
	uint64_t outcome;		  /* of the last run, even if its board has left */
	int64_t started_at;		  /* seconds since 1970; 0: never */
	char name[CONTROL_NEST_MAX + 1];
	char step[CONTROL_STEP_MAX + 1];
	char unit[CONTROL_NAME_MAX + 1];
	char order[CONTROL_NAME_MAX + 1];
	char product[CONTROL_NAME_MAX + 1];
	char operator[CONTROL_NAME_MAX + 1];
	char code[CONTROL_CODE_MAX + 1]; /* "F21", "unit-other-key"; "" for PASS */
	char text[CONTROL_TEXT_MAX + 1];
	char remedy[CONTROL_REMEDY_MAX + 1];
	char evidence[CONTROL_EVIDENCE_MAX + 1];
	char certificate_id[CONTROL_ID_MAX + 1];
};

const char *control_name(enum control_type type);   /* "start"; "?" for none */
const char *control_state_name(uint64_t state);	    /* "ready"; "?" for none */
const char *control_outcome_name(uint64_t outcome); /* "PASS", …; "" for NONE */
const char *control_answer_name(uint64_t answer);   /* "started" */
bool control_outcome_parse(const char *text, enum outcome *ret_outcome); /* of either case */

/* Each writes a record of at most MESSAGE_MAX bytes; false if it does not fit. */
MUST_CHECK bool control_request_encode(const struct control_request *request, uint8_t *record,
				       size_t *ret_len);
MUST_CHECK bool control_request_decode(struct bytes record, struct control_request *ret_request);
MUST_CHECK bool control_reply_encode(const struct control_reply *reply, uint8_t *record,
				     size_t *ret_len);
MUST_CHECK bool control_reply_decode(struct bytes record, struct control_reply *ret_reply);

/* Nests in the rows of a NESTS reply. A writer of rows starts as { .data, .size }; a reader as
 * { .data = rows.data, .len = rows.len }. Reading returns false at the end; then reader_end tells
 * whether all was well. */
void control_nest_write(struct writer *w, const struct control_nest *nest);
bool control_nest_read(struct reader *r, struct control_nest *ret_nest);

/* Copies text, cut to size, with a "?" for all that is not printable ASCII: boards are quoted. */
void control_copy_text(char *ret_text, size_t size, const char *text);

/* The next word of a list of names (as in `nests`) into ret_name; false at the end. A word that is
 * too long is cut to CONTROL_NEST_MAX + 1 characters, which is no nest's name. */
#define CONTROL_WORD_SIZE (CONTROL_NEST_MAX + 2)
bool control_next_name(const char **names, char ret_name[static CONTROL_WORD_SIZE]);

#endif
