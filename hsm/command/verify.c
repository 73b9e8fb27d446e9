/* verify: the independent check of the ledger, by the bytes: against the running signer, or an
 * export file on any PC. */
#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "hsm/api/proof/verify.h"

#include <errno.h>
#include <openssl/evp.h>

#define ROUNDS 5
#define PROGRESS_MS 1000
#define LINE_MAX_BYTES (4 * ENTRY_MAX) /* of an export */

struct checking {
	struct verify *verify;
	uint64_t seen, limit;
	uint8_t ledger_id[LEDGER_ID_LEN]; /* as the first line of an export has it */
	int64_t told_ms;
	bool terminal;
	bool is_export; /* some line of the file is one */
	char line[LINE_MAX_BYTES + 1];
};

static void progress(struct checking *c)
{
	int64_t now_ms = clock_monotonic_ms();

	if (!c->terminal || now_ms - c->told_ms < PROGRESS_MS)
		return;
	c->told_ms = now_ms;
	fprintf(stderr, "\rentry %llu of %llu ", (unsigned long long)c->seen,
		(unsigned long long)c->limit);
}

static bool check_entry(void *context, struct bytes data, struct err *e)
{
	struct checking *c = context;

	if (c->seen >= c->limit)
		return true; /* came after the head */
	c->seen++;
	progress(c);
	return verify_entry(c->verify, data, e);
}

static bool check_row(void *context, const struct issuance *shown, struct err *e)
{
	const struct checking *c = context;
	struct issuance replayed;

	if (shown->id > c->limit)
		return true;
	if (!verify_issuance(c->verify, shown->id, &replayed, e))
		return err_set(e, ERR_CORRUPT,
			       "the station shows an issuance %llu (unit %s) that no entry made",
			       (unsigned long long)shown->id, shown->unit);
	if (replayed.state == shown->state && !strcmp(replayed.unit, shown->unit) &&
	    !memcmp(replayed.certificate_id, shown->certificate_id, SHA256_LEN))
		return true;
	return err_set(e, ERR_CORRUPT,
		       "unit %s: the station shows \"%s\", its entries say \"%s\" (issuance %llu)",
		       shown->unit, state_name(shown->state), state_name(replayed.state),
		       (unsigned long long)shown->id);
}

/* The states as shown can only be compared while nothing is added: a few tries, each only the new
 * entries. */
static bool check_signer(struct checking *c, struct head *ret_today, bool *ret_compared,
			 struct err *e)
{
	static const struct arguments all = { 0 };
	struct head after;

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (!client_head(&command_signer, ret_today, e))
			return false;
		c->limit = ret_today->size;
		if (!client_entries(&command_signer, c->seen, check_entry, c, e))
			return false;
		if (c->seen != c->limit)
			return err_set(e, ERR_CORRUPT,
				       "the head is of %llu entries, the ledger has %llu",
				       (unsigned long long)c->limit, (unsigned long long)c->seen);
		if (!client_head(&command_signer, &after, e))
			return false;
		*ret_compared = after.size == c->limit && command_issuances(&all, check_row, c, e);
		if (after.size == c->limit && !*ret_compared) {
			struct head now;
			struct err other;

			/* A difference counts only if the ledger stood still meanwhile. */
			if (client_head(&command_signer, &now, &other) && now.size == c->limit)
				return false;
		}
		if (*ret_compared)
			return true;
	}
	return true;
}

static bool entry_of_line(const json_t *line, uint8_t *ret_data, size_t *ret_len, struct err *e)
{
	const char *text = json_string_value(json_object_get(line, "cbor"));
	size_t len = text ? strlen(text) : 0;
	int decoded;

	if (!text)
		return err_set(e, ERR_INVALID,
			       "the export was filtered: entry %lld is there by its hash only; ask "
			       "for a whole export",
			       (long long)json_integer_value(json_object_get(line, "entry")));
	if (len % 4 || len / 4 * 3 > ENTRY_MAX)
		return err_set(e, ERR_CORRUPT, "an entry of the export is malformed");
	decoded = EVP_DecodeBlock(ret_data, (const unsigned char *)text, (int)len);
	if (decoded < 0)
		return err_set(e, ERR_CORRUPT, "an entry of the export is malformed");
	while (len && text[len - 1] == '=') {
		decoded--;
		len--;
	}
	*ret_len = (size_t)decoded;
	return true;
}

/* What people read of the entry must be what its bytes say: nobody decodes CBOR by eye. */
static bool check_words(const json_t *line, struct bytes data, struct err *e)
{
	AUTO(json) wanted = NULL;
	struct entry entry;

	if (!entry_decode(data, &entry, e))
		return err_set(e, ERR_CORRUPT, "an entry of the export is malformed");
	wanted = command_entry_json(&entry, data);
	if (!wanted)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	return json_equal(line, wanted) ||
	       err_set(e, ERR_CORRUPT,
		       "the words of entry %llu of the export are not those of its bytes",
		       (unsigned long long)entry.number);
}

static bool check_first_line(struct checking *c, const json_t *line, struct err *e)
{
	json_int_t version = json_integer_value(json_object_get(line, "imprint_export"));
	const char *ledger = json_string_value(json_object_get(line, "ledger"));

	if (version > COMMAND_EXPORT_VERSION)
		return err_set(e, ERR_INVALID,
			       "this is an export of version %lld, made by a newer imprint than "
			       "this one; update it here",
			       (long long)version);
	return (version == COMMAND_EXPORT_VERSION && ledger &&
		hex_decode(ledger, c->ledger_id, LEDGER_ID_LEN)) ||
	       err_set(e, ERR_CORRUPT, "this is not the first line of an export");
}

