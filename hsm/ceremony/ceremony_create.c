#include "hsm/ceremony/ceremony.h"

#include "base/hex.h"
#include "hsm/ceremony/ceremony_open.h"
#include "hsm/x509/crypto.h"
#include "hsm/x509/name.h"
#include "hsm/token/spki.h"
#include "hsm/certificate/x509.h"

#include <libgen.h>
#include <openssl/x509v3.h>

#define SUBJECT_MAX REASON_MAX_LEN
#define EXTENSIONS_MAX 512
#define BODY_MAX 4096
#define SERIAL_LEN 16
#define HOUR_S 3600
#define DAY_S 86400
#define HEAD_LABEL "imprint-head"
#define CA_LABEL "imprint-ca"

/* extensionRequest, PKCS#9 (RFC 2985 5.4.2): 1.2.840.113549.1.9.14 */
static const uint8_t oid_request[] = { 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14 };

/* What one create makes on its way. */
struct work {
	struct ceremony *ceremony;
	struct token *token;
	struct token_key *signer;
	uint8_t head[SPKI_MAX], key[SPKI_MAX], subject[NAME_DER_MAX];
	size_t head_len, key_len, subject_len;
	struct ca *ca; /* self-signed */
};

static bool encode_subject(const struct ceremony_create *create, struct work *work, struct err *e)
{
	struct der_writer w = der_writer(work->subject, sizeof(work->subject));

	if (strlen(create->subject) > SUBJECT_MAX)
		return err_set(e, ERR_USAGE, "the subject is longer than %d bytes", SUBJECT_MAX);
	if (!name_subject(create->subject, &w, e)) {
		e->code = ERR_USAGE;
		return err_add(e, "--subject");
	}
	work->subject_len = w.len;
	return true;
}

static bool sync_soft(const struct settings *settings, struct err *e)
{
	char path[PATH_MAX];

	if (!settings->softhsm_conf[0])
		return true; /* hardware keeps its own keys */
	snprintf(path, sizeof(path), "%s", settings->softhsm_conf);
	return token_sync(dirname(path), e);
}

/* The head key once in a ledger's life, the CA key each time; both are durable before any entry
 * names them. */
static bool make_keys(const struct ceremony_create *create, struct work *work, struct err *e)
{
	struct ceremony *c = work->ceremony;
	struct token_key *head;

	if (!token_open(&c->settings.token, &work->token, e))
		return false;
	if (!c->has_head &&
	    !token_make_key(work->token, KEY_EC_P256, HEAD_LABEL, work->head, &work->head_len, e))
		return err_add(e, "head key");
	if (!token_make_key(work->token, create->type, CA_LABEL, work->key, &work->key_len, e))
		return err_add(e, "CA key");
	if (!sync_soft(&c->settings, e))
		return false;
	if (!c->has_head && !token_key(work->token, bytes_of(work->head, work->head_len), &head, e))
		return err_add(e, "head key");
	return token_key(work->token, bytes_of(work->key, work->key_len), &work->signer, e) ||
	       err_add(e, "CA key");
}

