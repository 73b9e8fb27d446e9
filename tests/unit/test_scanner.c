/* scanner: what a scanner types, told from what a person types. */
#include "station/screen/scanner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* In `typed`, "|" is the gap that tells bursts apart. In `wanted`, "k" and a character is a key,
 * "s<text>" a scan, "e" a burst without its end, "l" one that is too long; "," between. */
static const struct {
	const char *name, *typed, *wanted;
} cases[] = {
	{ "one key", "a|", "ka" },
	{ "two keys", "a|b|", "ka,kb" },
	{ "SPACE waits for nothing", " ", "k " },
	{ "a scan with CR", "T-0001\r", "s<T-0001>" },
	{ "a scan with TAB", "T-0001\t", "s<T-0001>" },
	{ "a scan with CR LF", "T-0001\r\n|", "s<T-0001>" },
	{ "two scans in one burst", "T-0001\rT-0002\r", "s<T-0001>,s<T-0002>" },
	{ "a scan with blanks", "WO 4711\r", "s<WO 4711>" },
	{ "a key before a scan", "a|T-0001\r", "ka,s<T-0001>" },
	{ "a scan without an end", "T-0001|", "e" },
	{ "and then one with", "T-0001|T-0002\r", "e,s<T-0002>" },
	{ "a held key is one key", "aaaaaaaa|", "ka" },
	{ "the same characters with CR are a scan", "111\r", "s<111>" },
	{ "keys typed quickly", "ab|", "ka,kb" },
	{ "Enter", "\r", "k\r" },
	{ "TAB", "\t", "k\t" },
	{ "SPACE in a burst belongs to it", "a b\r", "s<a b>" },
	{ "64 characters", "0123456789012345678901234567890123456789012345678901234567890123\r",
	  "s<0123456789012345678901234567890123456789012345678901234567890123>" },
	{ "65 characters", "01234567890123456789012345678901234567890123456789012345678901234\r",
	  "l" },
	{ "after a long one",
	  "01234567890123456789012345678901234567890123456789012345678901234\rT-1\r", "l,s<T-1>" },
};

static void add(char *got, enum scanner_event event, const struct scanner *s)
{
	char text[SCANNER_LEN_MAX + 8] = "";

	if (event == SCANNER_NOTHING)
		return;
	if (event == SCANNER_KEY)
		snprintf(text, sizeof(text), "k%c", s->key);
	else if (event == SCANNER_SCAN)
		snprintf(text, sizeof(text), "s<%s>", s->text);
	else
		strcpy(text, event == SCANNER_NO_END ? "e" : "l");
	if (*got)
		strcat(got, ",");
	strcat(got, text);
}

static void bursts_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scanner s = { 0 };
		enum scanner_event event;
		char got[256] = "";

		for (const char *c = cases[i].typed; *c; c++) {
			if (*c != '|') {
				add(got, scanner_take(&s, *c), &s);
				continue;
			}
			while ((event = scanner_rest(&s)) != SCANNER_NOTHING)
				add(got, event, &s);
			assert_false(scanner_waits(&s));
		}
		if (strcmp(got, cases[i].wanted) != 0)
			fail_msg("%s: got %s, wanted %s", cases[i].name, got, cases[i].wanted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(bursts_are_sorted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
