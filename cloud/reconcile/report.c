/* The table for people: one line a ledger, one a class that has any, those of the CAs (report_cas.c),
 * and the verdict with what to do. */
#include "cloud/reconcile/report_inside.h"

#include "base/hex.h"
#include "cloud/reconcile/html.h"

#include <inttypes.h>
#include <time.h>

#define NAMED_CLASSES (1 << CLASS_LIVE | 1 << CLASS_REVOKED_THERE | 1 << CLASS_UNKNOWN)
#define DATE_SIZE 16
#define KEY_DIGITS 16 /* so many cannot be met by trying */
#define WIDTH 79
#define NOTE_COLUMN 42

/* Columns: a character of UTF-8 is one. */
static size_t width_of(const char *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}

void report_put(FILE *to, size_t column, size_t indent, const char *text)
{
	while (*text) {
		size_t blanks = strspn(text, " \n"), len = strcspn(text + blanks, " \n");
		size_t width = width_of(text + blanks, len);

		if (blanks && (*text == '\n' || column + blanks + width > WIDTH)) {
			fprintf(to, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			fprintf(to, "%*s", (int)blanks, "");
			column += blanks;
		}
		fwrite(text + blanks, 1, len, to);
		column += width;
		text += blanks + len;
	}
	putc('\n', to);
}

static const char *date_of(int64_t time_s, char text[static DATE_SIZE])
{
	time_t time = (time_t)time_s;
	struct tm tm;

	strftime(text, DATE_SIZE, "%e %b %Y", gmtime_r(&time, &tm));
	return text + (*text == ' ');
}

const char *report_short_id(const char *id, char text[static REPORT_ID_SIZE])
{
	snprintf(text, REPORT_ID_SIZE, "%.4s…%s", id, id + IOT_ID_SIZE - 1 - 2);
	return text;
}

static bool has_colour(FILE *to)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

	return isatty(fileno(to)) && !(no_colour && *no_colour) && term && strcmp(term, "dumb");
}

static bool name_row(void *context, const struct reconcile_row *row, struct err *e)
{
	struct report *t = context;
	size_t *count = &t->named_count[row->class];

	(void)e;
	if (row->class == CLASS_UNKNOWN && !row->after_head)
		t->all_after_head = false;
	if (*count < REPORT_NAMED_MAX)
		t->named[row->class][(*count)++] = *row;
	return true;
}

/* --- lines --- */

/* Who holds no older head may at least have noted the key. */
static void key_words(const struct report *t, const struct reconcile_ledger *ledger)
{
	const char *words = ledger->other_key ? "SIGNED BY ANOTHER KEY than before" : "key";
	bool loud = t->colour && ledger->other_key;
	char text[2 * SHA256_LEN + 1];
	uint8_t hash[SHA256_LEN];

	if (ledger->head_file && !ledger->other_key)
		return;
	reconcile_key_hash(ledger, hash);
	fprintf(t->to, ", %s%s%s %.*s…", loud ? REPORT_RED : "", words, loud ? REPORT_PLAIN : "",
		KEY_DIGITS, hex_encode(BYTES(hash), text));
}

static void ledger_lines(const struct report *t)
{
	size_t width = 0;

	for (size_t i = 0; i < t->s->ledger_count; i++)
		if (strlen(t->s->ledgers[i].station) > width)
			width = strlen(t->s->ledgers[i].station);
	for (size_t i = 0; i < t->s->ledger_count; i++) {
		const struct reconcile_ledger *ledger = &t->s->ledgers[i];
		char count[HTML_COUNT_SIZE], date[DATE_SIZE];

		fprintf(t->to, "%-*s  %s certificate%s, ", (int)width, ledger->station,
			html_count_text(ledger->certificates, count),
			ledger->certificates == 1 ? "" : "s");
		if (ledger->missing)
			fprintf(t->to, "%s entries lost before a restore, ",
				html_count_text(ledger->missing, count));
		else
			fputs("no gap, ", t->to);
		if (ledger->head_file)
			fprintf(t->to, "head as mailed %s",
				date_of(ledger->head_file_time_s, date));
		else
			fprintf(t->to, "head of %s", date_of(ledger->head.time_s, date));
		key_words(t, ledger);
		putc('\n', t->to);
	}
}

