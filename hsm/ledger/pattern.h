/* pattern: a POSIX extended regular expression that must match a whole unit id. The one used last
 * stays compiled. Threads: one a pattern. Layer above: ledger. Below: regex(3). */
#ifndef HSM_LEDGER_PATTERN_H
#define HSM_LEDGER_PATTERN_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#include <regex.h>

struct pattern {
	char text[PATTERN_MAX_LEN + 1];
	regex_t regex;
	bool compiled;
};

/* Does `text` stand for the whole of `unit`? ERR_INVALID if it is no regular expression. */
MUST_CHECK bool pattern_match(struct pattern *p, const char *text, const char *unit,
			      bool *ret_match, struct err *e);
void pattern_clear(struct pattern *p);

#endif
