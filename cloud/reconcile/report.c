/* The table for people: one line a ledger, one a class that has any, one a CA that takes nobody in,
 * and the verdict with what to do. */
#include "cloud/reconcile/report.h"

#include "base/hex.h"
#include "cloud/reconcile/html.h"

#include <inttypes.h>
#include <time.h>

#define NAMED_MAX 3 /* certificates of a class that are named beside its count */
#define NAMED_CLASSES (1 << CLASS_LIVE | 1 << CLASS_REVOKED_THERE | 1 << CLASS_UNKNOWN)
#define DATE_SIZE 16
#define SHORT_ID_SIZE 16
#define KEY_DIGITS 16 /* so many cannot be met by trying */
#define LINE_SIZE 512
#define WIDTH 79
#define NOTE_COLUMN 42
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

/* Columns: a character of UTF-8 is one. */
static size_t width_of(const char *text, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}

/* From that column on; goes on below, `indent` deep, at LF and before a word for which there is no
 * room. */
static void put_text(FILE *to, size_t column, size_t indent, const char *text)
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

/* Who holds no older head may at least have noted the key. */
static void key_words(const struct table_report *t, const struct reconcile_ledger *ledger)
{
	const char *words = ledger->other_key ? "SIGNED BY ANOTHER KEY than before" : "key";
	bool loud = t->colour && ledger->other_key;
	char text[2 * SHA256_LEN + 1];
	uint8_t hash[SHA256_LEN];

	if (ledger->head_file && !ledger->other_key)
		return;
	reconcile_key_hash(ledger, hash);
	fprintf(t->to, ", %s%s%s %.*s…", loud ? RED : "", words, loud ? PLAIN : "", KEY_DIGITS,
		hex_encode(BYTES(hash), text));
}

static void ledger_lines(const struct table_report *t)
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

static void add(char line[static LINE_SIZE], const char *text)
{
	size_t len = strlen(line);

	snprintf(line + len, LINE_SIZE - len, "%s", text);
}

/* The station whose CA it is, if that has no other; else its id. */
static const char *ca_name(const struct reconcile_summary *s, const char *id,
			   char text[static SHORT_ID_SIZE])
{
	const struct reconcile_ca *found = NULL;
	char other[IOT_ID_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < s->ca_count; i++)
		if (!strcmp(hex_encode(BYTES(s->cas[i].id), other), id))
			found = &s->cas[i];
	for (size_t i = 0; found && found->station && i < s->ca_count; i++)
		count += s->cas[i].station && !strcmp(s->cas[i].station, found->station);
	return count == 1 ? found->station : short_id(id, text);
}

/* "T-3107, T-3108 and 37 more (--csv)"; of unknown ones, line by line, id, CA and since when. */
static void add_names(const struct table_report *t, enum reconcile_class c,
		      char line[static LINE_SIZE])
{
	size_t named = t->named_count[c];
	char count[HTML_COUNT_SIZE], id[SHORT_ID_SIZE], date[DATE_SIZE];

	for (size_t i = 0; i < named; i++) {
		const struct reconcile_row *row = &t->named[c][i];

		add(line, !i ? "" : c == CLASS_UNKNOWN ? "\n" : ", ");
		add(line, *row->unit ? row->unit : short_id(row->id, id));
		if (c == CLASS_UNKNOWN && *row->ca_id) {
			add(line, ", CA ");
			add(line, ca_name(t->s, row->ca_id, id));
		}
		if (c == CLASS_UNKNOWN && row->registered_s) {
			add(line, ", ");
			add(line, date_of(row->registered_s, date));
		}
	}
	if (t->s->counts[c] > named) {
		add(line, " and ");
		add(line, html_count_text(t->s->counts[c] - named, count));
		add(line, " more (--csv)");
	}
}

static void note_of(const struct table_report *t, enum reconcile_class c,
		    char line[static LINE_SIZE])
{
	uint64_t old = 0;
	char count[HTML_COUNT_SIZE];

	*line = '\0';
	if (c == CLASS_UNKNOWN)
		add(line, "ALARM  ");
	if (NAMED_CLASSES >> c & 1)
		add_names(t, c, line);
	if (c == CLASS_LIVE)
		add(line, t->s->counts[c] == 1 ? ": --fix revokes it" : ": --fix revokes them");
	if (c == CLASS_REVOKED_THERE)
		add(line,
		    t->s->counts[c] == 1 ? ": revoke it here, too" : ": revoke them here, too");
	for (size_t i = 0; c == CLASS_UNSEEN && i < RECONCILE_AGES; i++)
		if (i && reconcile_age_days[i - 1] >= RECONCILE_OLD_DAYS)
			old += t->s->unseen_by_age[i];
	if (old)
		snprintf(line, LINE_SIZE, "%s over %d days", html_count_text(old, count),
			 RECONCILE_OLD_DAYS);
}

