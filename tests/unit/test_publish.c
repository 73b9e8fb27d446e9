/* publish: which certificates of a ledger changed, and where objects go. */
#include "tests/unit/export_rig.h"

#include "cloud/command/changes.h"
#include "cloud/command/command.h"
#include "cloud/command/depot.h"
#include "hsm/api/proof/sha256.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#define ENTRIES_MAX 16
#define TEXT_MAX 256

/* An entry is a letter: L other, R reserved, and of the issuance reserved by entry N: IN issued, NN
 * installed, VN void, XN revoked. Expected: "unit:state" in order, the unit by its reserved entry. */
static const struct {
	const char *name, *entries;
	struct changes_mark mark;
	const char *expected; /* NULL: the ledger is refused */
} cases[] = {
	{ "nothing", "L L", { 0 }, "" },
	{ "reserved alone has no certificate", "L R", { 0 }, "" },
	{ "void before it was issued", "L R V2", { 0 }, "" },
	{ "issued", "L R I2", { 0 }, "2:issued" },
	{ "installed", "L R I2 N2", { 0 }, "2:installed" },
	{ "void after issued", "L R I2 V2", { 0 }, "2:void" },
	{ "revoked", "L R I2 N2 X2", { 0 }, "2:revoked" },
	{ "two at once, in the order of issue", "L R R I3 I2 N3", { 0 }, "3:installed 2:issued" },
	{ "only what changed", "L R I2 R I4 N2", { .size = 5 }, "2:installed" },
	{ "nothing changed", "L R I2 L", { .size = 3 }, "" },
	{ "revoked later", "L R I2 N2 L R I6 X2", { .size = 5 }, "2:revoked 6:issued" },
	{ "reserved before the mark, issued behind it", "L R L I2", { .size = 3 }, "2:issued" },
	{ "a broken run goes on",
	  "L R I2 R I4 R I6",
	  { .run_size = 7, .run_entry = 5 },
	  "6:issued" },
	{ "what changed since the broken run comes again",
	  "L R I2 R I4 N2",
	  { .run_size = 5, .run_entry = 3 },
	  "2:installed 4:issued" },
	{ "the broken run lies behind",
	  "L R I2 R I4 N2",
	  { .size = 5, .run_size = 3, .run_entry = 3 },
	  "2:installed" },
	{ "issued, but never reserved", "L I1", { 0 }, NULL },
	{ "issued twice", "L R I2 I2", { 0 }, NULL },
	{ "installed, but never issued", "L R N2", { 0 }, NULL },
	{ "alive after revoked", "L R I2 N2 X2 N2", { 0 }, NULL },
};

struct ledger {
	struct entry entries[ENTRIES_MAX];
	char certificates[ENTRIES_MAX][8], units[ENTRIES_MAX][8];
	size_t count;
};

static struct bytes text_of(uint64_t number, const char *letter, char text[static 8])
{
	snprintf(text, 8, "%s%u", letter, (unsigned)number & 0xffff);
	return bytes_text(text);
}

static enum entry_type type_of(char letter)
{
	return letter == 'R'   ? ENTRY_RESERVED
	       : letter == 'I' ? ENTRY_ISSUED
	       : letter == 'N' ? ENTRY_INSTALLED
	       : letter == 'V' ? ENTRY_VOID
	       : letter == 'X' ? ENTRY_REVOKED
			       : ENTRY_ORDER_USED;
}

static void make_ledger(const char *words, struct ledger *ledger)
{
	static const uint8_t ca_id[SHA256_LEN] = { 0xca };
	char word[8];
	int len;

	ledger->count = 0;
	for (; sscanf(words, "%7s%n", word, &len) == 1; words += len) {
		struct entry *entry = &ledger->entries[ledger->count];

		*entry = (struct entry) { .number = ++ledger->count,
					  .type = type_of(*word),
					  .issuance = strtoull(word + 1, NULL, 10),
					  .time_s = 1000 + (int64_t)ledger->count };
		entry->unit = text_of(entry->number, "", ledger->units[ledger->count - 1]);
		entry->product = entry->order = bytes_text("p");
		entry->ca_id = BYTES(ca_id);
		entry->certificate =
			text_of(entry->issuance, "c", ledger->certificates[ledger->count - 1]);
	}
}

static void check_change(const struct change *change)
{
	uint8_t id[SHA256_LEN];
	char text[8];
	struct bytes certificate = text_of(strtoull(change->unit, NULL, 10), "c", text);

	sha256(&certificate, 1, id);
	assert_memory_equal(change->id, id, SHA256_LEN);
	assert_int_equal(change->ca_id[0], 0xca);
	assert_string_equal(change->product, "p");
	assert_true(change->updated_s > 1000);
}

static bool collect(const struct ledger *ledger, const struct changes_mark *mark, char *text,
		    struct err *e)
{
	AUTO(changes) changes = NULL;
	struct change change;
	uint64_t count = 0;
	bool found;

