/* The ledger's file: what may be appended, what the tables then say, what survives. */
#include "tests/unit/ledger_rig.h"

#include "hsm/api/proof/verify.h"
#include "hsm/ledger/backup.h"
#include "hsm/ledger/store.h"

#include <fcntl.h>

#define UNITS 12
#define REVOCATIONS 4
#define KEYS (2 * REVOCATIONS * UNITS)
#define STEPS 1000

static void creates_once(void **state)
{
	struct ledger *second;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	assert_err(ledger_open(r.path, &second, &e), &e, ERR_BUSY);
	assert_err(ledger_create(r.path, &e), &e, ERR_BUSY);
	ledger_close(r.ledger);
	r.ledger = NULL;
	assert_err(ledger_create(r.path, &e), &e, ERR_REFUSED);
	assert_err(ledger_open("/tmp/there-is-no-such-ledger", &second, &e), &e, ERR_NOT_FOUND);
	assert_done(ledger_open(r.path, &r.ledger, &e), &e);
	rig_down(&r);
}

static void rolls_back(void **state)
{
	struct head before, after;
	struct order order;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	ledger_head(r.ledger, &before);
	assert_done(ledger_begin(r.ledger, &e), &e);
	rig_order(&r, "WO-1", 5);
	assert_done(ledger_order(r.ledger, "WO-1", &order, &e), &e);
	ledger_rollback(r.ledger);
	ledger_head(r.ledger, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_err(ledger_order(r.ledger, "WO-1", &order, &e), &e, ERR_NOT_FOUND);
	rig_order(&r, "WO-1", 5);
	rig_reopen(&r);
	assert_done(ledger_order(r.ledger, "WO-1", &order, &e), &e);
	assert_int_equal(order.quantity, 5);
	rig_down(&r);
}

static void orders(void **state)
{
	struct entry entry;
	struct order order, rows[4];
	size_t count;
	struct rig r;
	struct err e;
	bool yes;

	(void)state;
	rig_up(&r);
	assert_err(ledger_order_in_use(r.ledger, &order, &e), &e, ERR_NOT_FOUND);
	entry = rig_entry(&r, ENTRY_ORDER_OPENED);
	entry.order = T("WO-2");
	entry.product = T("demo");
	entry.quantity = 3;
	entry.units = UNITS_LIST;
	entry.list = T("T-1\nT-2\nT-1\n");
	entry.until = T0 + 100;
	rig_must(&r, entry);
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	entry = rig_entry(&r, ENTRY_ORDER_UNITS);
	entry.order = T("WO-2");
	entry.list = T("T-3");
	rig_must(&r, entry);
	entry.list = T("T-4\n\nT-5");
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	rig_order(&r, "WO-1", 5);
	entry.order = T("WO-1");
	entry.list = T("T-3");
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	for (int i = 1; i <= 2; i++) {
		entry = rig_entry(&r, ENTRY_ORDER_USED);
		entry.order = i == 1 ? T("WO-1") : T("WO-2");
		rig_must(&r, entry);
	}
	assert_done(ledger_order_in_use(r.ledger, &order, &e), &e);
	assert_string_equal(order.id, "WO-2");
	assert_int_equal(order.listed, 3);
	assert_int_equal(order.until, T0 + 100);
	assert_done(ledger_order_takes(r.ledger, &order, "T-3", &yes, &e), &e);
	assert_true(yes);
	assert_done(ledger_order_takes(r.ledger, &order, "T-4", &yes, &e), &e);
	assert_false(yes);
	assert_done(ledger_orders(r.ledger, "", rows, 4, &count, &e), &e);
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].id, "WO-1");
	assert_done(ledger_orders(r.ledger, "WO-1", rows, 4, &count, &e), &e);
	assert_int_equal(count, 1);
	entry = rig_entry(&r, ENTRY_ORDER_CLOSED);
	entry.order = T("WO-2");
	rig_must(&r, entry);
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	assert_err(ledger_order_in_use(r.ledger, &order, &e), &e, ERR_NOT_FOUND);
	rig_down(&r);
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *unit;
		bool takes;
	} cases[] = {
		{ "T-[0-9]+", "T-12", true },	    { "T-[0-9]+", "T-12x", false },
		{ "T-[0-9]+", "xT-12", false },	    { "^T-[0-9]+$", "T-1", true },
		{ "T|T-1", "T-1", true },	    { "a)|(b", "b", false },
		{ "(A|B)-[0-9]{2}", "B-77", true },
	};
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry entry = rig_entry(&r, ENTRY_ORDER_OPENED);
		struct order order;
		char id[8];
		bool takes;

		snprintf(id, sizeof(id), "P%zu", i);
		entry.order = T(id);
		entry.product = T("demo");
		entry.quantity = 1;
		entry.units = UNITS_PATTERN;
		entry.pattern = T(cases[i].pattern);
		if (!rig_append(&r, &entry, &e)) {
			assert_int_equal(e.code, ERR_REFUSED);
			assert_string_equal(cases[i].pattern, "a)|(b");
			continue;
		}
		assert_done(ledger_order(r.ledger, id, &order, &e), &e);
		assert_done(ledger_order_takes(r.ledger, &order, cases[i].unit, &takes, &e), &e);
		assert_int_equal(takes, cases[i].takes);
	}
	rig_down(&r);
}

