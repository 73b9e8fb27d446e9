#include "tests/bench/mint.h"

#include "hsm/api/proof/sha256.h"
#include "hsm/certificate/x509.h"
#include "hsm/x509/crypto.h"
#include "hsm/x509/name.h"

#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define EXTENSIONS_MAX 512
#define NAME_MAX_BYTES 256
#define HOUR_S 3600

/* RFC 5758 ecdsa-with-SHA256; RFC 5280: extKeyUsage with id-kp-clientAuth, subjectAltName. */
static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t oid_purpose[] = { 0x06, 3, 0x55, 0x1d, 37 };
static const uint8_t client_purpose[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
					  0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };
static const uint8_t oid_alternative[] = { 0x06, 3, 0x55, 0x1d, 17 };

bool mint_key(EVP_PKEY **ret_key, uint8_t ret_spki[static MINT_KEY_MAX], size_t *ret_len,
	      struct err *e)
{
	AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
	uint8_t *at = ret_spki;
	int len = key ? i2d_PUBKEY(key, NULL) : 0;

	if (len <= 0 || len > MINT_KEY_MAX || i2d_PUBKEY(key, &at) != len)
		return crypto_failed("make a key", e);
	*ret_len = (size_t)len;
	*ret_key = TAKE(key);
	return true;
}

bool mint_sign(EVP_PKEY *key, struct bytes data, uint8_t ret_signature[static MINT_SIGNATURE_MAX],
	       size_t *ret_len, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();

	*ret_len = MINT_SIGNATURE_MAX;
	if (context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(context, ret_signature, ret_len, data.data, data.len) == 1)
		return true;
	return crypto_failed("sign", e);
}

static bool write_name(const char *text, struct der_writer *w, struct err *e)
{
	return name_subject(text, w, e) &&
	       (der_ok(w) || err_set(e, ERR_INVALID, "the name %s is too long", text));
}

static bool write_alternative(const char *unit, struct der_writer *extensions, struct err *e)
{
	uint8_t names[NAME_MAX_BYTES];
	struct der_writer w = der_writer(names, sizeof(names));
	size_t all = der_begin(&w, DER_SEQUENCE);
	char text[NAME_MAX_LEN + 32];

	snprintf(text, sizeof(text), "URI:urn:brand:thermostat:%s", unit);
	if (!name_alternative(text, &w, e))
		return false;
	der_end(&w, all);
	x509_write_extension(extensions, BYTES(oid_alternative), der_written(&w));
	return true;
}

/* unit NULL: a CA. */
static bool write_extensions(const char *unit, struct bytes spki, struct bytes issuer_spki,
			     struct der_writer *w, struct err *e)
{
	uint8_t own[X509_KEY_ID_LEN], issuer[X509_KEY_ID_LEN];

	if (!x509_key_id(spki, own, e) || !x509_key_id(issuer_spki, issuer, e))
		return false;
	x509_write_constraints(w, !unit);
	x509_write_usage(w, unit ? KU_DIGITAL_SIGNATURE : KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	x509_write_key_id(w, BYTES(own));
	x509_write_authority(w, BYTES(issuer));
	if (!unit)
		return true;
	x509_write_extension(w, BYTES(oid_purpose), BYTES(client_purpose));
	return write_alternative(unit, w, e);
}

static bool seal(EVP_PKEY *signer, struct bytes body, uint8_t *ret_der, size_t *ret_len,
		 struct err *e)
{
	struct der_writer w = der_writer(ret_der, MINT_CERTIFICATE_MAX);
	uint8_t bits[1 + MINT_SIGNATURE_MAX] = { 0 };
	size_t len, all = der_begin(&w, DER_SEQUENCE);

