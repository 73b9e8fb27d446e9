/* product: the signer's part of etc/products/NAME.yaml (`certificate:`): what a certificate
 * contains, which keys are allowed, the unit ids, the files for the board and their exact encoding.
 * `board:` is the station's and not read here.
 *
 *	certificate:
 *	  subject: "O=Brand,OU=Thermostat,CN={unit}"	see name.h; in the order as written
 *	  san: ["DNS:{unit}.example.com"]		optional: DNS, URI, EMAIL, IP
 *	  validity: no-well-defined-expiration		or "3650 days", 1 to 36500
 *	  keys: [ec-p256]				default [ec-p256]
 *	  key_usage: [digitalSignature]			default; RFC 5280 names
 *	  extended_key_usage: [clientAuth]		default; names, dotted OIDs, or none
 *	  unit:
 *	    pattern: "[A-Za-z0-9-]{4,32}"		POSIX extended, matched whole
 *	    source: board				default; board, file, label, list
 *	  rekey: never					default; or before_installed
 *	  files:					1 to 8 for the board; names are unique
 *	    - { name: certificate, content: [certificate], encoding: der }
 *	    - { name: bundle, content: [certificate, issuer], encoding: pem }
 *	    - { name: root, content: [server_root], encoding: pem }
 *	  server_root: amazon-root-ca-1.pem		path, relative to the product's folder
 * Templates hold {unit}, {order} and {product}; {unit} must be in the subject or the SAN. content:
 * certificate, issuer (the CA certificate), chain (issuer and what is above it), server_root. DER
 * holds one certificate; more go into PEM, in the order given; pem-crlf and pem-nul are PEM with
 * other line ends, or with a NUL behind it. A product that could make a CA certificate, or one that
 * speaks for the CA (OCSPSigning), is refused. Mistakes: ERR_INVALID, "FILE:LINE:COLUMN: …" and
 * what is allowed. Threads: a loaded product is read-only: any. Layer above: certificate, signer.
 * Below: base/config, unit_pattern, name. */
#ifndef HSM_PRODUCT_H
#define HSM_PRODUCT_H

#include "hsm/api/issuance.h"
#include "hsm/token/token.h"

#include <regex.h>

#define PRODUCT_SAN_MAX 8
#define PRODUCT_FILES_MAX 8
#define PRODUCT_FILE_NAME_MAX 32
#define PRODUCT_EKU_MAX 8
#define PRODUCT_EKU_LEN 64
#define PRODUCT_TEXT_MAX 256
#define PRODUCT_ROOT_MAX 16384
#define PRODUCT_NO_END 0 /* validity_days */
#define PRODUCT_DAYS_MAX 36500

enum content { CONTENT_CERTIFICATE = 1, CONTENT_ISSUER, CONTENT_CHAIN, CONTENT_SERVER_ROOT };
#define PRODUCT_CONTENT_MAX 4

struct product_file {
	char name[PRODUCT_FILE_NAME_MAX + 1];
	enum content content[PRODUCT_CONTENT_MAX];
	size_t content_count;
	bool pem;
	bool crlf; /* PEM with CR LF at the end of each line */
	bool nul;  /* PEM with a NUL behind it, as Mbed TLS wants it */
};

struct product {
	char name[NAME_MAX_LEN + 1]; /* the file's name without .yaml */
	char subject[PRODUCT_TEXT_MAX + 1];
	char san[PRODUCT_SAN_MAX][PRODUCT_TEXT_MAX + 1];
	size_t san_count;
	uint32_t validity_days;
	uint32_t key_types; /* bit 1 << enum token_key_type */
	uint32_t key_usage; /* X509v3 KU_… bits */
	char extended_key_usage[PRODUCT_EKU_MAX][PRODUCT_EKU_LEN + 1]; /* for OBJ_txt2obj */
	size_t extended_key_usage_count;
	regex_t unit_pattern; /* see unit_pattern.h */
	char unit_pattern_text[PATTERN_MAX_LEN + 1];
	enum unit_source unit_source;
	bool rekey_before_installed;
	struct product_file files[PRODUCT_FILES_MAX];
	size_t file_count;
	uint8_t *server_root; /* DER after DER, owned */
	size_t server_root_len;
};

MUST_CHECK bool product_load(const char *path, struct product **ret_product, struct err *e);
/* The same, and every mistake is reported, not the first alone. */
MUST_CHECK bool product_load_reported(const char *path,
				      void (*report)(void *context, const struct err *mistake),
				      void *context, struct product **ret_product, struct err *e);
void product_free(struct product *p);
AUTO_DEFINE(product, struct product *, product_free)

bool product_allows_key(const struct product *p, enum token_key_type type);
bool product_allows_unit(const struct product *p, const char *unit);

/* Fills a template: {unit}, {order}, {product}. With `escape` each value is written so that it
 * stays one attribute value of RFC 4514, whatever characters it has; the template itself is taken
 * as it is. ERR_INVALID: an unknown word in braces, or too long. */
MUST_CHECK bool product_fill(const char *template, const char *unit, const char *order,
			     const char *product, bool escape, char *ret_text, size_t size,
			     struct err *e);

/* "certificate"; "" if it is none. */
const char *product_content_name(enum content content);

/* "pem-crlf" */
const char *product_encoding_name(const struct product_file *file);

#endif
