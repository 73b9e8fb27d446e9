#include "station/cycle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/wait.h"
#include "station/panel.h"

#include <poll.h>
#include <sys/eventfd.h>

#define BUSY_MS 20  /* while something moves */
#define IDLE_MS 200 /* the jig rings when it changes */

struct cycle {
	struct cycle_config config;
	pthread_t thread;
	pthread_mutex_t mutex;
	/* Below the mutex. */
	struct panel panel;
	struct panel_input in; /* as seen last */
	struct nest_start start;
	bool quits;
	int64_t pressed_ms; /* the start button; 0: it was not */
	uint64_t present;   /* boards that the jig sees: their nests were told */
	uint64_t marked;    /* as the boxes show it */
	struct control_station shown;
};

/* --- seeing --- */

static void look_at_nest(struct panel_input *in, struct box *box, uint64_t bit)
{
	struct control_nest nest;

	box_show(box, &nest);
	in->line |= nest.state != CONTROL_EMPTY && nest.state != CONTROL_UNSEEN ? bit : 0;
	in->stopped |= nest.state == CONTROL_STOPPED ? bit : 0;
	in->running |= nest.state == CONTROL_RUNNING ? bit : 0;
	in->pending |= nest.answer == ANSWER_PENDING ? bit : 0;
	in->started |= nest.answer == ANSWER_STARTED ? bit : 0;
	in->passed |= nest.outcome == OUTCOME_PASS ? bit : 0;
	/* A unit that has had its tries is not tried again: it goes where the failed ones go. */
	in->failed |= nest.outcome == OUTCOME_FAIL ||
				      (nest.outcome == OUTCOME_ABORTED && nest.tries_left == 0)
			      ? bit
			      : 0;
	in->retest |= nest.tries_left ? bit : 0;
}

static void look(struct cycle *c)
{
	c->in = (struct panel_input) { .now_ms = clock_monotonic_ms() };
	jig_see(c->config.jig, &c->in.image);
	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		look_at_nest(&c->in, nest_box(c->config.nests[i]), UINT64_C(1) << i);
}

/* --- showing --- */

static void join_names(const struct cycle *c, uint64_t nests, char *ret_names, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		if (nests >> i & 1)
			len += (size_t)snprintf(ret_names + len, size - len, "%s%s", len ? " " : "",
						c->config.settings->nests[i].name);
}

/* What does not change by itself; the poll loop is told when it does. */
static void show(struct cycle *c)
{
	struct control_station now;
	uint64_t nests;

	memset(&now, 0, sizeof(now)); /* with its padding: it is compared whole */
	now.phase = panel_phase(&c->panel);
	now.next = panel_next(&c->panel, &c->in, &nests);
	now.stop = c->panel.stop;
	now.powered = c->in.image.powered;
	join_names(c, nests, now.next_nests, sizeof(now.next_nests));
	memcpy(now.stop_text, c->panel.text, sizeof(now.stop_text));
	if (memcmp(&now, &c->shown, sizeof(now)) == 0)
		return;
	c->shown = now;
	eventfd_write(c->config.bell_fd, 1);
}

static void show_marks(struct cycle *c)
{
	uint64_t changed = c->marked ^ c->panel.marked;

	c->marked = c->panel.marked;
	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		if (changed >> i & 1)
			box_mark(nest_box(c->config.nests[i]), c->marked >> i & 1);
}

/* They look by themselves only now and then. */
static void wake_nests(struct cycle *c)
{
	uint64_t changed = c->present ^ c->in.image.present;

	c->present = c->in.image.present;
	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		if (changed >> i & 1)
			nest_wake(c->config.nests[i]);
}

/* `was_cycle`: not only the way back from a stop, or from a start of the daemon. */
static void log_step(const struct cycle *c, enum control_phase before, bool was_cycle)
{
	const struct panel *p = &c->panel;
	enum control_phase phase = panel_phase(p);

	if (phase == before)
		return;
	if (phase == PHASE_STOPPED)
		log_event(LOG_WARNING, "jig stopped", "stop=%s phase=%s text=\"%s\"",
			  control_stop_name(p->stop), control_phase_name(before), p->text);
	else if (phase == PHASE_UNLOAD && was_cycle)
		log_event(LOG_INFO, "cycle ended", "duration_ms=%llu nests=%d passed=%d marked=%d",
			  (unsigned long long)p->cycle_ms, __builtin_popcountll(p->nests),
			  __builtin_popcountll(p->passed & p->nests),
			  __builtin_popcountll(p->marked & p->nests));
}

/* --- doing --- */

static bool reset(struct cycle *c, struct err *e)
{
	if (!panel_may_reset(&c->panel, &c->in, e) || !jig_reset(c->config.jig, e))
		return false;
	log_event(LOG_NOTICE, "jig reset", "stop=%s", control_stop_name(c->panel.stop));
	panel_reset(&c->panel, &c->in);
	return true;
}

static void act(struct cycle *c, const struct panel_act *act)
{
	struct err e;

	jig_want(c->config.jig, &act->wish);
	for (size_t i = 0; i < c->config.settings->nest_count; i++) {
		if (act->ask >> i & 1)
			nest_ask(c->config.nests[i], &c->start);
		if (act->abort >> i & 1)
			nest_abort(c->config.nests[i]);
	}
	if (act->start_pressed) {
		c->pressed_ms = c->in.now_ms;
		eventfd_write(c->config.bell_fd, 1);
	}
	if (act->reset_pressed && !reset(c, &e))
		log_event(LOG_NOTICE, "reset refused", "text=\"%s\"", e.text);
}

