#include "cloud/command/target.h"

#include "base/file.h"
#include "base/hex.h"
#include "hsm/api/refusal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#define FILE_MAX 65536

AUTO_DEFINE(X509, X509 *, X509_free)
AUTO_DEFINE(BIO, BIO *, BIO_free_all)

bool pem_of(struct bytes der, char **ret_pem, struct err *e)
{
	AUTO(BIO) bio = BIO_new(BIO_s_mem());
	char *text, *pem;
	long len;

	if (!bio || PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long)der.len) <= 0)
		return err_set(e, ERR_SYSTEM, "no memory for a certificate");
	len = BIO_get_mem_data(bio, &text);
	pem = strndup(text, (size_t)len);
	if (!pem)
		return err_set(e, ERR_SYSTEM, "no memory for a certificate");
	*ret_pem = pem;
	return true;
}

/* --- the CA --- */

static bool ca_of(X509 *certificate, struct ca_target *ret_ca, struct err *e)
{
	uint8_t *der = NULL, digest[SHA256_LEN];
	int len = i2d_X509(certificate, &der);
	bool ok = len > 0 && SHA256(der, (size_t)len, digest);

	if (!ok)
		err_put(e, ERR_SYSTEM, "no memory for the CA certificate");
	ok = ok && pem_of(bytes_of(der, (size_t)len), &ret_ca->pem, e);
	if (ok)
		hex_encode(BYTES(digest), ret_ca->id);
	OPENSSL_free(der);
	return ok;
}

