/* box: what the station shows of one nest, behind one mutex. The nest's thread writes it, the poll
 * loop reads it, and neither ever waits for the other. Each change raises the version; those that
 * somebody may wait for (a start was answered, a run ended) also ring the station's bell.
 * Text is made printable on its way in: sentences may quote a board.
 * Threads: any. Layer above: recipe, nest, desk. Below: control. */
#ifndef STATION_BOX_H
#define STATION_BOX_H

#include "station/control/control.h"

#include <pthread.h>

struct box {
	pthread_mutex_t mutex;
	struct control_nest shown;
	uint64_t version;
	int64_t started_ms; /* monotonic, of the run under way */
	int bell_fd;	    /* eventfd of the poll loop */
};

/* What a run came to; see struct control_nest. */
struct box_end {
	enum outcome outcome;
	uint64_t run, tries, tries_left, elapsed_ms;
	const char *code, *text, *remedy, *evidence, *certificate_id;
};

void box_init(struct box *box, const struct control_nest *first, int bell_fd);

void box_answer(struct box *box, enum control_answer answer);
void box_state(struct box *box, enum control_state state);
/* A run begins: the last one's result goes. ANSWER_PENDING becomes ANSWER_STARTED. */
void box_begin(struct box *box, uint64_t batch, const char *operator);
/* It failed and must be taken out; or it was. */
void box_mark(struct box *box, bool marked);
/* The label of the board in the nest; it serves one run. "": none. */
void box_label(struct box *box, const char *label);
void box_label_now(struct box *box, char ret_label[static CONTROL_NAME_MAX + 1]);
void box_tries_left(struct box *box, uint64_t tries_left);
void box_order(struct box *box, const char *order, const char *product);
void box_unit(struct box *box, const char *unit);
void box_step(struct box *box, const char *step, size_t index, size_t count);
void box_progress(struct box *box, size_t done, size_t total);
void box_end(struct box *box, enum control_state state, const struct box_end *end);

/* A copy of what is shown, and its version. */
uint64_t box_show(struct box *box, struct control_nest *ret_shown);
uint64_t box_version(struct box *box);
enum control_state box_state_now(struct box *box);
enum control_answer box_answer_now(struct box *box);

#endif
