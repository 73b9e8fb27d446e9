#include "hsm/api/proof/authorities.h"

#include "hsm/api/proof/index.h"
#include "hsm/api/proof/sha256.h"

#include <inttypes.h>

void authorities_free(struct authorities *a)
{
	for (size_t i = 0; i < a->count; i++)
		X509_free(a->rows[i].certificate);
	free(a->rows);
	free(a->keys);
}

static bool hash_is(struct bytes data, struct bytes wanted)
{
	uint8_t hash[SHA256_LEN];

	sha256(&data, 1, hash);
	return bytes_equal(BYTES(hash), wanted);
}

bool authorities_add_key(struct authorities *a, const struct entry *entry, struct err *e)
{
	void *rows = a->keys;

	if (!index_room(&rows, a->key_count, &a->key_capacity, sizeof(*a->keys), e))
		return false;
	a->keys = rows;
	sha256(&entry->key, 1, a->keys[a->key_count++]);
	return true;
}

static bool has_key(const struct authorities *a, X509 *certificate, bool *ret_has, struct err *e)
{
	uint8_t *spki;
	size_t len;

	if (!signature_spki(certificate, &spki, &len, e))
		return false;
	*ret_has = false;
	for (size_t i = 0; i < a->key_count; i++)
		*ret_has |= hash_is(bytes_of(spki, len), BYTES(a->keys[i]));
	OPENSSL_free(spki);
	return true;
}

/* The same CA certificate may come into use again: the latest row counts. */
static struct authority *find(const struct authorities *a, struct bytes id)
{
	for (size_t i = a->count; i > 0; i--)
		if (bytes_equal(BYTES(a->rows[i - 1].id), id))
			return &a->rows[i - 1];
	return NULL;
}

bool authorities_add(struct authorities *a, const struct entry *entry, struct err *e)
{
	AUTO(X509) certificate = NULL;
	struct authority *row;
	const struct authority *before;
	void *rows = a->rows;
	bool ours;

	if (!signature_certificate(entry->certificate, &certificate, e) ||
	    !has_key(a, certificate, &ours, e))
		return false;
	if (!ours)
		return err_set(e, ERR_CORRUPT,
			       "the CA certificate is for a key that was not made in the token");
	if (!index_room(&rows, a->count, &a->capacity, sizeof(*a->rows), e))
		return false;
	a->rows = rows;
	row = &a->rows[a->count];
	sha256(&entry->certificate, 1, row->id);
	before = find(a, BYTES(row->id));
	row->crl_number = before ? before->crl_number : 0;
	row->certificate = TAKE(certificate);
	a->count++;
	return true;
}

bool authorities_crl(struct authorities *a, const struct entry *entry, struct err *e)
{
	struct authority *row = find(a, entry->ca_id);

	if (!row)
		return err_set(e, ERR_CORRUPT, "the CRL is of an unknown CA");
	if (entry->crl_number <= row->crl_number)
		return err_set(e, ERR_CORRUPT, "the CRL number %" PRIu64 " does not rise",
			       entry->crl_number);
	for (size_t i = 0; i < a->count; i++)
		if (bytes_equal(BYTES(a->rows[i].id), entry->ca_id))
			a->rows[i].crl_number = entry->crl_number;
	return true;
}

bool authorities_verification(const struct authorities *a, const struct entry *entry, struct err *e)
{
	AUTO(X509) certificate = NULL;
	char name[2 * SHA256_LEN + 2] = "";

	if (a->count == 0)
		return err_set(e, ERR_CORRUPT, "a verification certificate, and no CA yet");
	if (!signature_certificate(entry->certificate, &certificate, e) ||
	    !signature_issued(certificate, a->rows[a->count - 1].certificate, e))
		return false;
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
				  sizeof(name));
	if (!bytes_equal(bytes_text(name), entry->code))
		return err_set(e, ERR_CORRUPT,
			       "the verification certificate is for another registration code");
	return true;
}

bool authorities_in_use(const struct authorities *a, struct bytes ca_id, uint32_t *ret_row,
			struct err *e)
{
	if (a->count == 0 || !bytes_equal(BYTES(a->rows[a->count - 1].id), ca_id))
		return err_set(e, ERR_CORRUPT, "it is for a CA that was not in use");
	*ret_row = (uint32_t)(a->count - 1);
	return true;
}

/* As numbers: the octets may or may not begin with zeros. */
static bool serial_is(X509 *certificate, struct bytes wanted)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	const uint8_t *data = ASN1_STRING_get0_data(serial);

	while (wanted.len > 0 && wanted.data[0] == 0) {
		wanted.data++;
		wanted.len--;
	}
	return ASN1_STRING_type(serial) == V_ASN1_INTEGER &&
	       bytes_equal(bytes_of(data, (size_t)ASN1_STRING_length(serial)), wanted);
}

static bool keeps_promise(struct bytes der, X509 *certificate, const struct promise *promise,
			  struct bytes spki, struct err *e)
{
	struct bytes tbs;

	if (!signature_tbs(der, &tbs, e))
		return false;
	if (!hash_is(tbs, promise->tbs_sha256))
		return err_set(e, ERR_CORRUPT, "the certificate is not the one that was reserved");
	if (!serial_is(certificate, promise->serial))
		return err_set(e, ERR_CORRUPT, "the certificate has another serial than reserved");
	if (!hash_is(spki, promise->key_sha256))
		return err_set(e, ERR_CORRUPT, "the certificate has another key than reserved");
	return true;
}

bool authorities_issued(const struct authorities *a, uint32_t row, struct bytes certificate,
			const struct promise *promise, uint8_t **ret_spki, size_t *ret_len,
			struct err *e)
{
	AUTO(X509) parsed = NULL;
	uint8_t *spki;
	size_t len;

	if (!signature_certificate(certificate, &parsed, e) ||
	    !signature_spki(parsed, &spki, &len, e))
		return false;
	if (!keeps_promise(certificate, parsed, promise, bytes_of(spki, len), e) ||
	    !signature_issued(parsed, a->rows[row].certificate, e)) {
		OPENSSL_free(spki);
		return false;
	}
	*ret_spki = spki;
	*ret_len = len;
	return true;
}
