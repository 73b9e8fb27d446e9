#include "hsm/api/proof/pattern.h"

#include <stdlib.h>
#include <string.h>

/* The larger number of "{4,32}". */
static unsigned long bound_of(const char *brace)
{
	char *end;
	unsigned long low = strtoul(brace + 1, &end, 10);
	unsigned long high = *end == ',' ? strtoul(end + 1, NULL, 10) : low;

	return high > low ? high : low;
}

/* A group that is repeated repeats what is in it: the bounds are multiplied. */
bool pattern_is_modest(const char *text, struct err *e)
{
	unsigned long total = 1, bound;

	for (const char *at = text; *at; at++) {
		if (at[0] == '\\' && at[1] >= '0' && at[1] <= '9')
			return err_set(e, ERR_INVALID, "back-references (\\%c) are not used here",
				       at[1]);
		if (at[0] == '\\' && at[1]) {
			at++;
			continue;
		}
		bound = *at == '{' ? bound_of(at) : 1;
		if (bound > PATTERN_REPEAT_MAX || total * bound > PATTERN_REPEAT_MAX)
			return err_set(e, ERR_INVALID,
				       "its repetitions are too many: at most %d in all",
				       PATTERN_REPEAT_MAX);
		total *= bound ? bound : 1;
	}
	return true;
}

void pattern_clear(struct pattern *p)
{
	if (p->compiled)
		regfree(&p->regex);
	p->compiled = false;
}

static bool compile(struct pattern *p, const char *text, struct err *e)
{
	char reason[128];
	int rc;

	if (p->compiled && strcmp(p->text, text) == 0)
		return true;
	if (strlen(text) >= sizeof(p->text))
		return err_set(e, ERR_INVALID, "the pattern is longer than %d characters",
			       PATTERN_MAX_LEN);
	if (!pattern_is_modest(text, e))
		return err_add(e, "the pattern %s", text);
	pattern_clear(p);
	rc = regcomp(&p->regex, text, REG_EXTENDED);
	if (rc) {
		regerror(rc, &p->regex, reason, sizeof(reason));
		return err_set(e, ERR_INVALID,
			       "the pattern %s is not a POSIX extended regular expression: %s",
			       text, reason);
	}
	strcpy(p->text, text);
	p->compiled = true;
	return true;
}

bool pattern_match(struct pattern *p, const char *text, const char *unit, bool *ret_match,
		   struct err *e)
{
	regmatch_t found;

	if (!compile(p, text, e))
		return false;
	/* The longest of the leftmost matches: if any covers the whole, it is this one. */
	*ret_match = regexec(&p->regex, unit, 1, &found, 0) == 0 && found.rm_so == 0 &&
		     unit[found.rm_eo] == '\0';
	return true;
}
