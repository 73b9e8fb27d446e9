#include "hsm/product/unit_pattern.h"

#include "hsm/api/proof/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_LEN 80 /* of samples that are too long */

/* How unit ids mostly begin; digits follow, the last one 1. */
static const char *const beginnings[] = {
	"T-",  "",     "T",   "U-", "A",  "AA", "SN",	"SN-", "UNIT-",
	"AB-", "ABC-", "ABC", "a",  "t-", "sn", "urn:", "A-",
};
#define BEGINNINGS (sizeof(beginnings) / sizeof(beginnings[0]))

static bool compile(const char *text, regex_t *ret_pattern, struct err *e)
{
	char whole[PATTERN_MAX_LEN + 8], why[128];
	int rc;

	if (strlen(text) > PATTERN_MAX_LEN)
		return err_set(e, ERR_INVALID, "it is longer than %d characters", PATTERN_MAX_LEN);
	rc = regcomp(ret_pattern, text, REG_EXTENDED | REG_NOSUB);
	if (rc == 0) { /* good by itself: now anchored */
		regfree(ret_pattern);
		snprintf(whole, sizeof(whole), "^(%s)$", text);
		rc = regcomp(ret_pattern, whole, REG_EXTENDED | REG_NOSUB);
	}
	if (rc == 0)
		return true;
	regerror(rc, NULL, why, sizeof(why));
	return err_set(e, ERR_INVALID, "it is no POSIX extended regular expression: %s", why);
}

static bool is_printable(const char *unit)
{
	for (; *unit; unit++)
		if (*unit < ' ' || *unit > '~')
			return false;
	return true;
}

bool unit_pattern_matches(const regex_t *pattern, const char *unit)
{
	size_t len = strlen(unit);

	return len >= 1 && len <= NAME_MAX_LEN && is_printable(unit) &&
	       regexec(pattern, unit, 0, NULL, 0) == 0;
}

bool unit_pattern_example(const regex_t *pattern, char ret_unit[static NAME_MAX_LEN + 1])
{
	char unit[NAME_MAX_LEN + 1];

	for (size_t digits = 4; digits <= NAME_MAX_LEN + 3; digits++)
		for (size_t i = 0; i < BEGINNINGS; i++) {
			/* 4, 5, … 64 digits, then 1, 2, 3 */
			int width =
				digits <= NAME_MAX_LEN ? (int)digits : (int)(digits - NAME_MAX_LEN);

			if (strlen(beginnings[i]) + (size_t)width > NAME_MAX_LEN)
				continue;
			snprintf(unit, sizeof(unit), "%s%0*d", beginnings[i], width, 1);
			if (unit_pattern_matches(pattern, unit)) {
				strcpy(ret_unit, unit);
				return true;
			}
		}
	return false;
}

/* The pattern matches the text with one of its characters repeated until it is too long. */
static bool grows(const regex_t *pattern, const char *unit)
{
	char sample[LONG_LEN + NAME_MAX_LEN + 1];
	size_t len = strlen(unit);

	for (size_t i = 0; i < len; i++)
		for (size_t total = NAME_MAX_LEN + 1; total <= LONG_LEN; total++) {
			memcpy(sample, unit, i);
			memset(sample + i, unit[i], total - len + 1);
			memcpy(sample + i + total - len + 1, unit + i + 1, len - i);
			if (regexec(pattern, sample, 0, NULL, 0) == 0)
				return true;
		}
	return false;
}

/* The pattern matches some text of this one character. */
static bool takes(const regex_t *pattern, char character, size_t min_len, size_t max_len)
{
	char sample[LONG_LEN + 1];

	for (size_t len = min_len; len <= max_len; len++) {
		memset(sample, character, len);
		sample[len] = '\0';
		if (regexec(pattern, sample, 0, NULL, 0) == 0)
			return true;
	}
	return false;
}

static bool check_samples(const regex_t *pattern, struct err *e)
{
	static const char strange[] = { '\x01', '\t', '\n', '\x7f', '\x80', '\xe9' };
	static const char usual[] = { '0', 'A', 'a', '-', ' ' };
	char example[NAME_MAX_LEN + 1];
	bool too_long;

	if (regexec(pattern, "", 0, NULL, 0) == 0)
		return err_set(e, ERR_INVALID,
			       "it matches the empty text: say how many characters "
			       "there must be, as in [A-Z0-9]{4,32}");
	for (size_t i = 0; i < sizeof(strange); i++)
		if (takes(pattern, strange[i], 1, NAME_MAX_LEN))
			return err_set(e, ERR_INVALID,
				       "it matches characters that are not printable ASCII: name "
				       "the allowed ones, as in [A-Z0-9]{4,32}");
	too_long = unit_pattern_example(pattern, example) && grows(pattern, example);
	for (size_t i = 0; i < sizeof(usual) && !too_long; i++)
		too_long = takes(pattern, usual[i], NAME_MAX_LEN + 1, LONG_LEN);
	return !too_long || err_set(e, ERR_INVALID,
				    "it matches more than %d characters: set an upper bound, as in "
				    "[A-Z0-9]{4,32}",
				    NAME_MAX_LEN);
}

bool unit_pattern_compile(const char *text, regex_t *ret_pattern, struct err *e)
{
	regex_t pattern;

	if (!pattern_is_modest(text, e) || !compile(text, &pattern, e))
		return false;
	if (!check_samples(&pattern, e)) {
		regfree(&pattern);
		return false;
	}
	*ret_pattern = pattern;
	return true;
}
