/* The owner's page: whatever stands in the ledgers and listings, it is one well-formed document with
 * the same numbers, whose labels do not overlap. With PAGES=FOLDER in the environment the pages are
 * left there, to be looked at. */
#include "cloud/reconcile/html.h"
#include "cloud/reconcile/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW 1796040000 /* 30 Nov 2026 */
#define DAY 86400
#define DEPTH_MAX 32
#define LETTER 8.5 /* pixels of a bold letter in the widest font, on average over a label */
#define HOSTILE "<script>alert(1)</script>&\"' \xff\xc3 \u202e\u200b \xe7\x83\xa7"

static const struct sample {
	const char *name;
	enum reconcile_verdict verdict;
	uint64_t counts[CLASS_COUNT], ages[RECONCILE_AGES], cas_closed;
	const char *title, *not_there; /* words */
	bool hostile;
} samples[] = {
	{ .name = "clean",
	  .counts = { [CLASS_ACTIVE] = 11020,
		      [CLASS_PENDING] = 3,
		      [CLASS_REVOKED] = 12,
		      [CLASS_UNSEEN] = 1364,
		      [CLASS_GONE] = 1 },
	  .ages = { 400, 602, 321, 41, 0 },
	  .title = "CLEAN",
	  .not_there = "more, see the CSV" },
	{ .name = "differences",
	  .verdict = RECONCILE_DIFFERENCES,
	  .counts = { [CLASS_ACTIVE] = 11020,
		      [CLASS_PENDING] = 3,
		      [CLASS_INACTIVE] = 2,
		      [CLASS_REVOKED] = 12,
		      [CLASS_LIVE] = 1,
		      [CLASS_REVOKED_THERE] = 2,
		      [CLASS_UNSEEN] = 1364 },
	  .ages = { 400, 602, 321, 40, 1 },
	  .cas_closed = 1,
	  .title = "DIFFERENCES",
	  .not_there = "never issued" },
	{ .name = "alarm",
	  .verdict = RECONCILE_ALARM,
	  .counts = { [CLASS_ACTIVE] = 11020,
		      [CLASS_PENDING] = 3,
		      [CLASS_REVOKED] = 12,
		      [CLASS_LIVE] = 1,
		      [CLASS_UNSEEN] = 1364,
		      [CLASS_UNKNOWN] = 1 },
	  .ages = { 400, 602, 321, 41, 0 },
	  .title = "ALARM" },
	{ .name = "nothing", .title = "CLEAN", .not_there = "how long ago" },
	{ .name = "million",
	  .verdict = RECONCILE_ALARM,
	  .counts = { 961000, 1000, 1000, 1000, 1000, 1000, 31000, 1000, 2000 },
	  .ages = { 1, 1, 30000, 997, 1 },
	  .title = "and 1,950 more, see the CSV" },
	{ .name = "hostile",
	  .verdict = RECONCILE_ALARM,
	  .counts = { [CLASS_LIVE] = 3, [CLASS_UNKNOWN] = 2, [CLASS_REVOKED_THERE] = 1 },
	  .title = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39; \ufffd\ufffd "
		   "[U+202E][U+200B] \u70e7",
	  .not_there = "<script",
	  .hostile = true },
	{ .name = "crowded", /* all classes alike at both ends of the bar */
	  .verdict = RECONCILE_ALARM,
	  .counts = { 1, 1, 1, 1, 999999999, 1, 1, 1, 999999999 },
	  .ages = { 0, 0, 0, 0, 1 },
	  .title = "999,999,999" },
};

static void fill_row(const struct sample *sample, enum reconcile_class class, size_t number,
		     struct reconcile_row *ret_row)
{
	struct reconcile_row row = { .class = class, .there = IOT_ACTIVE };

	row.registered_s = NOW - (int64_t)number * DAY;
	row.after_head = number == 0;
	snprintf(row.id, sizeof(row.id), "%064zx", number * 0x9e3779b97f4a7c15u);
	snprintf(row.ca_id, sizeof(row.ca_id), "%064x", 7);
	if (class != CLASS_UNKNOWN) {
		row.here = class == CLASS_LIVE ? STATE_REVOKED : STATE_INSTALLED;
		row.there = class == CLASS_LIVE ? IOT_ACTIVE : IOT_REVOKED;
		snprintf(row.unit, sizeof(row.unit), sample->hostile ? HOSTILE : "T-%04zu",
			 number + 3107);
		snprintf(row.station, sizeof(row.station), sample->hostile ? HOSTILE : "SZ1");
		strcpy(row.product, "thermostat-eu");
		strcpy(row.order, "WO-4711");
	}
	*ret_row = row;
}

static struct reconcile_summary summary_of(const struct sample *sample)
{
	static const char *const stations[] = { "SZ1", "SZ2" };
	struct reconcile_summary s = { .now_s = NOW,
				       .verdict = sample->verdict,
				       .cas_closed = sample->cas_closed,
				       .ledger_count = 2,
				       .ca_count = 2 };

