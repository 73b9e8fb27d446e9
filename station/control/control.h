/* control: what may be asked of the station and what it answers, one SEQPACKET record each way, in
 * order. One table in control.c says for each type its name and its fields. Decoding checks every
 * length and refuses a leftover byte. Views (struct bytes) point into the record. The socket is
 * `station.sock` in the station's run folder. Who may ask what is the station's (answer.c).
 *	STATUS and WATCH	answered with NESTS: what holds for the station, then nests. If
 *				`more` is set, ask again with `after` = the last nest's index + 1.
 *				After WATCH come further NESTS by themselves: the nests that
 *				changed, at most CONTROL_EVENTS_PER_S a second; who does not read
 *				them in time is hung up on.
 *	START			answered with NESTS, each with its answer, when the nests with a
 *				board are running; with a jig, when the cycle has begun. A nest that
 *				is named runs again even if it was stopped.
 *	ABORT			answered with DONE; the runs end a moment later.
 *	RESET			takes a stop of the jig back, if its cause has gone.
 *	RUNS			answered with DONE and a descriptor: the index-th file of the record
 *				of runs, 0 = the newest, to be read only. Each line is a JSON
 *				object; run numbers rise. ERR_NOT_FOUND if there are not so many.
 *	SCAN			what a scanner read on the station's screen: the badge of a person
 *				(logs in), or a unit label, which is bound to the nest that is
 *				named. DONE: `code` is an enum control_scan, text a sentence.
 *	MODE, FREE, ACKNOWLEDGE, LOGOUT
 *				of the screen; `badge` is the second scan that a supervisor's action
 *				asks for.
 *	ALARMS, SIGNALS, BADGES	answered with ROWS; `more` as above.
 *	SET			a signal of the jig, in commissioning: refused while a cycle runs.
 *	BADGE			enrols a badge (unit = the badge, operator = the person, value = the
 *				role), or withdraws it (value = 0).
 * Threads: any. Layer above: station/desk, command, screen. Below: message, socket. */
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
#define CONTROL_NO_LIMIT UINT64_MAX

enum control_type {
	CONTROL_STATUS = 1,  /* after -> NESTS */
	CONTROL_WATCH,	     /* -> NESTS, and NESTS again as they change */
	CONTROL_START,	     /* nests unit operator -> NESTS */
	CONTROL_ABORT,	     /* nests -> DONE */
	CONTROL_RUNS,	     /* after -> DONE with a descriptor */
	CONTROL_RESET,	     /* operator -> DONE */
	CONTROL_SCAN,	     /* unit nests -> DONE */
	CONTROL_LOGOUT,	     /* -> DONE */
	CONTROL_MODE,	     /* value badge -> DONE */
	CONTROL_FREE,	     /* nests badge: a stopped nest, or a unit beyond its tries -> DONE */
	CONTROL_ALARMS,	     /* after -> ROWS of control_alarm */
	CONTROL_ACKNOWLEDGE, /* after = the alarm's number, 0 = all -> DONE */
	CONTROL_SIGNALS,     /* after -> ROWS of control_signal */
	CONTROL_SET,	     /* unit = the signal's name, value -> DONE */
	CONTROL_BADGES,	     /* after -> ROWS of control_badge */
	CONTROL_BADGE,	     /* unit operator value -> DONE */
	CONTROL_TYPE_COUNT
};

struct control_request {
	enum control_type type;
	char nests[CONTROL_NAMES_MAX + 1];   /* names with a blank between; "" = all */
	char unit[CONTROL_NAME_MAX + 1];     /* scanned from a label, for one nest; or "" */
	char operator[CONTROL_NAME_MAX + 1]; /* "" = the user who asks */
	char badge[CONTROL_NAME_MAX + 1];    /* scanned for this request, or "" */
	uint64_t after, value;
};

enum control_reply_type {
	CONTROL_DONE = 128, /* code text */
	CONTROL_REFUSED,    /* code (enum err_code), text */
	CONTROL_NESTS,	    /* station, more, rows */
	CONTROL_ROWS,	    /* more, rows */
	CONTROL_REPLY_END
};

/* Where the cycle of the jig stands. */
enum control_phase {
	PHASE_BENCH,   /* no jig: the nests run freely */
	PHASE_LOAD,    /* the lid is open, or no board is in */
	PHASE_READY,   /* lid closed, boards in: START */
	PHASE_CLAMP,   /* clamping, then power, nest by nest */
	PHASE_RUNNING, /* the recipes */
	PHASE_RELEASE, /* power off, then unclamping */
	PHASE_UNLOAD,  /* results stand until the boards have been taken out */
	PHASE_STOPPED, /* see `stop`; RESET when its cause has gone */
	PHASE_COUNT
};

