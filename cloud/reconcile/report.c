/* The table for people: one line a ledger, one a class that has any, one a CA that takes nobody in,
 * and the verdict with what to do. */
#include "cloud/reconcile/reconcile.h"

#include "base/hex.h"

#include <inttypes.h>
#include <time.h>

#define NAMED_MAX 3 /* certificates of a class that are named beside its count */
#define NAMED_CLASSES (1 << CLASS_LIVE | 1 << CLASS_REVOKED_THERE | 1 << CLASS_UNKNOWN)
#define COUNT_SIZE 32
#define DATE_SIZE 16
#define SHORT_ID_SIZE 16
#define LINE_SIZE 512
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

struct table_report {
	FILE *to;
	const struct reconcile_summary *s;
	bool colour;
	struct reconcile_row named[CLASS_COUNT][NAMED_MAX];
	size_t named_count[CLASS_COUNT];
	bool all_after_head; /* all unknown ones */
};

/* 1364000 as 1,364,000. Returns text. */
static const char *counted(uint64_t count, char text[static COUNT_SIZE])
{
	char *at = text + COUNT_SIZE - 1;
	unsigned digits = 0;

	*at = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + count % 10);
		digits++;
	} while ((count /= 10) > 0);
	return memmove(text, at, (size_t)(text + COUNT_SIZE - at));
}

static const char *date_of(int64_t time_s, char text[static DATE_SIZE])
{
	time_t time = (time_t)time_s;
	struct tm tm;

	strftime(text, DATE_SIZE, "%e %b %Y", gmtime_r(&time, &tm));
	return text + (*text == ' ');
}

/* 7be0…5d */
static const char *short_id(const char *id, char text[static SHORT_ID_SIZE])
{
	snprintf(text, SHORT_ID_SIZE, "%.4s…%s", id, id + IOT_ID_SIZE - 1 - 2);
	return text;
}

static bool has_colour(FILE *to)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	return isatty(fileno(to)) && !(no_colour && *no_colour) && term && strcmp(term, "dumb");
}

static bool name_row(void *context, const struct reconcile_row *row, struct err *e)
{
	struct table_report *t = context;
	size_t *count = &t->named_count[row->class];

	(void)e;
	if (row->class == CLASS_UNKNOWN && !row->after_head)
		t->all_after_head = false;
	if (*count < NAMED_MAX)
		t->named[row->class][(*count)++] = *row;
	return true;
}

/* --- lines --- */

static void ledger_lines(const struct table_report *t)
{
	size_t width = 0;

	for (size_t i = 0; i < t->s->ledger_count; i++)
		if (strlen(t->s->ledgers[i].station) > width)
			width = strlen(t->s->ledgers[i].station);
	for (size_t i = 0; i < t->s->ledger_count; i++) {
		const struct reconcile_ledger *ledger = &t->s->ledgers[i];
		char count[COUNT_SIZE], date[DATE_SIZE];

		fprintf(t->to, "%-*s  %s certificate%s, no gap, ", (int)width, ledger->station,
			counted(ledger->certificates, count), ledger->certificates == 1 ? "" : "s");
		if (ledger->head_file)
			fprintf(t->to, "head as mailed %s\n",
				date_of(ledger->head_file_time_s, date));
		else
			fprintf(t->to, "head of %s\n", date_of(ledger->head.time_s, date));
	}
}

static void add(char line[static LINE_SIZE], const char *text)
{
	size_t len = strlen(line);

	snprintf(line + len, LINE_SIZE - len, "%s", text);
}

/* "T-3107, T-3108 and 37 more (--csv)"; of unknown ones their ids and since when. */
static void add_names(const struct table_report *t, enum reconcile_class c,
		      char line[static LINE_SIZE])
{
	size_t named = t->named_count[c];
	char count[COUNT_SIZE], id[SHORT_ID_SIZE], date[DATE_SIZE];

	for (size_t i = 0; i < named; i++) {
		const struct reconcile_row *row = &t->named[c][i];

		add(line, !i ? "" : c == CLASS_UNKNOWN ? "; " : ", ");
		add(line, *row->unit ? row->unit : short_id(row->id, id));
		if (c == CLASS_UNKNOWN && *row->ca_id) {
			add(line, ", CA ");
			add(line, short_id(row->ca_id, id));
		}
		if (c == CLASS_UNKNOWN && row->registered_s) {
			add(line, ", ");
			add(line, date_of(row->registered_s, date));
		}
	}
	if (t->s->counts[c] > named) {
		add(line, " and ");
		add(line, counted(t->s->counts[c] - named, count));
		add(line, " more (--csv)");
	}
}

