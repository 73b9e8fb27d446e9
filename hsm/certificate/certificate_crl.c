#include "hsm/certificate/certificate.h"

#include "hsm/x509/der.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"

#include <assert.h>

#define DAY_S 86400
#define ENTRY_BYTES_MAX 64 /* of one revoked certificate */
#define FRAME_BYTES_MAX 8192
#define VERSION_2 1

static const uint8_t oid_number[] = { 0x06, 3, 0x55, 0x1d, 20 };

static void write_entries(struct der_writer *w, const struct crl_entry *entries, size_t count)
{
	size_t all, one;

	if (count == 0) /* RFC 5280 5.1.2.6: then it is absent */
		return;
	all = der_begin(w, DER_SEQUENCE);
	for (size_t i = 0; i < count; i++) {
		one = der_begin(w, DER_SEQUENCE);
		der_put_integer(w, bytes_of(entries[i].serial, entries[i].serial_len));
		der_put_time(w, entries[i].revoked_at);
		der_end(w, one);
	}
	der_end(w, all);
}

static void write_extensions(struct der_writer *w, const struct ca *ca, uint64_t number)
{
	uint8_t value[16];
	struct der_writer inner = der_writer(value, sizeof(value));
	size_t tagged = der_begin(w, DER_CONTEXT_CONSTRUCTED | 0);
	size_t all = der_begin(w, DER_SEQUENCE);

	x509_write_authority(w, bytes_of(ca->key_id, ca->key_id_len));
	der_put_small(&inner, number);
	x509_write_extension(w, BYTES(oid_number), der_written(&inner));
	der_end(w, all);
	der_end(w, tagged);
}

/* TBSCertList, RFC 5280 5.1. */
static void write_list(struct der_writer *w, const struct ca *ca, uint64_t number, int64_t now_s,
		       unsigned days, const struct crl_entry *entries, size_t count)
{
	size_t all = der_begin(w, DER_SEQUENCE);

	der_put_small(w, VERSION_2);
	der_put_raw(w, spki_algorithm(ca->key_type));
	der_put_raw(w, ca->subject);
	der_put_time(w, now_s);
	der_put_time(w, now_s + (int64_t)days * DAY_S);
	write_entries(w, entries, count);
	write_extensions(w, ca, number);
	der_end(w, all);
}

bool certificate_crl(const struct ca *ca, uint64_t number, int64_t now_s, unsigned days,
		     const struct crl_entry *entries, size_t count, uint8_t **ret_der,
		     size_t *ret_len, struct err *e)
{
	size_t size = FRAME_BYTES_MAX + count * ENTRY_BYTES_MAX;
	AUTO_FREE uint8_t *body = malloc(size);
	AUTO_FREE uint8_t *der = malloc(size + X509_ENVELOPE_MAX);
	struct der_writer w;

	assert(ca->signer);
	if (!body || !der)
		return err_set(e, ERR_SYSTEM, "no memory for a CRL of %zu entries", count);
	w = der_writer(body, size);
	write_list(&w, ca, number, now_s, days, entries, count);
	if (!der_ok(&w))
		return err_set(e, ERR_INVALID, "the CRL is too long");
	if (!x509_sign(ca->signer, ca->key, der_written(&w), der, size + X509_ENVELOPE_MAX, ret_len,
		       e))
		return err_add(e, "CRL");
	*ret_der = TAKE(der);
	return true;
}
