/* bench-export: a ledger as `imprint ledger export` writes it, and what AWS IoT would list of its CA
 * as `aws iot list-certificates-by-ca` prints it, with a known few of each class that a
 * reconciliation tells apart. Prints how many of each there are. See --help. */
#include "base/clock.h"
#include "base/hex.h"
#include "hsm/api/head.h"
#include "hsm/api/proof/merkle.h"
#include "hsm/command/command.h"
#include "tests/bench/mint.h"
#include "tests/bench/pool.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>

#define COUNT_MAX 10000000
#define DAYS_MAX 3650
#define T0 INT64_C(1767258000) /* 1 Jan 2026, 09:00 */
#define PER_SECOND 4
#define DAY_S 86400
#define STRIDE 2147483647 /* a prime: the devices come in another order than they were made */
#define FILES 2		  /* of the product, on the board */
#define PROOF_MARK "imprint-prove-v1"
#define ORDER "WO-2026"
#define PRODUCT "thermostat-eu"

/* What became of an issuance: its last entry, what AWS IoT says ("": nothing), the class. Of each
 * EVERY issuances the first KINDS are these, one of each; the others are the last. */
#define EVERY 1000
static const struct kind {
	enum entry_type end;
	const char *status, *class;
} kinds[] = {
	{ ENTRY_INSTALLED, "PENDING_ACTIVATION", "pending" },
	{ ENTRY_INSTALLED, "INACTIVE", "inactive" },
	{ ENTRY_REVOKED, "REVOKED", "revoked" },
	{ ENTRY_VOID, "REVOKED", "revoked" },
	{ ENTRY_REVOKED, "ACTIVE", "live" },
	{ ENTRY_VOID, "PENDING_ACTIVATION", "live" },
	{ ENTRY_INSTALLED, "REVOKED", "revoked-there" },
	{ ENTRY_INSTALLED, "", "unseen" },
	{ ENTRY_ISSUED, "", "unseen" },
	{ ENTRY_VOID, "", "gone" },
	{ ENTRY_REVOKED, "", "gone" },
	{ ENTRY_INSTALLED, "ACTIVE", "active" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]) - 1)
static const char *const classes[] = { "active", "pending",	  "inactive", "revoked", "live",
				       "gone",	 "revoked-there", "unseen",   "unknown" };
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

struct wanted {
	const char *ledger, *listing, *station;
	size_t count, days;
};

struct making {
	const char *station;
	size_t count;
	int64_t from_s, until_s; /* of the first and the last issuance */
	FILE *ledger;
	struct mint mint;
	EVP_PKEY *head_key;
	struct head head; /* ledger id, epoch, key; the rest at the end */
	struct merkle tree;
	int64_t now_s;
	uint64_t *numbers;	    /* of each issuance: its reserved entry */
	uint8_t (*ids)[SHA256_LEN]; /* of each issuance: its certificate */
};

static const struct kind *kind_of(size_t index)
{
	return &kinds[index % EVERY < KINDS ? index % EVERY : KINDS];
}

static bool put_line(struct making *m, json_t *object, struct err *e)
{
	AUTO(json) line = object;

	if (!line || json_dumpf(line, m->ledger, JSON_COMPACT) || fputc('\n', m->ledger) == EOF)
		return err_errno(e, ERR_SYSTEM, "cannot write the export");
	return true;
}

static bool put(struct making *m, struct entry entry, struct err *e)
{
	uint8_t data[ENTRY_MAX], leaf[MERKLE_HASH];
	size_t len;

	memcpy(entry.ledger_id, m->head.ledger_id, LEDGER_ID_LEN);
	entry.epoch = m->head.epoch;
	entry.number = m->tree.size + 1;
	entry.time_s = m->now_s;
	if (!entry_encode(&entry, data, sizeof(data), &len, e))
		return false;
	merkle_leaf(bytes_of(data, len), leaf);
	merkle_add(&m->tree, leaf);
	return entry_decode(bytes_of(data, len), &entry, e) &&
	       put_line(m, command_entry_json(&entry, bytes_of(data, len)), e);
}

static bool put_first(struct making *m, struct err *e)
{
	const struct mint *mint = &m->mint;
	struct entry first = { .type = ENTRY_LEDGER,
			       .station = bytes_text(m->station),
			       .key = bytes_of(m->head.key, m->head.key_len),
			       .prefix = bytes_text("Z1") };
	struct entry key = { .type = ENTRY_CA_KEY,
			     .subject = bytes_text(mint->subject),
			     .key = bytes_of(mint->spki, mint->spki_len) };
	struct entry ca = { .type = ENTRY_CA,
			    .certificate = bytes_of(mint->certificate, mint->certificate_len) };
	struct entry order = { .type = ENTRY_ORDER_OPENED,
			       .order = bytes_text(ORDER),
			       .product = bytes_text(PRODUCT),
			       .quantity = m->count,
			       .by = bytes_text("lee") };

	return put_line(m,
			json_pack("{si ss so}", "imprint_export", 1, "station", m->station,
				  "ledger", command_hex(BYTES(m->head.ledger_id))),
			e) &&
	       put(m, first, e) && put(m, key, e) && put(m, ca, e) && put(m, order, e);
}