static uint32_t used_of(struct rig *r, const char *id)
{
	struct order order;
	struct err e;

	assert_done(ledger_order(r->ledger, id, &order, &e), &e);
	return order.used;
}

/* Every move from every state: allowed ones pass, others are refused and change nothing. */
static void moves(void **state)
{
	enum { ISSUE = 1, INSTALL, VOID, REKEY, REVOKE };
	static const struct {
		const char *path; /* moves that lead to the state */
		int move;
		bool allowed;
		uint32_t used;
	} cases[] = {
		{ "", ISSUE, true, 1 },	   { "", INSTALL, false, 1 },	{ "", VOID, true, 0 },
		{ "", REKEY, false, 1 },   { "", REVOKE, false, 1 },	{ "i", ISSUE, false, 1 },
		{ "i", INSTALL, true, 1 }, { "i", VOID, true, 1 },	{ "i", REKEY, true, 0 },
		{ "i", REVOKE, false, 1 }, { "in", ISSUE, false, 1 },	{ "in", INSTALL, false, 1 },
		{ "in", VOID, false, 1 },  { "in", REKEY, false, 1 },	{ "in", REVOKE, true, 1 },
		{ "iv", ISSUE, false, 1 }, { "iv", INSTALL, false, 1 }, { "iv", VOID, false, 1 },
		{ "inr", VOID, false, 1 }, { "inr", REVOKE, false, 1 }, { "inr", ISSUE, false, 1 },
	};
	struct rig_board board = rig_board();
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct rig_issuance i;
		struct issuance before, after;
		char unit[16], id[16];
		bool done = false;

		snprintf(unit, sizeof(unit), "U-%zu", c);
		snprintf(id, sizeof(id), "O-%zu", c);
		rig_order(&r, id, 1);
		rig_plan(&r, unit, &board, &i);
		assert_done(rig_reserve(&r, id, &i, &e), &e);
		for (const char *p = cases[c].path; *p; p++)
			assert_done(*p == 'i'	? rig_issue(&r, &i, &e)
				    : *p == 'n' ? rig_install(&r, &i, &e)
						: rig_end(&r, &i,
							  *p == 'v' ? ENTRY_VOID : ENTRY_REVOKED,
							  false, &e),
				    &e);
		assert_done(ledger_issuance(r.ledger, i.id, &before, &e), &e);
		e.code = 0;
		switch (cases[c].move) {
		case ISSUE:
			done = rig_issue(&r, &i, &e);
			break;
		case INSTALL:
			done = rig_install(&r, &i, &e);
			break;
		case VOID:
		case REKEY:
			done = rig_end(&r, &i, ENTRY_VOID, cases[c].move == REKEY, &e);
			break;
		case REVOKE:
			done = rig_end(&r, &i, ENTRY_REVOKED, false, &e);
			break;
		}
		assert_done(ledger_issuance(r.ledger, i.id, &after, &e), &e);
		assert_int_equal(done, cases[c].allowed);
		assert_int_equal(used_of(&r, id), cases[c].used);
		if (!done)
			assert_memory_equal(&before, &after, sizeof(before));
	}
	EVP_PKEY_free(board.key);
	rig_down(&r);
}

