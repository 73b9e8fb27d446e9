#include "hsm/api/proof/records.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static struct bytes unit_of(const void *rows, uint32_t row)
{
	const struct records *r = rows;

	return bytes_text(texts_get(r->texts, r->rows[row].unit));
}

static struct bytes key_of(const void *rows, uint32_t row)
{
	const struct records *r = rows;

	return BYTES(r->rows[row].key_sha256);
}

static struct bytes serial_of(const void *rows, uint32_t row)
{
	const struct records *r = rows;

	return bytes_of(r->rows[row].serial, r->rows[row].serial_len);
}

void records_start(struct records *r, struct texts *texts)
{
	*r = (struct records) { .texts = texts };
	index_start(&r->by_unit, unit_of, r);
	index_start(&r->by_key, key_of, r);
	index_start(&r->by_serial, serial_of, r);
}

void records_free(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		records_forget_key(&r->rows[i]);
	free(r->rows);
	index_free(&r->by_unit);
	index_free(&r->by_key);
	index_free(&r->by_serial);
}

void records_forget_key(struct record *record)
{
	OPENSSL_free(record->spki);
	record->spki = NULL;
}

static bool bad(struct err *e, const char *finding)
{
	return err_set(e, ERR_CORRUPT, "%s", finding);
}

static bool is_in_force(const struct record *record)
{
	return record->state == STATE_RESERVED || record->state == STATE_ISSUED ||
	       record->state == STATE_INSTALLED;
}

static bool check_unit(const struct records *r, const struct entry *entry, struct err *e)
{
	for (uint32_t row = index_find(&r->by_unit, entry->unit); row != INDEX_NONE;
	     row = r->rows[row].earlier_of_unit)
		if (is_in_force(&r->rows[row]))
			return bad(e, "the unit has a certificate in force");
	return true;
}

/* A key that was ever issued stays with its unit, and a revoked one stays out. */
static bool check_key(const struct records *r, const struct entry *entry, struct err *e)
{
	for (uint32_t row = index_find(&r->by_key, entry->key_sha256); row != INDEX_NONE;
	     row = r->rows[row].earlier_of_key) {
		const struct record *record = &r->rows[row];
		bool same_unit = bytes_equal(unit_of(r, row), entry->unit);

		if (!same_unit && (record->issued_entry || record->state == STATE_RESERVED))
			return bad(e, "the key is that of another unit");
		if (record->state == STATE_REVOKED)
			return bad(e, "the key was revoked");
	}
	return true;
}

bool records_check(const struct records *r, const struct entry *entry, struct err *e)
{
	if (index_find(&r->by_serial, entry->serial) != INDEX_NONE)
		return bad(e, "the certificate serial was used before");
	return check_unit(r, entry, e) && check_key(r, entry, e);
}

static bool put_texts(struct records *r, const struct entry *entry, struct record *record,
		      struct err *e)
{
	return texts_put(r->texts, entry->unit, &record->unit, e) &&
	       texts_put(r->texts, entry->product, &record->product, e) &&
	       texts_put(r->texts, entry->nest, &record->nest, e) &&
	       texts_put(r->texts, entry->operator, & record->operator, e) &&
	       texts_put(r->texts, bytes_of("", 0), &record->reason, e);
}

bool records_add(struct records *r, const struct entry *entry, uint32_t order, uint32_t ca,
		 struct err *e)
{
	struct record new = {
		.id = entry->number,
		.reserved_at = entry->time_s,
		.order = order,
		.ca = ca,
		.earlier_of_unit = index_find(&r->by_unit, entry->unit),
		.earlier_of_key = index_find(&r->by_key, entry->key_sha256),
		.state = STATE_RESERVED,
		.source = (uint8_t)entry->source,
		.serial_len = (uint8_t)entry->serial.len,
	};
	uint32_t row = (uint32_t)r->count;
	void *rows = r->rows;

	if (!put_texts(r, entry, &new, e) ||
	    !index_room(&rows, r->count, &r->capacity, sizeof(new), e))
		return false;
	memcpy(new.serial, entry->serial.data, entry->serial.len);
	memcpy(new.key_sha256, entry->key_sha256.data, SHA256_LEN);
	memcpy(new.tbs_sha256, entry->tbs_sha256.data, SHA256_LEN);
	r->rows = rows;
	r->rows[r->count++] = new;
	return index_put(&r->by_unit, row, e) && index_put(&r->by_key, row, e) &&
	       index_put(&r->by_serial, row, e);
}

struct record *records_find(const struct records *r, uint64_t id)
{
	size_t from = 0, to = r->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (r->rows[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from < r->count && r->rows[from].id == id ? &r->rows[from] : NULL;
}

unsigned records_rekeys(const struct records *r, const struct record *record)
{
	unsigned rekeys = 0;

	for (uint32_t row = record->earlier_of_unit; row != INDEX_NONE;
	     row = r->rows[row].earlier_of_unit)
		rekeys += r->rows[row].rekeyed;
	return rekeys;
}
