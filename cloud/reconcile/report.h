/* report: what a reconciliation found, written to an open stream: for people (report.c), for programs
 * (report_rows.c) and for the owner (report_html.c). After reconcile_judge. Errors: those of
 * reconcile_rows; ERR_SYSTEM if it could not be written whole. Threads: the reconcile's. Layer above:
 * reconcile_main. Below: reconcile, page. */
#ifndef CLOUD_RECONCILE_REPORT_H
#define CLOUD_RECONCILE_REPORT_H

#include "cloud/reconcile/reconcile.h"

#include <stdio.h>

MUST_CHECK bool report_table(struct reconcile *r, FILE *to, struct err *e);
/* The summary, then the certificates that differ or wait, one object a line. */
MUST_CHECK bool report_json(struct reconcile *r, FILE *to, struct err *e);
/* Every certificate. */
MUST_CHECK bool report_csv(struct reconcile *r, FILE *to, struct err *e);
/* One page, no script, nothing from elsewhere: it opens from a mail and prints on one sheet. */
MUST_CHECK bool report_html(struct reconcile *r, FILE *to, struct err *e);

/* The end of each: is all of it written? */
MUST_CHECK bool report_end(FILE *to, struct err *e);

#endif
