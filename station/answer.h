/* answer: what each request on the control socket does. A request that must wait (for the signer's
 * status, for nests that look at their boards) is kept in its caller and taken up again at each
 * turn of the poll loop. Threads: the poll loop's. Layer above: desk. Below: nest, cycle, overview.
 */
#ifndef STATION_ANSWER_H
#define STATION_ANSWER_H

#include "base/socket.h"
#include "station/overview.h"
#include "station/desk.h"
#include "station/shift.h"

enum waits_for { WAITS_FOR_NOTHING, WAITS_FOR_SIGNER, WAITS_FOR_NESTS };

struct caller {
	int fd; /* -1: this place is free */
	struct socket_peer peer;
	unsigned roles;
	bool watches;
	enum waits_for waits;
	int64_t asked_at, deadline;	/* monotonic ms */
	struct control_request request; /* the one that waits */
	uint64_t nests;			/* that it is about: bit 1 << index */
};

struct desk {
	struct desk_config config;
	struct caller callers[DESK_CALLERS_MAX];
	struct overview overview;
	struct shift shift;
	uint64_t batch;
	int64_t deaf_ms;		  /* monotonic ms: no caller is taken until then */
	int64_t told_at;		  /* monotonic ms: when watchers were told last */
	uint64_t told[CONTROL_NESTS_MAX]; /* the versions that they know */
	struct control_station told_station;
	uint8_t record[MESSAGE_MAX], overview_record[MESSAGE_MAX];
	uint8_t rows[CONTROL_ROWS_MAX];
};

/* Does what the record asks; the answer may come at a later turn. */
void answer_record(struct desk *s, struct caller *caller, struct bytes record);
/* Goes on with a request that waits. */
void answer_turn(struct desk *s, struct caller *caller);

/* Sends at once, or hangs up; pass_fd as in socket_send. */
void answer_send(struct desk *s, struct caller *caller, const struct control_reply *reply,
		 int pass_fd);
void answer_refuse(struct desk *s, struct caller *caller, const struct err *e);
void answer_hang_up(struct caller *caller);

/* All nests from `after` on whose bit is set, in as many records as it takes; one at least. With
 * `one_record`, the rest is left for another question. */
void answer_nests(struct desk *s, struct caller *caller, size_t after, uint64_t nests,
		  bool one_record);
void answer_station(const struct desk *s, struct control_station *ret_station);

/* The nests of that list of names as bits, all for ""; ERR_NOT_FOUND. */
MUST_CHECK bool answer_nests_named(const struct desk *s, const char *names, uint64_t *ret_nests,
				   struct err *e);
/* Who asks: who is logged in, or as the caller says, or the name of its user, or its number. */
void answer_operator(const struct desk *s, const struct caller *caller,
		     char ret_name[static CONTROL_NAME_MAX + 1]);

/* People, modes and alarms: answer_shift.c. */
typedef void answer_action(struct desk *s, struct caller *caller);
answer_action answer_scan, answer_logout, answer_mode, answer_free, answer_alarms,
	answer_acknowledge, answer_badges, answer_badge;
/* Can the signer sign, and for an order? By its status as known now. */
MUST_CHECK bool answer_may_start(const struct desk *s, struct err *e);

/* The jig's part: answer_jig.c. */
void answer_reset(struct desk *s, struct caller *caller);
void answer_signals(struct desk *s, struct caller *caller);
void answer_set(struct desk *s, struct caller *caller);
/* A cycle with the boards of these nests, as a batch of its own. */
MUST_CHECK bool answer_start_cycle(struct desk *s, struct nest_start *start, uint64_t nests,
				   struct err *e);
/* The jig's start button asks as a person does: for the signer's status first. To be called at each
 * turn. */
void answer_button(struct desk *s);

#endif
