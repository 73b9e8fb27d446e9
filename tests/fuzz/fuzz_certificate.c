/* Certificates from elsewhere: a CA's that is imported (PEM or DER, its chain behind it), a server's
 * roots, one that is read back from a board. Behind the first byte: even, the file as a person gives
 * it; odd, one DER. Where our own reader takes a certificate, it and OpenSSL say the same of it; a
 * CA that is taken has its parts inside, and is taken again from what was kept. */
#include "hsm/api/proof/signature.h"
#include "hsm/ceremony/ceremony.h"
#include "hsm/certificate/certificate.h"
#include "hsm/certificate/x509.h"
#include "hsm/product/product_root.h"
#include "hsm/token/spki.h"

#include <assert.h>
#include <openssl/err.h>
#include <sys/mman.h>

#define CERTIFICATES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(struct bytes der, X509 *certificate)
{
	AUTO(EVP_PKEY) key = NULL;
	struct spki spki;
	struct err e;

	if (!spki_parse(der, &spki, &e))
		return;
	assert(*spki_algorithm(spki.type).data && spki_bits(spki.type) > 0);
	if (!spki_key(&spki, &key, &e))
		return;
	assert(X509_get0_pubkey(certificate) &&
	       EVP_PKEY_eq(key, X509_get0_pubkey(certificate)) == 1);
}

static void check_view(struct bytes der, X509 *certificate, struct err *e)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	struct x509_view view;
	struct bytes tbs;

	if (!x509_view(der, &view, e) || !signature_tbs(der, &tbs, e))
		return;
	assert(bytes_equal(view.body, tbs));
	assert(tbs.data >= der.data && tbs.data + tbs.len <= der.data + der.len);
	assert(serial);
	check_key(view.spki, certificate);
}

static void read_der(struct bytes der)
{
	AUTO(X509) certificate = NULL;
	uint8_t *spki;
	struct err e;
	size_t len;

	if (!signature_certificate(der, &certificate, &e))
		return;
	check_view(der, certificate, &e);
	if (signature_spki(certificate, &spki, &len, &e))
		OPENSSL_free(spki);
	(void)!signature_issued(certificate, certificate, &e);
}

static void load_ca(struct bytes der, struct bytes chain)
{
	AUTO(ca) ca = NULL, again = NULL;
	struct err e;

	if (!ca_load(der, chain, CA_ANY_TIME, &ca, &e)) {
		assert(e.code && *e.text);
		return;
	}
	assert(ca->der_len <= sizeof(ca->der) && ca->chain_len <= sizeof(ca->chain));
	assert(ca_spki(ca).data >= ca->der && ca_spki(ca).data < ca->der + ca->der_len);
	assert(ca_load(bytes_of(ca->der, ca->der_len), bytes_of(ca->chain, ca->chain_len),
		       CA_ANY_TIME, &again, &e));
	assert(memcmp(ca->id, again->id, sizeof(ca->id)) == 0);
}

static void read_file(struct bytes text)
{
	static uint8_t certificates[CERTIFICATES_MAX];
	AUTO(fd) fd = memfd_create("certificates", MFD_CLOEXEC);
	AUTO_FREE uint8_t *roots = NULL;
	struct bytes rest;
	struct der_element own;
	size_t len = 0, roots_len, count;
	char path[32];
	struct err e;

	assert(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (product_root_load(path, &roots, &roots_len, &count, &e))
		assert(roots_len > 0 && count > 0);
	if (!ceremony_read(path, certificates, sizeof(certificates), &len, &e))
		return;
	assert(len > 0 && len <= sizeof(certificates));
	rest = bytes_of(certificates, len);
	if (der_next(&rest, &own))
		load_ca(own.whole, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	(data[0] % 2 ? read_der : read_file)(bytes_of(data + 1, size - 1));
	assert(ERR_peek_error() == 0); /* a queue that grows is somebody else's error later */
	return 0;
}