static void refuses(void **state)
{
	struct rig_board board = rig_board();
	struct rig_issuance a, b;
	struct entry entry;
	struct head before, after;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 2);
	rig_plan(&r, "T-1", &board, &a);
	assert_done(rig_reserve(&r, "WO-1", &a, &e), &e);
	ledger_head(r.ledger, &before);
	/* a second certificate in force for the unit */
	rig_plan(&r, "T-1", &board, &b);
	assert_err(rig_reserve(&r, "WO-1", &b, &e), &e, ERR_REFUSED);
	/* a serial that was used */
	rig_plan(&r, "T-2", &board, &b);
	memcpy(b.serial, a.serial, sizeof(b.serial));
	assert_err(rig_reserve(&r, "WO-1", &b, &e), &e, ERR_REFUSED);
	/* another order's quantity, another product, no order */
	assert_err(rig_reserve(&r, "WO-9", &b, &e), &e, ERR_REFUSED);
	/* a time before the last entry's */
	r.now -= 1;
	rig_plan(&r, "T-2", &board, &b);
	assert_err(rig_reserve(&r, "WO-1", &b, &e), &e, ERR_REFUSED);
	entry = rig_entry(&r, ENTRY_TIME_ACCEPTED);
	entry.reason = T("the battery was empty");
	r.now += 1;
	ledger_head(r.ledger, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_done(rig_append(&r, &entry, &e), &e);
	assert_int_equal(ledger_last_time(r.ledger), T0 - 1);
	/* the quantity */
	assert_done(rig_reserve(&r, "WO-1", &b, &e), &e);
	rig_plan(&r, "T-3", &board, &b);
	assert_err(rig_reserve(&r, "WO-1", &b, &e), &e, ERR_REFUSED);
	entry = rig_entry(&r, ENTRY_ORDER_QUANTITY);
	entry.order = T("WO-1");
	entry.quantity = 1;
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	entry.quantity = 3;
	assert_done(rig_append(&r, &entry, &e), &e);
	assert_done(rig_reserve(&r, "WO-1", &b, &e), &e);
	/* a restore */
	entry = rig_entry(&r, ENTRY_RESTORED);
	entry.reason = T("disk broken");
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	EVP_PKEY_free(board.key);
	rig_down(&r);
}

static void new_epoch(void **state)
{
	struct entry entry;
	struct order order;
	struct head head;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 2);
	entry = rig_entry(&r, ENTRY_LEDGER);
	entry.station = T("SZ1");
	entry.key = bytes_of(r.spki, r.spki_len);
	rig_must(&r, entry);
	entry = rig_entry(&r, ENTRY_ORDER_USED);
	entry.order = T("WO-1");
	assert_err(rig_append(&r, &entry, &e), &e, ERR_REFUSED);
	entry = rig_entry(&r, ENTRY_RESTORED);
	entry.reason = T("disk broken");
	rig_must(&r, entry);
	assert_done(ledger_order(r.ledger, "WO-1", &order, &e), &e);
	assert_int_equal(order.state, ORDER_CLOSED);
	rig_reopen(&r);
	ledger_head(r.ledger, &head);
	assert_int_equal(head.epoch, 2);
	assert_int_equal(head.size, 6);
	assert_done(ledger_rebuild(r.ledger, &e), &e);
	rig_down(&r);
}

