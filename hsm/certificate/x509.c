#include "hsm/certificate/x509.h"

#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"

#include <openssl/sha.h>

#define VALUE_MAX 256
#define VERSION_3 2

static const uint8_t oid_key_id[] = { 0x06, 3, 0x55, 0x1d, 14 };
static const uint8_t oid_usage[] = { 0x06, 3, 0x55, 0x1d, 15 };
static const uint8_t oid_constraints[] = { 0x06, 3, 0x55, 0x1d, 19 };
static const uint8_t oid_authority[] = { 0x06, 3, 0x55, 0x1d, 35 };
static const uint8_t boolean_true[] = { 0x01, 1, 0xff };

void x509_write_body(struct der_writer *w, const struct x509_body *body)
{
	size_t all = der_begin(w, DER_SEQUENCE);
	size_t part = der_begin(w, DER_CONTEXT_CONSTRUCTED | 0);

	der_put_small(w, VERSION_3);
	der_end(w, part);
	der_put_integer(w, body->serial);
	der_put_raw(w, body->algorithm);
	der_put_raw(w, body->issuer);
	part = der_begin(w, DER_SEQUENCE);
	der_put_time(w, body->not_before);
	der_put_time(w, body->not_after);
	der_end(w, part);
	der_put_raw(w, body->subject);
	der_put_raw(w, body->spki);
	part = der_begin(w, DER_CONTEXT_CONSTRUCTED | 3);
	der_put(w, DER_SEQUENCE, body->extensions);
	der_end(w, part);
	der_end(w, all);
}

static void write_extension(struct der_writer *w, struct bytes oid, bool critical,
			    struct bytes value)
{
	size_t all = der_begin(w, DER_SEQUENCE);

	der_put_raw(w, oid);
	if (critical)
		der_put_raw(w, BYTES(boolean_true));
	der_put(w, DER_OCTET_STRING, value);
	der_end(w, all);
}

void x509_write_extension(struct der_writer *w, struct bytes oid, struct bytes value)
{
	write_extension(w, oid, false, value);
}

void x509_write_constraints(struct der_writer *w, bool ca)
{
	static const uint8_t yes[] = { 0x30, 3, 0x01, 1, 0xff }, no[] = { 0x30, 0 };

	write_extension(w, BYTES(oid_constraints), true, ca ? BYTES(yes) : BYTES(no));
}

/* A named bit list: bit 0 is the highest of the first octet, trailing zeros are dropped. */
void x509_write_usage(struct der_writer *w, uint32_t usage)
{
	uint8_t value[] = { 0x03, 2, 0, (uint8_t)usage, (uint8_t)(usage >> 8) };
	size_t octets = value[4] ? 2 : 1;
	uint8_t last = value[2 + octets];

	value[1] = (uint8_t)(1 + octets);
	while (last && !(last & 1u << value[2]))
		value[2]++;
	write_extension(w, BYTES(oid_usage), true, bytes_of(value, 3 + octets));
}

void x509_write_key_id(struct der_writer *w, struct bytes key_id)
{
	uint8_t value[VALUE_MAX];
	struct der_writer inner = der_writer(value, sizeof(value));

	der_put(&inner, DER_OCTET_STRING, key_id);
	w->overflow |= !der_ok(&inner);
	write_extension(w, BYTES(oid_key_id), false, der_written(&inner));
}

void x509_write_authority(struct der_writer *w, struct bytes key_id)
{
	uint8_t value[VALUE_MAX];
	struct der_writer inner = der_writer(value, sizeof(value));
	size_t all = der_begin(&inner, DER_SEQUENCE);

	der_put(&inner, DER_CONTEXT | 0, key_id);
	der_end(&inner, all);
	w->overflow |= !der_ok(&inner);
	write_extension(w, BYTES(oid_authority), false, der_written(&inner));
}

bool x509_key_id(struct bytes spki, uint8_t ret_id[static X509_KEY_ID_LEN], struct err *e)
{
	struct bytes info, algorithm, bits;

	if (!der_only(spki, DER_SEQUENCE, &info) || !der_read(&info, DER_SEQUENCE, &algorithm) ||
	    !der_only(info, DER_BIT_STRING, &bits) || bits.len < 1)
		return err_set(e, ERR_INVALID, "the public key is not in DER");
	if (!SHA1(bits.data + 1, bits.len - 1, ret_id))
		return crypto_failed("hash the public key", e);
	return true;
}

static bool verify(EVP_PKEY *key, const EVP_MD *hash, struct bytes body, struct bytes signature)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	bool good =
		context && EVP_DigestVerifyInit(context, NULL, hash, NULL, key) == 1 &&
		EVP_DigestVerify(context, signature.data, signature.len, body.data, body.len) == 1;

	ERR_clear_error();
	return good;
}

bool x509_sign(struct token_key *signer, EVP_PKEY *key, struct bytes body, uint8_t *ret_der,
	       size_t size, size_t *ret_len, struct err *e)
{
	static const uint8_t unused_bits = 0;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	struct der_writer w = der_writer(ret_der, size);
	size_t len, all, part;

	if (!token_sign(signer, body, signature, &len, e))
		return false;
	if (!verify(key, spki_hash(token_type(signer)), body, bytes_of(signature, len)))
		return err_set(e, ERR_TOKEN,
			       "the token's signature does not verify with the CA's public key");
	all = der_begin(&w, DER_SEQUENCE);
	der_put_raw(&w, body);
	der_put_raw(&w, token_algorithm(signer));
	part = der_begin(&w, DER_BIT_STRING);
	der_put_raw(&w, bytes_of(&unused_bits, 1));
	der_put_raw(&w, bytes_of(signature, len));
	der_end(&w, part);
	der_end(&w, all);
	if (!der_ok(&w))
		return err_set(e, ERR_INVALID, "what was signed is longer than %zu bytes", size);
	*ret_len = w.len;
	return true;
}

static bool take_whole(struct bytes *input, uint8_t tag, struct bytes *ret_whole)
{
	struct der_element element;

	if (!der_next(input, &element) || element.tag != tag)
		return false;
	*ret_whole = element.whole;
	return true;
}

bool x509_view(struct bytes certificate, struct x509_view *ret_view, struct err *e)
{
	struct x509_view view;
	struct bytes all, body, skipped;

	if (!der_only(certificate, DER_SEQUENCE, &all) ||
	    !take_whole(&all, DER_SEQUENCE, &view.body) ||
	    !der_only(view.body, DER_SEQUENCE, &body))
		return err_set(e, ERR_INVALID, "this is no certificate in DER");
	der_read(&body, DER_CONTEXT_CONSTRUCTED | 0, &skipped); /* absent in version 1 */
	if (!der_read(&body, DER_INTEGER, &view.serial) ||
	    !der_read(&body, DER_SEQUENCE, &skipped) ||
	    !take_whole(&body, DER_SEQUENCE, &view.issuer) ||
	    !der_read(&body, DER_SEQUENCE, &skipped) ||
	    !take_whole(&body, DER_SEQUENCE, &view.subject) ||
	    !take_whole(&body, DER_SEQUENCE, &view.spki))
		return err_set(e, ERR_INVALID, "this is no certificate in DER");
	*ret_view = view;
	return true;
}
