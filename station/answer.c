#include "station/answer.h"

#include "base/clock.h"
#include "base/log.h"

#include <pwd.h>

#define NESTS_PATIENCE_MS 5000 /* for all nests to say whether they start */
#define ALL_NESTS UINT64_MAX
#define USER_BUFFER 4096

_Static_assert(CONTROL_NESTS_MAX <= 64, "one bit a nest");
_Static_assert(STATION_NESTS_MAX == CONTROL_NESTS_MAX, "every nest can be shown");
_Static_assert(NEST_MAX_LEN == CONTROL_NEST_MAX, "every nest's name can be shown");
_Static_assert(NAME_MAX_LEN == CONTROL_NAME_MAX, "every name can be shown");
_Static_assert(BOARD_TEXT_MAX == CONTROL_NAME_MAX, "every unit id can be shown");

#define WATCHERS (STATION_READER | STATION_OPERATOR | STATION_TECHNICIAN)
#define WORKERS (STATION_OPERATOR | STATION_TECHNICIAN)

static void status(struct desk *s, struct caller *caller);
static void watch(struct desk *s, struct caller *caller);
static void start(struct desk *s, struct caller *caller);
static void stop(struct desk *s, struct caller *caller);
static void runs(struct desk *s, struct caller *caller);

/* The permission table: request, who may. */
static const struct {
	unsigned roles;
	answer_action *action;
} requests[CONTROL_TYPE_COUNT] = {
	[CONTROL_STATUS] = { WATCHERS, status },
	[CONTROL_WATCH] = { WATCHERS, watch },
	[CONTROL_START] = { WORKERS, start },
	[CONTROL_ABORT] = { WORKERS, stop },
	[CONTROL_RUNS] = { WATCHERS, runs },
	[CONTROL_SCAN] = { WORKERS, answer_scan },
	[CONTROL_LOGOUT] = { WORKERS, answer_logout },
	[CONTROL_MODE] = { WORKERS, answer_mode },
	[CONTROL_FREE] = { WORKERS, answer_free },
	[CONTROL_ALARMS] = { WATCHERS, answer_alarms },
	[CONTROL_ACKNOWLEDGE] = { WORKERS, answer_acknowledge },
	[CONTROL_BADGES] = { STATION_TECHNICIAN, answer_badges },
	[CONTROL_BADGE] = { STATION_TECHNICIAN, answer_badge },
	[CONTROL_RESET] = { WORKERS, answer_reset },
	[CONTROL_SIGNALS] = { WATCHERS, answer_signals },
	[CONTROL_SET] = { STATION_TECHNICIAN, answer_set },
};

unsigned desk_roles(enum control_type type)
{
	return type > 0 && type < CONTROL_TYPE_COUNT ? requests[type].roles : 0;
}

/* --- sending --- */

void answer_hang_up(struct caller *caller)
{
	if (caller->fd >= 0)
		close(caller->fd);
	*caller = (struct caller) { .fd = -1 };
}

void answer_send(struct desk *s, struct caller *caller, const struct control_reply *reply,
		 int pass_fd)
{
	struct err e = { 0 };
	size_t len;

	if (!control_reply_encode(reply, s->record, &len))
		err_set(&e, ERR_INVALID, "the answer does not fit");
	else if (socket_send(caller->fd, bytes_of(s->record, len), pass_fd, 0, -1, &e))
		return;
	if (e.code != ERR_GONE)
		log_event(LOG_WARNING, "caller hung up on", "pid=%d uid=%u text=\"%s\"",
			  (int)caller->peer.pid, (unsigned)caller->peer.uid,
			  e.code == ERR_TIMEOUT ? "it does not read" : e.text);
	answer_hang_up(caller);
}

void answer_refuse(struct desk *s, struct caller *caller, const struct err *e)
{
	struct control_reply reply = { .type = CONTROL_REFUSED, .code = (uint64_t)e->code };

	control_copy_text(reply.text, sizeof(reply.text), e->text);
	caller->waits = WAITS_FOR_NOTHING;
	answer_send(s, caller, &reply, -1);
}

/* What keeps people from a start comes before START. */
static void show_cycle(const struct desk *s, struct control_station *station)
{
	char nests[CONTROL_NAMES_MAX + 1];
	enum control_next first = shift_next(&s->shift, nests);

	cycle_show(s->config.cycle, station);
	if (station->next != NEXT_START || first == NEXT_NONE)
		return;
	station->next = first;
	strcpy(station->next_nests, nests);
}

void answer_station(const struct desk *s, struct control_station *ret_station)
{
	const struct signer_status *status = &s->overview.status;
	const char *trouble = *s->overview.trouble	 ? s->overview.trouble
			      : *s->shift.record_trouble ? s->shift.record_trouble
							 : status->trouble;

	memset(ret_station, 0, sizeof(*ret_station)); /* with its padding: it is compared whole */
	ret_station->quantity = status->quantity;
	ret_station->used = status->used;
	ret_station->arrival = s->config.settings->start == START_ARRIVAL;
	ret_station->batch = s->batch;
	memcpy(ret_station->station, s->config.settings->station, sizeof(ret_station->station));
	memcpy(ret_station->order, status->order, sizeof(ret_station->order));
	memcpy(ret_station->product, status->product, sizeof(ret_station->product));
	control_copy_text(ret_station->trouble, sizeof(ret_station->trouble), trouble);
	shift_show(&s->shift, ret_station);
	if (s->config.cycle)
		show_cycle(s, ret_station);
}

