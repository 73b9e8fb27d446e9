/* The join: every row of the table of classes, from a ledger and a listing written by hand; and what
 * cannot be joined. */
#include "tests/unit/export_rig.h"

#include "cloud/reconcile/fix.h"
#include "cloud/reconcile/report.h"
#include "cloud/reconcile/table.h"

#define DAY_S 86400

static struct export_rig rig, other;

static const struct {
	const char *unit;
	enum state here;	    /* 0: no such certificate */
	const char *there;	    /* NULL: not listed */
	enum reconcile_class class; /* CLASS_COUNT: none, it has no certificate */
	enum reconcile_verdict verdict;
} rows[] = {
	{ "issued-active", STATE_ISSUED, "ACTIVE", CLASS_ACTIVE, RECONCILE_CLEAN },
	{ "active", STATE_INSTALLED, "ACTIVE", CLASS_ACTIVE, RECONCILE_CLEAN },
	{ "pending", STATE_INSTALLED, "PENDING_ACTIVATION", CLASS_PENDING, RECONCILE_CLEAN },
	{ "inactive", STATE_INSTALLED, "INACTIVE", CLASS_INACTIVE, RECONCILE_CLEAN },
	{ "transfer", STATE_INSTALLED, "PENDING_TRANSFER", CLASS_INACTIVE, RECONCILE_CLEAN },
	{ "register", STATE_ISSUED, "REGISTER_INACTIVE", CLASS_INACTIVE, RECONCILE_CLEAN },
	{ "revoked-there", STATE_INSTALLED, "REVOKED", CLASS_REVOKED_THERE, RECONCILE_DIFFERENCES },
	{ "unseen", STATE_INSTALLED, NULL, CLASS_UNSEEN, RECONCILE_CLEAN },
	{ "unseen-too", STATE_ISSUED, NULL, CLASS_UNSEEN, RECONCILE_CLEAN },
	{ "revoked", STATE_REVOKED, "REVOKED", CLASS_REVOKED, RECONCILE_CLEAN },
	{ "void", STATE_VOID, "REVOKED", CLASS_REVOKED, RECONCILE_CLEAN },
	{ "live", STATE_REVOKED, "ACTIVE", CLASS_LIVE, RECONCILE_DIFFERENCES },
	{ "live-void", STATE_VOID, "PENDING_ACTIVATION", CLASS_LIVE, RECONCILE_DIFFERENCES },
	{ "live-inactive", STATE_REVOKED, "INACTIVE", CLASS_LIVE, RECONCILE_DIFFERENCES },
	{ "gone", STATE_VOID, NULL, CLASS_GONE, RECONCILE_CLEAN },
	{ "gone-too", STATE_REVOKED, NULL, CLASS_GONE, RECONCILE_CLEAN },
	{ "unknown", 0, "ACTIVE", CLASS_UNKNOWN, RECONCILE_ALARM },
	{ "unknown-revoked", 0, "REVOKED", CLASS_UNKNOWN, RECONCILE_ALARM },
	{ "reserved", STATE_RESERVED, NULL, CLASS_COUNT, RECONCILE_CLEAN },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static char listing[] = "/tmp/imprint-listing-XXXXXX";
static FILE *list;
static bool any;

static void list_begin(void)
{
	list = fopen(listing, "w");
	assert_non_null(list);
	fputs("{\"certificates\":[", list);
	any = false;
}

static void list_unit(const char *unit, const char *status)
{
	char hex[IOT_ID_SIZE];
	uint8_t id[SHA256_LEN];

	export_rig_certificate(unit, id);
	fprintf(list, "%s{\"certificateId\":\"%s\",\"status\":\"%s\",\"creationDate\":%d}",
		any ? "," : "", hex_encode(BYTES(id), hex), status, T0 + DAY_S);
	any = true;
}

static void list_end(void)
{
	fputs("]}\n", list);
	assert_int_equal(fclose(list), 0);
}

static void list_ca(const char *status, const char *automatic)
{
	char hex[IOT_ID_SIZE];

	fprintf(list,
		"{\"certificateDescription\":{\"certificateId\":\"%s\",\"status\":\"%s\","
		"\"autoRegistrationStatus\":\"%s\"}}",
		hex_encode(BYTES(rig.ca_id), hex), status, automatic);
}

static struct reconcile *joined(struct err *e)
{
	AUTO(reconcile) r = NULL;

	assert_done(reconcile_new(false, &r, e), e);
	assert_done(reconcile_ledger(r, rig.path, e), e);
	assert_done(reconcile_read_ledgers(r, e), e);
	if (!reconcile_listing(r, listing, e))
		return NULL;
	reconcile_judge(r);
	return TAKE(r);
}

struct shown {
	size_t count;
	struct reconcile_row row;
};

static bool show(void *context, const struct reconcile_row *row, struct err *e)
{
	struct shown *shown = context;

	(void)e;
	shown->count++;
	shown->row = *row;
	return true;
}

static void check_row(struct reconcile *r, size_t i)
{
	const struct reconcile_summary *s = reconcile_summary(r);
	struct shown shown = { 0 };
	struct err e;

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++)
		if (s->counts[c] != (c == rows[i].class))
			fail_msg("%s: %d of %s", rows[i].unit, (int)s->counts[c],
				 reconcile_class_name(c));
	assert_int_equal(s->verdict, rows[i].verdict);
	assert_done(reconcile_rows(r, ~0U, show, &shown, &e), &e);
	assert_int_equal(shown.count, rows[i].class != CLASS_COUNT);
	if (!shown.count)
		return;
	assert_int_equal(shown.row.class, rows[i].class);
	assert_string_equal(shown.row.unit, rows[i].here ? rows[i].unit : "");
	assert_string_equal(shown.row.station, rows[i].here ? "SZ1" : "");
	assert_int_equal(shown.row.here, rows[i].here);
	assert_int_equal(shown.row.issued_s, rows[i].here ? T0 : 0);
	assert_int_equal(shown.row.registered_s, rows[i].there ? T0 + DAY_S : 0);
	assert_int_equal(shown.row.after_head, rows[i].class == CLASS_UNKNOWN);
}

