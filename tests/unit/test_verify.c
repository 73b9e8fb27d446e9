/* An auditor's check: good ledgers pass, and each way of cheating is found. The entries are written
 * here by hand, past the ledger's own checks. */
#include "tests/unit/ledger_rig.h"

#include "hsm/api/proof/merkle.h"
#include "hsm/api/proof/verify.h"

#define ENTRIES_MAX 64

/* A ledger as a list of entries. */
struct script {
	struct rig rig; /* keys and CA; its ledger stays unused */
	uint8_t data[ENTRIES_MAX][4096];
	size_t len[ENTRIES_MAX];
	size_t count;
	uint32_t epoch;
	struct rig_board boards[3];
	struct rig_issuance issuances[ENTRIES_MAX];
	size_t issuance_count;
};

static const uint8_t ledger_id[LEDGER_ID_LEN] = { 1, 2, 3 };

static void add(struct script *s, struct entry entry)
{
	struct err e;

	assert_true(s->count < ENTRIES_MAX);
	s->epoch += entry.type == ENTRY_LEDGER;
	memcpy(entry.ledger_id, ledger_id, LEDGER_ID_LEN);
	entry.epoch = entry.epoch ? entry.epoch : s->epoch;
	entry.number = entry.number ? entry.number : s->count + 1;
	entry.time_s = entry.time_s ? entry.time_s : s->rig.now;
	assert_done(
		entry_encode(&entry, s->data[s->count], sizeof(s->data[0]), &s->len[s->count], &e),
		&e);
	s->count++;
}

static void add_ledger(struct script *s)
{
	add(s, (struct entry) { .type = ENTRY_LEDGER,
				.station = T("SZ1"),
				.key = bytes_of(s->rig.spki, s->rig.spki_len) });
}

static void add_order(struct script *s, const char *id, uint64_t quantity, const char *list)
{
	add(s, (struct entry) { .type = ENTRY_ORDER_OPENED,
				.order = T(id),
				.product = T("demo"),
				.quantity = quantity,
				.units = list ? UNITS_LIST : UNITS_ANY,
				.list = T(list ? list : "") });
}

static void begin(struct script *s)
{
	uint8_t key[128];

	add_ledger(s);
	add(s, (struct entry) { .type = ENTRY_CA_KEY,
				.subject = T("CN=Test CA"),
				.key = bytes_of(key, rig_spki(s->rig.ca_key, key)) });
	add(s, (struct entry) { .type = ENTRY_CA,
				.certificate = bytes_of(s->rig.ca_der, s->rig.ca_der_len) });
	add_order(s, "WO", 3, NULL);
}

static struct rig_issuance *reserve_in(struct script *s, const char *order, const char *unit,
				       int board)
{
	struct rig_issuance *i = &s->issuances[s->issuance_count++];

	rig_plan(&s->rig, unit, &s->boards[board], i);
	i->id = s->count + 1;
	add(s, (struct entry) { .type = ENTRY_RESERVED,
				.order = T(order),
				.product = T("demo"),
				.unit = T(unit),
				.source = SOURCE_BOARD,
				.serial = BYTES(i->serial),
				.key_sha256 = BYTES(i->board->key_sha256),
				.tbs_sha256 = BYTES(i->tbs_sha256),
				.ca_id = BYTES(s->rig.ca_id) });
	return i;
}

static struct rig_issuance *reserve(struct script *s, const char *unit, int board)
{
	return reserve_in(s, "WO", unit, board);
}

static void issue(struct script *s, const struct rig_issuance *i)
{
	add(s, (struct entry) { .type = ENTRY_ISSUED,
				.issuance = i->id,
				.certificate = bytes_of(i->der, i->der_len) });
}

static void install(struct script *s, const struct rig_issuance *i, EVP_PKEY *key)
{
	uint8_t nonce[SHA256_LEN] = { 7 }, digests[SHA256_LEN] = { 9 }, id[SHA256_LEN];
	struct bytes der = bytes_of(i->der, i->der_len);
	uint8_t message[512], signature[80];
	size_t len = 0;
	struct bytes parts[] = { bytes_of("imprint-prove-v1", 17), BYTES(nonce), BYTES(id),
				 T(i->unit), BYTES(digests) };

	sha256(&der, 1, id);
	for (size_t p = 0; p < 5; p++) {
		memcpy(message + len, parts[p].data, parts[p].len);
		len += parts[p].len;
	}
	len = rig_sign(key, bytes_of(message, len), signature);
	add(s, (struct entry) { .type = ENTRY_INSTALLED,
				.issuance = i->id,
				.evidence = EVIDENCE_SIGNED,
				.nonce = BYTES(nonce),
				.digests = BYTES(digests),
				.signature = bytes_of(signature, len) });
}

