#include "hsm/api/proof/replay.h"

#include "hsm/api/proof/authorities.h"
#include "hsm/api/proof/orders.h"
#include "hsm/api/proof/records.h"
#include "hsm/api/proof/sha256.h"
#include "hsm/api/proof/texts.h"

#include <inttypes.h>

#define REKEYS_MAX 3
#define PROOF_MARK "imprint-prove-v1" /* its NUL is signed too */
#define PROOF_MAX                                                                                  \
	(sizeof(PROOF_MARK) + 2 * SHA256_LEN + NAME_MAX_LEN + ENTRY_FILES_MAX * SHA256_LEN)

struct replay {
	struct texts texts;
	struct orders orders;
	struct authorities authorities;
	struct records records;
};

bool replay_new(struct replay **ret_replay, struct err *e)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, ERR_SYSTEM, "out of memory");
	texts_start(&r->texts);
	orders_start(&r->orders, &r->texts);
	records_start(&r->records, &r->texts);
	*ret_replay = r;
	return true;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	records_free(&r->records);
	authorities_free(&r->authorities);
	orders_free(&r->orders);
	texts_free(&r->texts);
	free(r);
}

static bool bad(struct err *e, const char *finding)
{
	return err_set(e, ERR_CORRUPT, "%s", finding);
}

static bool reserved(struct replay *r, const struct entry *entry, struct err *e)
{
	uint32_t order, ca;

	return authorities_in_use(&r->authorities, entry->ca_id, &ca, e) &&
	       records_check(&r->records, entry, e) && orders_take(&r->orders, entry, &order, e) &&
	       records_add(&r->records, entry, order, ca, e);
}

static bool find_move(const struct replay *r, const struct entry *entry, enum state to,
		      struct record **ret_record, struct err *e)
{
	struct record *record = records_find(&r->records, entry->issuance);

	if (!record)
		return err_set(e, ERR_CORRUPT, "there is no issuance %" PRIu64, entry->issuance);
	if (!state_may_follow(record->state, to))
		return err_set(e, ERR_CORRUPT, "issuance %" PRIu64 " is %s and cannot become %s",
			       record->id, state_name(record->state), state_name(to));
	*ret_record = record;
	return true;
}

static bool issued(struct replay *r, const struct entry *entry, struct err *e)
{
	struct record *record;

	if (!find_move(r, entry, STATE_ISSUED, &record, e) ||
	    !authorities_issued(&r->authorities, record->ca, entry->certificate,
				&(struct promise) { bytes_of(record->serial, record->serial_len),
						    BYTES(record->key_sha256),
						    BYTES(record->tbs_sha256) },
				&record->spki, &record->spki_len, e))
		return false;
	record->state = STATE_ISSUED;
	record->issued_entry = entry->number;
	record->issued_at = entry->time_s;
	sha256(&entry->certificate, 1, record->certificate_id);
	return true;
}

static bool check_proof(const struct replay *r, const struct record *record,
			const struct entry *entry, struct err *e)
{
	const struct bytes parts[] = { bytes_of(PROOF_MARK, sizeof(PROOF_MARK)), entry->nonce,
				       BYTES(record->certificate_id),
				       bytes_text(texts_get(&r->texts, record->unit)),
				       entry->digests };
	uint8_t message[PROOF_MAX];
	AUTO(EVP_PKEY) key = NULL;
	size_t len = 0;

	if (entry->nonce.len != SHA256_LEN || entry->digests.len % SHA256_LEN)
		return bad(e, "the board's proof is malformed");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(message + len, parts[i].data, parts[i].len);
		len += parts[i].len;
	}
	if (!signature_key(bytes_of(record->spki, record->spki_len), &key, e) ||
	    !signature_check(key, bytes_of(message, len), entry->signature, e))
		return err_add(e, "the board's proof");
	return true;
}

static bool installed(struct replay *r, const struct entry *entry, struct err *e)
{
	struct record *record;

	if (!find_move(r, entry, STATE_INSTALLED, &record, e) ||
	    (entry->evidence == EVIDENCE_SIGNED && !check_proof(r, record, entry, e)) ||
	    !texts_put(&r->texts, entry->nest, &record->nest, e) ||
	    !texts_put(&r->texts, entry->operator, & record->operator, e))
		return false;
	record->state = STATE_INSTALLED;
	record->evidence = (uint8_t)entry->evidence;
	record->installed_at = entry->time_s;
	records_forget_key(record);
	return true;
}

