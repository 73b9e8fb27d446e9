#include "hsm/ceremony/ceremony.h"

#include "base/file.h"
#include "hsm/ceremony/ceremony_open.h"
#include "hsm/x509/crypto.h"
#include "hsm/x509/der.h"

#define FILE_MAX 65536

static bool append_der(struct bytes der, uint8_t *data, size_t size, size_t *len)
{
	if (der.len > size - *len)
		return false;
	memcpy(data + *len, der.data, der.len);
	*len += der.len;
	return true;
}

static bool is_certificate(const char *label)
{
	return strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0;
}

/* Every certificate among the PEM blocks; *ret_count is how many. False if they do not fit. */
static bool append_pem(struct bytes text, uint8_t *data, size_t size, size_t *len,
		       size_t *ret_count)
{
	AUTO(BIO) input = BIO_new_mem_buf(text.data, (int)text.len);
	char *label, *header;
	uint8_t *der;
	long der_len;
	bool fits = input != NULL;

	*ret_count = 0;
	while (fits && PEM_read_bio(input, &label, &header, &der, &der_len) == 1) {
		if (is_certificate(label)) {
			fits = append_der(bytes_of(der, (size_t)der_len), data, size, len);
			++*ret_count;
		}
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	return fits;
}

bool ceremony_read(const char *path, uint8_t *data, size_t size, size_t *len, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t text_len, count = 1;
	bool fits;

	if (!file_read(path, FILE_MAX, &text, &text_len, e))
		return false;
	if (text_len > 0 && text[0] == DER_SEQUENCE)
		fits = append_der(bytes_of(text, text_len), data, size, len);
	else
		fits = append_pem(bytes_of(text, text_len), data, size, len, &count);
	if (!fits)
		return err_set(e, ERR_INVALID, "%s: there are more than %zu bytes of certificates",
			       path, size);
	return count > 0 || err_set(e, ERR_INVALID, "%s holds no certificate in PEM or DER", path);
}

/* The CA's own certificate, and what is above it without a copy of it. */
static bool split(const struct ceremony_import *import, struct bytes *ret_own, uint8_t *ret_chain,
		  size_t *ret_len, struct err *e)
{
	struct bytes rest = bytes_of(import->certificates, import->len);
	struct der_element own, above;

	*ret_len = 0;
	if (!der_next(&rest, &own))
		return err_set(e, ERR_INVALID, "the CA certificate is not in DER");
	while (rest.len > 0) {
		if (!der_next(&rest, &above))
			return err_set(e, ERR_INVALID, "the chain is not in DER");
		if (!bytes_equal(above.whole, own.whole) &&
		    !append_der(above.whole, ret_chain, CA_CHAIN_MAX, ret_len))
			return err_set(e, ERR_INVALID, "the chain is longer than %d bytes",
				       CA_CHAIN_MAX);
	}
	*ret_own = own.whole;
	return true;
}

/* True if the ledger's CA in use is this very certificate and chain. */
static bool in_use_already(struct ceremony *c, const struct ca *ca, bool *ret_same, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct entry entry;
	size_t len;

	*ret_same = false;
	if (!ledger_latest(c->ledger, ENTRY_CA, &data, &len, e))
		return e->code == ERR_NOT_FOUND;
	if (!entry_decode(bytes_of(data, len), &entry, e))
		return false;
	*ret_same = bytes_equal(entry.certificate, bytes_of(ca->der, ca->der_len)) &&
		    bytes_equal(entry.chain, bytes_of(ca->chain, ca->chain_len));
	return true;
}

static bool check_key(struct ceremony *c, const struct ca *ca, struct err *e)
{
	AUTO(token) token = NULL;
	struct token_key *key;

	if (!token_open(&c->settings.token, &token, e))
		return false;
	if (token_key(token, ca_spki(ca), &key, e))
		return true;
	if (e->code == ERR_NOT_FOUND)
		err_set(e, ERR_INVALID,
			"no key in token %s fits this certificate: give the one that was signed "
			"from the CSR of imprint ca create, before those above it",
			c->settings.token.label);
	return false;
}

static bool has_key(struct bytes page, struct bytes spki, bool *ret_there, struct err *e)
{
	struct reader r = { .data = page.data, .len = page.len };

	while (r.at < r.len && !*ret_there) {
		struct entry entry;

		if (!entry_decode(read_bytes(&r, ENTRY_MAX), &entry, e))
			return false;
		*ret_there = entry.type == ENTRY_CA_KEY && bytes_equal(entry.key, spki);
	}
	return true;
}

/* A key that `create` did not make gets an entry of its own. */
static bool key_on_record(struct ceremony *c, const struct ca *ca, bool *ret_there, struct err *e)
{
	AUTO_FREE uint8_t *page = malloc(MESSAGE_MAX);
	uint64_t next = 1;
	size_t len;

	if (!page)
		return err_set(e, ERR_SYSTEM, "no memory for a page of the ledger");
	*ret_there = false;
	while (next && !*ret_there)
		if (!ledger_entries(c->ledger, next, page, MESSAGE_MAX, &len, &next, e) ||
		    !has_key(bytes_of(page, len), ca_spki(ca), ret_there, e))
			return false;
	return true;
}

static bool append_ca(struct ceremony *c, const struct ca *ca, struct err *e)
{
	char subject[REASON_MAX_LEN + 1];
	struct entry entries[] = { { .type = ENTRY_CA_KEY, .key = ca_spki(ca) },
				   { .type = ENTRY_CA,
				     .certificate = bytes_of(ca->der, ca->der_len),
				     .chain = bytes_of(ca->chain, ca->chain_len) } };
	bool there;

	X509_NAME_oneline(X509_get_subject_name(ca->certificate), subject, sizeof(subject));
	entries[0].subject = bytes_text(subject);
	return key_on_record(c, ca, &there, e) &&
	       ceremony_append(c, entries + there, there ? 1 : 2, e);
}

static bool accept(struct ceremony *c, const struct ca *ca, char *ret_text, struct err *e)
{
	bool same;

	if (!check_key(c, ca, e) || !in_use_already(c, ca, &same, e) ||
	    (!same && !append_ca(c, ca, e)))
		return false;
	ceremony_say_ca(ca, ret_text, CEREMONY_TEXT_MAX);
	if (same)
		strcat(ret_text, "It was in use already; nothing was changed.\n");
	return true;
}

bool ceremony_import(const struct ceremony_import *import, char ret_text[static CEREMONY_TEXT_MAX],
		     struct err *e)
{
	AUTO(ceremony) c = NULL;
	AUTO(ca) ca = NULL;
	uint8_t chain[CA_CHAIN_MAX];
	struct bytes own;
	size_t len;

	if (!ceremony_open(false, &c, e))
		return false;
	if (!c->has_head)
		return err_set(e, ERR_NOT_FOUND,
			       "the ledger has no key yet: run imprint ca create first");
	if (!split(import, &own, chain, &len, e) ||
	    !ca_load(own, bytes_of(chain, len), c->now_s, &ca, e))
		return false;
	return accept(c, ca, ret_text, e);
}