static void lookups(void **state)
{
	struct rig_board boards[4];
	struct rig_issuance i[4];
	struct issuance row, rows[8];
	struct issuance_filter all = { 0 }, filter = { 0 };
	uint8_t der[CERTIFICATE_MAX], *data;
	uint64_t next, last;
	uint32_t rekeys;
	size_t len, count;
	struct rig r;
	struct err e;
	bool new;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 9);
	for (int n = 0; n < 4; n++) {
		boards[n] = rig_board();
		r.now++;
		rig_plan(&r, n < 3 ? "T-1" : "T-2", &boards[n], &i[n]);
		assert_done(rig_reserve(&r, "WO-1", &i[n], &e), &e);
		assert_done(rig_issue(&r, &i[n], &e), &e);
		if (n < 2)
			assert_done(rig_end(&r, &i[n], ENTRY_VOID, true, &e), &e);
	}
	assert_done(rig_install(&r, &i[3], &e), &e);
	assert_done(ledger_by_unit(r.ledger, "T-1", &row, &e), &e);
	assert_int_equal(row.id, i[2].id);
	assert_string_equal(row.nest, "A1");
	assert_done(ledger_by_key(r.ledger, boards[1].key_sha256, &row, &e), &e);
	assert_int_equal(row.id, i[1].id);
	assert_int_equal(row.state, STATE_VOID);
	assert_true(row.rekeyed);
	assert_done(ledger_by_serial(r.ledger, BYTES(i[3].serial), &row, &e), &e);
	assert_string_equal(row.unit, "T-2");
	assert_string_equal(row.nest, "A2");
	assert_int_equal(row.evidence, EVIDENCE_SIGNED);
	assert_done(ledger_by_certificate(r.ledger, row.certificate_id, &row, &e), &e);
	assert_int_equal(row.id, i[3].id);
	assert_done(ledger_certificate(r.ledger, &row, der, &len, &e), &e);
	assert_memory_equal(der, i[3].der, i[3].der_len);
	assert_done(ledger_rekeys(r.ledger, "T-1", &rekeys, &e), &e);
	assert_int_equal(rekeys, 2);
	assert_err(ledger_by_unit(r.ledger, "T-3", &row, &e), &e, ERR_NOT_FOUND);

	assert_done(ledger_issuances(r.ledger, 0, &all, rows, 8, &count, &e), &e);
	assert_int_equal(count, 4);
	assert_done(ledger_issuances(r.ledger, i[1].id, &all, rows, 1, &count, &e), &e);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].id, i[2].id);
	filter.state = STATE_VOID;
	assert_done(ledger_issuances(r.ledger, 0, &filter, rows, 8, &count, &e), &e);
	assert_int_equal(count, 2);
	filter.state = STATE_INSTALLED;
	strcpy(filter.order, "WO-1");
	strcpy(filter.unit, "T-2");
	assert_done(ledger_issuances(r.ledger, 0, &filter, rows, 8, &count, &e), &e);
	assert_int_equal(count, 1);
	filter.since = r.now + 1;
	assert_done(ledger_issuances(r.ledger, 0, &filter, rows, 8, &count, &e), &e);
	assert_int_equal(count, 0);

	assert_done(ledger_latest(r.ledger, ENTRY_CA, &data, &len, &e), &e);
	free(data);
	assert_err(ledger_latest(r.ledger, ENTRY_CRL, &data, &len, &e), &e, ERR_NOT_FOUND);
	assert_done(ledger_entries(r.ledger, 1, der, 900, &len, &next, &e), &e);
	assert_true(next > 1 && len <= 900);
	{
		/* the page holds whole entries, number 1 first, and next goes on behind them */
		struct entry entry;
		uint64_t number = 1;

		for (size_t at = 0; at < len; number++) {
			size_t size = (size_t)der[at + 2] << 8 | der[at + 3];

			assert_done(entry_decode(bytes_of(der + at + 4, size), &entry, &e), &e);
			assert_int_equal(entry.number, number);
			at += 4 + size;
		}
		assert_int_equal(next, number);
	}
	assert_done(ledger_entries(r.ledger, 99, der, 900, &len, &next, &e), &e);
	assert_true(next == 0 && len == 0);

	assert_done(ledger_alarm_is_new(r.ledger, 1, "T-1", "T-2", &new, &e), &e);
	assert_true(new);
	{
		struct entry alarm = rig_entry(&r, ENTRY_ALARM);

		alarm.kind = ALARM_KEY_OTHER_UNIT;
		alarm.unit = T("T-1");
		alarm.other_unit = T("T-2");
		alarm.text = T("cloned");
		rig_must(&r, alarm);
	}
	assert_done(ledger_alarm_is_new(r.ledger, 1, "T-1", "T-2", &new, &e), &e);
	assert_false(new);
	assert_done(ledger_alarm_is_new(r.ledger, 1, "T-2", "T-1", &new, &e), &e);
	assert_true(new);

	assert_done(ledger_crl_number(r.ledger, r.ca_id, &last, &e), &e);
	assert_int_equal(last, 0);
	for (int n = 0; n < 2; n++) {
		struct entry crl = rig_entry(&r, ENTRY_CRL);

		crl.ca_id = crl.sha256 = BYTES(r.ca_id);
		crl.crl_number = 7;
		assert_int_equal(rig_append(&r, &crl, &e), n == 0);
	}
	assert_done(ledger_crl_number(r.ledger, r.ca_id, &last, &e), &e);
	assert_int_equal(last, 7);
	for (int n = 0; n < 4; n++)
		EVP_PKEY_free(boards[n].key);
	rig_down(&r);
}

