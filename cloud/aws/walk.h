/* walk: the way through a list in pages, which must come to an end. A marker that was there before
 * would lead in circles: each is held against one of the earlier ones, and that one is exchanged
 * after 1, 2, 4, 8, … pages. Pure. ERR_INVALID: the list goes in circles, or WALK_EMPTY_MAX pages in
 * a row are empty. Threads: one a walk. Layer above: iot. Below: answer. */
#ifndef CLOUD_AWS_WALK_H
#define CLOUD_AWS_WALK_H

#include "cloud/aws/answer.h"

#define WALK_EMPTY_MAX 100

struct walk {
	char marker[ANSWER_MARKER_SIZE], earlier[ANSWER_MARKER_SIZE]; /* marker "": begin or end */
	uint64_t pages, exchange;
	unsigned empty;
};

/* A page came, with so many rows, and the marker of the next. */
MUST_CHECK bool walk_on(struct walk *walk, const char *marker, size_t rows, struct err *e);

#endif
