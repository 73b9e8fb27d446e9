/* ca: the CA that a certificate belongs to. Private to the operations. Layer above: certificate.
 * Below: pem. */
#ifndef CLOUD_REHEARSAL_REST_CA_H
#define CLOUD_REHEARSAL_REST_CA_H

#include "cloud/rehearsal/rest/pem.h"

/* The registered CA that signed the certificate: the one that is named (`ca_pem`), else the only one
 * whose subject is its issuer. AWS_CERTIFICATE_STATE: none, or not ACTIVE;
 * AWS_CERTIFICATE_CONFLICT: several; AWS_CERTIFICATE_VALIDATION: it was not signed by that CA. */
MUST_CHECK bool ca_of(struct call *c, const struct pem *certificate, const char *ca_pem,
		      char ret_id[static REGISTRY_ID_SIZE], struct err *e);

#endif