static bool write_nest(struct desk *s, struct writer *w, size_t index)
{
	struct writer before = *w;
	struct control_nest nest;

	box_show(nest_box(s->config.nests[index]), &nest);
	control_nest_write(w, &nest);
	if (writer_ok(w))
		return true;
	*w = before;
	return false;
}

void answer_nests(struct desk *s, struct caller *caller, size_t after, uint64_t nests,
		  bool one_record)
{
	struct control_reply reply = { .type = CONTROL_NESTS };
	size_t i = after;

	answer_station(s, &reply.station);
	do {
		struct writer w = { .data = s->rows, .size = sizeof(s->rows) };

		for (; i < s->config.settings->nest_count; i++)
			if ((nests >> i & 1) && !write_nest(s, &w, i))
				break;
		reply.rows = bytes_of(s->rows, w.len);
		reply.more = one_record && i < s->config.settings->nest_count;
		answer_send(s, caller, &reply, -1);
	} while (caller->fd >= 0 && !one_record && i < s->config.settings->nest_count);
}

/* --- which nests --- */

static bool bit_of(const struct desk *s, const char *name, uint64_t *ret_bit, struct err *e)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++) {
		if (strcmp(s->config.settings->nests[i].name, name) == 0) {
			*ret_bit = UINT64_C(1) << i;
			return true;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "there is no nest %s; imprint status shows all of them",
		       name);
}

bool answer_nests_named(const struct desk *s, const char *names, uint64_t *ret_nests, struct err *e)
{
	char name[CONTROL_WORD_SIZE];
	uint64_t nests = 0, bit;

	while (control_next_name(&names, name)) {
		if (!bit_of(s, name, &bit, e))
			return false;
		nests |= bit;
	}
	*ret_nests = nests ? nests : ALL_NESTS;
	return true;
}

static bool any_nest(const struct desk *s, uint64_t nests, enum control_state state)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++)
		if ((nests >> i & 1) && box_state_now(nest_box(s->config.nests[i])) == state)
			return true;
	return false;
}

static bool any_pending(const struct desk *s, uint64_t nests)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++)
		if ((nests >> i & 1) &&
		    box_answer_now(nest_box(s->config.nests[i])) == ANSWER_PENDING)
			return true;
	return false;
}

/* --- the requests --- */

static void status(struct desk *s, struct caller *caller)
{
	if (caller->request.after > 0) {
		answer_nests(s, caller, caller->request.after, ALL_NESTS, true);
		return;
	}
	caller->waits = WAITS_FOR_SIGNER;
	answer_turn(s, caller);
}

static void watch(struct desk *s, struct caller *caller)
{
	caller->watches = true;
	overview_ask(&s->overview);
	answer_nests(s, caller, 0, ALL_NESTS, false);
}

static void runs(struct desk *s, struct caller *caller)
{
	struct control_reply reply = { .type = CONTROL_DONE };
	AUTO(fd) fd = -1;
	struct err e;

	if (runs_file(s->config.runs, caller->request.after, &fd, &e))
		answer_send(s, caller, &reply, fd);
	else
		answer_refuse(s, caller, &e);
}

static void abort_nests(struct desk *s, uint64_t nests)
{
	for (size_t i = 0; i < s->config.settings->nest_count; i++)
		if (nests >> i & 1)
			nest_abort(s->config.nests[i]);
}

static void stop(struct desk *s, struct caller *caller)
{
	struct control_reply reply = { .type = CONTROL_DONE };
	struct err e;
	bool works;

	if (!answer_nests_named(s, caller->request.nests, &caller->nests, &e)) {
		answer_refuse(s, caller, &e);
		return;
	}
	works = any_nest(s, caller->nests, CONTROL_RUNNING);
	if (*caller->request.nests || !s->config.cycle || !cycle_abort(s->config.cycle))
		abort_nests(s, caller->nests);
	else
		works = true;
	if (works)
		log_event(LOG_NOTICE, "abort asked", "uid=%u nests=\"%s\"",
			  (unsigned)caller->peer.uid, caller->request.nests);
	else
		strcpy(reply.text, "nothing runs there");
	answer_send(s, caller, &reply, -1);
}

static void start(struct desk *s, struct caller *caller)
{
	struct err e;

	shift_active(&s->shift);
	if (!answer_nests_named(s, caller->request.nests, &caller->nests, &e)) {
		answer_refuse(s, caller, &e);
		return;
	}
	if (*caller->request.unit && __builtin_popcountll(caller->nests) != 1) {
		err_set(&e, ERR_INVALID, "a unit id is for one nest: name the nest");
		answer_refuse(s, caller, &e);
		return;
	}
	caller->waits = WAITS_FOR_SIGNER;
	answer_turn(s, caller);
}