static bool check_rekey(const struct replay *r, const struct record *record, struct err *e)
{
	if (record->state != STATE_ISSUED)
		return bad(e, "only an issued certificate is voided for a new key");
	return records_rekeys(&r->records, record) < REKEYS_MAX ||
	       bad(e, "the unit was given a new key too often");
}

static bool voided(struct replay *r, const struct entry *entry, struct err *e)
{
	struct record *record;

	if (!find_move(r, entry, STATE_VOID, &record, e) ||
	    (entry->rekeyed && !check_rekey(r, record, e)) ||
	    !texts_put(&r->texts, entry->reason, &record->reason, e))
		return false;
	if (record->state == STATE_RESERVED || entry->rekeyed)
		orders_give_back(&r->orders, record->order);
	record->state = STATE_VOID;
	record->rekeyed = (uint8_t)entry->rekeyed;
	record->ended_at = entry->time_s;
	records_forget_key(record);
	return true;
}

static bool revoked(struct replay *r, const struct entry *entry, struct err *e)
{
	struct record *record;

	if (!find_move(r, entry, STATE_REVOKED, &record, e) ||
	    !texts_put(&r->texts, entry->reason, &record->reason, e))
		return false;
	record->state = STATE_REVOKED;
	record->ended_at = entry->time_s;
	return true;
}

static bool order_entry(struct replay *r, const struct entry *entry, struct err *e)
{
	return orders_entry(&r->orders, entry, e);
}

static bool ca_key(struct replay *r, const struct entry *entry, struct err *e)
{
	return authorities_add_key(&r->authorities, entry, e);
}

static bool ca(struct replay *r, const struct entry *entry, struct err *e)
{
	return authorities_add(&r->authorities, entry, e);
}

static bool crl(struct replay *r, const struct entry *entry, struct err *e)
{
	return authorities_crl(&r->authorities, entry, e);
}

static bool verification(struct replay *r, const struct entry *entry, struct err *e)
{
	return authorities_verification(&r->authorities, entry, e);
}

bool replay_entry(struct replay *r, const struct entry *entry, struct err *e)
{
	static bool (*const actions[ENTRY_TYPE_COUNT])(struct replay *, const struct entry *,
						       struct err *) = {
		[ENTRY_CA_KEY] = ca_key,
		[ENTRY_CA] = ca,
		[ENTRY_ORDER_OPENED] = order_entry,
		[ENTRY_ORDER_UNITS] = order_entry,
		[ENTRY_ORDER_QUANTITY] = order_entry,
		[ENTRY_ORDER_USED] = order_entry,
		[ENTRY_ORDER_CLOSED] = order_entry,
		[ENTRY_RESERVED] = reserved,
		[ENTRY_ISSUED] = issued,
		[ENTRY_INSTALLED] = installed,
		[ENTRY_VOID] = voided,
		[ENTRY_REVOKED] = revoked,
		[ENTRY_VERIFICATION] = verification,
		[ENTRY_CRL] = crl,
		[ENTRY_RESTORED] = order_entry,
	};

	return !actions[entry->type] || actions[entry->type](r, entry, e);
}

bool replay_issuance(const struct replay *r, uint64_t id, struct issuance *ret_issuance,
		     struct err *e)
{
	const struct record *record = records_find(&r->records, id);
	struct issuance i = { 0 };

	if (!record)
		return err_set(e, ERR_NOT_FOUND, "there is no issuance %" PRIu64, id);
	i.id = record->id;
	i.issued_entry = record->issued_entry;
	i.state = record->state;
	i.evidence = record->evidence;
	i.unit_source = record->source;
	i.rekeyed = record->rekeyed;
	strcpy(i.order, texts_get(&r->texts, r->orders.rows[record->order].id));
	strcpy(i.product, texts_get(&r->texts, record->product));
	strcpy(i.unit, texts_get(&r->texts, record->unit));
	strcpy(i.nest, texts_get(&r->texts, record->nest));
	strcpy(i.operator, texts_get(&r->texts, record->operator));
	strcpy(i.reason, texts_get(&r->texts, record->reason));
	i.serial_len = record->serial_len;
	memcpy(i.serial, record->serial, record->serial_len);
	memcpy(i.certificate_id, record->certificate_id, SHA256_LEN);
	memcpy(i.key_sha256, record->key_sha256, SHA256_LEN);
	memcpy(i.ca_id, r->authorities.rows[record->ca].id, SHA256_LEN);
	i.reserved_at = record->reserved_at;
	i.issued_at = record->issued_at;
	i.installed_at = record->installed_at;
	i.ended_at = record->ended_at;
	*ret_issuance = i;
	return true;
}
