/* The table's lines of the CAs: those that take nobody in, or that no listing or no ledger has. */
#include "cloud/reconcile/report_inside.h"

#include "base/hex.h"
#include "cloud/reconcile/html.h"

/* What the table says of a CA, and what to do; NULL: all is well, or nothing is known. */
static const char *ca_trouble(const struct reconcile_ca *ca, const char **ret_remedy)
{
	*ret_remedy = !ca->registered ? "register-ca"
		      : !ca->active   ? "activate-ca"
				      : "auto-registration on";
	return !ca->known		? NULL
	       : !ca->registered	? "is not registered there"
	       : !ca->active		? "is INACTIVE there"
	       : !ca->auto_registration ? "does not register by itself there"
					: NULL;
}

/* Not a difference: a new CA begins so. */
static void left_out_line(const struct report *t, const struct reconcile_ca *ca)
{
	char id[IOT_ID_SIZE], text[REPORT_ID_SIZE], count[HTML_COUNT_SIZE], line[REPORT_LINE_SIZE];

	if (!ca->left_out)
		return;
	snprintf(line, sizeof(line),
		 "CA %s: of its %s certificate%s none is listed; was its listing left out?",
		 report_short_id(hex_encode(BYTES(ca->id), id), text),
		 html_count_text(ca->certificates, count), ca->certificates == 1 ? "" : "s");
	report_put(t->to, 0, 3, line);
}

static void other_ca_line(const struct report *t)
{
	char id[IOT_ID_SIZE], text[REPORT_ID_SIZE], count[HTML_COUNT_SIZE], line[REPORT_LINE_SIZE];
	const char *shown = report_short_id(hex_encode(BYTES(t->s->other_ca), id), text);

	if (!t->s->other_cas)
		return;
	if (t->s->other_cas == 1)
		snprintf(line, sizeof(line),
			 "CA %s is registered there, and no ledger names it: ", shown);
	else
		snprintf(line, sizeof(line),
			 "%s CAs are registered there that no ledger names, CA %s first: ",
			 html_count_text(t->s->other_cas, count), shown);
	report_add(line, "somebody else's, or is a ledger missing or too old?");
	report_put(t->to, 0, 3, line);
}

/* Somebody may be signing with a CA's key: no CA is to be opened now. */
static bool is_distrusted(const struct reconcile_summary *s)
{
	return s->verdict == RECONCILE_ALARM || s->other_keys;
}

/* A CA that has no more devices to come is closed with good reason. */
static void ca_line(const struct report *t, const struct reconcile_ca *ca)
{
	char id[IOT_ID_SIZE], text[REPORT_ID_SIZE], count[HTML_COUNT_SIZE],
		line[REPORT_LINE_SIZE] = "";
	const char *remedy, *trouble = ca_trouble(ca, &remedy);

	if (!trouble)
		return;
	snprintf(line, sizeof(line), "CA %s%s%s %s",
		 report_short_id(hex_encode(BYTES(ca->id), id), text), ca->station ? " of " : "",
		 ca->station ? ca->station : "", trouble);
	if (ca->unseen) {
		report_add(line, ", and ");
		report_add(line, html_count_text(ca->unseen, count));
		report_add(line, " of its certificates were not seen yet: ");
		if (is_distrusted(t->s)) {
			report_add(line, "leave it so until the rest is settled");
		} else {
			report_add(line, "imprint cloud ");
			report_add(line, remedy);
		}
	}
	fputs(t->colour && ca->unseen ? REPORT_RED : "", t->to);
	report_put(t->to, 0, 3, line);
	fputs(t->colour && ca->unseen ? REPORT_PLAIN : "", t->to);
}

void report_cas(const struct report *t)
{
	for (size_t i = 0; i < t->s->ca_count; i++) {
		ca_line(t, &t->s->cas[i]);
		left_out_line(t, &t->s->cas[i]);
	}
	other_ca_line(t);
}
