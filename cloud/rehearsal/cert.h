/* cert: what REST server and plugin both ask of an X.509 certificate: its id, its dates, and whether
 * key and signature are of a kind that AWS IoT takes (X.509 v1 is good for a device). Errors:
 * ERR_SYSTEM, ERR_INVALID (dates). Threads: any. Layer above: pem, inspect, visit. Below: libcrypto.
 * Source: AWS IoT developer guide, "Create your own client certificates". */
#ifndef CLOUD_REHEARSAL_CERT_H
#define CLOUD_REHEARSAL_CERT_H

#include "base/cleanup.h"
#include "cloud/rehearsal/registry.h"

#include <openssl/x509.h>

AUTO_DEFINE(X509, X509 *, X509_free)
AUTO_DEFINE(BIO, BIO *, BIO_free_all)

/* SHA-256 of its DER, in hex. */
MUST_CHECK bool cert_id(const X509 *x509, char ret_id[static REGISTRY_ID_SIZE], struct err *e);
/* Seconds since 1970 UTC. */
MUST_CHECK bool cert_dates(const X509 *x509, int64_t *ret_not_before_s, int64_t *ret_not_after_s,
			   struct err *e);
/* "has an RSA key below 2048 bits"; NULL: AWS takes it. */
const char *cert_weakness(X509 *x509);

#endif
