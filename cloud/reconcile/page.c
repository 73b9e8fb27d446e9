#include "cloud/reconcile/page.h"

#include "base/hex.h"
#include "cloud/reconcile/chart.h"
#include "cloud/reconcile/html.h"
#include "hsm/api/proof/sha256.h"

#include <openssl/evp.h>

#define SHORT_ID 16 /* of 64 digits, where the whole id is of no use */

/* The order of the table, that of the chart; and of the lists. */
static const enum reconcile_class order[CLASS_COUNT] = {
	CLASS_ACTIVE,  CLASS_PENDING,	    CLASS_INACTIVE, CLASS_UNSEEN,  CLASS_GONE,
	CLASS_REVOKED, CLASS_REVOKED_THERE, CLASS_LIVE,	    CLASS_UNKNOWN,
};
static const enum reconcile_class listed[PAGE_LISTS] = { CLASS_UNKNOWN, CLASS_LIVE,
							 CLASS_REVOKED_THERE };

void page_start(struct page *page, const struct reconcile_summary *summary)
{
	page->summary = summary;
	for (size_t i = 0; i < PAGE_LISTS; i++) {
		page->lists[i].class = listed[i];
		page->lists[i].count = 0;
	}
}

void page_row(struct page *page, const struct reconcile_row *row)
{
	for (size_t i = 0; i < PAGE_LISTS; i++) {
		struct page_list *list = &page->lists[i];

		if (list->class == row->class && list->count < PAGE_ROWS_MAX)
			list->rows[list->count++] = *row;
	}
}

/* A text from outside keeps its writing direction to itself. */
static void text(FILE *to, const char *value)
{
	fputs("<bdi>", to);
	html_text(to, value);
	fputs("</bdi>", to);
}

/* The style is allowed by its hash, and nothing else is. */
static void print_policy(FILE *to)
{
	struct bytes style = bytes_text(page_style);
	uint8_t hash[SHA256_LEN];
	unsigned char base64[(SHA256_LEN + 2) / 3 * 4 + 1];

	sha256(&style, 1, hash);
	EVP_EncodeBlock(base64, hash, sizeof(hash));
	fprintf(to,
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
		base64);
}

static void print_start(FILE *to, const struct page_verdict *verdict)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n", to);
	print_policy(to);
	fprintf(to,
		"<meta name=\"referrer\" content=\"no-referrer\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n",
		verdict->title, page_style);
}

static void print_difference(FILE *to, const char *what, uint64_t count)
{
	if (count == 0)
		return;
	fprintf(to, "<li>%s: <strong>", what);
	html_count(to, count);
	fputs("</strong></li>\n", to);
}

static void print_verdict(FILE *to, const struct page_verdict *verdict,
			  const struct reconcile_summary *s)
{
	fprintf(to,
		"<header class=\"verdict %s\">\n"
		"<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"%s\"/></svg>\n"
		"<div>\n<h1>%s</h1>\n<p>%s</p>\n",
		verdict->name, verdict->icon, verdict->title, verdict->sentence);
	if (s->verdict != RECONCILE_CLEAN) {
		fputs("<ul>\n", to);
		for (size_t i = 0; i < PAGE_LISTS; i++)
			print_difference(to, reconcile_class_sentence(listed[i]),
					 s->counts[listed[i]]);
		print_difference(to, "Ledgers signed by another key than before: ask the station",
				 s->other_keys);
		print_difference(to, "CAs that let no new device in, with devices still to come",
				 s->cas_closed);
		fputs("</ul>\n", to);
	}
	if (s->foreign) {
		fputs("<p>No ledger here knows a single certificate of the listing ", to);
		text(to, s->foreign);
		fputs(": is it of another CA?</p>\n", to);
	}
	fputs("</div>\n</header>\n", to);
}

