/* What the signer answers to a checked request: each case is a history of the ledger, one question,
 * and the verdict. */
#include "tests/unit/ledger_rig.h"

#include "hsm/api/refusal.h"
#include "hsm/ledger/rules.h"

#include <ctype.h>

/* Histories are words of a unit, a key, and moves: "T-1:a:rin" reserves, issues and installs for
 * unit T-1 with key a. Moves: r i n (installed) v (void) k (void, rekeyed) x (revoked). Each r
 * begins the next issuance of the word. An order is O (quantity 3, any unit), L (list T-1), P
 * (pattern T-[0-9]), E (ended), C (closed), F (full: quantity 1, taken by unit Z). */
struct rules_case {
	const char *name;
	const char *history;
	const char *unit;
	char key;
	char order;
	bool rekey;
	enum verdict verdict;
	int refusal;
	const char *sentence; /* a part of it */
};

#define OK 0
static const struct rules_case cases[] = {
	{ "a new unit", "", "T-1", 'a', 'O', 0, VERDICT_NEW, OK, NULL },
	{ "the same again, issued", "T-1:a:ri", "T-1", 'a', 'O', 0, VERDICT_AGAIN, OK, NULL },
	{ "the same again, installed", "T-1:a:rin", "T-1", 'a', 'O', 0, VERDICT_AGAIN, OK, NULL },
	{ "the same again, order closed", "T-1:a:ri", "T-1", 'a', 'C', 0, VERDICT_AGAIN, OK, NULL },
	{ "the same again, order full", "T-1:a:ri", "T-1", 'a', 'F', 0, VERDICT_AGAIN, OK, NULL },
	{ "the same again, no order", "T-1:a:ri", "T-1", 'a', '-', 0, VERDICT_AGAIN, OK, NULL },
	{ "just being signed", "T-1:a:r", "T-1", 'a', 'O', 0, VERDICT_PENDING, OK, NULL },
	{ "another key", "T-1:a:ri", "T-1", 'b', 'O', 0, VERDICT_REFUSED, REFUSAL_UNIT_OTHER_KEY,
	  "a supervisor voids it: imprint void T-1 --reason" },
	{ "another key, installed", "T-1:a:rin", "T-1", 'b', 'O', 0, VERDICT_REFUSED,
	  REFUSAL_UNIT_OTHER_KEY, "imprint revoke T-1 --reason" },
	{ "another key, being signed", "T-1:a:r", "T-1", 'b', 'O', 0, VERDICT_REFUSED,
	  REFUSAL_UNIT_OTHER_KEY, "second board" },
	{ "another key after void", "T-1:a:riv", "T-1", 'b', 'O', 0, VERDICT_NEW, OK, NULL },
	{ "the same key after void", "T-1:a:riv", "T-1", 'a', 'O', 0, VERDICT_NEW, OK, NULL },
	{ "the same key, never signed", "T-1:a:rv", "T-1", 'a', 'O', 0, VERDICT_NEW, OK, NULL },
	{ "a new key after revoked", "T-1:a:rinx", "T-1", 'b', 'O', 0, VERDICT_NEW, OK, NULL },
	{ "the revoked key", "T-1:a:rinx", "T-1", 'a', 'O', 0, VERDICT_REFUSED, REFUSAL_KEY_REVOKED,
	  "revoked" },
	{ "the revoked key, a later one void", "T-1:a:rinx T-1:b:riv", "T-1", 'a', 'O', 0,
	  VERDICT_REFUSED, REFUSAL_KEY_REVOKED, "revoked" },
	{ "the revoked key, another unit", "T-1:a:rinx", "T-2", 'a', 'O', 0, VERDICT_ALARM,
	  REFUSAL_KEY_OTHER_UNIT, "key of unit T-1" },
	{ "another unit's key", "T-1:a:rin", "T-2", 'a', 'O', 0, VERDICT_ALARM,
	  REFUSAL_KEY_OTHER_UNIT, "unit T-2 shows the key of unit T-1" },
	{ "another unit's key, being signed", "T-1:a:r", "T-2", 'a', 'O', 0, VERDICT_ALARM,
	  REFUSAL_KEY_OTHER_UNIT, "reserved" },
	{ "another unit's key, void", "T-1:a:riv", "T-2", 'a', 'O', 0, VERDICT_ALARM,
	  REFUSAL_KEY_OTHER_UNIT, "void" },
	{ "another unit's key, never signed", "T-1:a:rv", "T-2", 'a', 'O', 0, VERDICT_NEW, OK,
	  NULL },
	{ "another unit's key, order closed", "T-1:a:ri", "T-2", 'a', 'C', 0, VERDICT_ALARM,
	  REFUSAL_KEY_OTHER_UNIT, "T-1" },
	{ "the old key while a new one is in force", "T-1:a:riv T-1:b:ri", "T-1", 'a', 'O', 0,
	  VERDICT_REFUSED, REFUSAL_UNIT_OTHER_KEY, "T-1" },
	{ "no order", "", "T-1", 'a', '-', 0, VERDICT_REFUSED, REFUSAL_ORDER_NONE,
	  "imprint order use" },
	{ "order closed", "", "T-1", 'a', 'C', 0, VERDICT_REFUSED, REFUSAL_ORDER_CLOSED, "T-1" },
	{ "order ended", "", "T-1", 'a', 'E', 0, VERDICT_REFUSED, REFUSAL_ORDER_LATE,
	  "ended on 2" },
	{ "on the list", "", "T-1", 'a', 'L', 0, VERDICT_NEW, OK, NULL },
	{ "not on the list", "", "T-2", 'a', 'L', 0, VERDICT_REFUSED, REFUSAL_ORDER_UNIT, "list" },
	{ "in the pattern", "", "T-2", 'a', 'P', 0, VERDICT_NEW, OK, NULL },
	{ "not in the pattern", "", "T-22", 'a', 'P', 0, VERDICT_REFUSED, REFUSAL_ORDER_UNIT,
	  "pattern" },
	{ "order full", "", "T-1", 'a', 'F', 0, VERDICT_REFUSED, REFUSAL_ORDER_QUOTA,
	  "quantity of 1" },
	{ "rekey", "T-1:a:ri", "T-1", 'b', 'O', 1, VERDICT_REKEY, OK, NULL },
	{ "rekey, the third", "T-1:a:rikrikri", "T-1", 'b', 'O', 1, VERDICT_REKEY, OK, NULL },
	{ "rekey, the fourth", "T-1:a:rikrikrikri", "T-1", 'b', 'O', 1, VERDICT_REFUSED,
	  REFUSAL_REKEY_LIMIT, "imprint void T-1" },
	{ "rekey, voided by hand", "T-1:a:rikrikrikriv", "T-1", 'b', 'O', 1, VERDICT_NEW, OK,
	  NULL },
	{ "rekey, installed", "T-1:a:rin", "T-1", 'b', 'O', 1, VERDICT_REFUSED,
	  REFUSAL_UNIT_OTHER_KEY, "revoke" },
	{ "rekey, being signed", "T-1:a:r", "T-1", 'b', 'O', 1, VERDICT_REFUSED,
	  REFUSAL_UNIT_OTHER_KEY, "T-1" },
	{ "rekey, order closed", "T-1:a:ri", "T-1", 'b', 'C', 1, VERDICT_REFUSED,
	  REFUSAL_ORDER_CLOSED, "T-1" },
	{ "rekey, its own place in the order", "T-1:a:ri T-2:b:ri T-3:c:ri", "T-1", 'd', 'O', 1,
	  VERDICT_REKEY, OK, NULL },
	{ "rekey, another order and full", "T-1:a:ri", "T-1", 'b', 'F', 1, VERDICT_REFUSED,
	  REFUSAL_ORDER_QUOTA, "T-1" },
};

