#include "tests/bench/made.h"

#include "hsm/command/command.h"

#include <errno.h>
#include <openssl/rand.h>

#define FILES 2 /* of the product, on the board */
#define PROOF_MARK "imprint-prove-v1"
#define ORDER "WO-2026"
#define PRODUCT "thermostat-eu"

/* Of each EVERY issuances the first KINDS are these, one of each; the others are the last. */
#define EVERY 1000
static const struct kind kinds[] = {
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

const struct kind *made_kind(size_t index)
{
	return &kinds[index % EVERY < KINDS ? index % EVERY : KINDS];
}

int64_t made_time(const struct made *m, size_t index)
{
	return m->from_s + (m->until_s - m->from_s) * (int64_t)index / (int64_t)m->count;
}

static bool put_line(struct made *m, json_t *object, struct err *e)
{
	AUTO(json) line = object;

	if (!line || json_dumpf(line, m->ledger, JSON_COMPACT) || fputc('\n', m->ledger) == EOF)
		return err_errno(e, ERR_SYSTEM, "cannot write the export");
	return true;
}

static bool put(struct made *m, struct entry entry, struct err *e)
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

static bool put_first(struct made *m, struct err *e)
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

static bool put_reserved(struct made *m, const char *unit, const char *nest, const struct minted *c,
			 struct err *e)
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
static bool put_installed(struct made *m, uint64_t issuance, const char *unit, const char *nest,
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

static bool put_issuance(struct made *m, size_t index, struct err *e)
{
	enum entry_type end = made_kind(index)->end;
	char unit[NAME_MAX_LEN + 1], nest[NEST_MAX_LEN + 1];
	struct minted c;
	bool ok;

	m->now_s = made_time(m, index);
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
static bool put_end(struct made *m, size_t index, struct err *e)
{
	enum entry_type end = made_kind(index)->end;

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

static bool put_head(struct made *m, struct err *e)
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

bool made_write(struct made *m, struct err *e)
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
