/* report_html: collects what the page shows. */
#include "cloud/reconcile/report.h"

#include "cloud/reconcile/page.h"

static bool take(void *context, const struct reconcile_row *row, struct err *e)
{
	(void)e;
	page_row(context, row);
	return true;
}

bool report_html(struct reconcile *r, FILE *to, struct err *e)
{
	const struct reconcile_summary *s = reconcile_summary(r);
	AUTO_FREE struct page *page = calloc(1, sizeof(*page));
	unsigned classes = 0;

	if (!page)
		return err_set(e, ERR_SYSTEM, "no memory for the report");
	page_start(page, s);
	for (size_t i = 0; i < PAGE_LISTS; i++)
		if (s->counts[page->lists[i].class])
			classes |= 1u << page->lists[i].class;
	if (classes && !reconcile_rows(r, classes, take, page, e))
		return false;
	page_write(to, page);
	return report_end(to, e);
}
