/* What the answers of station and signer do. */
#include "station/screen/screen.h"

/* --- orders --- */

static void take_orders(struct model *m, const struct reply *reply)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct order order;

	m->order_count = 0;
	while (!r.bad && r.at < r.len && m->order_count < MODEL_ORDERS_MAX) {
		struct model_order *to = &m->orders[m->order_count];

		order_read(&r, &order);
		if (r.bad)
			return;
		*to = (struct model_order) { .quantity = order.quantity,
					     .used = order.used,
					     .is_open = order.state == ORDER_OPEN,
					     .in_use = order.in_use };
		memcpy(to->id, order.id, sizeof(to->id));
		memcpy(to->product, order.product, sizeof(to->product));
		m->order_count++;
	}
}

/* No order: a badge or a label. The label is for the nest that the station asks about. */
static void scan_at_station(struct screen *s, const char *text)
{
	const char *names = s->model.station.next_nests;
	struct control_request request = { .type = CONTROL_SCAN };
	char name[CONTROL_WORD_SIZE];

	snprintf(request.unit, sizeof(request.unit), "%s", text);
	if (s->model.station.next == NEXT_LABEL && control_next_name(&names, name))
		snprintf(request.nests, sizeof(request.nests), "%s", name);
	screen_ask(s, ERRAND_SCAN, &request, text);
}

static void found_order(struct screen *s, const struct errand *errand)
{
	struct request request = { .type = REQUEST_ORDER_USE };

	if (s->model.order_count == 0) {
		scan_at_station(s, errand->about);
	} else if (!s->model.orders[0].is_open) {
		screen_say(s, true, PHRASE_SAY_ORDER_CLOSED, errand->about);
	} else {
		snprintf(request.order, sizeof(request.order), "%s", errand->about);
		screen_ask_signer(s, ERRAND_USE_ORDER, &request, errand->about);
	}
}

void screen_answer_signer(struct screen *s, const struct errand *errand, const struct reply *reply)
{
	if (reply->type == REPLY_ROWS)
		take_orders(&s->model, reply);
	if (errand->purpose == ERRAND_FIND_ORDER)
		found_order(s, errand);
	if (errand->purpose != ERRAND_USE_ORDER)
		return;
	if (s->face.page == PAGE_ORDERS)
		screen_do(s, DEED_ORDERS);
	screen_say(s, false, PHRASE_SAY_ORDER_USED, errand->about);
}

/* --- the station --- */

/* Why nests did not start, as the operator may mend it; the first that holds is said. */
static const struct {
	enum control_answer answer;
	enum phrase says;
} reasons[] = {
	{ ANSWER_TRIED, PHRASE_SAY_TRIED },	   { ANSWER_STOPPED, PHRASE_SAY_STOPPED },
	{ ANSWER_RUNNING, PHRASE_SAY_IS_RUNNING }, { ANSWER_PENDING, PHRASE_SAY_NO_ANSWER },
	{ ANSWER_EMPTY, PHRASE_SAY_NO_BOARD },
};

static size_t answered(const struct control_reply *reply, enum control_answer answer,
		       char *ret_names, size_t size)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;
	size_t count = 0, len = 0;

	ret_names[0] = '\0';
	while (control_nest_read(&r, &nest)) {
		if (nest.answer != (uint64_t)answer)
			continue;
		if (answer == ANSWER_TRIED && nest.outcome == OUTCOME_PASS)
			continue; /* it is done, and lies beside those that run */
		count++;
		if (len < size)
			len += (size_t)snprintf(ret_names + len, size - len, "%s%s", len ? " " : "",
						nest.name);
	}
	return count;
}

/* A board that may try again, and was not re-seated since it failed. */
static bool has_tries(const struct control_reply *reply)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;

	while (control_nest_read(&r, &nest))
		if (nest.answer == ANSWER_TRIED && nest.tries_left > 0)
			return true;
	return false;
}

static void started(struct screen *s, const struct control_reply *reply)
{
	char names[CONTROL_NAME_MAX];
	bool any = answered(reply, ANSWER_STARTED, names, sizeof(names)) > 0;

	if (s->model.station.phase != PHASE_BENCH &&
	    !answered(reply, ANSWER_TRIED, names, sizeof(names)))
		return; /* the cycle has begun: the phase says the rest */
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		bool matters = !any || reasons[i].answer != ANSWER_EMPTY;

		if (!matters || !answered(reply, reasons[i].answer, names, sizeof(names)))
			continue;
		screen_say(s, true,
			   reasons[i].answer == ANSWER_TRIED && has_tries(reply) ? PHRASE_SAY_RESEAT
										 : reasons[i].says,
			   names);
		return;
	}
}

static void done(struct screen *s, const struct control_reply *reply)
{
	if (s->face.language == ENGLISH && *reply->text)
		screen_say_text(s, false, reply->text);
	else
		screen_say(s, false, PHRASE_SAY_DONE, "");
}

static void scanned(struct screen *s, const struct control_reply *reply)
{
	if (reply->code == SCAN_BADGE)
		return; /* it shows: the station names the person */
	if (reply->code == SCAN_UNKNOWN)
		screen_say(s, true, PHRASE_SAY_UNKNOWN, "");
	else
		done(s, reply);
}

void screen_answer_station(struct screen *s, const struct errand *errand,
			   const struct control_reply *reply)
{
	if (errand->purpose == ERRAND_ALIVE && !model_take_alarms(&s->model, reply))
		s->model.alarm_count = 0;
	else if (errand->purpose == ERRAND_START)
		started(s, reply);
	else if (errand->purpose == ERRAND_SCAN)
		scanned(s, reply);
	else if (errand->purpose == ERRAND_DO || errand->purpose == ERRAND_RESET)
		done(s, reply);
}

/* --- refusals --- */

/* What the station says of a start begins with what the screen shows anyway. */
static const char *without_preface(const char *text)
{
	static const char preface[] = "nothing was started: ";
	size_t len = sizeof(preface) - 1;

	return strncmp(text, preface, len) == 0 ? text + len : text;
}

/* The station's sentence is English, and names what it is about. */
static void refused(struct screen *s, const struct errand *errand, const struct err *e)
{
	char text[PHRASE_SIZE];

	if (errand->purpose == ERRAND_RESET) {
		screen_say(s, true,
			   s->model.station.phase == PHASE_STOPPED ? PHRASE_SAY_RESET_FIRST
								   : PHRASE_SAY_NOT_STOPPED,
			   "");
	} else if (s->face.language != ENGLISH) {
		screen_say(s, true,
			   errand->purpose == ERRAND_START ? PHRASE_SAY_NOT_STARTED
							   : PHRASE_SAY_REFUSED,
			   "");
	} else {
		control_copy_text(text, sizeof(text), without_preface(e->text));
		screen_say_text(s, true, text);
	}
}

void screen_answer_refused(struct screen *s, const struct errand *errand, const struct err *e)
{
	if (errand->purpose == ERRAND_ALIVE)
		return;
	if (errand->purpose == ERRAND_FIND_ORDER) {
		scan_at_station(s, errand->about); /* this user may not see orders */
		return;
	}
	if (e->code == ERR_TIMEOUT) {
		screen_say(s, true, PHRASE_SAY_NO_ANSWER, "");
		return;
	}
	refused(s, errand, e);
}