	if (!mint_sign(signer, body, bits + 1, &len, e))
		return false;
	der_put_raw(&w, body);
	der_put_raw(&w, BYTES(algorithm));
	der_put(&w, DER_BIT_STRING, bytes_of(bits, 1 + len));
	der_end(&w, all);
	*ret_len = w.len;
	return der_ok(&w) || err_set(e, ERR_INVALID, "a certificate is too long");
}

/* Everything of a certificate but its serial and its own key's hash. */
static bool make(const struct mint *mint, const char *unit, struct bytes spki, int64_t now_s,
		 struct bytes serial, struct minted *m, struct err *e)
{
	char subject[NAME_MAX_LEN + 32];
	uint8_t names[2][NAME_MAX_BYTES], extensions[EXTENSIONS_MAX], body[MINT_CERTIFICATE_MAX];
	struct der_writer own = der_writer(names[0], NAME_MAX_BYTES);
	struct der_writer issuer = der_writer(names[1], NAME_MAX_BYTES);
	struct der_writer more = der_writer(extensions, sizeof(extensions));
	struct der_writer tbs = der_writer(body, sizeof(body));
	struct bytes part;

	snprintf(subject, sizeof(subject), "O=Brand,OU=Thermostat,CN=%s", unit ? unit : "");
	if (!write_name(unit ? subject : mint->subject, &own, e) ||
	    !write_name(mint->subject, &issuer, e) ||
	    !write_extensions(unit, spki, bytes_of(mint->spki, mint->spki_len), &more, e))
		return false;
	x509_write_body(&tbs, &(struct x509_body) { .serial = serial,
						    .algorithm = BYTES(algorithm),
						    .issuer = der_written(&issuer),
						    .subject = der_written(&own),
						    .spki = spki,
						    .extensions = der_written(&more),
						    .not_before = now_s - HOUR_S,
						    .not_after = X509_NO_END });
	part = der_written(&tbs);
	sha256(&part, 1, m->tbs_sha256);
	if (!der_ok(&more) || !der_ok(&tbs))
		return err_set(e, ERR_INVALID, "a certificate is too long");
	if (!seal(mint->key, part, m->certificate, &m->certificate_len, e))
		return false;
	part = bytes_of(m->certificate, m->certificate_len);
	sha256(&part, 1, m->id);
	return true;
}

bool mint_open(struct mint *ret_mint, const char *subject, int64_t now_s, struct err *e)
{
	static const uint8_t serial[] = { 1 };
	struct mint mint = { .subject = subject };
	struct minted ca;

	if (!mint_key(&mint.key, mint.spki, &mint.spki_len, e))
		return false;
	if (!make(&mint, NULL, bytes_of(mint.spki, mint.spki_len), now_s, BYTES(serial), &ca, e)) {
		EVP_PKEY_free(mint.key);
		return false;
	}
	memcpy(mint.certificate, ca.certificate, ca.certificate_len);
	mint.certificate_len = ca.certificate_len;
	memcpy(mint.id, ca.id, sizeof(mint.id));
	*ret_mint = mint;
	return true;
}

void mint_close(struct mint *mint)
{
	EVP_PKEY_free(mint->key);
}

bool mint_make(const struct mint *mint, const char *unit, int64_t now_s, struct minted *ret_minted,
	       struct err *e)
{
	struct minted m = { .serial = { 'Z', '1' } };
	uint8_t data[MINT_KEY_MAX];
	AUTO(EVP_PKEY) key = NULL;
	struct bytes spki;
	size_t len;

	if (RAND_bytes(m.serial + 2, MINT_SERIAL_LEN - 2) != 1)
		return crypto_failed("make a serial", e);
	if (!mint_key(&key, data, &len, e))
		return false;
	spki = bytes_of(data, len);
	sha256(&spki, 1, m.key_sha256);
	if (!make(mint, unit, spki, now_s, BYTES(m.serial), &m, e))
		return false;
	m.key = TAKE(key);
	*ret_minted = m;
	return true;
}

void mint_drop(struct minted *minted)
{
	EVP_PKEY_free(minted->key);
}
