#include "station/nest.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wait.h"
#include "serial/fault.h"
#include "station/left.h"
#include "station/outcome.h"
#include "station/policy.h"
#include "station/seat.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

struct nest {
	const struct nest_shared *shared;
	const struct station_nest *settings;
	struct seat seat;
	struct box box;
	pthread_t thread;
	int wake_fd;   /* the poll loop wants something */
	int cancel_fd; /* stops a run; nobody drains it while one is under way */
	pthread_mutex_t mutex;
	/* Below the mutex. */
	struct nest_start start;
	bool has_start, quits;
	unsigned failed; /* how often, since a board came in or a PASS */
	/* The thread's own. */
	bool leaves_seen; /* here one can see when a board is taken out */
	bool has_left;	  /* its board may still be that of a run that the station left */
	struct run left;
};

struct box *nest_box(struct nest *nest)
{
	return &nest->box;
}

const char *nest_name(const struct nest *nest)
{
	return nest->settings->name;
}

/* --- asked by the poll loop --- */

void nest_ask(struct nest *nest, const struct nest_start *start)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	if (box_state_now(&nest->box) == CONTROL_RUNNING) {
		box_answer(&nest->box, ANSWER_RUNNING);
		return;
	}
	nest->start = *start;
	nest->has_start = true;
	box_answer(&nest->box, ANSWER_PENDING);
	eventfd_write(nest->wake_fd, 1);
}

void nest_wake(struct nest *nest)
{
	eventfd_write(nest->wake_fd, 1);
}

void nest_abort(struct nest *nest)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	if (box_state_now(&nest->box) == CONTROL_RUNNING)
		eventfd_write(nest->cancel_fd, 1);
}

bool nest_let_off(struct nest *nest, const char *person, const char *operator, struct err * e)
{
	const struct nest_shared *shared = nest->shared;
	struct control_nest shown;

	box_show(&nest->box, &shown);
	if (!policy_free(shared->settings, shared->runs, &shown, person, operator, e))
		return false;
	AUTO(lock) lock = lock_take(&nest->mutex);
	nest->failed = 0;
	box_tries_left(&nest->box, policy_tries_left(shared->settings, shared->runs, shown.unit));
	eventfd_write(nest->wake_fd, 1); /* its state changes at its next look */
	return true;
}

void nest_quit(struct nest *nest)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	nest->quits = true;
	eventfd_write(nest->cancel_fd, 1);
	eventfd_write(nest->wake_fd, 1);
}

/* --- the nest's thread --- */

static bool is_stopped(const struct nest *nest)
{
	return policy_stops(nest->shared->settings, nest->shared->runs, nest_name(nest));
}

static void count_failed(struct nest *nest, const struct run *run)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	if (run->outcome == OUTCOME_PASS)
		nest->failed = 0;
	else if (run->outcome == OUTCOME_FAIL && run->mode == MODE_NORMAL)
		nest->failed++;
}

/* The board that failed is still the one that lies there. */
static bool has_had_its_tries(const struct nest *nest)
{
	const struct station_work *work = &nest->shared->settings->work;

	return nest->failed > 0 && ((work->reseat && nest->leaves_seen) ||
				    (work->retest_tries && nest->failed >= work->retest_tries));
}

/* Where a signal says that a board is there, its line does not. */
static bool lost_board(const struct nest *nest, const struct run *run)
{
	return !seat_has_signal(&nest->seat) &&
	       strcmp(run->code, fault_short(FAULT_LINE_GONE)) == 0;
}

static void forget_board(struct nest *nest)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	nest->leaves_seen = true;
	nest->failed = 0;
	box_label(&nest->box, "");
}

static void show_end(struct nest *nest, enum control_state state, const struct run *run,
		     const char *remedy)
{
	const struct nest_shared *shared = nest->shared;

	box_end(&nest->box, state,
		&(struct box_end) {
			.outcome = run->outcome,
			.run = run->number,
			.tries = run->tries,
			.tries_left = policy_tries_left(shared->settings, shared->runs, run->unit),
			.elapsed_ms = run->duration_ms,
			.code = run->code,
			.text = run->text,
			.remedy = remedy,
			.evidence = run->evidence,
			.certificate_id = run->certificate_id });
}

static void end_run(struct nest *nest, struct run *run, const char *remedy)
{
	bool stops = is_stopped(nest);

	count_failed(nest, run);
	if (lost_board(nest, run))
		forget_board(nest);
	outcome_log(run);
	if (run->mode == MODE_GOLDEN && run->outcome != OUTCOME_ABORTED)
		alarms_hold(nest->shared->alarms, ALARM_GOLDEN_FAIL, run->nest,
			    run->outcome != OUTCOME_PASS, run->text);
	if (stops)
		log_event(LOG_WARNING, "nest stopped", "nest=%s units_without_pass=%u", run->nest,
			  nest->shared->settings->work.stop_after);
	show_end(nest,
		 stops			 ? CONTROL_STOPPED
		 : lost_board(nest, run) ? CONTROL_EMPTY
					 : CONTROL_ENDED,
		 run, remedy);
}

