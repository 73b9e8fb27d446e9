/* A request from a board, or a file that a person gives: whatever the bytes are, the checker
 * returns, and what it accepts OpenSSL accepts, too. */
#include "hsm/certificate/csr.h"

#include "hsm/x509/crypto.h"

static struct csr_checker *checker;

static void hold_against_openssl(struct bytes der, const struct csr *csr)
{
	const uint8_t *at = der.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.len);
	uint8_t *spki = NULL;
	int len;

	if (!request || at != der.data + der.len ||
	    X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) != 1)
		abort();
	len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &spki);
	if (len < 0 ||
	    !bytes_equal(bytes_of(spki, (size_t)len), bytes_of(csr->spki, csr->spki_len)))
		abort();
	OPENSSL_free(spki);
	X509_REQ_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t der[CSR_DER_MAX];
	struct csr csr;
	struct err e;
	size_t len;

	if (!checker && !csr_checker_new(&checker, &e))
		abort();
	if (csr_read(bytes_of(data, size), der, &len, &e) &&
	    csr_check(checker, bytes_of(der, len), &csr, &e))
		hold_against_openssl(bytes_of(der, len), &csr);
	return 0;
}