static bool write_extensions(const struct work *work, struct der_writer *w, struct err *e)
{
	uint8_t id[X509_KEY_ID_LEN];

	if (!x509_key_id(bytes_of(work->key, work->key_len), id, e))
		return false;
	x509_write_constraints(w, true);
	x509_write_usage(w, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	x509_write_key_id(w, BYTES(id));
	return true;
}

static bool self_sign(const struct ceremony_create *create, struct work *work, struct err *e)
{
	const struct settings *settings = &work->ceremony->settings;
	uint8_t extensions[EXTENSIONS_MAX], body[BODY_MAX], serial[SERIAL_LEN],
		der[CERTIFICATE_MAX];
	struct der_writer ext = der_writer(extensions, sizeof(extensions));
	struct der_writer w = der_writer(body, sizeof(body));
	struct x509_body parts = {
		.serial = BYTES(serial),
		.algorithm = token_algorithm(work->signer),
		.issuer = bytes_of(work->subject, work->subject_len),
		.subject = bytes_of(work->subject, work->subject_len),
		.spki = bytes_of(work->key, work->key_len),
		.not_before = work->ceremony->now_s - HOUR_S,
		.not_after = work->ceremony->now_s + (int64_t)create->days * DAY_S,
	};
	size_t len;

	if (!certificate_serial(bytes_of(settings->serial_prefix, settings->serial_prefix_len),
				serial, e) ||
	    !write_extensions(work, &ext, e))
		return false;
	parts.extensions = der_written(&ext);
	x509_write_body(&w, &parts);
	if (!der_ok(&ext) || !der_ok(&w))
		return err_set(e, ERR_INVALID, "the CA certificate would be too long");
	return x509_sign(work->signer, token_public(work->signer), der_written(&w), der,
			 sizeof(der), &len, e) &&
	       ca_load(bytes_of(der, len), bytes_of(NULL, 0), work->ceremony->now_s, &work->ca, e);
}

/* CertificationRequestInfo, RFC 2986, which asks for a CA's extensions. */
static bool write_request(const struct work *work, struct der_writer *w, struct err *e)
{
	uint8_t extensions[EXTENSIONS_MAX];
	struct der_writer ext = der_writer(extensions, sizeof(extensions));
	size_t info = der_begin(w, DER_SEQUENCE), attributes, attribute, values;

	if (!write_extensions(work, &ext, e))
		return false;
	der_put_small(w, 0);
	der_put_raw(w, bytes_of(work->subject, work->subject_len));
	der_put_raw(w, bytes_of(work->key, work->key_len));
	attributes = der_begin(w, DER_CONTEXT_CONSTRUCTED | 0);
	attribute = der_begin(w, DER_SEQUENCE);
	der_put_raw(w, BYTES(oid_request));
	values = der_begin(w, DER_SET);
	der_put(w, DER_SEQUENCE, der_written(&ext));
	der_end(w, values);
	der_end(w, attribute);
	der_end(w, attributes);
	der_end(w, info);
	return (der_ok(&ext) && der_ok(w)) || err_set(e, ERR_INVALID, "the CSR would be too long");
}

static bool write_pem(int fd, const char *path, struct bytes der, struct err *e)
{
	AUTO(FILE) file = fdopen(dup(fd), "w");

	if (!file || PEM_write(file, PEM_STRING_X509_REQ, "", der.data, (long)der.len) <= 0 ||
	    fflush(file) != 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	if (ftruncate(fd, lseek(fd, 0, SEEK_CUR)) < 0 || fsync(fd) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot sync %s", path);
	return true;
}

static bool request(const struct ceremony_create *create, struct work *work, struct err *e)
{
	uint8_t info[BODY_MAX], der[BODY_MAX + X509_ENVELOPE_MAX];
	struct der_writer w = der_writer(info, sizeof(info));
	size_t len;

	return write_request(work, &w, e) &&
	       x509_sign(work->signer, token_public(work->signer), der_written(&w), der,
			 sizeof(der), &len, e) &&
	       write_pem(create->csr_fd, create->csr_path, bytes_of(der, len), e);
}

static bool enter(const struct ceremony_create *create, struct work *work, struct err *e)
{
	struct ceremony *c = work->ceremony;
	struct entry entries[3] = { 0 };
	size_t count = 0;

	if (!c->has_head)
		entries[count++] = (struct entry) {
			.type = ENTRY_LEDGER,
			.station = bytes_text(c->settings.station),
			.key = bytes_of(work->head, work->head_len),
			.prefix =
				bytes_of(c->settings.serial_prefix, c->settings.serial_prefix_len),
		};
	entries[count++] = (struct entry) { .type = ENTRY_CA_KEY,
					    .subject = bytes_text(create->subject),
					    .key = bytes_of(work->key, work->key_len) };
	if (work->ca)
		entries[count++] = (struct entry) {
			.type = ENTRY_CA, .certificate = bytes_of(work->ca->der, work->ca->der_len)
		};
	return ceremony_append(c, entries, count, e);
}

static bool has_ca_key(struct ceremony *c)
{
	AUTO_FREE uint8_t *data = NULL;
	struct err ignored;
	size_t len;

	return ledger_latest(c->ledger, ENTRY_CA_KEY, &data, &len, &ignored);
}

static void say(const struct ceremony_create *create, const struct work *work, bool further,
		char ret_text[static CEREMONY_TEXT_MAX])
{
	const char *made = further ? "A further CA key made" : "Key made";
	char accepted[128];

	if (work->ca) {
		ceremony_say_ca(work->ca, accepted, sizeof(accepted));
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "%s in the token; it cannot leave. Self-signed.\n%s", made, accepted);
	} else {
		snprintf(ret_text, CEREMONY_TEXT_MAX,
			 "%s in the token; it cannot leave. Have %.1024s signed, then: imprint ca "
			 "import\n%s",
			 made, create->csr_path,
			 further ? "Until then the CA in use stays.\n" : "");
	}
}

/* A key without an entry is never used, so whatever broke off can be done again. */
static bool broke_off(struct err *e)
{
	size_t len = strlen(e->text);

	snprintf(e->text + len, sizeof(e->text) - len,
		 "; nothing is lost: repair this, then run it again");
	return false;
}

static bool run(const struct ceremony_create *create, struct work *work,
		char ret_text[static CEREMONY_TEXT_MAX], struct err *e)
{
	bool further;

	if (!encode_subject(create, work, e) || !ceremony_open(true, &work->ceremony, e))
		return false;
	further = has_ca_key(work->ceremony);
	if (!make_keys(create, work, e) ||
	    !(create->csr_fd < 0 ? self_sign(create, work, e) : request(create, work, e)) ||
	    !enter(create, work, e))
		return broke_off(e);
	say(create, work, further, ret_text);
	return true;
}

bool ceremony_create(const struct ceremony_create *create, char ret_text[static CEREMONY_TEXT_MAX],
		     struct err *e)
{
	AUTO_FREE struct work *work = calloc(1, sizeof(*work));
	bool done;

	if (!work)
		return err_set(e, ERR_SYSTEM, "no memory");
	done = run(create, work, ret_text, e);
	ca_free(work->ca);
	token_close(work->token);
	ceremony_close(work->ceremony);
	return done;
}
