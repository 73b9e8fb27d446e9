#include "cloud/rehearsal/launch/material.h"

#include "base/cleanup.h"
#include "cloud/rehearsal/launch/settings.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define DAYS 3650
#define DAY_S 86400
#define SERIAL_LEN 16

AUTO_DEFINE(EVP_PKEY, EVP_PKEY *, EVP_PKEY_free)
AUTO_DEFINE(X509, X509 *, X509_free)

static bool failed(const char *doing, struct err *e)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	err_set(e, ERR_SYSTEM, "cannot %s: %s", doing, reason ? reason : "no reason given");
	ERR_clear_error();
	return false;
}

struct extension {
	int nid;
	const char *value;
};

static const struct extension root_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0 },
};
static const struct extension server_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid" },
	{ 0 },
};

static bool extend(X509 *x509, X509 *issuer, const struct extension *extensions)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	for (; extensions->nid; extensions++) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, &context, extensions->nid, extensions->value);
		bool added = extension && X509_add_ext(x509, extension, -1);

		X509_EXTENSION_free(extension);
		if (!added)
			return false;
	}
	return true;
}

static bool set_serial(X509 *x509)
{
	uint8_t random[SERIAL_LEN];
	BIGNUM *number;
	bool set;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return false;
	random[0] = (random[0] & 0x7f) | 0x40;
	number = BN_bin2bn(random, sizeof(random), NULL);
	set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
	BN_free(number);
	return set;
}

static bool set_name(X509 *x509, const char *common_name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
					  (const uint8_t *)common_name, -1, -1, 0) == 1;
}

/* `issuer` NULL: itself. */
static bool make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
		 const struct extension *extensions, X509 **ret_x509, struct err *e)
{
	AUTO(X509) x509 = X509_new();
	X509 *by = issuer ? issuer : x509;

	if (!x509 || !X509_set_version(x509, X509_VERSION_3) || !set_serial(x509) ||
	    !X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_S) ||
	    !X509_gmtime_adj(X509_getm_notAfter(x509), (long)DAYS * DAY_S) ||
	    !set_name(x509, name) || !X509_set_issuer_name(x509, X509_get_subject_name(by)) ||
	    !X509_set_pubkey(x509, key) || !extend(x509, by, extensions) ||
	    !X509_sign(x509, issuer_key, EVP_sha256()))
		return failed("make the server's certificate", e);
	*ret_x509 = TAKE(x509);
	return true;
}

/* --- files --- */

static bool open_file(const char *path, mode_t mode, FILE **ret_file, struct err *e)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	*ret_file = fd < 0 ? NULL : fdopen(fd, "w");
	return *ret_file || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}

static bool write_certificate(const char *path, X509 *x509, struct err *e)
{
	FILE *file;
	bool written;

	if (!open_file(path, 0644, &file, e))
		return false;
	written = PEM_write_X509(file, x509) == 1;
	return (fclose(file) == 0 && written) || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}

static bool write_key(const char *path, EVP_PKEY *key, struct err *e)
{
	FILE *file;
	bool written;

	if (!open_file(path, 0600, &file, e))
		return false;
	written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
	return (fclose(file) == 0 && written) || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}

static bool is_good(const char *path)
{
	AUTO(FILE) file = fopen(path, "re");
	AUTO(X509) x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	time_t tomorrow = time(NULL) + DAY_S;
	bool good = x509 && X509_cmp_time(X509_get0_notAfter(x509), &tomorrow) > 0;

	ERR_clear_error();
	return good;
}

bool material_make(struct err *e)
{
	AUTO(EVP_PKEY) root_key = NULL, key = NULL;
	AUTO(X509) root = NULL, server = NULL;

	/* The server's certificate is written last. */
	if (is_good(FILE_ROOT) && is_good(FILE_SERVER) && access(FILE_SERVER_KEY, R_OK) == 0)
		return true;
	unlink(FILE_SERVER);
	root_key = EVP_EC_gen("P-256");
	key = EVP_EC_gen("P-256");
	if (!root_key || !key)
		return failed("make the server's key", e);
	return make("imprint rehearsal root", root_key, NULL, root_key, root_extensions, &root,
		    e) &&
	       make("localhost", key, root, root_key, server_extensions, &server, e) &&
	       write_certificate(FILE_ROOT, root, e) && write_key(FILE_SERVER_KEY, key, e) &&
	       write_certificate(FILE_SERVER, server, e);
}
