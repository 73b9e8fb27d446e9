/* ledger_rig: what the tests of the ledger share: a throw-away folder, entries in a few words, a
 * throw-away CA and boards with keys of their own. */
#ifndef TESTS_UNIT_LEDGER_RIG_H
#define TESTS_UNIT_LEDGER_RIG_H

#include "hsm/api/proof/sha256.h"
#include "hsm/ledger/ledger.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define T0 1790000000 /* the time of the first entry */
#define T(text) bytes_text(text)

#define assert_done(call, e)                                                                       \
	do {                                                                                       \
		if (!(call))                                                                       \
			fail_msg("%s: %d %s", #call, (e)->code, (e)->text);                        \
	} while (0)
#define assert_err(call, e, wanted)                                                                \
	do {                                                                                       \
		if (call)                                                                          \
			fail_msg("%s: passed", #call);                                             \
		if ((e)->code != (wanted))                                                         \
			fail_msg("%s: %d, not %d: %s", #call, (e)->code, wanted, (e)->text);       \
	} while (0)

struct rig {
	char folder[64], path[80];
	struct ledger *ledger;
	EVP_PKEY *head_key, *ca_key;
	X509 *ca;
	uint8_t ca_der[1024], spki[128];
	size_t ca_der_len, spki_len;
	uint8_t ca_id[SHA256_LEN];
	uint64_t serial; /* the last one given */
	int64_t now;
};

struct rig_board {
	EVP_PKEY *key;
	uint8_t key_sha256[SHA256_LEN];
	uint8_t spki[128];
	size_t spki_len;
};

static inline size_t rig_spki(EVP_PKEY *key, uint8_t *ret_spki)
{
	uint8_t *at = ret_spki;

	return (size_t)i2d_PUBKEY(key, &at);
}

static inline struct rig_board rig_board(void)
{
	struct rig_board b = { .key = EVP_EC_gen("P-256") };
	struct bytes spki;

	assert_non_null(b.key);
	b.spki_len = rig_spki(b.key, b.spki);
	spki = bytes_of(b.spki, b.spki_len);
	sha256(&spki, 1, b.key_sha256);
	return b;
}

/* A certificate of `name` for a key, signed by the rig's CA. */
static inline X509 *rig_certificate(const struct rig *r, const char *name, EVP_PKEY *key,
				    struct bytes serial)
{
	X509 *x = X509_new();
	BIGNUM *number = BN_bin2bn(serial.data, (int)serial.len, NULL);
	X509_NAME *subject = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(x, r->ca ? X509_get_subject_name(r->ca) : subject);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, r->ca_key, EVP_sha256()) > 0);
	return x;
}

static inline size_t rig_der(X509 *x, uint8_t *ret_der)
{
	uint8_t *at = ret_der;

	return (size_t)i2d_X509(x, &at);
}

static inline struct entry rig_entry(struct rig *r, enum entry_type type)
{
	return (struct entry) { .type = type, .time_s = r->now };
}

/* Appends in a transaction of its own unless one is under way. */
static inline bool rig_append(struct rig *r, struct entry *entry, struct err *e)
{
	bool own = !ledger_in_transaction(r->ledger);

	if (own && !ledger_begin(r->ledger, e))
		return false;
	if (!ledger_append(r->ledger, entry, e)) {
		if (own)
			ledger_rollback(r->ledger);
		return false;
	}
	return !own || ledger_commit(r->ledger, e);
}

static inline void rig_must(struct rig *r, struct entry entry)
{
	struct err e;

	assert_done(rig_append(r, &entry, &e), &e);
}

static inline void rig_first_entries(struct rig *r)
{
	struct entry entry = rig_entry(r, ENTRY_LEDGER);
	struct bytes spki;
	uint8_t key[128];

	entry.station = T("SZ1");
	entry.prefix = T("Z1");
	entry.key = spki = bytes_of(r->spki, r->spki_len);
	rig_must(r, entry);
	entry = rig_entry(r, ENTRY_CA_KEY);
	entry.subject = T("CN=Test CA");
	entry.key = bytes_of(key, rig_spki(r->ca_key, key));
	rig_must(r, entry);
	entry = rig_entry(r, ENTRY_CA);
	entry.certificate = bytes_of(r->ca_der, r->ca_der_len);
	rig_must(r, entry);
}

static inline void rig_up(struct rig *r)
{
	static const uint8_t one[] = { 1 };
	struct bytes der;
	struct err e;

	*r = (struct rig) { .now = T0 };
	strcpy(r->folder, "/tmp/imprint-ledger-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->path, sizeof(r->path), "%s/ledger.db", r->folder);
	r->head_key = EVP_EC_gen("P-256");
	r->ca_key = EVP_EC_gen("P-256");
	r->spki_len = rig_spki(r->head_key, r->spki);
	r->ca = rig_certificate(r, "Test CA", r->ca_key, BYTES(one));
	r->ca_der_len = rig_der(r->ca, r->ca_der);
	der = bytes_of(r->ca_der, r->ca_der_len);
	sha256(&der, 1, r->ca_id);
	assert_done(ledger_create(r->path, &e), &e);
	assert_done(ledger_open(r->path, &r->ledger, &e), &e);
	rig_first_entries(r);
}

static inline void rig_down(struct rig *r)
{
	static const char *const names[] = { "", "-wal", "-shm", ".lock", ".copy", ".new" };
	char path[100];

	ledger_close(r->ledger);
	X509_free(r->ca);
	EVP_PKEY_free(r->ca_key);
	EVP_PKEY_free(r->head_key);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", r->path, names[i]);
		unlink(path);
	}
	rmdir(r->folder);
}

static inline void rig_reopen(struct rig *r)
{
	struct err e;

	ledger_close(r->ledger);
	r->ledger = NULL;
	assert_done(ledger_open(r->path, &r->ledger, &e), &e);
}

static inline void rig_order(struct rig *r, const char *id, uint64_t quantity)
{
	struct entry entry = rig_entry(r, ENTRY_ORDER_OPENED);

	entry.order = T(id);
	entry.product = T("demo");
	entry.quantity = quantity;
	entry.by = T("lee");
	rig_must(r, entry);
}

/* One certificate on its way: what reserve, issue and install need of it. */
struct rig_issuance {
	uint64_t id;
	const struct rig_board *board;
	char unit[NAME_MAX_LEN + 1];
	uint8_t serial[16];
	uint8_t der[1024];
	size_t der_len;
	uint8_t tbs_sha256[SHA256_LEN];
};

/* The TBS stands behind the four bytes of the outer head, and is shorter than 64 KiB. */
static inline void rig_hash_tbs(const uint8_t *der, uint8_t *ret_hash)
{
	struct bytes tbs = { der + 4, 0 };

	assert_int_equal(der[1], 0x82);
	tbs.len = tbs.data[1] == 0x82 ? 4u + ((unsigned)tbs.data[2] << 8 | tbs.data[3])
				      : 3u + tbs.data[2];
	sha256(&tbs, 1, ret_hash);
}

static inline void rig_plan(struct rig *r, const char *unit, const struct rig_board *board,
			    struct rig_issuance *ret_issuance)
{
	struct rig_issuance i = { .board = board, .serial = { 0x5a, 0x31 } };
	uint64_t number = ++r->serial;
	X509 *x;

	for (int at = 15; at > 7; at--, number >>= 8)
		i.serial[at] = (uint8_t)number;
	snprintf(i.unit, sizeof(i.unit), "%s", unit);
	x = rig_certificate(r, unit, board->key, BYTES(i.serial));
	i.der_len = rig_der(x, i.der);
	X509_free(x);
	rig_hash_tbs(i.der, i.tbs_sha256);
	*ret_issuance = i;
}

static inline bool rig_reserve(struct rig *r, const char *order, struct rig_issuance *i,
			       struct err *e)
{
	struct entry entry = rig_entry(r, ENTRY_RESERVED);

	entry.order = T(order);
	entry.product = T("demo");
	entry.unit = T(i->unit);
	entry.source = SOURCE_BOARD;
	entry.nest = T("A1");
	entry.operator= T("wang");
	entry.serial = BYTES(i->serial);
	entry.key_sha256 = BYTES(i->board->key_sha256);
	entry.tbs_sha256 = BYTES(i->tbs_sha256);
	entry.ca_id = BYTES(r->ca_id);
	if (!rig_append(r, &entry, e))
		return false;
	i->id = entry.number;
	return true;
}

static inline bool rig_issue(struct rig *r, const struct rig_issuance *i, struct err *e)
{
	struct entry entry = rig_entry(r, ENTRY_ISSUED);

	entry.issuance = i->id;
	entry.certificate = bytes_of(i->der, i->der_len);
	return rig_append(r, &entry, e);
}

static inline size_t rig_sign(EVP_PKEY *key, struct bytes data, uint8_t *ret_signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 80;

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, ret_signature, &len, data.data, data.len), 1);
	EVP_MD_CTX_free(context);
	return len;
}