static bool put_reserved(struct making *m, const char *unit, const char *nest,
			 const struct minted *c, struct err *e)
{
	struct entry entry = { .type = ENTRY_RESERVED,
			       .order = bytes_text(ORDER),
			       .product = bytes_text(PRODUCT),
			       .unit = bytes_text(unit),
			       .source = SOURCE_BOARD,
			       .nest = bytes_text(nest),
			       .operator= bytes_text("wang"),
			       .serial = BYTES(c->serial),
			       .key_sha256 = BYTES(c->key_sha256),
			       .tbs_sha256 = BYTES(c->tbs_sha256),
			       .ca_id = BYTES(m->mint.id) };

	return put(m, entry, e);
}

/* With the proof that the board signed. */
static bool put_installed(struct making *m, uint64_t issuance, const char *unit, const char *nest,
			  const struct minted *c, struct err *e)
{
	uint8_t nonce[SHA256_LEN], digests[FILES * SHA256_LEN], signature[MINT_SIGNATURE_MAX];
	const struct bytes parts[] = { bytes_of(PROOF_MARK, sizeof(PROOF_MARK)), BYTES(nonce),
				       BYTES(c->id), bytes_text(unit), BYTES(digests) };
	uint8_t message[sizeof(PROOF_MARK) + (2 + FILES) * SHA256_LEN + NAME_MAX_LEN];
	size_t message_len = 0, len;

	if (RAND_bytes(nonce, sizeof(nonce)) != 1 || RAND_bytes(digests, sizeof(digests)) != 1)
		return err_set(e, ERR_SYSTEM, "no random bytes");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(message + message_len, parts[i].data, parts[i].len);
		message_len += parts[i].len;
	}
	return mint_sign(c->key, bytes_of(message, message_len), signature, &len, e) &&
	       put(m,
		   (struct entry) { .type = ENTRY_INSTALLED,
				    .issuance = issuance,
				    .evidence = EVIDENCE_SIGNED,
				    .nest = bytes_text(nest),
				    .operator= bytes_text("wang"),
				    .nonce = BYTES(nonce),
				    .digests = BYTES(digests),
				    .signature = bytes_of(signature, len) },
		   e);
}

static int64_t time_of(const struct making *m, size_t index)
{
	return m->from_s + (m->until_s - m->from_s) * (int64_t)index / (int64_t)m->count;
}

static bool put_issuance(struct making *m, size_t index, struct err *e)
{
	enum entry_type end = kind_of(index)->end;
	char unit[NAME_MAX_LEN + 1], nest[NEST_MAX_LEN + 1];
	struct minted c;
	bool ok;

	m->now_s = time_of(m, index);
	m->numbers[index] = m->tree.size + 1;
	snprintf(unit, sizeof(unit), "T-%07zu", index + 1);
	snprintf(nest, sizeof(nest), "%c%zu", (char)('A' + index / 8 % 2), index % 8 + 1);
	if (!mint_make(&m->mint, unit, m->now_s, &c, e))
		return false;
	memcpy(m->ids[index], c.id, SHA256_LEN);
	ok = put_reserved(m, unit, nest, &c, e) &&
	     put(m,
		 (struct entry) { .type = ENTRY_ISSUED,
				  .issuance = m->numbers[index],
				  .certificate = bytes_of(c.certificate, c.certificate_len) },
		 e) &&
	     (end == ENTRY_ISSUED || end == ENTRY_VOID ||
	      put_installed(m, m->numbers[index], unit, nest, &c, e));
	mint_drop(&c);
	return ok;
}

/* What went wrong later stands later. */
static bool put_end(struct making *m, size_t index, struct err *e)
{
	enum entry_type end = kind_of(index)->end;

	if (end != ENTRY_VOID && end != ENTRY_REVOKED)
		return true;
	m->now_s++;
	return put(m,
		   (struct entry) { .type = end,
				    .issuance = m->numbers[index],
				    .reason = bytes_text("came back broken"),
				    .by = bytes_text("lee") },
		   e);
}

static bool put_head(struct making *m, struct err *e)
{
	struct head *head = &m->head;
	uint8_t data[HEAD_SIGNED_MAX];
	char text[HEAD_TEXT_MAX];

	head->size = m->tree.size;
	head->time_s = m->now_s;
	merkle_root(&m->tree, head->root);
	if (!mint_sign(m->head_key, bytes_of(data, head_signed_bytes(head, data)), head->signature,
		       &head->signature_len, e))
		return false;
	fprintf(m->ledger, "{\"head\":%s}\n", head_format(head, text));
	return true;
}

static bool put_ledger(struct making *m, struct err *e)
{
	if (!put_first(m, e))
		return false;
	for (size_t i = 0; i < m->count; i++)
		if (!put_issuance(m, i, e))
			return false;
	for (size_t i = 0; i < m->count; i++)
		if (!put_end(m, i, e))
			return false;
	return put_head(m, e);
}

/* One certificate as AWS's command line, version 2, prints it: indented by 4, its time in the
 * reader's zone with microseconds. */
