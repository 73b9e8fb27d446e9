/* export_rig: an export in a throw-away file, written entry by entry, past the ledger's own rules:
 * with a head key of its own, and certificates that are only bytes. */
#ifndef TESTS_UNIT_EXPORT_RIG_H
#define TESTS_UNIT_EXPORT_RIG_H

#include "tests/unit/ledger_rig.h"

#include "base/hex.h"
#include "hsm/api/proof/merkle.h"

#define EXPORT_RIG_LINES 2048

struct export_rig {
	char path[64];
	uint8_t ledger_id[LEDGER_ID_LEN], ca_id[SHA256_LEN];
	EVP_PKEY *key;
	uint32_t epoch;
	uint64_t count;
	int64_t now;
	struct merkle tree;
	struct bytes entries[EXPORT_RIG_LINES];
	char station[NAME_MAX_LEN + 1];
	char *lines[EXPORT_RIG_LINES + 3];
	size_t line_count;
};

static inline void export_rig_start(struct export_rig *r)
{
	int fd;

	*r = (struct export_rig) { .path = "/tmp/imprint-export-XXXXXX", .now = T0 };
	fd = mkstemp(r->path);
	assert_true(fd >= 0);
	close(fd);
	r->key = EVP_EC_gen("P-256");
	memcpy(r->ledger_id, "a ledger's id 16", LEDGER_ID_LEN);
	memset(r->ca_id, 0xca, SHA256_LEN);
}

static inline void export_rig_drop_lines(struct export_rig *r)
{
	while (r->line_count)
		free(r->lines[--r->line_count]);
}

static inline void export_rig_end(struct export_rig *r)
{
	export_rig_drop_lines(r);
	for (uint64_t i = 0; i < r->count; i++)
		free((void *)r->entries[i].data);
	EVP_PKEY_free(r->key);
	unlink(r->path);
}

static inline uint64_t export_rig_add(struct export_rig *r, struct entry entry)
{
	uint8_t data[4096], leaf[MERKLE_HASH], *copy;
	struct err e;
	size_t len;

	r->epoch += entry.type == ENTRY_LEDGER;
	memcpy(entry.ledger_id, r->ledger_id, LEDGER_ID_LEN);
	entry.epoch = r->epoch;
	entry.number = r->count + 1;
	entry.time_s = r->now;
	assert_true(r->count < EXPORT_RIG_LINES);
	assert_done(entry_encode(&entry, data, sizeof(data), &len, &e), &e);
	copy = malloc(len);
	memcpy(copy, data, len);
	r->entries[r->count++] = bytes_of(copy, len);
	merkle_leaf(bytes_of(copy, len), leaf);
	merkle_add(&r->tree, leaf);
	return r->count;
}

/* The first entry of an epoch. */
static inline void export_rig_ledger(struct export_rig *r, const char *station)
{
	uint8_t spki[128];

	snprintf(r->station, sizeof(r->station), "%s", station);
	export_rig_add(r, (struct entry) { .type = ENTRY_LEDGER,
					   .station = T(station),
					   .key = bytes_of(spki, rig_spki(r->key, spki)) });
}

static inline void export_rig_restore(struct export_rig *r, const char *station)
{
	export_rig_ledger(r, station);
	export_rig_add(r, (struct entry) { .type = ENTRY_RESTORED, .reason = T("test") });
}

/* The certificate that stands for a unit's n-th issuance, and its id. */
static inline struct bytes export_rig_certificate(const char *unit, uint8_t ret_id[SHA256_LEN])
{
	struct bytes certificate = bytes_text(unit);

	sha256(&certificate, 1, ret_id);
	return certificate;
}