static inline bool rig_install(struct rig *r, const struct rig_issuance *i, struct err *e)
{
	struct entry entry = rig_entry(r, ENTRY_INSTALLED);
	uint8_t nonce[SHA256_LEN] = { 7 }, digests[2 * SHA256_LEN] = { 9 }, id[SHA256_LEN];
	uint8_t message[512], signature[80];
	struct bytes der = bytes_of(i->der, i->der_len);
	struct bytes parts[] = { bytes_of("imprint-prove-v1", 17), BYTES(nonce), BYTES(id),
				 T(i->unit), BYTES(digests) };
	size_t len = 0;

	sha256(&der, 1, id);
	for (size_t p = 0; p < 5; p++) {
		memcpy(message + len, parts[p].data, parts[p].len);
		len += parts[p].len;
	}
	entry.issuance = i->id;
	entry.evidence = EVIDENCE_SIGNED;
	entry.nest = T("A2");
	entry.operator= T("li");
	entry.nonce = BYTES(nonce);
	entry.digests = BYTES(digests);
	entry.signature =
		bytes_of(signature, rig_sign(i->board->key, bytes_of(message, len), signature));
	return rig_append(r, &entry, e);
}

static inline bool rig_end(struct rig *r, const struct rig_issuance *i, enum entry_type type,
			   bool rekeyed, struct err *e)
{
	struct entry entry = rig_entry(r, type);

	entry.issuance = i->id;
	entry.reason = T("test");
	entry.by = T("lee");
	entry.rekeyed = rekeyed;
	return rig_append(r, &entry, e);
}

static inline struct head rig_head(struct rig *r)
{
	uint8_t data[HEAD_SIGNED_MAX];
	struct head head;

	ledger_head(r->ledger, &head);
	memcpy(head.key, r->spki, r->spki_len);
	head.key_len = r->spki_len;
	head.signature_len = rig_sign(r->head_key, bytes_of(data, head_signed_bytes(&head, data)),
				      head.signature);
	return head;
}

#endif