static void list_one(FILE *to, const uint8_t id[static SHA256_LEN], const char *status,
		     int64_t time_s, size_t number)
{
	char text[2 * SHA256_LEN + 1], when[CLOCK_TEXT_SIZE];

	hex_encode(bytes_of(id, SHA256_LEN), text);
	clock_format(time_s, when);
	fprintf(to,
		"%s        {\n"
		"            \"certificateArn\": "
		"\"arn:aws:iot:ap-northeast-1:123456789012:cert/%s\",\n"
		"            \"certificateId\": \"%s\",\n"
		"            \"status\": \"%s\",\n"
		"            \"creationDate\": \"%.19s.%03zu000+09:00\"\n"
		"        }",
		number ? ",\n" : "", text, text, status, when, number * 7 % 1000);
}

/* As many as there are issuances: for each that AWS IoT does not list, one that nobody issued. */
static bool put_listing(const struct making *m, const char *path, struct err *e)
{
	AUTO(FILE) to = fopen(path, "we");
	uint8_t foreign[SHA256_LEN];

	if (!to)
		return err_errno(e, ERR_SYSTEM, "cannot make %s", path);
	fputs("{\n    \"certificates\": [\n", to);
	for (size_t i = 0; i < m->count; i++) {
		size_t index = i * STRIDE % m->count;
		const char *status = kind_of(index)->status;

		if (!*status && RAND_bytes(foreign, sizeof(foreign)) != 1)
			return err_set(e, ERR_SYSTEM, "no random bytes");
		list_one(to, *status ? m->ids[index] : foreign, *status ? status : "ACTIVE",
			 time_of(m, i) + DAY_S, i);
	}
	fputs("\n    ]\n}\n", to);
	return !(fflush(to) || ferror(to)) || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}

static void print_counts(size_t count)
{
	uint64_t counts[CLASSES] = { 0 };

	for (size_t i = 0; i < count; i++)
		for (size_t c = 0; c < CLASSES; c++) {
			const struct kind *kind = kind_of(i);

			counts[c] += !strcmp(classes[c], kind->class);
			counts[c] += !*kind->status && !strcmp(classes[c], "unknown");
		}
	for (size_t c = 0; c < CLASSES; c++)
		printf("%s\"%s\":%" PRIu64, c ? "," : "{", classes[c], counts[c]);
	printf("}\n");
}

static bool run(const struct wanted *a, struct making *m, struct err *e)
{
	m->station = a->station;
	m->count = a->count;
	m->until_s = a->days ? clock_wall_s() - DAY_S : T0 + (int64_t)(a->count / PER_SECOND);
	m->from_s = a->days ? m->until_s - (int64_t)a->days * DAY_S : T0;
	m->now_s = m->from_s;
	m->numbers = calloc(a->count, sizeof(*m->numbers));
	m->ids = calloc(a->count, sizeof(*m->ids));
	m->ledger = fopen(a->ledger, "we");
	m->head.epoch = 1;
	if (!m->numbers || !m->ids || !m->ledger ||
	    RAND_bytes(m->head.ledger_id, LEDGER_ID_LEN) != 1)
		return err_errno(e, ERR_SYSTEM, "cannot begin %s", a->ledger);
	if (!mint_open(&m->mint, "O=Brand,CN=Brand SZ1 CA 1", m->from_s, e) ||
	    !mint_key(&m->head_key, m->head.key, &m->head.key_len, e) || !put_ledger(m, e) ||
	    !put_listing(m, a->listing, e))
		return false;
	print_counts(a->count);
	return !fflush(m->ledger) || err_errno(e, ERR_SYSTEM, "cannot write %s", a->ledger);
}

static const struct argp_option options[] = {
	{ "count", 'n', "N", 0, "How many issuances (default 1000)", 0 },
	{ "days", 'd', "N", 0, "Made in the last N days (default: four a second from 1 Jan 2026)",
	  0 },
	{ "station", 's', "NAME", 0, "The ledger's station (default SZ1)", 0 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct wanted *a = state->input;

	switch (key) {
	case 'n':
		if (!pool_number(text, COUNT_MAX, &a->count))
			argp_error(state, "\"%s\" is no count", text);
		return 0;
	case 'd':
		if (!pool_number(text, DAYS_MAX, &a->days))
			argp_error(state, "\"%s\" is no number of days", text);
		return 0;
	case 's':
		a->station = text;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_usage(state);
		*(state->arg_num ? &a->listing : &a->ledger) = text;
		return 0;
	case ARGP_KEY_END:
		if (!a->listing)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "EXPORT LISTING",
	.doc = "Makes the export of a ledger and the listing of its CA, and prints how many "
	       "certificates of each class they hold.",
};

int main(int argc, char **argv)
{
	struct wanted a = { .count = 1000, .station = "SZ1" };
	struct making m = { 0 };
	struct err e;
	bool ok;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	ok = run(&a, &m, &e);
	if (!ok)
		fprintf(stderr, "bench-export: %s\n", e.text);
	mint_close(&m.mint);
	EVP_PKEY_free(m.head_key);
	if (m.ledger)
		fclose(m.ledger);
	free(m.numbers);
	free(m.ids);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