/* The latest that is not void, whatever came after it; if all are void, the latest. */
static void void_hides_nothing(void **state)
{
	struct rig_board boards[5];
	struct rig_issuance i[5];
	struct issuance row;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 9);
	for (int n = 0; n < 5; n++) {
		boards[n] = rig_board();
		rig_plan(&r, n < 3 ? "T-1" : "T-2", &boards[n], &i[n]);
		assert_done(rig_reserve(&r, "WO-1", &i[n], &e), &e);
		assert_done(rig_issue(&r, &i[n], &e), &e);
		if (n == 0)
			assert_done(rig_install(&r, &i[n], &e), &e);
		assert_done(rig_end(&r, &i[n], n == 0 ? ENTRY_REVOKED : ENTRY_VOID, false, &e), &e);
	}
	assert_done(ledger_by_unit(r.ledger, "T-1", &row, &e), &e);
	assert_int_equal(row.id, i[0].id);
	assert_done(ledger_by_unit(r.ledger, "T-2", &row, &e), &e);
	assert_int_equal(row.id, i[4].id);
	for (int n = 0; n < 5; n++)
		EVP_PKEY_free(boards[n].key);
	rig_down(&r);
}

/* All that the derived tables hold, as one hash. */
static int add_row(void *context, int count, char **values, char **names)
{
	EVP_MD_CTX *digest = context;

	(void)names;
	for (int i = 0; i < count; i++)
		EVP_DigestUpdate(digest, values[i] ? values[i] : "null",
				 strlen(values[i] ? values[i] : "null") + 1);
	return 0;
}

static void hash_tables(const char *path, uint8_t *ret_hash)
{
	static const char *const queries[] = {
		"SELECT * FROM orders ORDER BY id",
		"SELECT * FROM order_units ORDER BY order_id, unit",
		"SELECT id, issued_entry, state, evidence, unit_source, rekeyed, order_id, "
		"product, "
		"unit, nest, operator, reason, hex(serial), hex(certificate_id), hex(key_sha256), "
		"hex(ca_id), reserved_at, issued_at, installed_at, ended_at FROM issuances ORDER "
		"BY id",
		"SELECT * FROM alarms ORDER BY kind, unit, other_unit",
		"SELECT hex(ca_id), number FROM crls ORDER BY ca_id",
		"SELECT * FROM latest ORDER BY type",
		"SELECT one, hex(ledger_id), epoch, size, hex(frontier), time_s, last FROM tree",
	};
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		assert_int_equal(sqlite3_exec(db, queries[i], add_row, digest, NULL), SQLITE_OK);
	EVP_DigestFinal_ex(digest, ret_hash, NULL);
	EVP_MD_CTX_free(digest);
	sqlite3_close(db);
}

static bool verify_file(struct rig *r, const struct head *expect, const struct head *today,
			struct verify_counts *ret_counts, struct err *e)
{
	static uint8_t page[65536];
	AUTO(verify) v = NULL;
	uint64_t next = 1;
	size_t len;

	if (!verify_new(&v, e) || (expect && !verify_expect(v, expect, e)))
		return false;
	while (next > 0) {
		assert_done(ledger_entries(r->ledger, next, page, sizeof(page), &len, &next, e), e);
		for (size_t at = 0; at < len;) {
			size_t size = (size_t)page[at + 2] << 8 | page[at + 3];

			if (!verify_entry(v, bytes_of(page + at + 4, size), e))
				return false;
			at += 4 + size;
		}
	}
	return verify_end(v, today, ret_counts, e);
}

/* What a unit may have had, to hold the ledger's answers against. */
struct model {
	struct rig_issuance unit[UNITS];
	enum state state[UNITS];
	uint32_t used[3], quantity[3];
	int order[UNITS];
	unsigned rekeys[UNITS], revocations[UNITS];
};