/* True if the board's line was lost: what is there then has just arrived. */
static bool run_board(struct nest *nest, const struct nest_start *start)
{
	const struct recipe_input in = {
		.settings = nest->shared->settings,
		.nest = nest->settings,
		.catalogue = nest->shared->catalogue,
		.runs = nest->shared->runs,
		.mode = runs_mode(nest->shared->runs),
		.operator= start->operator,
		.unit = start->unit,
		.cancel_fd = nest->cancel_fd,
		.box = &nest->box,
	};
	const char *remedy;
	struct run run;

	nest->has_left = false;
	recipe_run(&in, &run, &remedy);
	if (run.outcome == OUTCOME_ABORTED && nest->shared->ends) {
		left_judge(&run);
		remedy = left_remedy();
	}
	outcome_by_jig(&nest->seat, &run, &remedy);
	outcome_keep(nest->shared->runs, nest->shared->alarms, &run, &remedy);
	end_run(nest, &run, remedy);
	return lost_board(nest, &run);
}

/* The cancel of an abort that came too late for its run must not stop the next one. */
static void forget_abort(struct nest *nest)
{
	AUTO(lock) lock = lock_take(&nest->mutex);
	eventfd_t count;

	if (!nest->quits && eventfd_read(nest->cancel_fd, &count) < 0 && errno != EAGAIN)
		log_event(LOG_ERR, "cancel descriptor unreadable", "nest=%s", nest_name(nest));
}

/* Nor does the next start show it. */
static void forget_left(struct nest *nest)
{
	struct runs_act act = { .kind = ACT_GONE,
				.shift = station_shift_began(nest->shared->settings,
							     clock_wall_s()) };
	struct err e;

	strcpy(act.nest, nest_name(nest));
	nest->has_left = false;
	if (!runs_do(nest->shared->runs, &act, &e))
		log_event(LOG_WARNING, "board gone, not recorded", "nest=%s text=\"%s\"", act.nest,
			  e.text);
}

/* It is on record by now, and was not when it was shown. */
static bool left_was_numbered(struct nest *nest)
{
	return nest->has_left && nest->left.number == 0 &&
	       runs_left(nest->shared->runs, nest_name(nest), &nest->left) && nest->left.number;
}

static bool look(struct nest *nest)
{
	bool present = seat_look(&nest->seat);

	if (!present)
		forget_board(nest);
	if (nest->has_left && !present && seat_knows(&nest->seat))
		forget_left(nest);
	if (is_stopped(nest))
		box_state(&nest->box, CONTROL_STOPPED);
	else if (!present)
		box_state(&nest->box, CONTROL_EMPTY);
	else if (box_state_now(&nest->box) == CONTROL_ENDED && !left_was_numbered(nest))
		; /* its result stands */
	else if (nest->has_left)
		show_end(nest, CONTROL_ENDED, &nest->left, left_remedy());
	else
		box_state(&nest->box, CONTROL_READY);
	return present;
}

/* Who names a stopped nest has looked at it; that is on record, so it holds after a restart. */
static bool free_by_name(struct nest *nest, const struct nest_start *start)
{
	struct control_nest only = { 0 }; /* and not the tries of its unit */
	struct err e;

	if (!start->by_name)
		return false;
	strcpy(only.name, nest_name(nest));
	if (policy_free(nest->shared->settings, nest->shared->runs, &only, "",
			start->operator, & e))
		return true;
	log_event(LOG_ERR, "nest not freed", "nest=%s text=\"%s\"", only.name, e.text);
	return false;
}

static bool may_begin(struct nest *nest, bool present, const struct nest_start *start)
{
	enum control_answer answer = ANSWER_NONE;

	if (!present)
		answer = ANSWER_EMPTY;
	else if (is_stopped(nest) && !free_by_name(nest, start))
		answer = ANSWER_STOPPED;
	else if (has_had_its_tries(nest) && runs_mode(nest->shared->runs) == MODE_NORMAL)
		answer = ANSWER_TRIED;
	if (answer != ANSWER_NONE)
		box_answer(&nest->box, answer);
	return answer == ANSWER_NONE;
}

