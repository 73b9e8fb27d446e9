/* A ledger as others get it: a good export is read entry by entry, twice the same; each way in which
 * one can be cut, changed or mixed up is refused with its line. */
#include "tests/unit/export_rig.h"

#include "cloud/ledger/base64.h"
#include "cloud/ledger/source.h"

static struct export_rig rig;

struct seen {
	uint64_t count, last;
	struct bytes unit;
};

static bool count_entry(void *context, const struct entry *entry, struct err *e)
{
	struct seen *seen = context;

	(void)e;
	assert_int_equal(entry->number, seen->last + 1);
	seen->last = entry->number;
	seen->count++;
	return true;
}

static bool stop(void *context, const struct entry *entry, struct err *e)
{
	(void)context;
	return entry->number < 3 || err_set(e, ERR_REFUSED, "enough");
}

/* One ledger of a few entries; two epochs if restored. */
static void write_ledger(struct export_rig *r)
{
	export_rig_ledger(r, "SZ1");
	export_rig_issuance(r, "T-0001", STATE_INSTALLED);
	export_rig_issuance(r, "T-0002", STATE_VOID);
	export_rig_issuance(r, "T-0003", STATE_RESERVED);
}

static void good(void **state)
{
	struct seen seen = { 0 };
	AUTO(source) s = NULL;
	struct err e;

	(void)state;
	export_rig_start(&rig);
	write_ledger(&rig);
	export_rig_write(&rig);
	assert_done(source_open(rig.path, &s, &e), &e);
	for (int pass = 0; pass < 2; pass++) {
		seen = (struct seen) { 0 };
		assert_done(source_read(s, count_entry, &seen, &e), &e);
		assert_int_equal(seen.count, rig.count);
		assert_string_equal(source_station(s), "SZ1");
		assert_int_equal(source_head(s)->size, rig.count);
	}
	assert_err(source_read(s, stop, NULL, &e), &e, ERR_REFUSED);
	assert_non_null(strstr(e.text, ":4: enough"));
	export_rig_end(&rig);
}

static void restored(void **state)
{
	struct seen seen = { 0 };
	AUTO(source) s = NULL;
	struct head old;
	bool taken = false;
	struct err e;

	(void)state;
	export_rig_start(&rig);
	write_ledger(&rig);
	old = export_rig_head(&rig);
	export_rig_restore(&rig, "SZ2");
	export_rig_issuance(&rig, "T-0004", STATE_ISSUED);
	export_rig_write(&rig);
	assert_done(source_open(rig.path, &s, &e), &e);
	assert_done(source_expect(s, &old, &taken, &e), &e);
	assert_true(taken);
	assert_done(source_read(s, count_entry, &seen, &e), &e);
	assert_string_equal(source_station(s), "SZ2");
	assert_int_equal(source_head(s)->epoch, 2);
	export_rig_end(&rig);
}

/* --- what is refused --- */

static void swap_lines(struct export_rig *r)
{
	char *line = r->lines[4];

	r->lines[4] = r->lines[5];
	r->lines[5] = line;
}

static void lose_line(struct export_rig *r)
{
	free(r->lines[4]);
	memmove(r->lines + 4, r->lines + 5, (--r->line_count - 4) * sizeof(*r->lines));
}

static void lose_tail(struct export_rig *r)
{
	free(r->lines[--r->line_count]);
}

static void cut_line(struct export_rig *r)
{
	lose_tail(r);
	r->lines[r->line_count - 1][strlen(r->lines[r->line_count - 1]) / 2] = '\0';
}

static void filter(struct export_rig *r)
{
	free(r->lines[4]);
	assert_int_not_equal(asprintf(&r->lines[4], "{\"entry\":4,\"leaf\":\"%064d\"}", 0), -1);
}

static void append(struct export_rig *r)
{
	r->lines[r->line_count] = strdup(r->lines[3]);
	r->line_count++;
}

static void two_heads(struct export_rig *r)
{
	r->lines[r->line_count] = strdup(r->lines[r->line_count - 1]);
	r->line_count++;
}

/* Another letter of the base64: another entry, or none. */
static void change_byte(struct export_rig *r)
{
	char *cbor = strstr(r->lines[5], "\"cbor\":\"") + 60;

	*cbor = *cbor == 'A' ? 'B' : 'A';
}

static void no_base64(struct export_rig *r)
{
	strstr(r->lines[5], "\"cbor\":\"")[60] = '!';
}

static void other_root(struct export_rig *r)
{
	char *root = strstr(r->lines[r->line_count - 1], "\"root\":\"") + 8;

	*root = *root == '0' ? '1' : '0';
}

