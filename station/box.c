#include "station/box.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <sys/eventfd.h>

#define SHOW(box, field, text)                                                                     \
	control_copy_text((box)->shown.field, sizeof((box)->shown.field), text)

static void ring(const struct box *box)
{
	if (box->bell_fd >= 0)
		eventfd_write(box->bell_fd, 1);
}

void box_init(struct box *box, const struct control_nest *first, int bell_fd)
{
	*box = (struct box) { .shown = *first, .version = 1, .bell_fd = bell_fd };
	pthread_mutex_init(&box->mutex, NULL);
}

void box_answer(struct box *box, enum control_answer answer)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	box->shown.answer = answer;
	box->version++;
	ring(box);
}

void box_state(struct box *box, enum control_state state)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	if (box->shown.state == state)
		return;
	box->shown.state = state;
	box->version++;
	ring(box);
}

void box_begin(struct box *box, uint64_t batch, const char *operator)
{
	AUTO(lock) lock = lock_take(&box->mutex);
	struct control_nest *n = &box->shown;

	n->state = CONTROL_RUNNING;
	if (n->answer == ANSWER_PENDING)
		n->answer = ANSWER_STARTED;
	n->step_index = n->step_count = n->bytes_done = n->bytes_total = 0;
	n->run = n->tries = n->outcome = 0;
	n->tries_left = CONTROL_NO_LIMIT;
	n->batch = batch;
	n->step[0] = n->unit[0] = n->order[0] = n->product[0] = '\0';
	n->code[0] = n->text[0] = n->remedy[0] = n->evidence[0] = n->certificate_id[0] = '\0';
	SHOW(box, operator, operator);
	n->started_at = clock_wall_s();
	box->started_ms = clock_monotonic_ms();
	box->version++;
	ring(box);
}

void box_mark(struct box *box, bool marked)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	box->shown.marked = marked;
	box->version++;
	ring(box);
}

void box_label(struct box *box, const char *label)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	if (strcmp(box->shown.label, label) == 0)
		return;
	SHOW(box, label, label);
	box->version++;
	ring(box);
}

void box_label_now(struct box *box, char ret_label[static CONTROL_NAME_MAX + 1])
{
	AUTO(lock) lock = lock_take(&box->mutex);

	strcpy(ret_label, box->shown.label);
}

void box_tries_left(struct box *box, uint64_t tries_left)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	box->shown.tries_left = tries_left;
	box->version++;
}

void box_order(struct box *box, const char *order, const char *product)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	SHOW(box, order, order);
	SHOW(box, product, product);
	box->version++;
}

void box_unit(struct box *box, const char *unit)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	SHOW(box, unit, unit);
	box->version++;
}

void box_step(struct box *box, const char *step, size_t index, size_t count)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	SHOW(box, step, step);
	box->shown.step_index = index;
	box->shown.step_count = count;
	box->shown.bytes_done = box->shown.bytes_total = 0;
	box->version++;
}

void box_progress(struct box *box, size_t done, size_t total)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	box->shown.bytes_done = done;
	box->shown.bytes_total = total;
	box->version++;
}

void box_end(struct box *box, enum control_state state, const struct box_end *end)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	box->shown.state = state;
	box->shown.outcome = end->outcome;
	box->shown.run = end->run;
	box->shown.tries = end->tries;
	box->shown.tries_left = end->tries_left;
	box->shown.label[0] = '\0';
	box->shown.elapsed_ms = end->elapsed_ms;
	SHOW(box, code, end->code);
	SHOW(box, text, end->text);
	SHOW(box, remedy, end->remedy);
	SHOW(box, evidence, end->evidence);
	SHOW(box, certificate_id, end->certificate_id);
	box->version++;
	ring(box);
}

uint64_t box_show(struct box *box, struct control_nest *ret_shown)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	*ret_shown = box->shown;
	if (ret_shown->state == CONTROL_RUNNING)
		ret_shown->elapsed_ms = (uint64_t)(clock_monotonic_ms() - box->started_ms);
	return box->version;
}

uint64_t box_version(struct box *box)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	return box->version;
}

enum control_state box_state_now(struct box *box)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	return (enum control_state)box->shown.state;
}

enum control_answer box_answer_now(struct box *box)
{
	AUTO(lock) lock = lock_take(&box->mutex);

	return (enum control_answer)box->shown.answer;
}
