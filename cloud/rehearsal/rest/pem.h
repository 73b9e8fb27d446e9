/* pem: one X.509 certificate from its PEM, and what AWS checks on one. Errors: AWS_CERTIFICATE_VALIDATION. Threads: one a pem. Layer above: the operations.
 * Below: cert, libcrypto. */
#ifndef CLOUD_REHEARSAL_REST_PEM_H
#define CLOUD_REHEARSAL_REST_PEM_H

#include "cloud/rehearsal/cert.h"
#include "cloud/rehearsal/rest/operation.h"

struct pem {
	X509 *x509;
	char id[REGISTRY_ID_SIZE]; /* SHA-256 of the DER */
	int64_t not_before_ms, not_after_ms;
};

/* `what` for the sentence: "the CA certificate". Exactly one certificate, its key and signature of
 * the kinds and sizes that AWS takes, and within its dates. */
MUST_CHECK bool pem_read(const char *text, const char *what, struct pem **ret_pem, struct err *e);
void pem_free(struct pem *pem);
AUTO_DEFINE(pem, struct pem *, pem_free)

bool pem_is_ca(const struct pem *pem);
/* Its issuer is the CA's subject, and the CA's key made its signature. */
bool pem_signed_by(const struct pem *pem, const struct pem *ca);
/* The subject has that CN. */
bool pem_has_common_name(const struct pem *pem, const char *name);
/* DER, inside the pem. */
struct bytes pem_subject(const struct pem *pem);
struct bytes pem_issuer(const struct pem *pem);

#endif