void answer_operator(const struct desk *s, const struct caller *caller,
		     char ret_name[static CONTROL_NAME_MAX + 1])
{
	char buffer[USER_BUFFER], number[16], name[CONTROL_NAME_MAX + 1];
	struct passwd entry, *found = NULL;
	struct control_badge badge;
	bool logged_in = people_now(s->config.people, &badge);

	snprintf(number, sizeof(number), "%u", (unsigned)caller->peer.uid);
	getpwuid_r(caller->peer.uid, &entry, buffer, sizeof(buffer), &found);
	control_copy_text(name, sizeof(name),
			  logged_in		    ? badge.person :
			  *caller->request.operator ? caller->request.operator :
			  found			    ? found->pw_name :
						      number);
	log_text(name, ret_name, sizeof(name));
}

static void start_nests(struct desk *s, struct caller *caller)
{
	struct nest_start start = { .by_name = *caller->request.nests,
				    .asked_ms = caller->asked_at };
	struct err e;

	answer_operator(s, caller, start.operator);
	memcpy(start.unit, caller->request.unit, sizeof(start.unit));
	log_event(LOG_INFO, "start asked", "uid=%u operator=\"%s\" order=%s nests=\"%s\"",
		  (unsigned)caller->peer.uid, start.operator, s->overview.status.order,
		  caller->request.nests);
	if (s->config.cycle) {
		if (answer_start_cycle(s, &start, caller->nests, &e))
			answer_nests(s, caller, 0, caller->nests, false);
		else
			answer_refuse(s, caller, &e);
		caller->waits = WAITS_FOR_NOTHING;
		return;
	}
	if (!any_nest(s, ALL_NESTS, CONTROL_RUNNING))
		s->batch++;
	start.batch = s->batch;
	for (size_t i = 0; i < s->config.settings->nest_count; i++)
		if (caller->nests >> i & 1)
			nest_ask(s->config.nests[i], &start);
	caller->waits = WAITS_FOR_NESTS;
	caller->deadline = clock_deadline(NESTS_PATIENCE_MS);
}

bool answer_may_start(const struct desk *s, struct err *e)
{
	const struct overview *o = &s->overview;

	if (*o->trouble)
		return err_set(e, ERR_GONE, "nothing was started: %s", o->trouble);
	if (!*o->status.order)
		return err_set(e, ERR_REFUSED,
			       "no order is in use, nothing was started; a supervisor puts one in "
			       "use: imprint order use ID");
	return shift_may_start(&s->shift, e);
}

static void signer_answered(struct desk *s, struct caller *caller)
{
	struct err e;

	if (caller->request.type == CONTROL_STATUS) {
		caller->waits = WAITS_FOR_NOTHING;
		answer_nests(s, caller, 0, ALL_NESTS, true);
	} else if (answer_may_start(s, &e)) {
		start_nests(s, caller);
	} else {
		answer_refuse(s, caller, &e);
	}
}

void answer_turn(struct desk *s, struct caller *caller)
{
	struct overview *o = &s->overview;

	if (caller->waits == WAITS_FOR_SIGNER) {
		if (o->answered_at < caller->asked_at)
			overview_ask(o);
		if (o->answered_at >= caller->asked_at)
			signer_answered(s, caller);
	}
	if (caller->waits == WAITS_FOR_NESTS &&
	    (!any_pending(s, caller->nests) || clock_monotonic_ms() > caller->deadline)) {
		caller->waits = WAITS_FOR_NOTHING;
		answer_nests(s, caller, 0, caller->nests, false);
	}
}

static bool may_ask(const struct caller *caller, struct err *e)
{
	enum control_type type = caller->request.type;

	if (caller->waits != WAITS_FOR_NOTHING || caller->watches)
		return err_set(e, ERR_BUSY, "wait for the answer before you ask again");
	if (!(caller->roles & desk_roles(type)))
		return err_set(e, ERR_REFUSED,
			       "the user with the number %u may not ask for %s; see access: in "
			       "station.yaml",
			       (unsigned)caller->peer.uid, control_name(type));
	return true;
}

void answer_record(struct desk *s, struct caller *caller, struct bytes record)
{
	struct control_request request;
	struct err e;

	if (!control_request_decode(record, &request)) {
		err_set(&e, ERR_INVALID,
			"the request makes no sense; are imprint and imprint-station of one "
			"version?");
		answer_refuse(s, caller, &e);
		answer_hang_up(caller);
		return;
	}
	if (caller->waits == WAITS_FOR_NOTHING && !caller->watches) {
		caller->request = request;
		caller->asked_at = clock_monotonic_ms();
	}
	if (may_ask(caller, &e))
		requests[request.type].action(s, caller);
	else
		answer_refuse(s, caller, &e);
}