/* PEM, or else DER. */
static X509 *read_certificate(const uint8_t *data, size_t len, bool *ret_more)
{
	AUTO(BIO) bio = BIO_new_mem_buf(data, (int)len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	AUTO(X509) second = certificate ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	*ret_more = second != NULL;
	ERR_clear_error();
	return certificate ? certificate : d2i_X509(NULL, &data, (long)len);
}

static bool ca_of_file(const char *path, struct ca_target *ret_ca, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	AUTO(X509) certificate = NULL;
	size_t len;
	bool more;

	if (!file_read(path, FILE_MAX, &data, &len, e))
		return err_add(e, "--ca");
	certificate = read_certificate(data, len, &more);
	if (!certificate)
		return err_set(e, ERR_INVALID, "--ca: %s holds no certificate", path);
	if (more)
		return err_set(e, ERR_INVALID,
			       "--ca: %s holds several certificates; give it the one alone that "
			       "signs the devices' certificates",
			       path);
	return ca_of(certificate, ret_ca, e);
}

static bool ca_of_signer(struct ca_target *ret_ca, struct err *e)
{
	struct request request = { .type = REQUEST_CA };
	AUTO(X509) certificate = NULL;
	struct reply reply;
	const uint8_t *at;

	if (!client_ask(&cloud_signer, &request, -1, &reply, e)) {
		if (e->code == ERR_NOT_FOUND)
			err_put(e, ERR_NOT_FOUND,
				"the signer does not run here; start imprint-signer, or name the "
				"CA with --ca CERTIFICATE-ID|FILE");
		return false;
	}
	at = reply.rows.data;
	certificate = d2i_X509(NULL, &at, (long)reply.rows.len);
	if (!certificate)
		return err_set(e, ERR_INVALID, "the signer's CA certificate cannot be read");
	return ca_of(certificate, ret_ca, e);
}

bool ca_target_find(const struct arguments *a, struct ca_target *ret_ca, struct err *e)
{
	uint8_t id[SHA256_LEN];

	if (!a->ca)
		return ca_of_signer(ret_ca, e);
	if (!hex_decode(a->ca, id, sizeof(id)))
		return ca_of_file(a->ca, ret_ca, e);
	hex_encode(BYTES(id), ret_ca->id);
	ret_ca->pem = NULL;
	return true;
}

/* --- a certificate --- */

bool target_is_in_force(const struct target *target)
{
	return target->issuance.state == STATE_ISSUED || target->issuance.state == STATE_INSTALLED;
}

static void take(struct target *target, const struct issuance *issuance)
{
	hex_encode(BYTES(issuance->certificate_id), target->id);
	snprintf(target->name, sizeof(target->name), "unit %s", issuance->unit);
	target->issuance = *issuance;
	target->in_ledger = true;
}

/* Rows come in order, and a unit gets a new certificate only after the end of the one before: the
 * last that was issued is the one in force, or else the latest. What never was issued is none. */
static bool take_rows(struct bytes rows, struct target *target, size_t *count, uint64_t *after,
		      struct err *e)
{
	struct reader r = { .data = rows.data, .len = rows.len };
	struct issuance issuance;

	while (!r.bad && r.at < r.len) {
		issuance_read(&r, &issuance);
		if (r.bad || issuance.id <= *after)
			return err_set(e, ERR_INVALID, "the signer's list makes no sense");
		*after = issuance.id;
		if (issuance.issued_at) {
			take(target, &issuance);
			++*count;
		}
	}
	return true;
}

static bool find_unit(const char *unit, struct target *target, struct err *e)
{
	struct request request = { .type = REQUEST_ISSUANCES };
	struct reply reply;
	uint64_t before;
	size_t count = 0;

	if (!*unit || strlen(unit) > NAME_MAX_LEN) /* an empty one would mean every unit */
		return err_set(e, ERR_USAGE, "a unit id has 1 to %d characters", NAME_MAX_LEN);
	strcpy(request.unit, unit);
	do {
		before = request.after;
		if (!client_ask(&cloud_signer, &request, -1, &reply, e) ||
		    !take_rows(reply.rows, target, &count, &request.after, e))
			return false;
	} while (reply.more && request.after > before);
	if (!target->in_ledger)
		return err_set(e, REFUSAL_UNKNOWN, "the ledger knows no certificate of a unit %s",
			       unit);
	if (count > 1 && !target_is_in_force(target))
		fprintf(stderr,
			"imprint: none of the %zu certificates of unit %s is in force; the latest "
			"is meant, %.8s…, %s\n",
			count, unit, target->id, state_name(target->issuance.state));
	return true;
}

/* Where no signer runs, or where it is another station's, nothing is known of it. */
static bool find_id(const uint8_t id[static SHA256_LEN], struct target *target, struct err *e)
{
	struct request request = { .type = REQUEST_FIND };
	struct issuance issuance;
	struct reply reply;
	struct reader r;

	strcpy(request.after_text, target->id);
	if (!client_ask(&cloud_signer, &request, -1, &reply, e))
		return e->code == REFUSAL_UNKNOWN || e->code == ERR_NOT_FOUND;
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	issuance_read(&r, &issuance);
	if (r.bad)
		return err_set(e, ERR_INVALID, "the signer's answer makes no sense");
	if (memcmp(issuance.certificate_id, id, SHA256_LEN) == 0) /* else a unit is called so */
		take(target, &issuance);
	return true;
}

bool target_find(const struct arguments *a, struct target *ret_target, struct err *e)
{
	struct target target = { .name = "the certificate" };
	uint8_t id[SHA256_LEN];
	bool found;

	if (a->certificate_id && !hex_decode(a->certificate_id, id, sizeof(id)))
		return err_set(e, ERR_USAGE, "a certificate id is %d hexadecimal digits",
			       2 * SHA256_LEN);
	if (a->certificate_id)
		hex_encode(BYTES(id), target.id);
	found = a->certificate_id ? find_id(id, &target, e) : find_unit(a->operand, &target, e);
	if (found)
		*ret_target = target;
	return found;
}

bool target_pem(const struct target *target, char **ret_pem, struct err *e)
{
	struct request request = { .type = REQUEST_CERTIFICATE };
	struct reply reply;

	memcpy(request.certificate_id, target->issuance.certificate_id, SHA256_LEN);
	return client_ask(&cloud_signer, &request, -1, &reply, e) && pem_of(reply.rows, ret_pem, e);
}