/* An issuance brought to that state; its certificate is the unit's name. Returns its number. */
static inline uint64_t export_rig_issuance(struct export_rig *r, const char *unit, enum state state)
{
	static const uint8_t hash[SHA256_LEN] = { 1 };
	uint64_t id = export_rig_add(r, (struct entry) { .type = ENTRY_RESERVED,
							 .order = T("WO"),
							 .product = T("demo"),
							 .unit = T(unit),
							 .source = SOURCE_BOARD,
							 .serial = T("0123456789"),
							 .key_sha256 = BYTES(hash),
							 .tbs_sha256 = BYTES(hash),
							 .ca_id = BYTES(r->ca_id) });
	bool installed = state == STATE_INSTALLED || state == STATE_REVOKED;

	if (state != STATE_RESERVED)
		export_rig_add(r, (struct entry) { .type = ENTRY_ISSUED,
						   .issuance = id,
						   .certificate = T(unit) });
	if (installed)
		export_rig_add(r, (struct entry) { .type = ENTRY_INSTALLED,
						   .issuance = id,
						   .evidence = EVIDENCE_DIGEST });
	if (state == STATE_VOID || state == STATE_REVOKED)
		export_rig_add(r, (struct entry) { .type = state == STATE_VOID ? ENTRY_VOID
									       : ENTRY_REVOKED,
						   .issuance = id,
						   .reason = T("test") });
	return id;
}

static inline struct head export_rig_signed(const struct export_rig *r, EVP_PKEY *key)
{
	struct head head = { .epoch = r->epoch, .size = r->count, .time_s = r->now };
	uint8_t data[HEAD_SIGNED_MAX];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len;

	memcpy(head.ledger_id, r->ledger_id, LEDGER_ID_LEN);
	merkle_root(&r->tree, head.root);
	head.key_len = rig_spki(key, head.key);
	len = head_signed_bytes(&head, data);
	head.signature_len = sizeof(head.signature);
	assert_true(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) > 0);
	assert_true(EVP_DigestSign(context, head.signature, &head.signature_len, data, len) > 0);
	EVP_MD_CTX_free(context);
	return head;
}

static inline struct head export_rig_head(const struct export_rig *r)
{
	return export_rig_signed(r, r->key);
}

static inline void export_rig_line(struct export_rig *r, char *line)
{
	assert_true(r->line_count < sizeof(r->lines) / sizeof(r->lines[0]));
	r->lines[r->line_count++] = line;
}

static inline void export_rig_head_line(struct export_rig *r, const struct head *head)
{
	char text[HEAD_TEXT_MAX], *line;

	assert_true(asprintf(&line, "{\"head\":%s}", head_format(head, text)) > 0);
	export_rig_line(r, line);
}

/* The last line: the head signed by somebody else. */
static inline void export_rig_forge(struct export_rig *r)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct head head = export_rig_signed(r, key);

	export_rig_head_line(r, &head);
	EVP_PKEY_free(key);
}

/* The export as lines, to be spoilt. */
static inline void export_rig_lines(struct export_rig *r)
{
	struct head head = export_rig_head(r);
	char hex[2 * LEDGER_ID_LEN + 1], text[8192], *line;

	export_rig_drop_lines(r);
	assert_true(asprintf(&line, "{\"imprint_export\":1,\"station\":\"%s\",\"ledger\":\"%s\"}",
			     r->station, hex_encode(BYTES(r->ledger_id), hex)) > 0);
	export_rig_line(r, line);
	for (uint64_t i = 0; i < r->count; i++) {
		EVP_EncodeBlock((unsigned char *)text, r->entries[i].data, (int)r->entries[i].len);
		assert_true(
			asprintf(&line,
				 "{\"entry\":%d,\"type\":\"\\\"cbor\\\":\\\"\",\"cbor\":\"%s\"}",
				 (int)i + 1, text) > 0);
		export_rig_line(r, line);
	}
	export_rig_head_line(r, &head);
}

static inline void export_rig_save(const struct export_rig *r)
{
	FILE *file = fopen(r->path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < r->line_count; i++)
		fprintf(file, "%s\n", r->lines[i]);
	assert_int_equal(fclose(file), 0);
}

static inline void export_rig_write(struct export_rig *r)
{
	export_rig_lines(r);
	export_rig_save(r);
}

#endif
