/* page: a reconciliation as one page of HTML for the owner of the certificates, who gets it by mail
 * once a month: the verdict in words, what was compared, two charts, each class with its meaning and
 * what to do, the CAs, and the certificates that need somebody. One file, no script, nothing from
 * elsewhere, and a Content-Security-Policy that says so; light, dark, and printed on A4. All texts
 * from outside are escaped. Errors stay in the stream. Threads: any. Layer above: report_html.
 * Below: chart, html. */
#ifndef CLOUD_RECONCILE_PAGE_H
#define CLOUD_RECONCILE_PAGE_H

#include "cloud/reconcile/reconcile.h"

#include <stdio.h>

#define PAGE_ROWS_MAX 50 /* of a list; the rest is in the CSV */
#define PAGE_LISTS 3

struct page_list {
	enum reconcile_class class;
	struct reconcile_row rows[PAGE_ROWS_MAX];
	size_t count;
};

/* The lists are those of the classes that differ, the alarm first: page_start says which. */
struct page {
	const struct reconcile_summary *summary;
	struct page_list lists[PAGE_LISTS];
};

void page_start(struct page *page, const struct reconcile_summary *summary);
/* Takes the row into the list of its class, while there is room. */
void page_row(struct page *page, const struct reconcile_row *row);
void page_write(FILE *to, const struct page *page);

/* --- private to page: its words (page_words.c) and its style (page_style.c) --- */

struct page_verdict {
	const char *name, *title, *sentence, *icon; /* icon: the path of a 24 by 24 SVG */
};
extern const struct page_verdict page_verdicts[]; /* by enum reconcile_verdict */
extern const char *const page_advice[CLASS_COUNT];
extern const char page_style[]; /* CSS */

#endif