static void print_head(FILE *to, const struct reconcile_ledger *ledger)
{
	char root[2 * SHA256_LEN + 1];
	uint8_t key[SHA256_LEN];

	html_count(to, ledger->head.size);
	fputs(" entries", to);
	if (ledger->missing) {
		fputs(", <strong>", to);
		html_count(to, ledger->missing);
		fputs(" lost before a restore</strong>", to);
	}
	fprintf(to, ", root <code>%.*s…</code>", SHORT_ID,
		hex_encode(BYTES(ledger->head.root), root));
	reconcile_key_hash(ledger, key);
	fprintf(to, "<br>%s <code>%.*s…</code></td><td>",
		ledger->other_key ? "<strong>ANOTHER KEY</strong>" : "key", SHORT_ID,
		hex_encode(BYTES(key), root));
	html_time(to, ledger->head.time_s);
	fputs("</td><td>", to);
	if (!ledger->head_file) {
		fputs(reconcile_is_unproven(ledger) ? "<strong>NONE WAS GIVEN</strong>"
						    : "this station's own",
		      to);
		return;
	}
	fputs("is a prefix: ", to);
	text(to, ledger->head_file);
	fputs(", ", to);
	html_time(to, ledger->head_file_time_s);
}

static void print_ledgers(FILE *to, const struct reconcile_summary *s)
{
	bool unproven = false;

	fputs("<h2>What was compared</h2>\n<p>AWS IoT listed <strong>", to);
	html_count(to, s->listed);
	fputs("</strong> certificates. The ledgers, each signed at its end:</p>\n"
	      "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Station</th>"
	      "<th scope=\"col\" class=\"number\">Certificates</th><th scope=\"col\">Head</th>"
	      "<th scope=\"col\">Written</th><th scope=\"col\">Older head</th></tr></thead>\n"
	      "<tbody>\n",
	      to);
	for (size_t i = 0; i < s->ledger_count; i++) {
		const struct reconcile_ledger *ledger = &s->ledgers[i];

		fputs("<tr><th scope=\"row\">", to);
		text(to, ledger->station);
		fputs("</th><td class=\"number\">", to);
		html_count(to, ledger->certificates);
		fputs("</td><td>", to);
		print_head(to, ledger);
		unproven |= reconcile_is_unproven(ledger);
		fputs("</td></tr>\n", to);
	}
	fputs("</tbody>\n</table></div>\n", to);
	if (unproven)
		fputs("<p>Where no older head was given, whoever wrote the ledger may have signed "
		      "all of it. Have the station send a head by another way than the "
		      "export came: <code>imprint ledger head</code>, then "
		      "<code>imprint reconcile --head FILE</code>.</p>\n",
		      to);
}

static void print_classes(FILE *to, const struct reconcile_summary *s)
{
	fputs("<h2>What each class means</h2>\n<div class=\"scroll\"><table>\n<thead><tr>"
	      "<th scope=\"col\">Class</th><th scope=\"col\" class=\"number\">Certificates</th>"
	      "<th scope=\"col\">What it is, and what to do</th></tr></thead>\n<tbody>\n",
	      to);
	for (size_t i = 0; i < CLASS_COUNT; i++) {
		uint64_t count = s->counts[order[i]];

		fprintf(to, "<tr%s><th scope=\"row\" class=\"class\">",
			count == 0			    ? " class=\"none\""
			: reconcile_class_differs(order[i]) ? " class=\"differs\""
							    : "");
		chart_swatch(to, order[i]);
		fprintf(to, "%s</th><td class=\"number\">", reconcile_class_sentence(order[i]));
		html_count(to, count);
		fprintf(to, "</td><td>%s</td></tr>\n", page_advice[order[i]]);
	}
	fputs("</tbody>\n</table></div>\n", to);
}

static const char *ca_status(const struct reconcile_ca *ca)
{
	if (!ca->known)
		return "not told";
	if (!ca->registered)
		return "NOT REGISTERED: no new device registers";
	if (!ca->active)
		return "INACTIVE: no new device registers";
	return ca->auto_registration ? "active, registers new devices"
				     : "active, REGISTERS NO NEW DEVICE";
}