static struct rig_board boards[26];

static void open_order(struct rig *r, const char *id)
{
	struct entry entry = rig_entry(r, ENTRY_ORDER_OPENED);

	entry.order = T(id);
	entry.product = T("demo");
	entry.quantity = *id == 'F' ? 1 : 3;
	entry.units = *id == 'L' ? UNITS_LIST : *id == 'P' ? UNITS_PATTERN : UNITS_ANY;
	entry.list = T(*id == 'L' ? "T-1\n" : "");
	entry.pattern = T(*id == 'P' ? "T-[0-9]" : "");
	entry.until = *id == 'E' ? T0 + 5 : 0;
	rig_must(r, entry);
	if (*id == 'C') {
		entry = rig_entry(r, ENTRY_ORDER_CLOSED);
		entry.order = T(id);
		rig_must(r, entry);
	}
}

static void live(struct rig *r, const char *unit, const struct rig_board *board, const char *order,
		 const char *moves)
{
	struct rig_issuance i;
	struct err e;

	for (; isalpha((unsigned char)*moves); moves++) {
		if (*moves == 'r') {
			rig_plan(r, unit, board, &i);
			assert_done(rig_reserve(r, order, &i, &e), &e);
		} else if (*moves == 'i') {
			assert_done(rig_issue(r, &i, &e), &e);
		} else if (*moves == 'n') {
			assert_done(rig_install(r, &i, &e), &e);
		} else {
			assert_done(rig_end(r, &i, *moves == 'x' ? ENTRY_REVOKED : ENTRY_VOID,
					    *moves == 'k', &e),
				    &e);
		}
	}
}