static void random_step(struct rig *r, struct model *m, struct rig_board *keys, unsigned *seed)
{
	static const char *const ids[] = { "R-0", "R-1", "R-2" };
	int u = rand_r(seed) % UNITS, o = rand_r(seed) % 3;
	bool live = m->state[u] == STATE_RESERVED || m->state[u] == STATE_ISSUED ||
		    m->state[u] == STATE_INSTALLED;
	char unit[16];
	struct err e;

	r->now += rand_r(seed) % 3;
	snprintf(unit, sizeof(unit), "R-%d", u);
	switch (rand_r(seed) % 6) {
	case 0: {
		/* one of two keys, and after each revocation of two new ones */
		struct rig_issuance i;
		bool wanted = !live && m->used[o] < m->quantity[o];

		if (m->revocations[u] == REVOCATIONS)
			return;
		rig_plan(r, unit,
			 &keys[2 * (u * REVOCATIONS + (int)m->revocations[u]) + rand_r(seed) % 2],
			 &i);
		assert_int_equal(rig_reserve(r, ids[o], &i, &e), wanted);
		if (!wanted)
			return;
		m->unit[u] = i;
		m->state[u] = STATE_RESERVED;
		m->order[u] = o;
		m->used[o]++;
		return;
	}
	case 1:
		if (m->state[u] == 0)
			return;
		assert_int_equal(rig_issue(r, &m->unit[u], &e), m->state[u] == STATE_RESERVED);
		if (m->state[u] == STATE_RESERVED)
			m->state[u] = STATE_ISSUED;
		return;
	case 2:
		if (m->state[u] == 0)
			return;
		assert_int_equal(rig_install(r, &m->unit[u], &e), m->state[u] == STATE_ISSUED);
		if (m->state[u] == STATE_ISSUED)
			m->state[u] = STATE_INSTALLED;
		return;
	case 3: {
		bool rekeyed = rand_r(seed) % 2 && m->rekeys[u] < 3;
		bool wanted =
			m->state[u] == STATE_ISSUED || (m->state[u] == STATE_RESERVED && !rekeyed);

		if (m->state[u] == 0)
			return;
		assert_int_equal(rig_end(r, &m->unit[u], ENTRY_VOID, rekeyed, &e), wanted);
		if (!wanted)
			return;
		m->used[m->order[u]] -= m->state[u] == STATE_RESERVED || rekeyed;
		m->rekeys[u] += rekeyed;
		m->state[u] = STATE_VOID;
		return;
	}
	case 4:
		if (m->state[u] == 0)
			return;
		assert_int_equal(rig_end(r, &m->unit[u], ENTRY_REVOKED, false, &e),
				 m->state[u] == STATE_INSTALLED);
		if (m->state[u] != STATE_INSTALLED)
			return;
		m->state[u] = STATE_REVOKED;
		m->revocations[u]++;
		return;
	case 5: {
		struct entry entry = rig_entry(r, ENTRY_ORDER_QUANTITY);
		unsigned quantity = m->used[o] + (unsigned)rand_r(seed) % 8;

		quantity -= quantity > 1; /* may be one too few */
		entry.order = T(ids[o]);
		entry.quantity = quantity;
		assert_int_equal(rig_append(r, &entry, &e), quantity > 0 && quantity >= m->used[o]);
		if (quantity > 0 && quantity >= m->used[o])
			m->quantity[o] = quantity;
		return;
	}
	}
}

static void random_lives(void **state)
{
	struct rig_board keys[KEYS];
	uint8_t before[32], after[32];
	struct verify_counts counts;

	(void)state;
	for (int k = 0; k < KEYS; k++)
		keys[k] = rig_board();
	for (unsigned seed = 1; seed <= 3; seed++) {
		struct model m = { .quantity = { 4, 4, 4 } };
		struct head middle = { 0 }, today;
		unsigned dice = seed;
		struct rig r;
		struct err e;

		rig_up(&r);
		rig_order(&r, "R-0", 4);
		rig_order(&r, "R-1", 4);
		rig_order(&r, "R-2", 4);
		for (int step = 0; step < STEPS; step++) {
			if (step % 5 == 0)
				assert_done(ledger_begin(r.ledger, &e), &e);
			random_step(&r, &m, keys, &dice);
			if (step % 5 == 4)
				assert_done(ledger_commit(r.ledger, &e), &e);
			if (step == STEPS / 2 - 1)
				middle = rig_head(&r);
		}
		for (int o = 0; o < 3; o++) {
			const char *ids[] = { "R-0", "R-1", "R-2" };

			assert_int_equal(used_of(&r, ids[o]), m.used[o]);
		}
		for (int u = 0; u < UNITS; u++) {
			struct issuance row;

			if (m.state[u] == 0)
				continue;
			assert_done(ledger_issuance(r.ledger, m.unit[u].id, &row, &e), &e);
			assert_int_equal(row.state, m.state[u]);
		}
		today = rig_head(&r);
		assert_done(verify_file(&r, &middle, &today, &counts, &e), &e);
		assert_true(counts.issued > 20 && counts.installed > 10 && counts.voided > 10 &&
			    counts.revoked > 5);
		rig_reopen(&r);
		hash_tables(r.path, before);
		assert_done(ledger_rebuild(r.ledger, &e), &e);
		hash_tables(r.path, after);
		assert_memory_equal(before, after, sizeof(before));
		rig_down(&r);
	}
	for (int k = 0; k < KEYS; k++)
		EVP_PKEY_free(keys[k].key);
}

