/* texts: many short texts, each kept once, named by a number: the same text has the same number.
 * Private to this folder. Threads: one. Layer above: replay. Below: index. */
#ifndef HSM_API_PROOF_TEXTS_H
#define HSM_API_PROOF_TEXTS_H

#include "hsm/api/proof/index.h"

struct texts {
	char *data; /* text after text, each with its NUL */
	size_t len, capacity;
	struct index index;
};

void texts_start(struct texts *t);
void texts_free(struct texts *t);
/* The number of a text (without a NUL in it), which is kept from now on. ERR_SYSTEM. */
MUST_CHECK bool texts_put(struct texts *t, struct bytes text, uint32_t *ret_number, struct err *e);
/* Valid until the next texts_put. */
const char *texts_get(const struct texts *t, uint32_t number);

#endif