static void each_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		AUTO(reconcile) r = NULL;
		struct err e;

		export_rig_start(&rig);
		export_rig_ledger(&rig, "SZ1");
		if (rows[i].here)
			export_rig_issuance(&rig, rows[i].unit, rows[i].here);
		export_rig_write(&rig);
		list_begin();
		if (rows[i].there)
			list_unit(rows[i].unit, rows[i].there);
		list_end();
		r = joined(&e);
		if (!r)
			fail_msg("%s: %s", rows[i].unit, e.text);
		check_row(r, i);
		export_rig_end(&rig);
	}
}

static void write_one(void)
{
	export_rig_start(&rig);
	export_rig_ledger(&rig, "SZ1");
	export_rig_issuance(&rig, "a", STATE_INSTALLED);
	export_rig_issuance(&rig, "b", STATE_INSTALLED);
	export_rig_write(&rig);
}

static void listed_twice(void **state)
{
	AUTO(reconcile) r = NULL;
	struct err e;

	(void)state;
	write_one();
	list_begin();
	for (int i = 0; i < 2; i++) {
		list_unit("a", "ACTIVE");
		list_unit("b", "ACTIVE");
		list_unit("unknown", "ACTIVE");
	}
	list_end();
	r = joined(&e);
	assert_non_null(r);
	assert_int_equal(reconcile_summary(r)->listed, 3);
	assert_int_equal(reconcile_summary(r)->counts[CLASS_ACTIVE], 2);
	assert_int_equal(reconcile_summary(r)->counts[CLASS_UNKNOWN], 1);
	list_begin();
	list_unit("a", "ACTIVE");
	list_unit("a", "REVOKED");
	list_end();
	assert_null(joined(&e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_non_null(strstr(e.text, ": certificate 2: "));
	assert_non_null(strstr(e.text, "listings of different times"));
	export_rig_end(&rig);
}

static void closed_ca(void **state)
{
	static const struct {
		const char *status, *automatic, *a, *b;
		enum reconcile_verdict verdict;
	} cases[] = {
		{ "ACTIVE", "ENABLE", "ACTIVE", NULL, RECONCILE_CLEAN },
		{ "INACTIVE", "ENABLE", "ACTIVE", NULL, RECONCILE_DIFFERENCES },
		{ "ACTIVE", "DISABLE", "ACTIVE", NULL, RECONCILE_DIFFERENCES },
		{ "INACTIVE", "DISABLE", "ACTIVE", "ACTIVE", RECONCILE_CLEAN },
	};
	struct err e;

	(void)state;
	write_one();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(reconcile) r = NULL;

		list_begin();
		list_unit("a", cases[i].a);
		if (cases[i].b)
			list_unit("b", cases[i].b);
		fputs("]}", list);
		list_ca(cases[i].status, cases[i].automatic);
		assert_int_equal(fclose(list), 0);
		r = joined(&e);
		assert_non_null(r);
		assert_int_equal(reconcile_summary(r)->verdict, cases[i].verdict);
		assert_int_equal(reconcile_summary(r)->ca_count, 1);
		assert_int_equal(reconcile_summary(r)->cas[0].certificates, 2);
	}
	memset(rig.ca_id, 0xcb, sizeof(rig.ca_id));
	list_begin();
	fputs("]}", list);
	list_ca("ACTIVE", "ENABLE");
	assert_int_equal(fclose(list), 0);
	assert_null(joined(&e));
	assert_non_null(strstr(e.text, "which no ledger names"));
	export_rig_end(&rig);
}

static void foreign_listing(void **state)
{
	AUTO(reconcile) r = NULL;
	char unit[16];
	struct err e;

	(void)state;
	write_one();
	list_begin();
	for (int i = 0; i < 2 * RECONCILE_HANDFUL; i++) {
		snprintf(unit, sizeof(unit), "unknown-%d", i);
		list_unit(unit, "ACTIVE");
	}
	list_end();
	r = joined(&e);
	assert_non_null(r);
	assert_string_equal(reconcile_summary(r)->foreign, listing);
	assert_int_equal(reconcile_summary(r)->verdict, RECONCILE_ALARM);
	export_rig_end(&rig);
}

/* Ages of the unseen: at each border and behind it. */
static void ages(void **state)
{
	static const struct {
		int64_t age_s;
		size_t age;
	} cases[] = {
		{ 0, 0 },
		{ 7 * DAY_S - 60, 0 },
		{ 7 * DAY_S + 60, 1 },
		{ 30 * DAY_S - 60, 1 },
		{ 30 * DAY_S + 60, 2 },
		{ 90 * DAY_S + 60, 3 },
		{ 365 * DAY_S + 60, 4 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(reconcile) r = NULL;

		export_rig_start(&rig);
		rig.now = time(NULL) - cases[i].age_s;
		export_rig_ledger(&rig, "SZ1");
		export_rig_issuance(&rig, "a", STATE_INSTALLED);
		export_rig_write(&rig);
		list_begin();
		list_end();
		r = joined(&e);
		assert_non_null(r);
		for (size_t age = 0; age < RECONCILE_AGES; age++)
			assert_int_equal(reconcile_summary(r)->unseen_by_age[age],
					 age == cases[i].age);
		export_rig_end(&rig);
	}
}

static void save_head(const struct head *head, char path[static 32])
{
	char text[HEAD_TEXT_MAX];
	FILE *file;

	strcpy(path, "/tmp/imprint-head-XXXXXX");
	close(mkstemp(path));
	file = fopen(path, "w");
	fprintf(file, "%s\n", head_format(head, text));
	assert_int_equal(fclose(file), 0);
}

/* Two stations of one CA; older heads find their ledger. */
static void two_ledgers(void **state)
{
	AUTO(reconcile) r = NULL;
	char head_path[32];
	struct head head;
	struct err e;

	(void)state;
	write_one();
	head = export_rig_head(&rig);
	save_head(&head, head_path);
	export_rig_issuance(&rig, "c", STATE_ISSUED);
	export_rig_write(&rig);
	export_rig_start(&other);
	memset(other.ledger_id, 7, sizeof(other.ledger_id));
	export_rig_ledger(&other, "SZ2");
	export_rig_issuance(&other, "d", STATE_INSTALLED);
	export_rig_write(&other);
	list_begin();
	list_unit("a", "ACTIVE");
	list_unit("d", "ACTIVE");
	list_end();
	assert_done(reconcile_new(false, &r, &e), &e);
	assert_done(reconcile_ledger(r, other.path, &e), &e);
	assert_done(reconcile_ledger(r, rig.path, &e), &e);
	assert_done(reconcile_head(r, head_path, &e), &e);
	assert_done(reconcile_read_ledgers(r, &e), &e);
	assert_done(reconcile_listing(r, listing, &e), &e);
	reconcile_judge(r);
	assert_int_equal(reconcile_summary(r)->counts[CLASS_ACTIVE], 2);
	assert_int_equal(reconcile_summary(r)->counts[CLASS_UNSEEN], 2);
	assert_string_equal(reconcile_summary(r)->ledgers[1].head_file, head_path);
	assert_null(reconcile_summary(r)->ledgers[0].head_file);
	assert_int_equal(reconcile_summary(r)->ca_count, 1);
	assert_false(reconcile_summary(r)->cas[0].left_out);
	unlink(head_path);
	export_rig_end(&other);
	export_rig_end(&rig);
}

static enum reconcile_verdict verdict_with_head(const struct head *head)
{
	AUTO(reconcile) r = NULL;
	AUTO_FREE char *text = NULL;
	char path[32] = "";
	size_t len = 0;
	struct err e;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	assert_done(reconcile_new(false, &r, &e), &e);
	assert_done(reconcile_ledger(r, rig.path, &e), &e);
	if (head) {
		save_head(head, path);
		assert_done(reconcile_head(r, path, &e), &e);
	}
	assert_done(reconcile_read_ledgers(r, &e), &e);
	assert_done(reconcile_listing(r, listing, &e), &e);
	reconcile_judge(r);
	assert_done(report_table(r, to, &e), &e);
	assert_int_equal(fclose(to), 0);
	unlink(path);
	assert_int_equal(!strstr(text, "ANOTHER KEY"), !reconcile_summary(r)->other_keys);
	return reconcile_summary(r)->verdict;
}

/* Nobody is asked, AWS neither: there is none. */
static void check_fix_refused(void)
{
	const struct fix_options options = { .yes = true, .fresh = true };
	AUTO(reconcile) r = NULL;
	uint64_t left;
	struct err e;

	r = joined(&e);
	assert_non_null(r);
	assert_int_equal(reconcile_summary(r)->counts[CLASS_LIVE], 1);
	assert_err(fix_run(r, NULL, &options, &left, &e), &e, ERR_REFUSED);
	assert_non_null(strstr(e.text, "another key"));
}

/* Behind a good ledger somebody writes an epoch of his own, in which his certificate is issued: every
 * older head is a prefix of it. The key gives it away, until the owner has taken the new one. */
static void other_epoch(void **state)
{
	struct head mailed, today;

	(void)state;
	write_one();
	mailed = export_rig_head(&rig);
	list_begin();
	list_unit("a", "ACTIVE");
	list_unit("forged", "ACTIVE");
	list_end();
	assert_int_equal(verdict_with_head(&mailed), RECONCILE_ALARM);
	EVP_PKEY_free(rig.key);
	rig.key = EVP_EC_gen("P-256");
	export_rig_restore(&rig, "SZ1");
	export_rig_issuance(&rig, "forged", STATE_INSTALLED);
	export_rig_issuance(&rig, "c", STATE_REVOKED);
	export_rig_write(&rig);
	today = export_rig_head(&rig);
	assert_int_equal(verdict_with_head(&mailed), RECONCILE_DIFFERENCES);
	assert_int_equal(verdict_with_head(NULL), RECONCILE_DIFFERENCES);
	assert_int_equal(verdict_with_head(&today), RECONCILE_CLEAN);
	list_begin();
	list_unit("c", "ACTIVE");
	list_end();
	assert_int_equal(verdict_with_head(&today), RECONCILE_DIFFERENCES);
	check_fix_refused();
	export_rig_end(&rig);
}

/* What a listing that was cut between two documents leaves: a CA of which nothing is listed. */
static void left_out(void **state)
{
	AUTO(reconcile) r = NULL;
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	struct err e;
	FILE *to = open_memstream(&text, &len);

	(void)state;
	assert_non_null(to);
	write_one();
	memset(rig.ca_id, 0xcb, SHA256_LEN);
	export_rig_issuance(&rig, "c", STATE_INSTALLED);
	export_rig_write(&rig);
	list_begin();
	list_unit("a", "ACTIVE");
	list_end();
	r = joined(&e);
	assert_non_null(r);
	assert_int_equal(reconcile_summary(r)->ca_count, 2);
	assert_false(reconcile_summary(r)->cas[0].left_out);
	assert_true(reconcile_summary(r)->cas[1].left_out);
	assert_done(report_table(r, to, &e), &e);
	assert_int_equal(fclose(to), 0);
	assert_non_null(strstr(text, "CA cbcb…cb: of its 1 certificate none is listed"));
	export_rig_end(&rig);
}

static void not_together(void **state)
{
	char head_path[32];
	struct head head;
	struct err e;

	(void)state;
	write_one();
	export_rig_start(&other);
	memset(other.ledger_id, 7, sizeof(other.ledger_id));
	export_rig_ledger(&other, "SZ2");
	export_rig_issuance(&other, "a", STATE_INSTALLED); /* the same certificate */
	export_rig_write(&other);
	head = export_rig_head(&other);
	save_head(&head, head_path);
	{
		AUTO(reconcile) r = NULL;

		assert_done(reconcile_new(false, &r, &e), &e);
		assert_done(reconcile_ledger(r, rig.path, &e), &e);
		assert_err(reconcile_head(r, head_path, &e), &e, ERR_CORRUPT);
		assert_done(reconcile_ledger(r, other.path, &e), &e);
		assert_err(reconcile_read_ledgers(r, &e), &e, ERR_CORRUPT);
		assert_non_null(strstr(e.text, "is issued twice"));
		assert_err(reconcile_ledger(r, rig.path, &e), &e, ERR_INVALID);
		assert_non_null(strstr(e.text, "the same ledger"));
	}
	/* An older export of the same ledger: the first, brought further. */
	memcpy(other.ledger_id, rig.ledger_id, sizeof(rig.ledger_id));
	export_rig_drop_lines(&other);
	unlink(other.path);
	assert_int_equal(rename(rig.path, other.path), 0);
	export_rig_issuance(&rig, "c", STATE_ISSUED);
	export_rig_write(&rig);
	for (int turn = 0; turn < 2; turn++) {
		AUTO(reconcile) r = NULL;
		char newer[96];

		snprintf(newer, sizeof(newer), "%s is newer", rig.path);
		assert_done(reconcile_new(false, &r, &e), &e);
		assert_done(reconcile_ledger(r, turn ? rig.path : other.path, &e), &e);
		assert_err(reconcile_ledger(r, turn ? other.path : rig.path, &e), &e, ERR_INVALID);
		assert_non_null(strstr(e.text, newer));
	}
	unlink(head_path);
	export_rig_end(&other);
	export_rig_end(&rig);
}

/* --- the table by itself --- */

static void id_of(uint32_t number, uint8_t ret_id[static SHA256_LEN])
{
	struct bytes data = bytes_of(&number, sizeof(number));

	sha256(&data, 1, ret_id);
}

static void many_rows(void **state)
{
	enum { COUNT = 100000 };
	struct table t;
	struct table_row *row;
	uint8_t id[SHA256_LEN];
	struct err e;
	bool is_new;

	(void)state;
	assert_done(table_start(&t, &e), &e);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_done(table_add(&t, &row, &e), &e);
		row->number = 3 * i + 1;
		id_of(i, row->id);
		assert_done(table_enter(&t, row, &is_new, &e), &e);
		assert_true(is_new);
	}
	assert_done(table_add(&t, &row, &e), &e);
	id_of(7, row->id);
	assert_done(table_enter(&t, row, &is_new, &e), &e);
	assert_false(is_new);
	t.count--;
	for (uint32_t i = 0; i < COUNT; i += 7) {
		id_of(i, id);
		assert_ptr_equal(table_find(&t, id), &t.rows[i]);
		assert_ptr_equal(table_numbered(&t, 0, 3 * i + 1), &t.rows[i]);
		assert_null(table_numbered(&t, 0, 3 * i + 2));
		assert_null(table_numbered(&t, i + 1, 3 * i + 1));
		id_of(COUNT + i, id);
		assert_null(table_find(&t, id));
	}
	assert_null(table_numbered(&t, 0, 0));
	assert_null(table_numbered(&t, COUNT, 1));
	assert_null(table_numbered(&t, 0, UINT64_C(1) << 32 | 1));
	table_free(&t);
}

static int make_listing(void **state)
{
	(void)state;
	close(mkstemp(listing));
	return 0;
}

static int drop_listing(void **state)
{
	(void)state;
	return unlink(listing);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_class),	cmocka_unit_test(listed_twice),
		cmocka_unit_test(closed_ca),	cmocka_unit_test(foreign_listing),
		cmocka_unit_test(ages),		cmocka_unit_test(two_ledgers),
		cmocka_unit_test(not_together), cmocka_unit_test(many_rows),
		cmocka_unit_test(other_epoch),	cmocka_unit_test(left_out),
	};

	return cmocka_run_group_tests(tests, make_listing, drop_listing);
}