static void tamper(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void entries_are_fixed(void **state)
{
	struct rig r;
	sqlite3 *db;

	(void)state;
	rig_up(&r);
	assert_int_equal(sqlite3_open(r.path, &db), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM entries", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "UPDATE entries SET data = x'00'", NULL, NULL, NULL),
			     SQLITE_OK);
	sqlite3_close(db);
	rig_down(&r);
}

/* A head from before, then the end of the file cut off as somebody with the disk could. */
static void cut_tail(void **state)
{
	struct verify_counts counts;
	struct head head;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 2);
	rig_order(&r, "WO-2", 2);
	head = rig_head(&r);
	assert_done(verify_file(&r, &head, &head, &counts, &e), &e);
	ledger_close(r.ledger);
	r.ledger = NULL;
	tamper(r.path, "DROP TRIGGER entries_stay; DELETE FROM entries WHERE number = 5");
	assert_err(ledger_open(r.path, &r.ledger, &e), &e, ERR_CORRUPT);
	rig_down(&r);
}

/* One byte of one entry changed: found on opening if it is the last one, by verify and by rebuild
 * wherever it is. */
static void flipped_byte(void **state)
{
	struct verify_counts counts;
	struct head head;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	rig_order(&r, "WO-1", 2);
	rig_order(&r, "WO-2", 2);
	rig_order(&r, "WO-3", 2);
	head = rig_head(&r);
	ledger_close(r.ledger);
	r.ledger = NULL;
	tamper(r.path, "DROP TRIGGER entries_are_fixed; UPDATE entries SET data = "
		       "CAST(replace(data, 'WO-1', 'WO-4') AS BLOB) WHERE number = 4");
	assert_done(ledger_open(r.path, &r.ledger, &e), &e);
	assert_err(verify_file(&r, NULL, &head, &counts, &e), &e, ERR_CORRUPT);
	assert_err(ledger_rebuild(r.ledger, &e), &e, ERR_CORRUPT);
	ledger_close(r.ledger);
	r.ledger = NULL;
	tamper(r.path, "UPDATE tree SET frontier = zeroblob(length(frontier) - 1)");
	assert_err(ledger_open(r.path, &r.ledger, &e), &e, ERR_CORRUPT);
	rig_down(&r);
}

static void backups(void **state)
{
	char path[100], id[16];
	struct head before, after;
	struct backup *backup;
	struct ledger *copy;
	int fd, steps = 0;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	assert_done(ledger_begin(r.ledger, &e), &e);
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "WO-1-%d", i);
		rig_order(&r, id, 2);
	}
	assert_done(ledger_commit(r.ledger, &e), &e);
	ledger_head(r.ledger, &before);
	snprintf(path, sizeof(path), "%s/backup.db", r.folder);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	/* what is not committed is not in it, and does not stand in its way */
	assert_done(ledger_begin(r.ledger, &e), &e);
	rig_order(&r, "WO-2", 2);
	assert_done(backup_start(r.ledger, fd, &backup, &e), &e);
	assert_done(ledger_commit(r.ledger, &e), &e);
	for (bool done = false; !done; steps++) {
		snprintf(id, sizeof(id), "WO-3-%d", steps);
		rig_order(&r, id, 2); /* nor is what comes meanwhile */
		assert_done(backup_step(backup, &done, &e), &e);
		assert_true(steps < 100);
	}
	assert_true(steps > 3);
	backup_free(backup);
	close(fd);
	assert_done(ledger_open(path, &copy, &e), &e);
	ledger_head(copy, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_done(ledger_rebuild(copy, &e), &e);
	ledger_close(copy);
	unlink(path);
	strcat(path, ".lock");
	unlink(path);
	rig_down(&r);
}