static void print_cas(FILE *to, const struct reconcile_summary *s)
{
	char id[2 * SHA256_LEN + 1];

	if (s->ca_count == 0)
		return;
	fputs("<h2>The CAs</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">AWS id"
	      "</th><th scope=\"col\" class=\"number\">Certificates</th>"
	      "<th scope=\"col\" class=\"number\">Not yet seen</th>"
	      "<th scope=\"col\">In AWS IoT</th></tr></thead>\n<tbody>\n",
	      to);
	for (size_t i = 0; i < s->ca_count; i++) {
		const struct reconcile_ca *ca = &s->cas[i];

		fprintf(to, "<tr%s><th scope=\"row\"><code>%s</code></th><td class=\"number\">",
			reconcile_ca_closed(ca) ? " class=\"differs\"" : "",
			hex_encode(BYTES(ca->id), id));
		html_count(to, ca->certificates);
		fputs("</td><td class=\"number\">", to);
		html_count(to, ca->unseen);
		fprintf(to, "</td><td>%s%s</td></tr>\n", ca_status(ca),
			ca->left_out ? "<br>NONE IS LISTED: was its listing left out?" : "");
	}
	fputs("</tbody>\n</table></div>\n", to);
	if (s->other_cas == 0)
		return;
	fputs("<p>CAs that are registered there, and that no ledger names: <strong>", to);
	html_count(to, s->other_cas);
	fprintf(to,
		"</strong>, the first <code>%s</code>. Somebody else's, or is a ledger missing or "
		"too old?</p>\n",
		hex_encode(BYTES(s->other_ca), id));
}

static void print_unit(FILE *to, const struct reconcile_row *row)
{
	fputs("<tr><th scope=\"row\">", to);
	if (*row->unit)
		text(to, row->unit);
	else
		fputs("no unit is known", to);
	fputs(" <code class=\"id\">", to);
	html_text(to, row->id);
	fputs("</code></th><td>", to);
}

static void print_origin(FILE *to, const struct reconcile_row *row)
{
	if (row->class == CLASS_UNKNOWN) {
		fputs(*row->ca_id ? "CA <code>" : "CA not told", to);
		if (*row->ca_id)
			fprintf(to, "%.*s…</code>", SHORT_ID, row->ca_id);
		fputs(row->after_head ? "<br>newer than these ledgers" : "", to);
		return;
	}
	text(to, row->station);
	fputs(", ", to);
	text(to, row->order);
	fputs(", ", to);
	text(to, row->product);
}

static void print_row(FILE *to, const struct reconcile_row *row)
{
	print_unit(to, row);
	print_origin(to, row);
	fprintf(to, "</td><td class=\"state\">%s</td><td class=\"state\">%s</td><td>",
		row->here ? state_name(row->here) : "–",
		row->there ? iot_status_name(row->there) : "–");
	html_time(to, row->registered_s);
	fputs("</td></tr>\n", to);
}

static void print_list(FILE *to, const struct page_list *list, uint64_t count)
{
	if (count == 0)
		return;
	fprintf(to,
		"<h2>%s</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Unit, "
		"certificate id</th><th scope=\"col\">%s</th><th scope=\"col\">Here</th>"
		"<th scope=\"col\">There</th><th scope=\"col\">Registered there</th></tr></thead>\n"
		"<tbody>\n",
		reconcile_class_sentence(list->class),
		list->class == CLASS_UNKNOWN ? "Signed by" : "Station, order, product");
	for (size_t i = 0; i < list->count; i++)
		print_row(to, &list->rows[i]);
	fputs("</tbody>\n</table></div>\n", to);
	if (count > list->count) {
		fputs("<p>and ", to);
		html_count(to, count - list->count);
		fputs(" more, see the CSV (imprint reconcile --csv)</p>\n", to);
	}
}

void page_write(FILE *to, const struct page *page)
{
	const struct reconcile_summary *s = page->summary;
	const struct page_verdict *verdict = &page_verdicts[s->verdict];

	print_start(to, verdict);
	print_verdict(to, verdict, s);
	print_ledgers(to, s);
	fputs("<h2>Certificates by class</h2>\n", to);
	chart_classes(to, s);
	if (s->counts[CLASS_UNSEEN]) {
		fputs("<h2>Issued, not yet seen: how long ago</h2>\n", to);
		chart_ages(to, s);
	}
	print_classes(to, s);
	print_cas(to, s);
	for (size_t i = 0; i < PAGE_LISTS; i++)
		print_list(to, &page->lists[i], s->counts[page->lists[i].class]);
	fputs("<footer>Made ", to);
	html_time(to, s->now_s);
	fputs(" by imprint reconcile. All times are UTC. Very small parts of the charts are drawn "
	      "larger than they are.</footer>\n</main>\n</body>\n</html>\n",
	      to);
}