static void end(struct script *s, const struct rig_issuance *i, enum entry_type type,
		uint64_t rekeyed)
{
	add(s, (struct entry) {
		       .type = type, .issuance = i->id, .reason = T("test"), .rekeyed = rekeyed });
}

/* The ways of the table below: each goes on from a ledger with its CA and an order of three. */
static void whole_life(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	issue(s, i);
	install(s, i, i->board->key);
	end(s, i, ENTRY_REVOKED, 0);
	i = reserve(s, "T-1", 1);
	issue(s, i);
	end(s, i, ENTRY_VOID, 0);
	i = reserve(s, "T-1", 1);
	end(s, i, ENTRY_VOID, 0);
	i = reserve(s, "T-1", 1);
	issue(s, i);
	end(s, i, ENTRY_VOID, 1);
	issue(s, reserve(s, "T-1", 1));
}

static void never_signed_key(struct script *s)
{
	end(s, reserve(s, "T-1", 0), ENTRY_VOID, 0);
	issue(s, reserve(s, "T-2", 0));
}

static void restored(struct script *s)
{
	add_ledger(s);
	add(s, (struct entry) { .type = ENTRY_RESTORED, .reason = T("disk broken") });
	add_order(s, "WO-2", 1, "T-7\nT-8");
	issue(s, reserve_in(s, "WO-2", "T-8", 0));
}

/* A restore that knows of a second epoch, which is lost, begins the third. */
static void restored_again(struct script *s)
{
	s->epoch++;
	restored(s);
}

static void time_accepted(struct script *s)
{
	add(s, (struct entry) {
		       .type = ENTRY_TIME_ACCEPTED, .reason = T("battery"), .time_s = T0 - 1000 });
	s->rig.now = T0 - 900;
	add_order(s, "WO-2", 1, NULL);
}

static void serial_twice(struct script *s)
{
	const struct rig_issuance *i = reserve(s, "T-1", 0);
	struct entry entry;
	struct err e;

	assert_done(entry_decode(bytes_of(s->data[i->id - 1], s->len[i->id - 1]), &entry, &e), &e);
	entry.unit = T("T-2");
	entry.key_sha256 = BYTES(s->boards[1].key_sha256);
	entry.number = 0;
	add(s, entry);
}

static void key_on_two_units(struct script *s)
{
	issue(s, reserve(s, "T-1", 0));
	reserve(s, "T-2", 0);
}

static void void_key_on_two_units(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	issue(s, i);
	end(s, i, ENTRY_VOID, 0);
	reserve(s, "T-2", 0);
}

static void revoked_key(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	issue(s, i);
	install(s, i, i->board->key);
	end(s, i, ENTRY_REVOKED, 0);
	reserve(s, "T-1", 0);
}

static void two_in_force(struct script *s)
{
	issue(s, reserve(s, "T-1", 0));
	reserve(s, "T-1", 1);
}

static void over_quota(struct script *s)
{
	add_order(s, "W1", 1, NULL);
	reserve_in(s, "W1", "T-1", 0);
	reserve_in(s, "W1", "T-2", 1);
}

static void void_keeps_quota(struct script *s)
{
	struct rig_issuance *i;

	add_order(s, "W1", 1, NULL);
	i = reserve_in(s, "W1", "T-1", 0);
	issue(s, i);
	end(s, i, ENTRY_VOID, 0);
	reserve_in(s, "W1", "T-2", 1);
}

static void closed_order(struct script *s)
{
	add(s, (struct entry) { .type = ENTRY_ORDER_CLOSED, .order = T("WO") });
	reserve(s, "T-1", 0);
}

static void closed_by_restore(struct script *s)
{
	add_ledger(s);
	add(s, (struct entry) { .type = ENTRY_RESTORED, .reason = T("disk broken") });
	reserve(s, "T-1", 0);
}

static void not_on_list(struct script *s)
{
	add_order(s, "W1", 1, "T-7\nT-8\n");
	reserve_in(s, "W1", "T-9", 0);
}

static void add_limited(struct script *s, const char *pattern, uint64_t until)
{
	add(s, (struct entry) { .type = ENTRY_ORDER_OPENED,
				.order = T("W1"),
				.product = T("demo"),
				.quantity = 9,
				.units = *pattern ? UNITS_PATTERN : UNITS_ANY,
				.pattern = T(pattern),
				.until = until });
}