void report_add(char line[static REPORT_LINE_SIZE], const char *text)
{
	size_t len = strlen(line);

	snprintf(line + len, REPORT_LINE_SIZE - len, "%s", text);
}

/* The station whose CA it is, if that has no other; else its id. */
static const char *ca_name(const struct reconcile_summary *s, const char *id,
			   char text[static REPORT_ID_SIZE])
{
	const struct reconcile_ca *found = NULL;
	char other[IOT_ID_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < s->ca_count; i++)
		if (!strcmp(hex_encode(BYTES(s->cas[i].id), other), id))
			found = &s->cas[i];
	for (size_t i = 0; found && found->station && i < s->ca_count; i++)
		count += s->cas[i].station && !strcmp(s->cas[i].station, found->station);
	return count == 1 ? found->station : report_short_id(id, text);
}

/* "T-3107, T-3108 and 37 more (--csv)"; of unknown ones, line by line, id, CA and since when. */
static void add_names(const struct report *t, enum reconcile_class c,
		      char line[static REPORT_LINE_SIZE])
{
	size_t named = t->named_count[c];
	char count[HTML_COUNT_SIZE], id[REPORT_ID_SIZE], date[DATE_SIZE];

	for (size_t i = 0; i < named; i++) {
		const struct reconcile_row *row = &t->named[c][i];

		report_add(line, !i ? "" : c == CLASS_UNKNOWN ? "\n" : ", ");
		report_add(line, *row->unit ? row->unit : report_short_id(row->id, id));
		if (c == CLASS_UNKNOWN && *row->ca_id) {
			report_add(line, ", CA ");
			report_add(line, ca_name(t->s, row->ca_id, id));
		}
		if (c == CLASS_UNKNOWN && row->registered_s) {
			report_add(line, ", ");
			report_add(line, date_of(row->registered_s, date));
		}
	}
	if (t->s->counts[c] > named) {
		report_add(line, " and ");
		report_add(line, html_count_text(t->s->counts[c] - named, count));
		report_add(line, " more (--csv)");
	}
}

static void note_of(const struct report *t, enum reconcile_class c,
		    char line[static REPORT_LINE_SIZE])
{
	uint64_t old = 0;
	char count[HTML_COUNT_SIZE];

	*line = '\0';
	if (c == CLASS_UNKNOWN)
		report_add(line, "ALARM  ");
	if (NAMED_CLASSES >> c & 1)
		add_names(t, c, line);
	if (c == CLASS_LIVE)
		report_add(line,
			   t->s->counts[c] == 1 ? ": --fix revokes it" : ": --fix revokes them");
	if (c == CLASS_REVOKED_THERE)
		report_add(line, t->s->counts[c] == 1 ? ": revoke it here, too"
						      : ": revoke them here, too");
	for (size_t i = 0; c == CLASS_UNSEEN && i < RECONCILE_AGES; i++)
		if (i && reconcile_age_days[i - 1] >= RECONCILE_OLD_DAYS)
			old += t->s->unseen_by_age[i];
	if (old)
		snprintf(line, REPORT_LINE_SIZE, "%s over %d days", html_count_text(old, count),
			 RECONCILE_OLD_DAYS);
}

static void class_lines(const struct report *t)
{
	char note[REPORT_LINE_SIZE], count[HTML_COUNT_SIZE], line[REPORT_LINE_SIZE];

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++) {
		bool loud = t->colour && reconcile_class_differs(c);

		if (!t->s->counts[c])
			continue;
		note_of(t, c, note);
		snprintf(line, sizeof(line), "%-28s%11s", reconcile_class_sentence(c),
			 html_count_text(t->s->counts[c], count));
		fprintf(t->to, "%s%s%s%s", loud ? REPORT_RED : "", line, loud ? REPORT_PLAIN : "",
			*note ? "   " : "");
		report_put(t->to, NOTE_COLUMN, NOTE_COLUMN, note);
	}
}