	memcpy(s.counts, sample->counts, sizeof(s.counts));
	memcpy(s.unseen_by_age, sample->ages, sizeof(s.unseen_by_age));
	for (size_t i = 0; i < s.ledger_count; i++) {
		struct reconcile_ledger *ledger = &s.ledgers[i];

		strcpy(ledger->station, sample->hostile ? HOSTILE : stations[i]);
		ledger->certificates = sample->counts[CLASS_ACTIVE] / 2;
		ledger->head.size = 3 * ledger->certificates + 5;
		ledger->head.time_s = NOW - DAY;
		ledger->head_file = i ? NULL : sample->hostile ? HOSTILE : "sz1-october.json";
		ledger->head_file_time_s = NOW - 30 * DAY;
		s.cas[i] = (struct reconcile_ca) { .id = { 0x9f, 0x3c, (uint8_t)i },
						   .certificates = ledger->certificates,
						   .unseen = sample->counts[CLASS_UNSEEN] / 2,
						   .known = true,
						   .registered = true,
						   .active = true,
						   .auto_registration = i || !sample->cas_closed };
	}
	s.listed = sample->counts[CLASS_ACTIVE];
	s.foreign = sample->hostile ? HOSTILE : NULL;
	return s;
}

/* The page as text; the caller frees it. */
static char *render(const struct sample *sample)
{
	struct reconcile_summary s = summary_of(sample);
	struct page *page = calloc(1, sizeof(*page));
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(page);
	assert_non_null(to);
	page_start(page, &s);
	for (int class = 0; class < CLASS_COUNT; class ++)
		for (size_t i = 0; i < sample->counts[class] && i < 60; i++) {
			struct reconcile_row row;

			fill_row(sample, (enum reconcile_class) class, i, &row);
			page_row(page, &row);
		}
	page_write(to, page);
	assert_int_equal(fclose(to), 0);
	free(page);
	return text;
}

static void leave(const char *name, const char *text)
{
	const char *folder = getenv("PAGES");
	char path[256];
	FILE *file;

	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s.html", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Every element that is opened is closed in its turn, and no bracket stands in the text. */
static void check_elements(const char *text)
{
	static const char *const empty[] = { "meta", "br", "!DOCTYPE" };
	char open[DEPTH_MAX][16], name[16];
	size_t depth = 0;

	for (const char *at = strchr(text, '<'); at; at = strchr(at, '<')) {
		const char *end = strchr(at, '>');
		bool closes = at[1] == '/', alone = end && end[-1] == '/';

		assert_non_null(end);
		assert_int_equal(sscanf(at + 1 + closes, "%15[!A-Za-z0-9]", name), 1);
		for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
			alone |= !strcmp(name, empty[i]);
		if (closes) {
			assert_true(depth > 0);
			assert_string_equal(name, open[--depth]);
		} else if (!alone) {
			assert_true(depth < DEPTH_MAX);
			strcpy(open[depth++], name);
		}
		at = end;
	}
	assert_int_equal(depth, 0);
}

/* The labels of one side of the bar, from left to right: room for each, and none over the edge. */
static void check_labels(const char *text, const char *class)
{
	double edge = 0;
	const char *at = text, *stop = strstr(text, "</svg>\n<h2>");

	assert_non_null(stop);
	for (at = strstr(at, class); at && at < stop; at = strstr(at + 1, class)) {
		char name[32], count[HTML_COUNT_SIZE];
		double x, half;

		assert_int_equal(sscanf(at + strlen(class),
					" x=\"%lf\" y=\"%*d\">%31[^<]</text><text "
					"class=\"c-count\" x=\"%*f\" y=\"%*d\">%26[^<]",
					&x, name, count),
				 3);
		half = LETTER *
		       (double)(strlen(name) > strlen(count) ? strlen(name) : strlen(count)) / 2;
		assert_true(x - half >= edge);
		assert_true(x + half <= 720);
		edge = x + half;
	}
}

static void check_counts(const struct sample *sample, const char *text)
{
	char count[HTML_COUNT_SIZE], cell[64];

	for (int class = 0; class < CLASS_COUNT; class ++) {
		snprintf(cell, sizeof(cell), "%s</th><td class=\"number\">%s</td>",
			 reconcile_class_sentence((enum reconcile_class) class),
			 html_count_text(sample->counts[class], count));
		if (!strstr(text, cell))
			fail_msg("%s: no %s", sample->name, cell);
	}
}

static void test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *sample = &samples[i];
		char *text = render(sample);

		leave(sample->name, text);
		if (!strstr(text, sample->title) ||
		    (sample->not_there && strstr(text, sample->not_there)))
			fail_msg("%s: its words are not there", sample->name);
		assert_null(strstr(text, "://"));
		assert_null(strstr(text, "style="));
		check_elements(text);
		check_counts(sample, text);
		if (sample->counts[CLASS_ACTIVE] + sample->counts[CLASS_LIVE]) {
			check_labels(text, "<text class=\"c-name\"");
			check_labels(text, "<text class=\"c-differs\"");
		}
		free(text);
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
		{ "", "" },
		{ "a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\x80", "\ufffd" },
		{ "\xc0\xbc", "\ufffd\ufffd" },		  /* < in two bytes */
		{ "\xed\xa0\x80", "\ufffd\ufffd\ufffd" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd" },
		{ "x\xe2\x82", "x\ufffd\ufffd" }, /* cut */
		{ "\n\x7f\xc2\x85", "[U+000A][U+007F][U+0085]" },
		{ "\xf3\xa0\x80\xa1", "[U+E0021]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char html[128] = "";
		FILE *to = fmemopen(html, sizeof(html), "w");

		html_text(to, cases[i].text);
		fclose(to);
		assert_string_equal(html, cases[i].html);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