static void within_limits(struct script *s)
{
	add_limited(s, "T-[0-9]+", (uint64_t)s->rig.now);
	reserve_in(s, "W1", "T-9", 0);
}

static void not_of_pattern(struct script *s)
{
	add_limited(s, "T-[0-9]+", 0);
	reserve_in(s, "W1", "T-9x", 0);
}

static void no_pattern(struct script *s)
{
	add_limited(s, "T-(", 0);
	reserve_in(s, "W1", "T-9", 0);
}

static void immodest_pattern(struct script *s)
{
	add_limited(s, "((T{99}){99}){99}", 0);
	reserve_in(s, "W1", "T-9", 0);
}

static void after_the_end(struct script *s)
{
	add_limited(s, "", (uint64_t)s->rig.now - 1);
	reserve_in(s, "W1", "T-9", 0);
}

static void rekeyed_too_often(struct script *s)
{
	for (int n = 0; n < 4; n++) {
		struct rig_issuance *i = reserve(s, "T-1", 0);

		issue(s, i);
		end(s, i, ENTRY_VOID, 1);
	}
}

static void never_reserved(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	i->id = 99;
	issue(s, i);
}

static void installed_unissued(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	install(s, i, i->board->key);
}

static void other_certificate(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	rig_plan(&s->rig, "T-1", &s->boards[0], &s->issuances[ENTRIES_MAX - 1]);
	s->issuances[ENTRIES_MAX - 1].id = i->id;
	issue(s, &s->issuances[ENTRIES_MAX - 1]);
}

/* The last byte of the signature: still DER, but not the CA's. */
static void forged_certificate(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	i->der[i->der_len - 1] ^= 1;
	issue(s, i);
}

static void trailing_byte(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	i->der_len++;
	issue(s, i);
}

static void forged_proof(struct script *s)
{
	struct rig_issuance *i = reserve(s, "T-1", 0);

	issue(s, i);
	install(s, i, s->boards[1].key);
}

static void other_ca(struct script *s)
{
	s->rig.ca_id[0] ^= 1;
	reserve(s, "T-1", 0);
}

static void foreign_ca(struct script *s)
{
	static const uint8_t one[] = { 1 };
	EVP_PKEY *ours = s->rig.ca_key, *theirs = s->boards[0].key;
	uint8_t der[1024];
	X509 *x;

	s->rig.ca_key = theirs;
	x = rig_certificate(&s->rig, "Test CA", theirs, BYTES(one));
	s->rig.ca_key = ours;
	add(s, (struct entry) { .type = ENTRY_CA, .certificate = bytes_of(der, rig_der(x, der)) });
	X509_free(x);
}

static void gap(struct script *s)
{
	add(s, (struct entry) { .type = ENTRY_ORDER_USED, .order = T("WO"), .number = 7 });
}

static void time_runs_back(struct script *s)
{
	s->rig.now--;
	add_order(s, "W1", 1, NULL);
}

static void epoch_without_restore(struct script *s)
{
	add_ledger(s);
	add_order(s, "W1", 1, NULL);
}

static void same_epoch(struct script *s)
{
	s->epoch--;
	add_ledger(s);
}

static void restored_from_nothing(struct script *s)
{
	add_ledger(s);
	add(s, (struct entry) { .type = ENTRY_RESTORED, .head = T("{}"), .reason = T("test") });
}

static void wrong_epoch(struct script *s)
{
	add(s, (struct entry) { .type = ENTRY_ORDER_USED, .order = T("WO"), .epoch = 2 });
}

static void crl_number(struct script *s)
{
	for (int n = 0; n < 2; n++)
		add(s, (struct entry) { .type = ENTRY_CRL,
					.ca_id = BYTES(s->rig.ca_id),
					.sha256 = BYTES(s->rig.ca_id),
					.crl_number = 4 });
}

static void add_verification(struct script *s, const char *name)
{
	static const uint8_t serial[] = { 0x77 };
	X509 *x = rig_certificate(&s->rig, name, s->boards[0].key, BYTES(serial));
	uint8_t der[1024];

	add(s, (struct entry) { .type = ENTRY_VERIFICATION,
				.code = T("0123abcd"),
				.certificate = bytes_of(der, rig_der(x, der)) });
	X509_free(x);
}

static void verification(struct script *s)
{
	add_verification(s, "0123abcd");
}

static void wrong_code(struct script *s)
{
	add_verification(s, "0123abce");
}

static void quantity_below_used(struct script *s)
{
	reserve(s, "T-1", 0);
	reserve(s, "T-2", 1);
	add(s, (struct entry) { .type = ENTRY_ORDER_QUANTITY, .order = T("WO"), .quantity = 1 });
}

