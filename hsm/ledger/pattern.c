#include "hsm/ledger/pattern.h"

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