/* What the operator does now; `next_nests` names the nests it is about. */
enum control_next {
	NEXT_NONE,
	NEXT_LOAD, /* put boards in and close the lid */
	NEXT_CLOSE_LID,
	NEXT_START, /* press START */
	NEXT_WAIT,
	NEXT_UNLOAD,	    /* all passed: open the lid, take them out */
	NEXT_UNLOAD_FAILED, /* take out those nests first, red bin */
	NEXT_RESEAT,	    /* re-seat those nests, close the lid, START; leave the others */
	NEXT_RELEASE_START, /* the start button was held: let go of it */
	NEXT_SAME_BOARDS,   /* these boards have run: open the lid and load new ones */
	NEXT_RESET,	    /* mend what `stop` says, then RESET */
	NEXT_JIG,	    /* the jig's bus is lost: call the technician */
	NEXT_SIGNER,	    /* nothing can be started: see `trouble` */
	NEXT_ORDER,	    /* no order is in use, or its quantity is used */
	NEXT_LABEL,	    /* scan the label of the unit in that nest */
	NEXT_FREE,	    /* nests are stopped: clean the probes; a supervisor frees them */
	NEXT_GOLDEN,	    /* the golden unit is due */
	NEXT_LOGIN,	    /* scan your badge */
	NEXT_AGAIN,	    /* not the board's fault: do what those nests say, start them again */
	NEXT_COUNT
};

/* Why the jig was stopped. */
enum control_stop {
	STOP_NONE,
	STOP_ESTOP,
	STOP_LID, /* opened under way */
	STOP_CLAMP_LOST,
	STOP_CLAMP_TIMEOUT, /* commanded, and not there in time */
	STOP_AIR,
	STOP_BUS,	  /* lost: inputs unknown, nests count as powered */
	STOP_RESTARTED,	  /* the jig's controller restarted */
	STOP_READ_BACK,	  /* an output is not what was written */
	STOP_STALE,	  /* answers that are not fresh: the heartbeat does not come back */
	STOP_START_STUCK, /* the start button does not come back */
	STOP_SENSORS,	  /* an impossible pair: clamped and open at once */
	STOP_ABORTED,	  /* by a person */
	STOP_COUNT
};

enum control_mode { MODE_NORMAL, MODE_DRY_RUN, MODE_GOLDEN, MODE_COUNT };
enum control_role { BADGE_NONE, BADGE_OPERATOR, BADGE_TECHNICIAN, BADGE_SUPERVISOR, BADGE_COUNT };
enum control_health { HEALTH_NONE, HEALTH_OK, HEALTH_WARN, HEALTH_BAD, HEALTH_COUNT };
enum control_scan { SCAN_UNKNOWN, SCAN_BADGE, SCAN_LABEL, SCAN_COUNT };

/* Units and runs of one stretch of time. FPY = first_pass / tried. */
struct control_tally {
	uint64_t good, bad;	    /* units by their last try */
	uint64_t tried, first_pass; /* units; those that passed at their first try */
	uint64_t retests;	    /* runs beyond a unit's first */
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
	/* the cycle */
	uint64_t phase, next, stop; /* enum control_phase, control_next, control_stop */
	char next_nests[CONTROL_NAMES_MAX + 1];
	char stop_text[CONTROL_TEXT_MAX + 1]; /* the sentence: what happened, what to do */
	uint64_t powered;		      /* nests that count as powered: bit 1 << index */
	uint64_t cycle_ms;		      /* so far, or of the last whole one */
	uint64_t takt_ms;		      /* the target; 0: none */
	uint64_t uph;			      /* units per hour, over the last cycles */
	/* people and modes */
	char person[CONTROL_NAME_MAX + 1];     /* logged in at the screen, or "" */
	uint64_t role;			       /* enum control_role */
	uint64_t mode;			       /* enum control_mode */
	uint64_t test_ca;		       /* 1: what is made here is for training only */
	int64_t ca_ends;		       /* seconds since 1970; 0: unknown */
	struct control_tally shift, lot, last; /* since the shift began; of the order; last 50 */
	int64_t shift_began;		       /* seconds since 1970 */
	/* enum control_health */
	uint64_t jig_health, token_health, ledger_health, clock_health, disk_health;
	uint64_t alarms; /* not acknowledged yet */
};