static const struct {
	const char *name;
	void (*go)(struct script *s);
	const char *finding; /* NULL: clean */
} cases[] = {
	{ "a whole life", whole_life, NULL },
	{ "a key that was never signed moves on", never_signed_key, NULL },
	{ "restored", restored, NULL },
	{ "restored again", restored_again, NULL },
	{ "time accepted", time_accepted, NULL },
	{ "verification certificate", verification, NULL },
	{ "serial twice", serial_twice, "entry 6: the certificate serial was used" },
	{ "key on two units", key_on_two_units, "entry 7: the key is that of another unit" },
	{ "void key on two units", void_key_on_two_units, "entry 8: the key is that of another" },
	{ "revoked key", revoked_key, "entry 9: the key was revoked" },
	{ "two in force", two_in_force, "entry 7: the unit has a certificate in force" },
	{ "over quota", over_quota, "entry 7: the order's quantity was used up" },
	{ "void keeps quota", void_keeps_quota, "entry 9: the order's quantity was used up" },
	{ "closed order", closed_order, "entry 6: the order is closed" },
	{ "closed by restore", closed_by_restore, "entry 7: the order is closed" },
	{ "not on the list", not_on_list, "entry 6: the unit is not on the order's list" },
	{ "within the order's limits", within_limits, NULL },
	{ "not of the pattern", not_of_pattern, "entry 6: the unit does not match the order's" },
	{ "no pattern", no_pattern, "entry 6: the pattern T-( is not a POSIX" },
	{ "immodest pattern", immodest_pattern, "entry 6: the pattern ((T{99}){99}){99}: its" },
	{ "after the order's end", after_the_end, "entry 6: the order was over" },
	{ "rekeyed too often", rekeyed_too_often, "entry 16: the unit was given a new key too" },
	{ "never reserved", never_reserved, "entry 6: there is no issuance 99" },
	{ "installed unissued", installed_unissued, "reserved and cannot become installed" },
	{ "other certificate", other_certificate, "not the one that was reserved" },
	{ "forged certificate", forged_certificate, "not signed by its CA" },
	{ "trailing byte", trailing_byte, "this is not a certificate" },
	{ "forged proof", forged_proof, "entry 7: the board's proof: the signature" },
	{ "other CA", other_ca, "CA that was not in use" },
	{ "foreign CA", foreign_ca, "not made in the token" },
	{ "gap", gap, "entry 5: it says that it is number 7" },
	{ "time runs back", time_runs_back, "entry 5: its time lies before" },
	{ "epoch without restore", epoch_without_restore,
	  "entry 6: a new epoch does not begin so" },
	{ "same epoch", same_epoch, "entry 5: the epoch is wrong" },
	{ "restored from nothing", restored_from_nothing,
	  "entry 6: the old head that it names is none of this ledger" },
	{ "wrong epoch", wrong_epoch, "entry 5: the epoch is wrong" },
	{ "CRL number", crl_number, "entry 6: the CRL number 4 does not rise" },
	{ "wrong code", wrong_code, "another registration code" },
	{ "quantity below used", quantity_below_used, "entry 7: the order's quantity falls below" },
};

static void script_up(struct script *s)
{
	rig_up(&s->rig);
	s->count = s->issuance_count = s->epoch = 0;
	for (int b = 0; b < 3; b++)
		s->boards[b] = rig_board();
	begin(s);
}

static void script_down(struct script *s)
{
	for (int b = 0; b < 3; b++)
		EVP_PKEY_free(s->boards[b].key);
	rig_down(&s->rig);
}

static struct head head_at(struct script *s, size_t size)
{
	struct head head = { .epoch = s->epoch, .size = size, .time_s = T0 };
	uint8_t data[HEAD_SIGNED_MAX], leaf[MERKLE_HASH];
	struct merkle tree = { 0 };

	for (size_t i = 0; i < size; i++) {
		merkle_leaf(bytes_of(s->data[i], s->len[i]), leaf);
		merkle_add(&tree, leaf);
	}
	merkle_root(&tree, head.root);
	memcpy(head.ledger_id, ledger_id, LEDGER_ID_LEN);
	memcpy(head.key, s->rig.spki, s->rig.spki_len);
	head.key_len = s->rig.spki_len;
	head.signature_len = rig_sign(
		s->rig.head_key, bytes_of(data, head_signed_bytes(&head, data)), head.signature);
	return head;
}

static bool check(const struct script *s, const struct head *expect, const struct head *today,
		  struct verify_counts *ret_counts, struct err *e)
{
	AUTO(verify) v = NULL;

