#include "station/answer.h"

#include "base/log.h"
#include "fixtures/jig.h"

#define ALL_NESTS UINT64_MAX
#define SIGNALS_A_RECORD 200

static bool has_jig(struct desk *s, struct caller *caller)
{
	struct err e;

	if (s->config.cycle)
		return true;
	err_set(&e, ERR_NOT_FOUND, "this station has no jig; its nests run freely");
	answer_refuse(s, caller, &e);
	return false;
}

static void answer_done(struct desk *s, struct caller *caller, bool done, const struct err *e)
{
	struct control_reply reply = { .type = CONTROL_DONE };

	if (done)
		answer_send(s, caller, &reply, -1);
	else
		answer_refuse(s, caller, e);
}

void answer_reset(struct desk *s, struct caller *caller)
{
	struct err e;

	if (has_jig(s, caller))
		answer_done(s, caller, cycle_reset(s->config.cycle, &e), &e);
}

void answer_set(struct desk *s, struct caller *caller)
{
	const struct control_request *request = &caller->request;
	char signal[sizeof(request->unit)], refused[sizeof(((struct err *)NULL)->text)] = "";
	struct err e;
	bool done;

	if (!has_jig(s, caller))
		return;
	done = cycle_set(s->config.cycle, request->unit, request->value != 0, &e);
	log_event(LOG_NOTICE, "signal set by hand", "uid=%u signal=\"%s\" value=%d refused=\"%s\"",
		  (unsigned)caller->peer.uid, log_text(request->unit, signal, sizeof(signal)),
		  request->value != 0, done ? refused : log_text(e.text, refused, sizeof(refused)));
	answer_done(s, caller, done, &e);
}

static void show_signal(const struct jig_signal_view *view, struct control_signal *ret_signal)
{
	*ret_signal = (struct control_signal) {
		.output = view->output,
		.known = view->known,
		.value = view->value,
		.wanted = view->wanted,
		.age_ms = view->age_ms > 0 ? (uint64_t)view->age_ms : 0,
	};
	control_copy_text(ret_signal->name, sizeof(ret_signal->name), view->name);
	control_copy_text(ret_signal->place, sizeof(ret_signal->place), view->place);
}

void answer_signals(struct desk *s, struct caller *caller)
{
	struct control_reply reply = { .type = CONTROL_ROWS };
	struct writer w = { .data = s->rows, .size = sizeof(s->rows) };
	struct jig_signal_view view;
	struct control_signal signal;
	size_t first = caller->request.after, i = first;

	if (!has_jig(s, caller))
		return;
	while (i - first < SIGNALS_A_RECORD && jig_signal(s->config.jig, i, &view)) {
		show_signal(&view, &signal);
		control_signal_write(&w, &signal);
		i++;
	}
	reply.rows = bytes_of(s->rows, w.len);
	reply.more = jig_signal(s->config.jig, i, &view);
	answer_send(s, caller, &reply, -1);
}

/* --- the cycle --- */

bool answer_start_cycle(struct desk *s, struct nest_start *start, uint64_t nests, struct err *e)
{
	start->batch = s->batch + 1;
	if (!cycle_start(s->config.cycle, start, nests, e))
		return false;
	s->batch++;
	return true;
}

static void start_by_button(struct desk *s, int64_t pressed_ms)
{
	struct nest_start start = { .asked_ms = pressed_ms };
	struct control_badge badge;
	struct err e;

	people_now(s->config.people, &badge);
	strcpy(start.operator, badge.person);
	if (!answer_may_start(s, &e) || !answer_start_cycle(s, &start, ALL_NESTS, &e))
		log_event(LOG_NOTICE, "start button refused", "text=\"%s\"", e.text);
}

void answer_button(struct desk *s)
{
	int64_t pressed_ms = s->config.cycle ? cycle_pressed_ms(s->config.cycle) : 0;

	if (!pressed_ms)
		return;
	shift_active(&s->shift);
	if (s->overview.answered_at < pressed_ms)
		overview_ask(&s->overview);
	if (s->overview.answered_at < pressed_ms)
		return;
	cycle_press_forget(s->config.cycle);
	start_by_button(s, pressed_ms);
}