static void make_history(struct rig *r, const char *history)
{
	static const char *const orders[] = { "O", "L", "P", "E", "C", "F" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		open_order(r, orders[i]);
	live(r, "Z", &boards[25], "F", "ri");
	for (const char *word = history; *word; word += strcspn(word, " "), word += *word == ' ') {
		char unit[8] = "";

		memcpy(unit, word, strcspn(word, ":"));
		live(r, unit, &boards[word[strlen(unit) + 1] - 'a'], "O", word + strlen(unit) + 3);
	}
}

static void check_answer(const struct rules_case *c, struct rig *r)
{
	static const char *const names[] = {
		"refused", "new", "again", "pending", "rekey", "alarm"
	};
	char id[2] = { c->order, '\0' };
	struct order order;
	struct rules_question q = {
		.unit = c->unit,
		.product = "demo",
		.key_sha256 = boards[c->key - 'a'].key_sha256,
		.ca_id = r->ca_id,
		.rekey_before_installed = c->rekey,
		.now_s = T0 + 60,
	};
	struct issuance issuance;
	enum verdict verdict;
	struct err refusal, e;

	if (c->order != '-') {
		assert_done(ledger_order(r->ledger, id, &order, &e), &e);
		q.order = &order;
	}
	assert_done(rules_decide(r->ledger, &q, &verdict, &issuance, &refusal, &e), &e);
	if (verdict != c->verdict || refusal.code != c->refusal)
		fail_msg("%s: %s, %d: %s", c->name, names[verdict], refusal.code, refusal.text);
	if (c->refusal && (!strstr(refusal.text, c->unit) || !strstr(refusal.text, c->sentence)))
		fail_msg("%s: %s", c->name, refusal.text);
	if (verdict == VERDICT_AGAIN || verdict == VERDICT_REKEY || verdict == VERDICT_PENDING)
		assert_string_equal(issuance.unit, c->unit);
	if (verdict == VERDICT_ALARM)
		assert_string_equal(issuance.unit, "T-1");
}

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;

		rig_up(&r);
		make_history(&r, cases[i].history);
		check_answer(&cases[i], &r);
		rig_down(&r);
	}
}

/* The same board for another product or under a new CA is not given the old certificate. */
static void other_product_or_ca(void **state)
{
	static const struct {
		const char *moves;
		const char *product;
		bool other_ca;
		const char *sentence;
	} rows[] = {
		{ "ri", "other", false, "a supervisor voids it first: imprint void T-1" },
		{ "rin", "other", false, "a supervisor revokes it first: imprint revoke T-1" },
		{ "r", "other", false, "product demo, not other" },
		{ "ri", "demo", true, "an earlier CA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t other_ca[SHA256_LEN] = { 1 };
		struct issuance issuance;
		enum verdict verdict;
		struct order order;
		struct err refusal, e;
		struct rig r;

		rig_up(&r);
		open_order(&r, "O");
		live(&r, "T-1", &boards[0], "O", rows[i].moves);
		assert_done(ledger_order(r.ledger, "O", &order, &e), &e);
		assert_done(rules_decide(r.ledger,
					 &(struct rules_question) {
						 .unit = "T-1",
						 .product = rows[i].product,
						 .key_sha256 = boards[0].key_sha256,
						 .ca_id = rows[i].other_ca ? other_ca : r.ca_id,
						 .order = &order,
						 .now_s = T0 },
					 &verdict, &issuance, &refusal, &e),
			    &e);
		assert_int_equal(verdict, VERDICT_REFUSED);
		assert_int_equal(refusal.code, REFUSAL_UNIT_OTHER_KEY);
		if (!strstr(refusal.text, rows[i].sentence))
			fail_msg("%s", refusal.text);
		rig_down(&r);
	}
}

static void quantity_at_its_limit(void **state)
{
	struct order order = { .id = "X", .quantity = UINT32_MAX, .used = 7, .state = ORDER_OPEN };
	struct issuance issuance;
	enum verdict verdict;
	struct err refusal, e;
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_done(rules_decide(r.ledger,
				 &(struct rules_question) { .unit = "T-1",
							    .product = "demo",
							    .key_sha256 = boards[0].key_sha256,
							    .ca_id = r.ca_id,
							    .order = &order,
							    .now_s = T0 },
				 &verdict, &issuance, &refusal, &e),
		    &e);
	assert_int_equal(verdict, VERDICT_NEW);
	rig_down(&r);
}

/* Every refusal has a name of its own, a remedy, and no other number has one. */
static void refusal_table(void **state)
{
	(void)state;
	for (int a = REFUSAL_FIRST; a < REFUSAL_LAST; a++) {
		assert_true(refusal_name(a) && refusal_name(a)[0]);
		assert_true(strlen(refusal_remedy(a)) > 10);
		for (int b = REFUSAL_FIRST; b < a; b++)
			assert_string_not_equal(refusal_name(a), refusal_name(b));
	}
	assert_string_equal(refusal_name(REFUSAL_LAST), "");
	assert_string_equal(refusal_name(0), "");
	assert_true(refusal_blames_board(REFUSAL_CSR));
	assert_false(refusal_blames_board(REFUSAL_TOKEN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(other_product_or_ca),
		cmocka_unit_test(quantity_at_its_limit),
		cmocka_unit_test(refusal_table),
	};
	int failed;

	for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++)
		boards[i] = rig_board();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++)
		EVP_PKEY_free(boards[i].key);
	return failed;
}
