#include "hsm/certificate/certificate.h"

#include "hsm/api/refusal.h"
#include "hsm/x509/crypto.h"
#include "hsm/x509/name.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <time.h>

#define HOUR_S 3600
#define DAY_S 86400
#define EXTENSIONS_MAX 4096
#define VALUE_MAX 2048
#define TEXT_MAX 1024
#define OID_MAX 64
#define SERIAL_LEN 16
#define SERIAL_RANDOM_LEN 8
#define SERIAL_TIME_LEN 5
#define CODE_LEN 64 /* AWS IoT's registration code */

static const uint8_t oid_alternative[] = { 0x06, 3, 0x55, 0x1d, 17 };
static const uint8_t oid_extended[] = { 0x06, 3, 0x55, 0x1d, 37 };

static bool put_object(struct der_writer *w, const char *name, struct err *e)
{
	ASN1_OBJECT *object = OBJ_txt2obj(name, 0);
	uint8_t oid[OID_MAX], *at = oid;
	int len = object ? i2d_ASN1_OBJECT(object, NULL) : 0;

	if (len > 0 && len <= OID_MAX)
		i2d_ASN1_OBJECT(object, &at);
	ASN1_OBJECT_free(object);
	if (at == oid) {
		ERR_clear_error();
		return err_set(e, ERR_INVALID, "\"%s\" is no extended key usage", name);
	}
	der_put_raw(w, bytes_of(oid, (size_t)(at - oid)));
	return true;
}

static bool write_extended(struct der_writer *w, const struct product *product, struct err *e)
{
	uint8_t value[VALUE_MAX];
	struct der_writer inner = der_writer(value, sizeof(value));
	size_t all = der_begin(&inner, DER_SEQUENCE);

	if (product->extended_key_usage_count == 0)
		return true;
	for (size_t i = 0; i < product->extended_key_usage_count; i++)
		if (!put_object(&inner, product->extended_key_usage[i], e))
			return false;
	der_end(&inner, all);
	w->overflow |= !der_ok(&inner);
	x509_write_extension(w, BYTES(oid_extended), der_written(&inner));
	return true;
}

/* The kind of a name (up to the colon) stands in the template, so no unit id can choose it. */
static bool write_alternatives(struct der_writer *w, const struct certificate_plan *plan,
			       struct err *e)
{
	const struct product *product = plan->product;
	char text[TEXT_MAX];
	uint8_t value[VALUE_MAX];
	struct der_writer inner = der_writer(value, sizeof(value));
	size_t all = der_begin(&inner, DER_SEQUENCE);

	if (product->san_count == 0)
		return true;
	for (size_t i = 0; i < product->san_count; i++) {
		if (strcspn(product->san[i], "{") < strcspn(product->san[i], ":"))
			return err_set(
				e, ERR_INVALID,
				"\"%s\" begins with none of DNS: URI: EMAIL: IP:", product->san[i]);
		if (!product_fill(product->san[i], plan->unit, plan->order, product->name, false,
				  text, sizeof(text), e) ||
		    !name_alternative(text, &inner, e))
			return err_add(e, "subject alternative name");
	}
	der_end(&inner, all);
	w->overflow |= !der_ok(&inner);
	x509_write_extension(w, BYTES(oid_alternative), der_written(&inner));
	return true;
}

static bool write_key_ids(struct der_writer *w, const struct ca *ca, struct bytes spki,
			  struct err *e)
{
	uint8_t id[X509_KEY_ID_LEN];

	if (!x509_key_id(spki, id, e))
		return false;
	x509_write_key_id(w, BYTES(id));
	x509_write_authority(w, bytes_of(ca->key_id, ca->key_id_len));
	return true;
}

static bool write_extensions(struct der_writer *w, const struct ca *ca,
			     const struct certificate_plan *plan, struct err *e)
{
	x509_write_constraints(w, false);
	x509_write_usage(w, plan->product->key_usage);
	return write_extended(w, plan->product, e) && write_key_ids(w, ca, plan->spki, e) &&
	       write_alternatives(w, plan, e);
}

static bool finish(const struct ca *ca, struct x509_body *body, int64_t now_s,
		   const struct der_writer *subject, const struct der_writer *extensions,
		   struct tbs *ret_tbs, struct err *e)
{
	struct der_writer w = der_writer(ret_tbs->der, sizeof(ret_tbs->der));

	if (now_s > ca->not_after || now_s < ca->not_before)
		return err_set(e, REFUSAL_CA, "the CA certificate %s",
			       now_s > ca->not_after ? "has ended: make and import a new one"
						     : "is not valid yet: check the clock");
	body->not_before = now_s - HOUR_S > ca->not_before ? now_s - HOUR_S : ca->not_before;
	body->algorithm = spki_algorithm(ca->key_type);
	body->issuer = ca->subject;
	body->subject = der_written(subject);
	body->extensions = der_written(extensions);
	x509_write_body(&w, body);
	if (!der_ok(subject) || !der_ok(extensions) || !der_ok(&w))
		return err_set(e, ERR_INVALID, "the certificate would be longer than %d bytes",
			       TBS_MAX);
	ret_tbs->len = w.len;
	return SHA256(ret_tbs->der, ret_tbs->len, ret_tbs->sha256) ||
	       crypto_failed("hash a certificate", e);
}

bool certificate_compose(const struct ca *ca, const struct certificate_plan *plan,
			 struct tbs *ret_tbs, struct err *e)
{
	const struct product *product = plan->product;
	uint8_t subject_der[NAME_DER_MAX], extensions_der[EXTENSIONS_MAX];
	struct der_writer subject = der_writer(subject_der, sizeof(subject_der));
	struct der_writer extensions = der_writer(extensions_der, sizeof(extensions_der));
	struct x509_body body = { .serial = plan->serial, .spki = plan->spki };
	char text[TEXT_MAX];