struct control_alarm {
	uint64_t number;   /* rises */
	int64_t raised_at; /* seconds since 1970 UTC; the newest time, if it was raised again */
	int64_t acknowledged_at;	 /* 0: not yet */
	uint64_t count;			 /* how often it was raised */
	uint64_t active;		 /* 1: its cause stands */
	char code[CONTROL_CODE_MAX + 1]; /* "estop", "token", "nest-stopped", …: of a table */
	char nests[CONTROL_NEST_MAX + 1];
	char text[CONTROL_TEXT_MAX + 1];
	char remedy[CONTROL_REMEDY_MAX + 1];
	char person[CONTROL_NAME_MAX + 1]; /* who acknowledged */
};

struct control_signal {
	char name[CONTROL_NAME_MAX + 1];  /* "lid_closed", "present B3" */
	uint64_t output;		  /* 1: ours to write */
	uint64_t known;			  /* 1: `value` was read fresh */
	uint64_t value, wanted;		  /* as the interlocks see it, after inversion */
	uint64_t age_ms;		  /* of the sample */
	char place[CONTROL_NAME_MAX + 1]; /* "io coil 16", "plc discrete-input 3 inverted" */
};

struct control_badge {
	char badge[CONTROL_NAME_MAX + 1];
	char person[CONTROL_NAME_MAX + 1];
	uint64_t role; /* enum control_role */
	int64_t enrolled_at;
};

struct control_reply {
	enum control_reply_type type;
	uint64_t code;
	char text[CONTROL_TEXT_MAX + 1];
	struct control_station station;
	uint64_t more;
	struct bytes rows; /* read with control_nest_read, control_alarm_read, … */
};

enum control_state {
	CONTROL_UNSEEN, /* not looked at yet: only in the first moment of the daemon */
	CONTROL_EMPTY,
	CONTROL_READY, /* a board is there */
	CONTROL_RUNNING,
	CONTROL_ENDED,	 /* its run has ended, and the board is still there */
	CONTROL_STOPPED, /* unit ids failed in a row: starts when it is freed, or named */
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
	ANSWER_TRIED, /* its unit has had its tries, or was not re-seated */
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
	uint64_t tries;	  /* of this unit in this nest: FAILs without a PASS between use them up */
	uint64_t outcome; /* of the last run, even if its board has left */
	int64_t started_at; /* seconds since 1970; 0: never */
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
	char label[CONTROL_NAME_MAX + 1]; /* scanned for the board in the nest, or "" */
	uint64_t marked;		  /* 1: failed, and not taken out yet */
	uint64_t tries_left; /* of this unit before a supervisor is needed; CONTROL_NO_LIMIT */
};

const char *control_name(enum control_type type);   /* "start"; "?" for none */
const char *control_state_name(uint64_t state);	    /* "ready"; "?" for none */
const char *control_outcome_name(uint64_t outcome); /* "PASS", …; "" for NONE */
const char *control_phase_name(uint64_t phase);	    /* "load" */
const char *control_stop_name(uint64_t stop);	    /* "estop"; "" for NONE */
const char *control_mode_name(uint64_t mode);	    /* "dry-run" */
const char *control_role_name(uint64_t role);	    /* "supervisor"; "" for NONE */
const char *control_health_name(uint64_t health);   /* "ok"; "-" for NONE */
bool control_outcome_parse(const char *text, enum outcome *ret_outcome); /* of either case */
bool control_mode_parse(const char *text, enum control_mode *ret_mode);
bool control_role_parse(const char *text, enum control_role *ret_role);

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
/* The same for ROWS. */
void control_alarm_write(struct writer *w, const struct control_alarm *alarm);
bool control_alarm_read(struct reader *r, struct control_alarm *ret_alarm);
void control_signal_write(struct writer *w, const struct control_signal *signal);
bool control_signal_read(struct reader *r, struct control_signal *ret_signal);
void control_badge_write(struct writer *w, const struct control_badge *badge);
bool control_badge_read(struct reader *r, struct control_badge *ret_badge);

/* Copies text, cut to size, with a "?" for all that is not printable ASCII: boards are quoted. */
void control_copy_text(char *ret_text, size_t size, const char *text);

/* The next word of a list of names (as in `nests`) into ret_name; false at the end. A word that is
 * too long is cut to CONTROL_NEST_MAX + 1 characters, which is no nest's name. */
#define CONTROL_WORD_SIZE (CONTROL_NEST_MAX + 2)
bool control_next_name(const char **names, char ret_name[static CONTROL_WORD_SIZE]);

#endif