	assert_done(verify_new(&v, e), e);
	if (expect && !verify_expect(v, expect, e))
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (!verify_entry(v, bytes_of(s->data[i], s->len[i]), e))
			return false;
	return verify_end(v, today, ret_counts, e);
}

static void findings(void **state)
{
	static struct script s;

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct verify_counts counts;
		struct err e = { 0 };
		bool clean;

		script_up(&s);
		cases[c].go(&s);
		clean = check(&s, NULL, NULL, &counts, &e);
		if (clean != !cases[c].finding)
			fail_msg("%s: %s", cases[c].name, clean ? "clean" : e.text);
		if (!clean && (e.code != ERR_CORRUPT || !strstr(e.text, cases[c].finding)))
			fail_msg("%s: %d %s", cases[c].name, e.code, e.text);
		script_down(&s);
	}
}

static void heads(void **state)
{
	static struct script s;
	struct head today, old, forged;
	struct verify_counts counts;
	struct err e;

	(void)state;
	script_up(&s);
	whole_life(&s);
	today = head_at(&s, s.count);
	old = head_at(&s, 6);
	assert_done(check(&s, &old, &today, &counts, &e), &e);
	assert_int_equal(counts.entries, s.count);
	assert_int_equal(counts.reserved, 5);
	assert_int_equal(counts.issued, 4);
	assert_int_equal(counts.voided, 3);
	assert_int_equal(counts.revoked, 1);
	assert_err(check(&s, NULL, &old, &counts, &e), &e, ERR_CORRUPT);

	/* the signature of another head, another key, another ledger */
	forged = today;
	forged.size--;
	assert_err(check(&s, NULL, &forged, &counts, &e), &e, ERR_CORRUPT);
	forged = today;
	forged.signature[forged.signature_len - 1] ^= 1;
	assert_err(check(&s, &forged, &today, &counts, &e), &e, ERR_CORRUPT);
	{
		EVP_PKEY *ours = s.rig.head_key;

		s.rig.head_key = s.boards[0].key;
		memcpy(s.rig.spki, s.boards[0].spki, s.boards[0].spki_len);
		forged = head_at(&s, s.count);
		s.rig.head_key = ours;
		rig_spki(ours, s.rig.spki);
	}
	assert_err(check(&s, NULL, &forged, &counts, &e), &e, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "another key"));

	/* the tail is gone; an entry is another one */
	s.count = 5;
	forged = head_at(&s, 5);
	assert_err(check(&s, &old, &forged, &counts, &e), &e, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "entries are missing"));
	s.count = 3;
	add_order(&s, "WP", 3, NULL);
	reserve_in(&s, "WP", "T-1", 0);
	add_order(&s, "WQ", 3, NULL);
	forged = head_at(&s, s.count);
	assert_err(check(&s, &old, &forged, &counts, &e), &e, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "entries were changed"));
	script_down(&s);
}

/* A head of entries that a restore lost: found, and said so. */
static void lost_by_restore(void **state)
{
	static struct script s;
	struct verify_counts counts;
	struct head lost, today;
	struct err e;

	(void)state;
	script_up(&s);
	add_order(&s, "W1", 3, NULL);
	lost = head_at(&s, s.count);
	s.count--;
	restored(&s);
	today = head_at(&s, s.count);
	assert_done(check(&s, NULL, &today, &counts, &e), &e);
	assert_err(check(&s, &lost, &today, &counts, &e), &e, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "restored"));
	script_down(&s);
}

static void tells_issuances(void **state)
{
	static struct script s;
	AUTO(verify) v = NULL;
	struct issuance row;
	struct err e;

	(void)state;
	script_up(&s);
	whole_life(&s);
	assert_done(verify_new(&v, &e), &e);
	for (size_t i = 0; i < s.count; i++)
		assert_done(verify_entry(v, bytes_of(s.data[i], s.len[i]), &e), &e);
	assert_done(verify_issuance(v, s.issuances[0].id, &row, &e), &e);
	assert_int_equal(row.state, STATE_REVOKED);
	assert_int_equal(row.evidence, EVIDENCE_SIGNED);
	assert_string_equal(row.unit, "T-1");
	assert_string_equal(row.order, "WO");
	assert_string_equal(row.reason, "test");
	assert_memory_equal(row.ca_id, s.rig.ca_id, SHA256_LEN);
	assert_err(verify_issuance(v, 3, &row, &e), &e, ERR_NOT_FOUND);
	script_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings),
		cmocka_unit_test(heads),
		cmocka_unit_test(lost_by_restore),
		cmocka_unit_test(tells_issuances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