static void class_lines(const struct table_report *t)
{
	char note[LINE_SIZE], count[HTML_COUNT_SIZE], line[LINE_SIZE];

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++) {
		bool loud = t->colour && reconcile_class_differs(c);

		if (!t->s->counts[c])
			continue;
		note_of(t, c, note);
		snprintf(line, sizeof(line), "%-28s%11s", reconcile_class_sentence(c),
			 html_count_text(t->s->counts[c], count));
		fprintf(t->to, "%s%s%s%s", loud ? RED : "", line, loud ? PLAIN : "",
			*note ? "   " : "");
		put_text(t->to, NOTE_COLUMN, NOTE_COLUMN, note);
	}
}

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
static void left_out_line(const struct table_report *t, const struct reconcile_ca *ca)
{
	char id[IOT_ID_SIZE], text[SHORT_ID_SIZE], count[HTML_COUNT_SIZE], line[LINE_SIZE];

	if (!ca->left_out)
		return;
	snprintf(line, sizeof(line),
		 "CA %s: of its %s certificate%s none is listed; was its listing left out?",
		 short_id(hex_encode(BYTES(ca->id), id), text),
		 html_count_text(ca->certificates, count), ca->certificates == 1 ? "" : "s");
	put_text(t->to, 0, 3, line);
}

static void other_ca_line(const struct table_report *t)
{
	char id[IOT_ID_SIZE], text[SHORT_ID_SIZE], count[HTML_COUNT_SIZE], line[LINE_SIZE];
	const char *shown = short_id(hex_encode(BYTES(t->s->other_ca), id), text);

	if (!t->s->other_cas)
		return;
	if (t->s->other_cas == 1)
		snprintf(line, sizeof(line),
			 "CA %s is registered there, and no ledger names it: ", shown);
	else
		snprintf(line, sizeof(line),
			 "%s CAs are registered there that no ledger names, CA %s first: ",
			 html_count_text(t->s->other_cas, count), shown);
	add(line, "somebody else's, or is a ledger missing or too old?");
	put_text(t->to, 0, 3, line);
}

/* Somebody may be signing with a CA's key: no CA is to be opened now. */
static bool is_distrusted(const struct reconcile_summary *s)
{
	return s->verdict == RECONCILE_ALARM || s->other_keys;
}

/* A CA that has no more devices to come is closed with good reason. */
static void ca_line(const struct table_report *t, const struct reconcile_ca *ca)
{
	char id[IOT_ID_SIZE], text[SHORT_ID_SIZE], count[HTML_COUNT_SIZE], line[LINE_SIZE] = "";
	const char *remedy, *trouble = ca_trouble(ca, &remedy);

	if (!trouble)
		return;
	snprintf(line, sizeof(line), "CA %s%s%s %s", short_id(hex_encode(BYTES(ca->id), id), text),
		 ca->station ? " of " : "", ca->station ? ca->station : "", trouble);
	if (ca->unseen) {
		add(line, ", and ");
		add(line, html_count_text(ca->unseen, count));
		add(line, " of its certificates were not seen yet: ");
		if (is_distrusted(t->s)) {
			add(line, "leave it so until the rest is settled");
		} else {
			add(line, "imprint cloud ");
			add(line, remedy);
		}
	}
	fputs(t->colour && ca->unseen ? RED : "", t->to);
	put_text(t->to, 0, 3, line);
	fputs(t->colour && ca->unseen ? PLAIN : "", t->to);
}

/* Whoever writes a whole ledger signs it, too. No difference: the first one has nothing before it. */
static void unproven_line(const struct table_report *t)
{
	const char *station = NULL;
	char count[HTML_COUNT_SIZE], line[LINE_SIZE];
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
	add(line,
	    unproven == 1 ? "it may have signed all of it" : "them may have signed all of them");
	add(line, ". Have the station send a head by another way than the export came "
		  "(imprint ledger head), then --head FILE");
	fputs(t->colour ? RED "NOT PROVEN" PLAIN "  " : "NOT PROVEN  ", t->to);
	put_text(t->to, strlen("NOT PROVEN  "), 3, line);
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
	if (t->s->other_keys)
		return "a ledger is signed by another key than before: ask the station, by another "
		       "way than it came, whether its token was replaced; if so, --head FILE with "
		       "a "
		       "head of the new key says that you know";
	if (counts[CLASS_LIVE])
		return "imprint reconcile --fix revokes there what is revoked or void here";
	if (counts[CLASS_REVOKED_THERE])
		return "ask who revoked them there, and revoke them here, too: imprint revoke UNIT";
	return "devices that were not seen yet cannot register themselves";
}

static void verdict_line(const struct table_report *t)
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
		put_text(t->to, 0, strlen(head),
			 "\nit may be the listing of another CA, or of a station whose ledger is "
			 "missing here");
		return;
	}
	put_text(t->to, strlen(head), strlen(head), advice(t));
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
	for (size_t i = 0; i < s->ca_count; i++) {
		ca_line(t, &s->cas[i]);
		left_out_line(t, &s->cas[i]);
	}
	other_ca_line(t);
	unproven_line(t);
	verdict_line(t);
	return report_end(to, e);
}

bool report_end(FILE *to, struct err *e)
{
	return (!fflush(to) && !ferror(to)) || err_errno(e, ERR_SYSTEM, "cannot write the report");
}
