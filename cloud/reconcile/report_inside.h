/* report_inside: what the two files of the table for people share. Private to them. */
#ifndef CLOUD_RECONCILE_REPORT_INSIDE_H
#define CLOUD_RECONCILE_REPORT_INSIDE_H

#include "cloud/reconcile/report.h"

#define REPORT_NAMED_MAX 3 /* certificates of a class that are named beside its count */
#define REPORT_ID_SIZE 16
#define REPORT_LINE_SIZE 512
#define REPORT_RED "\033[1;31m"
#define REPORT_PLAIN "\033[0m"

struct report {
	FILE *to;
	const struct reconcile_summary *s;
	bool colour;
	struct reconcile_row named[CLASS_COUNT][REPORT_NAMED_MAX];
	size_t named_count[CLASS_COUNT];
	bool all_after_head; /* all unknown ones */
};

/* From that column on; goes on below, `indent` deep, at LF and before a word for which there is no
 * room. */
void report_put(FILE *to, size_t column, size_t indent, const char *text);
/* 7be0…5d */
const char *report_short_id(const char *id, char text[static REPORT_ID_SIZE]);
/* Behind what is in the line; what has no room is cut. */
void report_add(char line[static REPORT_LINE_SIZE], const char *text);
/* The lines of the CAs that take nobody in, were left out, or are nobody's. */
void report_cas(const struct report *t);

#endif