/* A board that came by itself is run for the person at the station, if one is needed. */
static bool may_arrive(struct nest *nest, struct nest_start *ret_start)
{
	struct control_badge badge;
	bool known = people_now(nest->shared->people, &badge);
	struct err e;

	if (is_stopped(nest) || (!known && nest->shared->settings->work.login_needed) ||
	    !runs_settle(nest->shared->runs, &e))
		return false;
	*ret_start = (struct nest_start) { 0 };
	strcpy(ret_start->operator, badge.person);
	return true;
}

/* Takes the start that waits, or makes the one of an arrival; false if there is nothing to run. The
 * mutex makes this one move: a start either goes into this run or finds it running. */
static bool begin(struct nest *nest, bool present, bool arrived, struct nest_start *ret_start)
{
	AUTO(lock) lock = lock_take(&nest->mutex);
	bool asked = nest->has_start;

	nest->has_start = false;
	if (!asked && !arrived)
		return false;
	if (asked ? !may_begin(nest, present, &nest->start) : !may_arrive(nest, ret_start))
		return false;
	if (asked)
		*ret_start = nest->start;
	if (!*ret_start->unit)
		box_label_now(&nest->box, ret_start->unit);
	box_begin(&nest->box, ret_start->batch, ret_start->operator);
	return true;
}

static bool quits(struct nest *nest)
{
	AUTO(lock) lock = lock_take(&nest->mutex);

	return nest->quits;
}

static void wait_for_work(struct nest *nest)
{
	eventfd_t count;
	struct err e;

	if (wait_for(nest->wake_fd, POLLIN, clock_deadline(NEST_LOOK_MS), -1, NULL, &e))
		eventfd_read(nest->wake_fd, &count);
}

static void *nest_thread(void *argument)
{
	struct nest *nest = argument;
	bool was_present = false;

	while (!quits(nest)) {
		bool by_arrival = nest->shared->settings->start == START_ARRIVAL;
		bool present = look(nest);
		bool arrived = by_arrival && present && !was_present;
		struct nest_start start;

		was_present = present;
		if (begin(nest, present, arrived, &start)) {
			was_present = !run_board(nest, &start) && look(nest);
			forget_abort(nest);
		}
		wait_for_work(nest);
	}
	return NULL;
}

/* --- from start to end --- */

static void nest_free(struct nest *nest)
{
	if (nest->wake_fd >= 0)
		close(nest->wake_fd);
	if (nest->cancel_fd >= 0)
		close(nest->cancel_fd);
	pthread_mutex_destroy(&nest->mutex);
	free(nest);
}

AUTO_DEFINE(nest, struct nest *, nest_free)

static void take_left(struct nest *nest, struct control_nest *first)
{
	const struct run *run = &nest->left;

	nest->has_left = runs_left(nest->shared->runs, nest_name(nest), &nest->left);
	if (!nest->has_left)
		return;
	control_copy_text(first->unit, sizeof(first->unit), run->unit);
	control_copy_text(first->order, sizeof(first->order), run->order);
	control_copy_text(first->product, sizeof(first->product), run->product);
	control_copy_text(first->operator, sizeof(first->operator), run->operator);
	first->started_at = run->started_at;
}

bool nest_open(const struct nest_shared *shared, size_t index, struct nest **ret_nest,
	       struct err *e)
{
	AUTO(nest) nest = calloc(1, sizeof(*nest));
	struct control_nest first = { .index = index, .tries_left = CONTROL_NO_LIMIT };

	if (!nest)
		return err_set(e, ERR_SYSTEM, "no memory for a nest");
	nest->shared = shared;
	nest->settings = &shared->settings->nests[index];
	nest->seat = (struct seat) { shared->jig, shared->settings, index, false };
	nest->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	nest->cancel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&nest->mutex, NULL);
	first.row = nest->settings->row;
	first.column = nest->settings->column;
	snprintf(first.name, sizeof(first.name), "%s", nest->settings->name);
	take_left(nest, &first);
	box_init(&nest->box, &first, shared->bell_fd);
	if (nest->wake_fd < 0 || nest->cancel_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no descriptors for nest %s", nest_name(nest));
	if (!thread_start(&nest->thread, nest_thread, nest, e))
		return err_add(e, "nest %s", nest_name(nest));
	*ret_nest = TAKE(nest);
	return true;
}

bool nest_close(struct nest *nest, int64_t deadline)
{
	int64_t left_ms = deadline - clock_monotonic_ms();
	struct timespec until;

	/* Not pthread_clockjoin_np: the thread sanitizer does not know it. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += left_ms > 0 ? left_ms / 1000 + 1 : 0;
	if (pthread_timedjoin_np(nest->thread, NULL, &until) != 0)
		return false;
	nest_free(nest);
	return true;
}
