/* check: one way of saying what was looked at, for `--check` of both daemons and `imprint doctor`.
 *	ok    token       imprint-SZ1 opens, and takes its PIN
 *	WARN  clock       not synchronised: set NTP= in /etc/systemd/timesyncd.conf
 *	FAIL  settings    …/signer.yaml:4:3: unknown key "lable"
 * One row a line on stdout: the level, the subject, and a sentence that says what to do. Rows are
 * counted, and leave at once: a check that hangs later has said what it knew. Threads: one. Layer
 * above: signer/check, station/check, command/doctor. Below: none. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CHECK_SUBJECT_WIDTH 10
#define CHECK_TEXT_SIZE 1024

enum check_level { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_LEVELS };

struct check {
	unsigned counts[CHECK_LEVELS];
	bool colour; /* the words in colour too */
};

void check_say(struct check *c, enum check_level level, const char *subject, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));

/* FAIL with the error's sentence, unless it is good. Returns good. */
bool check_that(struct check *c, const char *subject, bool good, const struct err *e);

/* Reads a row that another program said; the views are into `line`, which is changed. False if it is
 * none. */
bool check_read(char *line, enum check_level *ret_level, const char **ret_subject,
		const char **ret_text);

/* "12 ok, 1 to look at, 0 wrong" */
void check_sum(const struct check *c);

/* 0, or 1 if a row was FAIL. */
int check_exit(const struct check *c);

#endif
