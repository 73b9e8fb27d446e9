/* pull_inside: what the two files of pull share. Private to them. */
#ifndef CLOUD_RECONCILE_PULL_INSIDE_H
#define CLOUD_RECONCILE_PULL_INSIDE_H

#include "cloud/reconcile/pull.h"

#define END (-1)

/* Say what is wrong at this byte, or that the input ends too early. Always false. */
bool pull_wrong(const struct pull *p, struct err *e, const char *what);
bool pull_cut_off(const struct pull *p, struct err *e);
/* The next byte, which stays; END at the end of the input. */
MUST_CHECK bool pull_peek(struct pull *p, int *ret_byte, struct err *e);
/* Passes over that byte; any other is wrong. */
MUST_CHECK bool pull_expect(struct pull *p, int wanted, const char *what, struct err *e);
/* One more byte of the text in p->copy. */
MUST_CHECK bool pull_put(struct pull *p, uint8_t byte, struct err *e);
/* A string, from behind its first quote to its end, becomes p->text. */
MUST_CHECK bool pull_string(struct pull *p, struct err *e);

#endif
