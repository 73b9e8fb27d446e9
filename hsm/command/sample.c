#include "hsm/command/sample.h"

#include "base/clock.h"
#include "hsm/x509/crypto.h"
#include "hsm/token/spki.h"

#include <openssl/x509v3.h>

#define CA_TYPE KEY_EC_P256
#define CA_DAYS (20 * 365)
#define CA_NAME "Sample CA, not yours"
#define SAMPLE_ORDER "ORDER"

static EVP_PKEY *make_key(enum token_key_type type)
{
	if (spki_is_ec(type))
		return EVP_EC_gen(type == KEY_EC_P256 ? "P-256" : "P-384");
	return EVP_RSA_gen(spki_bits(type));
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool fill_ca(X509 *certificate, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) &&
	       X509_time_adj_ex(X509_getm_notAfter(certificate), CA_DAYS, 0, NULL) &&
	       X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)CA_NAME, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash") &&
	       X509_sign(certificate, key, spki_hash(CA_TYPE)) > 0;
}

static bool make_ca(EVP_PKEY *key, struct ca **ret_ca, struct err *e)
{
	AUTO(X509) certificate = X509_new();
	uint8_t der[CERTIFICATE_MAX], *at = der;
	int len;

	if (!certificate || !fill_ca(certificate, key))
		return crypto_failed("make a sample CA", e);
	len = i2d_X509(certificate, NULL);
	if (len <= 0 || len > CERTIFICATE_MAX || i2d_X509(certificate, &at) != len)
		return crypto_failed("write a sample CA", e);
	return ca_load(bytes_of(der, (size_t)len), bytes_text(""), clock_wall_s(), ret_ca, e);
}

/* A public key of the first type that the product allows. */
static bool board_key(const struct product *product, uint8_t spki[static SPKI_MAX], size_t *ret_len,
		      struct err *e)
{
	enum token_key_type type = KEY_EC_P256;
	AUTO(EVP_PKEY) key = NULL;
	uint8_t *at = spki;
	int len;

	while (type < KEY_RSA_4096 && !product_allows_key(product, type))
		type++;
	key = make_key(type);
	len = key ? i2d_PUBKEY(key, NULL) : 0;
	if (len <= 0 || len > SPKI_MAX || i2d_PUBKEY(key, &at) != len)
		return crypto_failed("make a sample key", e);
	*ret_len = (size_t)len;
	return true;
}

/* The envelope of x509.h, signed outside a token. */
static bool sign(EVP_PKEY *key, const struct tbs *tbs, struct sample *sample, struct err *e)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();
	struct der_writer w = der_writer(sample->der, sizeof(sample->der));
	uint8_t bits[1 + TOKEN_SIGNATURE_MAX] = { 0 }; /* no unused bits */
	size_t len = TOKEN_SIGNATURE_MAX, envelope;

	if (!context || EVP_DigestSignInit(context, NULL, spki_hash(CA_TYPE), NULL, key) != 1 ||
	    EVP_DigestSign(context, bits + 1, &len, tbs->der, tbs->len) != 1)
		return crypto_failed("sign the sample", e);
	envelope = der_begin(&w, DER_SEQUENCE);
	der_put_raw(&w, bytes_of(tbs->der, tbs->len));
	der_put_raw(&w, spki_algorithm(CA_TYPE));
	der_put(&w, DER_BIT_STRING, bytes_of(bits, 1 + len));
	der_end(&w, envelope);
	sample->len = w.len;
	return der_ok(&w) || err_set(e, ERR_INVALID, "the certificate would be too long");
}

void sample_clear(struct sample *sample)
{
	ca_free(sample->ca);
	sample->ca = NULL;
}

bool sample_make(const struct product *product, const char *unit, struct sample *ret_sample,
		 struct err *e)
{
	__attribute__((cleanup(sample_clear))) struct sample sample = { 0 };
	AUTO(EVP_PKEY) key = make_key(CA_TYPE);
	uint8_t spki[SPKI_MAX], serial[16];
	size_t spki_len;
	struct tbs tbs;

	if (!product_allows_unit(product, unit))
		return err_set(e, ERR_INVALID, "the unit id \"%.64s\" does not match %s", unit,
			       product->unit_pattern_text);
	if (!key)
		return crypto_failed("make a sample key", e);
	if (!make_ca(key, &sample.ca, e) || !board_key(product, spki, &spki_len, e) ||
	    !certificate_serial(bytes_text(""), serial, e) ||
	    !certificate_compose(sample.ca,
				 &(struct certificate_plan) {
					 .product = product,
					 .unit = unit,
					 .order = SAMPLE_ORDER,
					 .spki = bytes_of(spki, spki_len),
					 .serial = BYTES(serial),
					 .now_s = clock_wall_s(),
				 },
				 &tbs, e) ||
	    !sign(key, &tbs, &sample, e))
		return false;
	*ret_sample = sample;
	sample.ca = NULL; /* handed out */
	return true;
}

bool sample_print(const struct sample *sample, FILE *output, struct err *e)
{
	const unsigned char *at = sample->der;
	AUTO(X509) certificate = d2i_X509(NULL, &at, (long)sample->len);
	AUTO(BIO) bio = BIO_new_fp(output, BIO_NOCLOSE);

	if (!certificate || !bio || X509_verify(certificate, sample->ca->key) != 1 ||
	    X509_print_ex(bio, certificate, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB,
			  X509_FLAG_NO_SIGDUMP) != 1)
		return crypto_failed("show the sample", e);
	return true;
}