static void other_signature(struct export_rig *r)
{
	char *end = strrchr(r->lines[r->line_count - 1], '"') - 1;

	*end = *end == '0' ? '1' : '0';
}

static void other_time(struct export_rig *r)
{
	char *year = strstr(r->lines[r->line_count - 1], "\"time\":\"") + 8 + 3;

	*year = *year == '9' ? '8' : '9';
}

/* Signed well, but by a key of the forger's own. */
static void other_key(struct export_rig *r)
{
	lose_tail(r);
	export_rig_forge(r);
}

static void other_id(struct export_rig *r)
{
	char *id = strstr(r->lines[0], "\"ledger\":\"") + 10;

	*id = *id == '0' ? '1' : '0';
}

static void newer_version(struct export_rig *r)
{
	*(strstr(r->lines[0], "\"imprint_export\":") + 17) = '2';
}

static void no_first_line(struct export_rig *r)
{
	free(r->lines[0]);
	memmove(r->lines, r->lines + 1, --r->line_count * sizeof(*r->lines));
}

static void table(struct export_rig *r)
{
	free(r->lines[0]);
	r->lines[0] = strdup("station,entry,unit,product");
}

static void long_line(struct export_rig *r)
{
	free(r->lines[3]);
	r->lines[3] = malloc(300000);
	memset(r->lines[3], 'x', 299999);
	r->lines[3][299999] = '\0';
}

static void nothing(struct export_rig *r)
{
	while (r->line_count)
		lose_tail(r);
}

static void words_only(struct export_rig *r)
{
	free(r->lines[2]);
	r->lines[2] = strdup("{\"entry\":2,\"type\":\"ca\"}");
}

static const struct {
	const char *name;
	void (*spoil)(struct export_rig *r);
	int code;
	const char *sentence;
} refusals[] = {
	{ "two entries swapped", swap_lines, ERR_CORRUPT, ":5: entry 4: it is missing, for entry" },
	{ "a gap", lose_line, ERR_CORRUPT,
	  ":5: entry 4: it is missing, for entry 5 follows; fetch" },
	{ "no head", lose_tail, ERR_CORRUPT, "its tail is missing" },
	{ "a line cut off", cut_line, ERR_CORRUPT, "it was changed" },
	{ "filtered", filter, ERR_INVALID, ":5: the export was filtered" },
	{ "an entry behind the head", append, ERR_CORRUPT, "more after the head" },
	{ "two heads", two_heads, ERR_CORRUPT, "more after the head" },
	{ "a byte changed", change_byte, ERR_CORRUPT, "" },
	{ "no base64", no_base64, ERR_CORRUPT, ":6: an entry of the export is malformed" },
	{ "another root", other_root, ERR_CORRUPT, "today's head" },
	{ "another signature", other_signature, ERR_CORRUPT, "today's head" },
	{ "another time of the head", other_time, ERR_CORRUPT, "today's head" },
	{ "the head of another key", other_key, ERR_CORRUPT, "signed by another key" },
	{ "the first line of another ledger", other_id, ERR_CORRUPT,
	  ":2: entry 1: it is of another" },
	{ "a version to come", newer_version, ERR_INVALID, ":1: this is an export of version 2" },
	{ "no first line", no_first_line, ERR_INVALID, ":1: this is no export" },
	{ "the table", table, ERR_INVALID, ":1: this is no export" },
	{ "a line without end", long_line, ERR_INVALID, ":4: the line is too long" },
	{ "nothing", nothing, ERR_INVALID, ":1: this is no export" },
	{ "words without bytes", words_only, ERR_CORRUPT, ":3: " },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct seen seen = { 0 };
		AUTO(source) s = NULL;
		struct err e = { 0 };

		export_rig_start(&rig);
		write_ledger(&rig);
		export_rig_lines(&rig);
		refusals[i].spoil(&rig);
		export_rig_save(&rig);
		if (source_open(rig.path, &s, &e) && source_read(s, count_entry, &seen, &e))
			fail_msg("%s: passed", refusals[i].name);
		if (e.code != refusals[i].code || !strstr(e.text, refusals[i].sentence))
			fail_msg("%s: %d %s", refusals[i].name, e.code, e.text);
		export_rig_end(&rig);
	}
}