static int64_t pragma(struct rig *r, const char *text)
{
	AUTO(statement) statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(r->ledger->db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	if (sqlite3_column_type(statement, 0) == SQLITE_TEXT)
		return strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
	return sqlite3_column_int64(statement, 0);
}

/* What durability rests on, after the making and after each opening. */
static void settings(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pragma(&r, "PRAGMA synchronous"), 2); /* FULL */
		assert_int_equal(pragma(&r, "PRAGMA journal_mode"), 1);
		assert_int_equal(pragma(&r, "PRAGMA foreign_keys"), 1);
		assert_int_equal(pragma(&r, "PRAGMA trusted_schema"), 0);
		rig_reopen(&r);
	}
	rig_down(&r);
}

/* A stranger's lock: refused, and no harm done. */
static void stranger(void **state)
{
	struct head before, after;
	struct rig r;
	struct err e;
	sqlite3 *db;

	(void)state;
	rig_up(&r);
	ledger_head(r.ledger, &before);
	assert_int_equal(sqlite3_open(r.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_err(ledger_begin(r.ledger, &e), &e, ERR_SYSTEM);
	sqlite3_close(db);
	assert_false(ledger_in_transaction(r.ledger));
	rig_order(&r, "WO-2", 2);
	ledger_head(r.ledger, &after);
	assert_int_equal(after.size, before.size + 1);
	rig_down(&r);
}

/* A disk that takes no more bytes spoils the transaction; nothing of it stays. */
static void full_disk(void **state)
{
	struct entry entry;
	struct head before, after;
	char list[LIST_MAX_LEN];
	struct rig r;
	struct err e;
	size_t len = 0;

	(void)state;
	rig_up(&r);
	ledger_head(r.ledger, &before);
	assert_int_equal(sqlite3_exec(r.ledger->db, "PRAGMA max_page_count=1", NULL, NULL, NULL),
			 SQLITE_OK);
	while (len < sizeof(list) - 16)
		len += (size_t)sprintf(list + len, "T-%zu\n", len);
	assert_done(ledger_begin(r.ledger, &e), &e);
	entry = rig_entry(&r, ENTRY_ORDER_OPENED);
	entry.order = T("WO-1");
	entry.product = T("demo");
	entry.quantity = 1;
	entry.units = UNITS_LIST;
	entry.list = bytes_of(list, len);
	assert_err(ledger_append(r.ledger, &entry, &e), &e, ERR_SYSTEM);
	assert_err(ledger_append(r.ledger, &entry, &e), &e, ERR_SYSTEM);
	assert_err(ledger_commit(r.ledger, &e), &e, ERR_SYSTEM);
	assert_false(ledger_in_transaction(r.ledger));
	ledger_head(r.ledger, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	rig_reopen(&r);
	assert_done(rig_append(&r, &entry, &e), &e);
	rig_down(&r);
}

static int say_no(void *context)
{
	(void)context;
	return 1;
}

/* A commit that fails ends the handle: nobody may go on as if he knew what is on the disk. */
static void failed_commit(void **state)
{
	struct entry entry;
	struct head before, after;
	struct order order;
	struct rig r;
	struct err e;

	(void)state;
	rig_up(&r);
	ledger_head(r.ledger, &before);
	sqlite3_commit_hook(r.ledger->db, say_no, NULL);
	entry = rig_entry(&r, ENTRY_TIME_ACCEPTED);
	entry.reason = T("test");
	assert_err(rig_append(&r, &entry, &e), &e, ERR_SYSTEM);
	sqlite3_commit_hook(r.ledger->db, NULL, NULL);
	assert_err(ledger_begin(r.ledger, &e), &e, ERR_SYSTEM);
	assert_err(ledger_order(r.ledger, "WO-1", &order, &e), &e, ERR_SYSTEM);
	ledger_head(r.ledger, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	rig_reopen(&r);
	assert_done(rig_append(&r, &entry, &e), &e);
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creates_once),	 cmocka_unit_test(rolls_back),
		cmocka_unit_test(orders),	 cmocka_unit_test(patterns),
		cmocka_unit_test(moves),	 cmocka_unit_test(refuses),
		cmocka_unit_test(new_epoch),	 cmocka_unit_test(lookups),
		cmocka_unit_test(random_lives),	 cmocka_unit_test(entries_are_fixed),
		cmocka_unit_test(cut_tail),	 cmocka_unit_test(flipped_byte),
		cmocka_unit_test(backups),	 cmocka_unit_test(stranger),
		cmocka_unit_test(settings),	 cmocka_unit_test(full_disk),
		cmocka_unit_test(failed_commit), cmocka_unit_test(void_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
