/* pattern: a POSIX extended regular expression that must match a whole unit id. The one used last
 * stays compiled. Back-references and repetitions of more than PATTERN_REPEAT_MAX in all are
 * refused: they cost time and memory without bound. Threads: one a pattern. Layer above: orders,
 * ledger, product. Below: regex(3). */
#ifndef HSM_API_PROOF_PATTERN_H
#define HSM_API_PROOF_PATTERN_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#include <regex.h>

#define PATTERN_REPEAT_MAX 4096 /* all numbers in braces, multiplied */

struct pattern {
	char text[PATTERN_MAX_LEN + 1];
	regex_t regex;
	bool compiled;
};

/* Does `text` stand for the whole of `unit`? ERR_INVALID if it is no regular expression. */
MUST_CHECK bool pattern_match(struct pattern *p, const char *text, const char *unit,
			      bool *ret_match, struct err *e);
/* ERR_INVALID says what is too much. */
MUST_CHECK bool pattern_is_modest(const char *text, struct err *e);
void pattern_clear(struct pattern *p);

#endif