	assert_true(changes_new(mark, &changes, e));
	for (size_t i = 0; i < ledger->count; i++)
		if (!changes_note(changes, &ledger->entries[i], e))
			return false;
	*text = '\0';
	for (size_t i = 0; i < ledger->count; i++) {
		assert_true(changes_next(changes, &ledger->entries[i], &found, &change, e));
		if (!found)
			continue;
		assert_int_equal(change.entry, i + 1);
		check_change(&change);
		sprintf(text + strlen(text), "%s%s:%s", count++ ? " " : "", change.unit,
			state_name(change.state));
	}
	assert_int_equal(changes_count(changes), count);
	return true;
}

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct ledger ledger;
		char text[TEXT_MAX];
		struct err e;
		bool whole;

		make_ledger(cases[i].entries, &ledger);
		whole = collect(&ledger, &cases[i].mark, text, &e);
		if (whole != !!cases[i].expected || (whole && strcmp(text, cases[i].expected)))
			fail_msg("%s: %s", cases[i].name, whole ? text : e.text);
		if (!whole)
			assert_int_equal(e.code, ERR_CORRUPT);
	}
}

static const struct {
	const char *target;
	int code;
} wrong_targets[] = {
	{ "s3://", ERR_USAGE },
	{ "s3:///certificates", ERR_USAGE },
	{ "s3://bucket/a b", ERR_USAGE },
	{ "s3://bucket/a?b", ERR_USAGE },
	{ "s3://a-bucket-with-a-name-that-is-longer-than-sixty-three-characters-is", ERR_USAGE },
	{ "s3://Bucket/x", ERR_INVALID },
	{ "/nowhere/at/all", ERR_SYSTEM },
	{ "/dev/null", ERR_SYSTEM },
};

static void test_wrong_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_targets) / sizeof(wrong_targets[0]); i++) {
		AUTO(depot) depot = NULL;
		struct account_options options = { 0 };
		struct err e = { 0 };

		if (depot_open(wrong_targets[i].target, &options, &depot, &e) ||
		    e.code != wrong_targets[i].code)
			fail_msg("%s: %d %s", wrong_targets[i].target, e.code, e.text);
	}
}

static void test_folder(void **state)
{
	char folder[] = "/tmp/test_publish.XXXXXX", path[64];
	struct account_options options = { 0 };
	AUTO(depot) depot = NULL;
	AUTO(depot) second = NULL;
	struct stat status;
	struct depot_object object;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/new", folder);
	assert_true(depot_open(path, &options, &depot, &e));
	assert_false(depot_open(path, &options, &second, &e));
	assert_int_equal(e.code, ERR_BUSY);
	assert_true(depot_get(depot, "a.json", &object, &e));
	assert_false(object.found);
	assert_true(depot_put(depot, "a.json", "{}", NULL, &e));
	assert_true(depot_put(depot, "a.json", "{\"b\":1}", "", &e));
	assert_true(depot_settle(depot, &e));
	assert_true(depot_get(depot, "a.json", &object, &e));
	assert_true(object.found);
	assert_string_equal(object.text, "{\"b\":1}");
	strcat(path, "/a.json");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0); /* nothing unfinished lies about */
	assert_int_equal(rmdir(folder), 0);
}

static bool is_listed(const char *folder, const char *unit)
{
	char path[256], hex[2 * SHA256_LEN + 1];
	uint8_t id[SHA256_LEN];

	export_rig_certificate(unit, id);
	snprintf(path, sizeof(path), "%s/%s.json", folder, hex_encode(BYTES(id), hex));
	return access(path, F_OK) == 0;
}

/* An epoch of a forger's own behind an export: what was published is a prefix of it. Once the head
 * that was published is taken away, the owner has agreed. */
static void test_other_key(void **state)
{
	char folder[] = "/tmp/test_publish.XXXXXX", head[128], hex[2 * LEDGER_ID_LEN + 1], *command;
	static struct export_rig rig;
	struct arguments a = { .json = true, .ledgers = { rig.path }, .ledger_count = 1 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	a.operand = folder;
	export_rig_start(&rig);
	export_rig_ledger(&rig, "SZ1");
	export_rig_issuance(&rig, "a", STATE_INSTALLED);
	export_rig_write(&rig);
	assert_int_equal(publish_command(&a), CLOUD_DONE);
	assert_true(is_listed(folder, "a"));
	EVP_PKEY_free(rig.key);
	rig.key = EVP_EC_gen("P-256");
	export_rig_restore(&rig, "SZ1");
	export_rig_issuance(&rig, "forged", STATE_INSTALLED);
	export_rig_write(&rig);
	assert_int_equal(publish_command(&a), CLOUD_FAILED);
	assert_false(is_listed(folder, "forged"));
	snprintf(head, sizeof(head), "%s/%s.head.json", folder,
		 hex_encode(BYTES(rig.ledger_id), hex));
	assert_int_equal(unlink(head), 0);
	assert_int_equal(publish_command(&a), CLOUD_DONE);
	assert_true(is_listed(folder, "forged"));
	export_rig_end(&rig);
	assert_true(asprintf(&command, "rm -r %s", folder) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_wrong_targets),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_other_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