static void heads(void **state)
{
	struct seen seen = { 0 };
	struct head early, later, foreign;
	bool taken = false;
	struct err e;

	(void)state;
	export_rig_start(&rig);
	export_rig_ledger(&rig, "SZ1");
	early = export_rig_head(&rig);
	export_rig_issuance(&rig, "T-0001", STATE_INSTALLED);
	export_rig_write(&rig);
	{
		AUTO(source) s = NULL;

		assert_done(source_open(rig.path, &s, &e), &e);
		assert_done(source_expect(s, &early, &taken, &e), &e);
		assert_done(source_read(s, count_entry, &seen, &e), &e);
		foreign = early;
		foreign.ledger_id[0] ^= 1;
		assert_done(source_expect(s, &foreign, &taken, &e), &e);
		assert_false(taken);
	}
	export_rig_issuance(&rig, "T-0002", STATE_ISSUED);
	later = export_rig_head(&rig);
	{
		AUTO(source) s = NULL;

		assert_done(source_open(rig.path, &s, &e), &e);
		assert_done(source_expect(s, &later, &taken, &e), &e);
		seen = (struct seen) { 0 };
		assert_err(source_read(s, count_entry, &seen, &e), &e, ERR_CORRUPT);
		assert_non_null(strstr(e.text, "entries are missing"));
	}
	export_rig_end(&rig);
}

#define MANY 600 /* issuances: several of the marks between which a look again jumps */

struct picked {
	uint64_t every, next, count;
};

static bool pick(void *context, uint64_t number)
{
	const struct picked *picked = context;

	return number == picked->next;
}

static bool take_picked(void *context, const struct entry *entry, struct err *e)
{
	struct picked *picked = context;

	(void)e;
	assert_int_equal(entry->number, picked->next);
	picked->next += picked->every;
	picked->count++;
	return true;
}

static void picked_again(void **state)
{
	static const uint64_t steps[] = { 1, 2, 255, 256, 257, 511, 1000, 2103 };
	struct seen seen = { 0 };
	AUTO(source) s = NULL;
	struct picked picked;
	struct err e;

	(void)state;
	export_rig_start(&rig);
	export_rig_ledger(&rig, "SZ1");
	for (size_t i = 0; i < MANY; i++) {
		char unit[16];

		snprintf(unit, sizeof(unit), "T-%04zu", i);
		export_rig_issuance(&rig, unit, STATE_INSTALLED);
	}
	export_rig_write(&rig);
	assert_done(source_open(rig.path, &s, &e), &e);
	assert_done(source_read(s, count_entry, &seen, &e), &e);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		picked = (struct picked) { .every = steps[i], .next = steps[i] };
		assert_done(source_again(s, pick, take_picked, &picked, &e), &e);
		assert_int_equal(picked.count, source_head(s)->size / steps[i]);
	}
	export_rig_write(&rig);
	picked = (struct picked) { .every = 1, .next = 1 };
	assert_err(source_again(s, pick, take_picked, &picked, &e), &e, ERR_INVALID);
	assert_non_null(strstr(e.text, "changed while it was read"));
	export_rig_end(&rig);
}

/* Between the passes of one source. */
static void changed_meanwhile(void **state)
{
	struct seen seen = { 0 };
	AUTO(source) s = NULL;
	struct err e;

	(void)state;
	export_rig_start(&rig);
	write_ledger(&rig);
	export_rig_write(&rig);
	assert_done(source_open(rig.path, &s, &e), &e);
	assert_done(source_read(s, count_entry, &seen, &e), &e);
	export_rig_issuance(&rig, "T-0009", STATE_ISSUED);
	export_rig_write(&rig);
	seen = (struct seen) { 0 };
	assert_err(source_read(s, count_entry, &seen, &e), &e, ERR_INVALID);
	export_rig_end(&rig);
}

/* As libcrypto reads and writes it, but strict. */
static void base64(void **state)
{
	static const char *const bad[] = { "A",	   "AA",    "AAA",  "AAAAA",  "A===",
					   "====", "AA=A",  "AB==", "AAB=",   "AA==AAAA",
					   "A A=", "AA\n=", "AA-_", "A\xc3==" };
	uint8_t data[200], read[300];
	char text[300];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i * 167 + 13);
		EVP_EncodeBlock((unsigned char *)text, data, (int)i);
		assert_true(base64_read(bytes_text(text), read, &len));
		assert_int_equal(len, i);
		assert_memory_equal(read, data, i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_read(bytes_text(bad[i]), read, &len))
			fail_msg("%s: passed", bad[i]);
}

static void no_file(void **state)
{
	AUTO(source) s = NULL;
	struct err e;

	(void)state;
	assert_err(source_open("/nonexistent/export", &s, &e), &e, ERR_NOT_FOUND);
	assert_err(source_open("/dev/null", &s, &e), &e, ERR_INVALID);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),		cmocka_unit_test(restored),
		cmocka_unit_test(refused),	cmocka_unit_test(heads),
		cmocka_unit_test(picked_again), cmocka_unit_test(changed_meanwhile),
		cmocka_unit_test(base64),	cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