	assert(plan->serial.len > 0 && plan->serial.len <= SERIAL_MAX &&
	       plan->serial.data[0] < 0x80);
	if (!product_fill(product->subject, plan->unit, plan->order, product->name, true, text,
			  sizeof(text), e) ||
	    !name_subject(text, &subject, e) || !write_extensions(&extensions, ca, plan, e))
		return err_add(e, "product %s", product->name);
	body.not_after = product->validity_days == PRODUCT_NO_END
				 ? X509_NO_END
				 : plan->now_s + (int64_t)product->validity_days * DAY_S;
	return finish(ca, &body, plan->now_s, &subject, &extensions, ret_tbs, e);
}

bool certificate_sign(const struct ca *ca, const struct tbs *tbs, uint8_t *ret_der, size_t *ret_len,
		      struct err *e)
{
	uint8_t der[CERTIFICATE_MAX], hash[SHA256_LEN];
	struct x509_view view;
	size_t len;

	assert(ca->signer);
	if (!x509_sign(ca->signer, ca->key, bytes_of(tbs->der, tbs->len), der, sizeof(der), &len,
		       e) ||
	    !x509_view(bytes_of(der, len), &view, e))
		return false;
	if (!SHA256(view.body.data, view.body.len, hash) ||
	    memcmp(hash, tbs->sha256, sizeof(hash)) != 0)
		return err_set(e, ERR_SYSTEM, "what was signed is not what was reserved");
	memcpy(ret_der, der, len);
	*ret_len = len;
	return true;
}

/* When, in 1/256 s: serials that rise with time keep the ledger's index of them growing at its end,
 * where a random place for each costs a page of the disk. */
static void put_time(uint8_t *ret_octets, size_t len)
{
	struct timespec now;
	uint64_t ticks;

	clock_gettime(CLOCK_REALTIME, &now);
	ticks = (uint64_t)now.tv_sec << 8 | (uint64_t)now.tv_nsec / (1000000000 / 256 + 1);
	for (size_t i = 0; i < len && i < SERIAL_TIME_LEN; i++)
		ret_octets[i] = (uint8_t)(ticks >> 8 * (SERIAL_TIME_LEN - 1 - i));
}

bool certificate_serial(struct bytes prefix, uint8_t ret_serial[static 16], struct err *e)
{
	if (prefix.len > SERIAL_LEN - SERIAL_RANDOM_LEN ||
	    (prefix.len > 0 && (prefix.data[0] == 0 || prefix.data[0] >= 0x80)))
		return err_set(e, ERR_INVALID,
			       "a serial prefix has at most %d octets, the first one 01 to 7f",
			       SERIAL_LEN - SERIAL_RANDOM_LEN);
	if (RAND_bytes(ret_serial, SERIAL_LEN) != 1)
		return crypto_failed("draw random bytes", e);
	if (prefix.len > 0) {
		memcpy(ret_serial, prefix.data, prefix.len);
		put_time(ret_serial + prefix.len, SERIAL_LEN - SERIAL_RANDOM_LEN - prefix.len);
	} else {
		ret_serial[0] = (ret_serial[0] & 0x3f) | 0x40; /* positive, and 16 octets long */
	}
	return true;
}

/* The key that nobody keeps: AWS IoT wants to see that the CA signs, not who holds this one. */
static bool throwaway_key(uint8_t ret_spki[static SPKI_MAX], size_t *ret_len, struct err *e)
{
	AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
	uint8_t *at = ret_spki;
	int len = key ? i2d_PUBKEY(key, NULL) : 0;

	if (len <= 0 || len > SPKI_MAX || i2d_PUBKEY(key, &at) != len)
		return crypto_failed("make a throw-away key", e);
	*ret_len = (size_t)len;
	return true;
}

static bool compose_verification(const struct ca *ca, const char *code, struct bytes serial,
				 int64_t now_s, struct tbs *ret_tbs, struct err *e)
{
	uint8_t subject_der[NAME_DER_MAX], extensions_der[EXTENSIONS_MAX], spki[SPKI_MAX];
	struct der_writer subject = der_writer(subject_der, sizeof(subject_der));
	struct der_writer extensions = der_writer(extensions_der, sizeof(extensions_der));
	struct x509_body body = { .serial = serial, .not_after = now_s + DAY_S };
	char text[CODE_LEN + 4];

	snprintf(text, sizeof(text), "CN=%s", code);
	x509_write_constraints(&extensions, false);
	x509_write_usage(&extensions, KU_DIGITAL_SIGNATURE);
	if (!throwaway_key(spki, &body.spki.len, e))
		return false;
	body.spki.data = spki;
	return name_subject(text, &subject, e) && write_key_ids(&extensions, ca, body.spki, e) &&
	       finish(ca, &body, now_s, &subject, &extensions, ret_tbs, e);
}

bool certificate_verification(const struct ca *ca, const char *code, struct bytes serial,
			      int64_t now_s, uint8_t *ret_der, size_t *ret_len, struct err *e)
{
	struct tbs tbs;

	if (strlen(code) != CODE_LEN || strspn(code, "0123456789abcdefABCDEF") != CODE_LEN)
		return err_set(e, ERR_INVALID,
			       "\"%.80s\" is no registration code: AWS IoT gives %d hexadecimal "
			       "digits (aws iot get-registration-code)",
			       code, CODE_LEN);
	return compose_verification(ca, code, serial, now_s, &tbs, e) &&
	       certificate_sign(ca, &tbs, ret_der, ret_len, e);
}
