/* records: the issuances of a ledger as replayed in memory, by id, unit, key and serial. Private to
 * this folder. Threads: one. Errors: ERR_CORRUPT, ERR_SYSTEM. Layer above: replay. Below: texts. */
#ifndef HSM_API_PROOF_RECORDS_H
#define HSM_API_PROOF_RECORDS_H

#include "hsm/api/entry.h"
#include "hsm/api/proof/texts.h"

struct record {
	uint64_t id, issued_entry;
	int64_t reserved_at, issued_at, installed_at, ended_at;
	uint32_t order, ca;				/* rows */
	uint32_t unit, product, nest, operator, reason; /* texts */
	uint32_t earlier_of_unit, earlier_of_key;	/* rows or INDEX_NONE */
	uint8_t state, evidence, source, rekeyed;
	uint8_t serial_len;
	uint8_t serial[SERIAL_MAX];
	uint8_t key_sha256[SHA256_LEN], tbs_sha256[SHA256_LEN], certificate_id[SHA256_LEN];
	uint8_t *spki; /* OpenSSL's, from issued to installed or void, for the proof */
	size_t spki_len;
};

struct records {
	struct texts *texts; /* not owned */
	struct record *rows; /* by id */
	size_t count, capacity;
	struct index by_unit, by_key, by_serial; /* the latest row of each */
};

void records_start(struct records *r, struct texts *texts);
void records_free(struct records *r);
/* May this reservation come now: a new serial, a unit with nothing in force, a key that is not
 * another unit's and not revoked? */
MUST_CHECK bool records_check(const struct records *r, const struct entry *entry, struct err *e);
/* Adds the row of a reservation: what the entry says is copied, ids rise. */
MUST_CHECK bool records_add(struct records *r, const struct entry *entry, uint32_t order,
			    uint32_t ca, struct err *e);
/* Valid until the next records_add; NULL if there is none. */
struct record *records_find(const struct records *r, uint64_t id);
/* How many earlier issuances of the record's unit were voided by the rekey rule. */
unsigned records_rekeys(const struct records *r, const struct record *record);
void records_forget_key(struct record *record);

#endif