/* As far as it goes now. */
static void turn(struct cycle *c)
{
	struct panel_act to_do;
	bool goes_on = true;

	for (int i = 0; goes_on && i < STEP_COUNT; i++) {
		enum control_phase before = panel_phase(&c->panel);
		bool was_cycle = c->panel.began_ms != 0;

		look(c);
		goes_on = panel_turn(&c->panel, &c->in, &to_do);
		log_step(c, before, was_cycle);
		act(c, &to_do);
	}
	wake_nests(c);
	show_marks(c);
	show(c);
}

static bool turn_unless_quits(struct cycle *c, int64_t *ret_wait_ms)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	if (c->quits)
		return false;
	turn(c);
	*ret_wait_ms = c->in.running || panel_is_busy(&c->panel) ? BUSY_MS : IDLE_MS;
	return true;
}

static void *cycle_thread(void *argument)
{
	struct cycle *c = argument;
	int64_t wait_ms;
	eventfd_t count;
	struct err e;

	while (turn_unless_quits(c, &wait_ms))
		if (wait_for(c->config.wake_fd, POLLIN, clock_deadline(wait_ms), -1, NULL, &e))
			eventfd_read(c->config.wake_fd, &count);
	return NULL;
}

/* --- asked by the poll loop --- */

static enum control_answer answer_of(const struct cycle *c, uint64_t bit)
{
	return c->panel.nests & bit	   ? ANSWER_STARTED
	       : !(c->panel.present & bit) ? ANSWER_EMPTY
	       : c->in.stopped & bit	   ? ANSWER_STOPPED
					   : ANSWER_TRIED;
}

bool cycle_start(struct cycle *c, const struct nest_start *start, uint64_t nests, struct err *e)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	turn(c);
	if (start->by_name)
		c->in.stopped &= ~nests;
	if (!panel_start(&c->panel, &c->in, nests, start->asked_ms, e))
		return false;
	c->start = *start;
	jig_release(c->config.jig);
	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		if (nests >> i & 1)
			box_answer(nest_box(c->config.nests[i]), answer_of(c, UINT64_C(1) << i));
	log_event(LOG_INFO, "cycle began", "nests=%d operator=\"%s\"",
		  __builtin_popcountll(c->panel.nests), start->operator);
	turn(c);
	eventfd_write(c->config.wake_fd, 1);
	return true;
}

bool cycle_abort(struct cycle *c)
{
	AUTO(lock) lock = lock_take(&c->mutex);
	enum control_phase before = panel_phase(&c->panel);

	look(c);
	if (!panel_abort(&c->panel, &c->in))
		return false;
	log_step(c, before, true);
	turn(c);
	return true;
}

bool cycle_reset(struct cycle *c, struct err *e)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	look(c);
	if (!reset(c, e))
		return false;
	turn(c);
	eventfd_write(c->config.wake_fd, 1);
	return true;
}

bool cycle_set(struct cycle *c, const char *signal, bool value, struct err *e)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	look(c);
	if (panel_is_busy(&c->panel) || c->in.running || c->in.pending)
		return err_set(e, ERR_BUSY,
			       "a cycle runs; nothing of the jig is set by hand before it has "
			       "ended");
	return jig_hold(c->config.jig, signal, value, e);
}

int64_t cycle_pressed_ms(struct cycle *c)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	return c->pressed_ms;
}

void cycle_press_forget(struct cycle *c)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	c->pressed_ms = 0;
}

void cycle_show(struct cycle *c, struct control_station *ret_station)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	ret_station->phase = c->shown.phase;
	ret_station->next = c->shown.next;
	ret_station->stop = c->shown.stop;
	ret_station->powered = c->shown.powered;
	memcpy(ret_station->next_nests, c->shown.next_nests, sizeof(ret_station->next_nests));
	memcpy(ret_station->stop_text, c->shown.stop_text, sizeof(ret_station->stop_text));
	ret_station->cycle_ms = panel_cycle_ms(&c->panel, clock_monotonic_ms());
}

/* --- from start to end --- */

static void cycle_free(struct cycle *c)
{
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

bool cycle_open(const struct cycle_config *config, struct cycle **ret_cycle, struct err *e)
{
	const struct map *map = &config->settings->jig;
	const struct panel_options options = {
		.present = map->has[MAP_PRESENT],
		.power = map->has[MAP_POWER],
		.has_lid = map->has[MAP_LID_CLOSED],
		.has_clamp = map->has[MAP_CLAMP],
		.timing = map->timing,
	};
	struct cycle *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ERR_SYSTEM, "no memory for the cycle of the jig");
	c->config = *config;
	pthread_mutex_init(&c->mutex, NULL);
	panel_init(&c->panel, &options, clock_monotonic_ms());
	if (!thread_start(&c->thread, cycle_thread, c, e)) {
		cycle_free(c);
		return err_add(e, "the cycle of the jig");
	}
	*ret_cycle = c;
	return true;
}

static void stop_all(struct cycle *c)
{
	AUTO(lock) lock = lock_take(&c->mutex);

	c->quits = true;
	for (size_t i = 0; i < c->config.settings->nest_count; i++)
		nest_abort(c->config.nests[i]);
	jig_want(c->config.jig,
		 &(struct jig_wish) { .clamp = c->panel.clamp, .lid_lock = c->panel.lid_lock });
	eventfd_write(c->config.wake_fd, 1);
}

void cycle_close(struct cycle *c)
{
	if (!c)
		return;
	stop_all(c);
	pthread_join(c->thread, NULL);
	cycle_free(c);
}
