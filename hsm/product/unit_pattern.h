/* unit_pattern: which unit ids a product allows: a POSIX extended regular expression, matched
 * whole, that only matches 1 to 64 printable ASCII characters, and is modest (see pattern.h).
 * Threads: matching from any. Layer above: product. Below: regex(7). */
#ifndef HSM_UNIT_PATTERN_H
#define HSM_UNIT_PATTERN_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#include <regex.h>

/* Compiles; the caller calls regfree on *ret_pattern. ERR_INVALID says what is wrong: it does not
 * compile, or matches the empty text, one of 65 characters or more, or a character that is not
 * printable ASCII (as far as a few hundred samples show; unit_pattern_matches holds in any case).
 */
MUST_CHECK bool unit_pattern_compile(const char *text, regex_t *ret_pattern, struct err *e);

/* True for 1 to 64 printable ASCII characters that match from the first to the last. */
bool unit_pattern_matches(const regex_t *pattern, const char *unit);

/* A unit id that matches, such as "T-0001"; false if none of the usual forms does. */
bool unit_pattern_example(const regex_t *pattern, char ret_unit[static NAME_MAX_LEN + 1]);

#endif