static void note_of(const struct table_report *t, enum reconcile_class c,
		    char line[static LINE_SIZE])
{
	uint64_t old = 0;
	char count[COUNT_SIZE];

	*line = '\0';
	if (c == CLASS_UNKNOWN)
		add(line, "ALARM  ");
	if (NAMED_CLASSES >> c & 1)
		add_names(t, c, line);
	if (c == CLASS_LIVE)
		add(line, t->s->counts[c] == 1 ? ": --fix revokes it" : ": --fix revokes them");
	for (size_t i = 0; c == CLASS_UNSEEN && i < RECONCILE_AGES; i++)
		if (i && reconcile_age_days[i - 1] >= RECONCILE_OLD_DAYS)
			old += t->s->unseen_by_age[i];
	if (old)
		snprintf(line, LINE_SIZE, "%s over %d days", counted(old, count),
			 RECONCILE_OLD_DAYS);
}

static void class_lines(const struct table_report *t)
{
	char note[LINE_SIZE], count[COUNT_SIZE], line[LINE_SIZE];

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++) {
		bool loud = t->colour && reconcile_class_differs(c);

		if (!t->s->counts[c])
			continue;
		note_of(t, c, note);
		snprintf(line, sizeof(line), "%-28s%11s", reconcile_class_sentence(c),
			 counted(t->s->counts[c], count));
		fprintf(t->to, "%s%s%s%s%s\n", loud ? RED : "", line, loud ? PLAIN : "",
			*note ? "   " : "", note);
	}
}

/* What the table says of a CA; NULL: all is well, or nothing is known. */
static const char *ca_trouble(const struct reconcile_ca *ca)
{
	return !ca->known		? NULL
	       : !ca->registered	? "is not registered there"
	       : !ca->active		? "is INACTIVE there"
	       : !ca->auto_registration ? "does not register by itself there"
					: NULL;
}

static void ca_lines(const struct table_report *t)
{
	for (size_t i = 0; i < t->s->ca_count; i++) {
		const struct reconcile_ca *ca = &t->s->cas[i];
		char id[IOT_ID_SIZE], text[SHORT_ID_SIZE], count[COUNT_SIZE];

		if (!ca_trouble(ca))
			continue;
		fprintf(t->to, "%sCA %s %s%s", t->colour && ca->unseen ? RED : "",
			short_id(hex_encode(BYTES(ca->id), id), text), ca_trouble(ca),
			t->colour && ca->unseen ? PLAIN : "");
		if (ca->unseen)
			fprintf(t->to, ", and %s of its certificates were not seen yet",
				counted(ca->unseen, count));
		putc('\n', t->to);
	}
}

static const char *advice(const struct table_report *t)
{
	const uint64_t *counts = t->s->counts;

	if (counts[CLASS_UNKNOWN] && t->all_after_head)
		return "they were registered after the newest ledger here was written: export the "
		       "ledgers again, then judge";
	if (counts[CLASS_UNKNOWN])
		return "what no ledger issued was signed with your CA's key elsewhere, or a ledger "
		       "is missing here: if none is, imprint cloud deactivate-ca, revoke them, and "
		       "look into the token's keeping";
	if (counts[CLASS_LIVE])
		return "imprint reconcile --fix revokes there what is revoked or void here";
	if (counts[CLASS_REVOKED_THERE])
		return "ask who revoked them there, and revoke them here, too: imprint revoke UNIT";
	return "a device that was not seen yet cannot register: imprint cloud activate-ca, and "
	       "auto-registration on";
}

static void verdict_line(const struct table_report *t)
{
	if (t->s->verdict == RECONCILE_CLEAN)
		fputs("clean: the ledgers and AWS IoT agree\n", t->to);
	else if (t->s->verdict == RECONCILE_ALARM && t->s->foreign)
		fprintf(t->to,
			"ALARM: nothing in %s is known here: it may be the listing of another CA, "
			"or of a station whose ledger is missing here\n",
			t->s->foreign);
	else
		fprintf(t->to, "%s: %s\n",
			t->s->verdict == RECONCILE_ALARM ? "ALARM" : "differences", advice(t));
}

bool report_table(struct reconcile *r, FILE *to, struct err *e)
{
	const struct reconcile_summary *s = reconcile_summary(r);
	AUTO_FREE struct table_report *t = calloc(1, sizeof(*t));
	unsigned classes = 0;

	if (!t)
		return err_set(e, ERR_SYSTEM, "out of memory");
	*t = (struct table_report) {
		.to = to, .s = s, .colour = has_colour(to), .all_after_head = true
	};
	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++)
		classes |= s->counts[c] ? NAMED_CLASSES & 1U << c : 0;
	if (classes && !reconcile_rows(r, classes, name_row, t, e))
		return false;
	ledger_lines(t);
	class_lines(t);
	ca_lines(t);
	verdict_line(t);
	return (!fflush(to) && !ferror(to)) || err_errno(e, ERR_SYSTEM, "cannot write the report");
}
