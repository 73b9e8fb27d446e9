/* issue, ca show, ca crl, ca verification-cert: certificates through the running signer. */
#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "hsm/certificate/csr.h"

#include <errno.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/mman.h>

AUTO_DEFINE(X509, X509 *, X509_free)

static bool read_csr(const char *path, uint8_t *ret_der, size_t *ret_len, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len;

	return file_read(path, CSR_PEM_MAX, &text, &len, e) &&
	       (csr_read(bytes_of(text, len), ret_der, ret_len, e) || err_add(e, "%s", path));
}

static bool print_issued(const struct arguments *a, const struct reply *reply, struct err *e)
{
	struct request request = { .type = REQUEST_CERTIFICATE };
	char id[2 * SHA256_LEN + 1];
	struct reply blob;
	FILE *to;
	bool ok;

	memcpy(request.certificate_id, reply->issuance.certificate_id, SHA256_LEN);
	hex_encode(BYTES(request.certificate_id), id);
	fprintf(stderr, "unit %s: %s, certificate id %s\n", reply->issuance.unit,
		reply->again ? "the same certificate again" : "issued", id);
	if (!client_ask(&command_signer, &request, -1, &blob, e) || !command_open(a->out, &to, e))
		return false;
	ok = command_pem(to, "CERTIFICATE", blob.rows, e);
	if (to != stdout)
		fclose(to);
	return ok;
}

int issue_command(const struct arguments *a)
{
	struct request request = { .type = REQUEST_ISSUE, .source = SOURCE_FILE };
	uint8_t der[CSR_DER_MAX];
	struct reply reply;
	size_t len;
	struct err e;

	if (!a->unit || !a->csr) {
		err_set(&e, ERR_USAGE, "issue needs --unit ID and --csr FILE");
		return command_failed(&e);
	}
	if (strlen(a->unit) > NAME_MAX_LEN || (a->order && strlen(a->order) > NAME_MAX_LEN)) {
		err_set(&e, ERR_USAGE, "a unit id or an order has at most 64 characters");
		return command_failed(&e);
	}
	strcpy(request.unit, a->unit);
	strcpy(request.order, a->order ? a->order : "");
	if (!read_csr(a->csr, der, &len, &e))
		return command_failed(&e);
	request.csr = bytes_of(der, len);
	if (!client_ask(&command_signer, &request, -1, &reply, &e) || !print_issued(a, &reply, &e))
		return command_failed(&e);
	return 0;
}

static bool next_certificate(struct bytes *rest, X509 **ret_certificate, struct bytes *ret_der,
			     struct err *e)
{
	const uint8_t *at = rest->data;
	X509 *certificate = d2i_X509(NULL, &at, (long)rest->len);

	if (!certificate)
		return err_set(e, ERR_INVALID, "the signer's CA certificate cannot be read");
	*ret_certificate = certificate;
	*ret_der = bytes_of(rest->data, (size_t)(at - rest->data));
	*rest = bytes_of(at, rest->len - ret_der->len);
	return true;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool show_ca(const struct arguments *a, X509 *certificate, struct bytes der, struct err *e)
{
	char subject[REASON_MAX_LEN], ends[CLOCK_TEXT_SIZE], hex[2 * SHA256_LEN + 1];
	uint8_t id[SHA256_LEN];
	AUTO(json) object = NULL;

	SHA256(der.data, der.len, id);
	hex_encode(BYTES(id), hex);
	X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof(subject));
	clock_format(seconds_of(X509_get0_notAfter(certificate)), ends);
	if (!a->json) {
		printf("%s, ends %.10s, AWS id %s\n", subject, ends, hex);
		return command_pem(stdout, "CERTIFICATE", der, e);
	}
	object = json_pack("{ss ss ss so}", "subject", subject, "ca_certificate_id", hex,
			   "not_after", ends, "der", command_hex(der));
	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	command_print(object);
	return true;
}

int ca_show_command(const struct arguments *a)
{
	struct request request = { .type = REQUEST_CA };
	struct reply reply;
	struct bytes rest;
	struct err e;

	if (!client_ask(&command_signer, &request, -1, &reply, &e))
		return command_failed(&e);
	rest = reply.rows;
	while (rest.len) {
		AUTO(X509) certificate = NULL;
		struct bytes der;

		if (!next_certificate(&rest, &certificate, &der, &e) ||
		    !show_ca(a, certificate, der, &e))
			return command_failed(&e);
	}
	return 0;
}

/* The signer writes into a file of ours: it must not change the flags of the caller's terminal or
 * pipe. */
static bool fetch_crl(FILE *to, struct err *e)
{
	struct request request = { .type = REQUEST_CRL };
	AUTO(fd) fd = memfd_create("crl", MFD_CLOEXEC);
	char text[HEAD_TEXT_MAX];
	struct reply reply;
	struct head head;
	void *data;
	off_t len;
	bool ok;

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "no memory for the CRL");
	if (!client_ask(&command_signer, &request, fd, &reply, e) ||
	    !client_head(&command_signer, &head, e))
		return false;
	fprintf(stderr, "%s\n", reply.text);
	len = lseek(fd, 0, SEEK_END);
	data = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	if (data == MAP_FAILED)
		return err_errno(e, ERR_SYSTEM, "cannot read the CRL");
	fprintf(to, "imprint head %s\n", head_format(&head, text));
	ok = command_pem(to, "X509 CRL", bytes_of(data, (size_t)len), e);
	munmap(data, (size_t)len);
	return ok;
}

int ca_crl_command(const struct arguments *a)
{
	struct err e;
	FILE *to;
	bool ok;

	if (!command_open(a->out, &to, &e))
		return command_failed(&e);
	ok = fetch_crl(to, &e);
	if (to != stdout)
		fclose(to);
	return ok ? 0 : command_failed(&e);
}

int ca_verification_command(const struct arguments *a)
{
	struct request request = { .type = REQUEST_VERIFICATION_CERT };
	struct reply reply;
	struct err e;
	FILE *to;
	bool ok;

	if (strlen(a->operand) != REQUEST_CODE_LEN) {
		err_set(&e, ERR_USAGE,
			"the registration code is 64 hexadecimal digits, as aws iot "
			"get-registration-code prints it");
		return command_failed(&e);
	}
	strcpy(request.code, a->operand);
	if (!client_ask(&command_signer, &request, -1, &reply, &e) ||
	    !command_open(a->out, &to, &e))
		return command_failed(&e);
	ok = command_pem(to, "CERTIFICATE", reply.rows, &e);
	if (to != stdout)
		fclose(to);
	return ok ? 0 : command_failed(&e);
}
