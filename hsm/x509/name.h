/* name: the names in a certificate, from text to DER.
 *	subject		"O=Brand\, Inc.,OU=Thermostat,CN=T-0001"	RFC 4514, but in the order
 *									as written
 *	alternative	"DNS:t-1.example.com" "URI:urn:brand:t-1" "EMAIL:a@b.c" "IP:192.0.2.1"
 * Subject: one attribute an RDN; types by short name or dotted OID; a special character in a value
 * has a backslash in front (or is written \2C); length limits and string types of RFC 5280 appendix
 * A. A value is never syntax: what is escaped stays inside it. Errors: ERR_INVALID with the part
 * that is wrong. Threads: any. Layer above: certificate, ceremony, product. Below: der. */
#ifndef HSM_NAME_H
#define HSM_NAME_H

#include "base/err.h"
#include "hsm/x509/der.h"

#define NAME_ATTRIBUTES_MAX 16
#define NAME_DER_MAX 2048

/* Writes a Name. */
MUST_CHECK bool name_subject(const char *text, struct der_writer *w, struct err *e);

/* Writes one GeneralName. */
MUST_CHECK bool name_alternative(const char *text, struct der_writer *w, struct err *e);

#endif