/* Whoever writes a whole ledger signs it, too. No difference: the first one has nothing before it. */
static void unproven_line(const struct report *t)
{
	const char *station = NULL;
	char count[HTML_COUNT_SIZE], line[REPORT_LINE_SIZE];
	uint64_t unproven = 0;

	for (size_t i = 0; i < t->s->ledger_count; i++)
		if (reconcile_is_unproven(&t->s->ledgers[i])) {
			station = t->s->ledgers[i].station;
			unproven++;
		}
	if (!unproven)
		return;
	snprintf(line, sizeof(line), "%s%s held against no older head: whoever wrote ",
		 unproven == 1 ? station : html_count_text(unproven, count),
		 unproven == 1 ? " was" : " ledgers were");
	report_add(line, unproven == 1 ? "it may have signed all of it"
				       : "them may have signed all of them");
	report_add(line, ". Have the station send a head by another way than the export came "
			 "(imprint ledger head), then --head FILE");
	fputs(t->colour ? REPORT_RED "NOT PROVEN" REPORT_PLAIN "  " : "NOT PROVEN  ", t->to);
	report_put(t->to, strlen("NOT PROVEN  "), 3, line);
}

static const char *advice(const struct report *t)
{
	const uint64_t *counts = t->s->counts;

	if (counts[CLASS_UNKNOWN] && t->all_after_head)
		return "they were registered after the newest ledger here was written: export the "
		       "ledgers again, then judge";
	if (counts[CLASS_UNKNOWN])
		return "what no ledger issued was signed with your CA's key elsewhere, or a ledger "
		       "is missing here: if none is, imprint cloud deactivate-ca, revoke them, and "
		       "look into the token's keeping";
	if (t->s->other_keys)
		return "a ledger is signed by another key than before: ask the station, by another "
		       "way than it came, whether its token was replaced; if so, --head FILE with "
		       "a head of the new key says that you know";
	if (counts[CLASS_LIVE])
		return "imprint reconcile --fix revokes there what is revoked or void here";
	if (counts[CLASS_REVOKED_THERE])
		return "ask who revoked them there, and revoke them here, too: imprint revoke UNIT";
	return "devices that were not seen yet cannot register themselves";
}

static void verdict_line(const struct report *t)
{
	bool alarm = t->s->verdict == RECONCILE_ALARM;
	const char *head = alarm ? "ALARM: " : "differences: ";

	if (t->s->verdict == RECONCILE_CLEAN) {
		fputs("clean: the ledgers and AWS IoT agree\n", t->to);
		return;
	}
	fputs(head, t->to);
	if (alarm && t->s->foreign) {
		fprintf(t->to, "nothing in %s is known here:", t->s->foreign);
		report_put(t->to, 0, strlen(head),
			   "\nit may be the listing of another CA, or of a station whose ledger is "
			   "missing here");
		return;
	}
	report_put(t->to, strlen(head), strlen(head), advice(t));
}

bool report_table(struct reconcile *r, FILE *to, struct err *e)
{
	const struct reconcile_summary *s = reconcile_summary(r);
	AUTO_FREE struct report *t = calloc(1, sizeof(*t));
	unsigned classes = 0;

	if (!t)
		return err_set(e, ERR_SYSTEM, "out of memory");
	*t = (struct report) { .to = to, .s = s, .colour = has_colour(to), .all_after_head = true };
	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++)
		classes |= s->counts[c] ? NAMED_CLASSES & 1U << c : 0;
	if (classes && !reconcile_rows(r, classes, name_row, t, e))
		return false;
	ledger_lines(t);
	class_lines(t);
	report_cas(t);
	unproven_line(t);
	verdict_line(t);
	return report_end(to, e);
}

bool report_end(FILE *to, struct err *e)
{
	return (!fflush(to) && !ferror(to)) || err_errno(e, ERR_SYSTEM, "cannot write the report");
}