static bool check_head_line(const struct checking *c, const json_t *value, struct head *ret_head,
			    struct err *e)
{
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);

	if (!text)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!head_parse(text, ret_head, e))
		return false;
	return !memcmp(ret_head->ledger_id, c->ledger_id, LEDGER_ID_LEN) ||
	       err_set(e, ERR_CORRUPT, "the first line of the export names another ledger");
}

static bool check_line(struct checking *c, struct bytes text, size_t number, struct head *ret_today,
		       bool *ret_has_head, struct err *e)
{
	static uint8_t data[ENTRY_MAX];
	AUTO(json)
	line = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *head = json_object_get(line, "head");
	size_t len;

	if (!line)
		return err_set(e, ERR_CORRUPT, "a line of the export is no JSON");
	if (number == 1)
		return check_first_line(c, line, e);
	if (json_is_object(head)) {
		*ret_has_head = true;
		return check_head_line(c, head, ret_today, e);
	}
	if (!entry_of_line(line, data, &len, e))
		return false;
	c->seen++;
	return verify_entry(c->verify, bytes_of(data, len), e) &&
	       check_words(line, bytes_of(data, len), e);
}

/* False: the file ends. */
static bool next_line(struct checking *c, FILE *file, size_t *ret_len)
{
	static const char *const begins[] = { "{\"imprint_export\":", "{\"entry\":", "{\"head\":" };

	*ret_len = file_line(file, c->line, sizeof(c->line));
	for (size_t i = 0; *ret_len > 0 && i < sizeof(begins) / sizeof(begins[0]); i++)
		c->is_export |= !strncmp(c->line, begins[i], strlen(begins[i]));
	return *ret_len > 0;
}

static bool check_lines(struct checking *c, FILE *file, const char *path, struct head *ret_today,
			struct err *e)
{
	size_t number = 0, len;
	bool has_head = false;

	while (next_line(c, file, &len)) {
		number++;
		if (len >= sizeof(c->line))
			return err_set(e, ERR_CORRUPT, "%s:%zu: the line is too long", path,
				       number);
		if (has_head)
			return err_set(e, ERR_CORRUPT, "%s:%zu: there is more after the head", path,
				       number);
		if (!check_line(c, bytes_of(c->line, len), number, ret_today, &has_head, e))
			return err_add(e, "%s:%zu", path, number);
	}
	return has_head ||
	       err_set(e, ERR_CORRUPT, "%s has no head at its end: its tail is missing", path);
}

/* A file is foreign if no line of it is one of an export. As long as one is left, what is wrong with
 * the others is damage: who damages an export cannot have it pass for another kind of file. */
static bool check_file(struct checking *c, const char *path, struct head *ret_today, struct err *e)
{
	AUTO(FILE) file = fopen(path, "re");
	size_t len;

	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", path);
	if (check_lines(c, file, path, ret_today, e))
		return true;
	while (!c->is_export && next_line(c, file, &len))
		;
	return c->is_export || e->code != ERR_CORRUPT
		       ? false
		       : err_set(e, ERR_INVALID,
				 "%s is not a ledger export, no line of it is one's; imprint "
				 "ledger export > FILE makes one (not as CSV)",
				 path);
}

static bool expect_head(struct verify *v, const char *path, struct err *e)
{
	AUTO(FILE) file = fopen(path, "re");
	char text[HEAD_TEXT_MAX];
	struct head head;

	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", path);
	if (!fgets(text, sizeof(text), file) || !head_parse(text, &head, e))
		return err_set(e, ERR_INVALID, "%s holds no head as imprint ledger head prints it",
			       path);
	return verify_expect(v, &head, e) || err_add(e, "%s", path);
}

static void say(const struct arguments *a, const struct verify_counts *counts,
		const struct head *today, bool compared)
{
	printf("ok: %llu entries without a gap, %llu certificates (%llu installed, %llu void, %llu "
	       "revoked), head of size %llu fits%s%s\n",
	       (unsigned long long)counts->entries, (unsigned long long)counts->issued,
	       (unsigned long long)counts->installed, (unsigned long long)counts->voided,
	       (unsigned long long)counts->revoked, (unsigned long long)today->size,
	       a->head_file ? ", the older head is a prefix" : "",
	       a->export_file ? ""
	       : compared     ? ", the states shown are what the entries say"
			      : "; the station is busy, so the states shown were not compared");
	if (counts->restored)
		printf("restored from a backup, %llu in all; entries known to be missing since: "
		       "%llu\n",
		       (unsigned long long)counts->restored, (unsigned long long)counts->missing);
}

static bool run_verify(const struct arguments *a, struct err *e)
{
	struct checking c = { .terminal = isatty(STDERR_FILENO) };
	AUTO(verify) verify = NULL;
	struct verify_counts counts;
	bool compared = false;
	struct head today;

	if (!verify_new(&verify, e) || (a->head_file && !expect_head(verify, a->head_file, e)))
		return false;
	c.verify = verify;
	if (!(a->export_file ? check_file(&c, a->export_file, &today, e)
			     : check_signer(&c, &today, &compared, e)))
		return false;
	if (!verify_end(verify, &today, &counts, e))
		return false;
	if (c.terminal)
		fprintf(stderr, "\r");
	say(a, &counts, &today, compared);
	return true;
}

int verify_command(const struct arguments *a)
{
	struct err e;

	if (run_verify(a, &e))
		return 0;
	if (e.code == ERR_CORRUPT)
		fprintf(stderr, "ALARM: ");
	return command_failed(&e);
}
