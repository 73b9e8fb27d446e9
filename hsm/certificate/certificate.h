/* certificate: what the signer makes. It composes every certificate itself from the product;
 * nobody's prepared bytes are signed. Two halves, so that what will be signed is durable in the
 * ledger before the token sees it:
 *	certificate_compose	product, unit, key, serial, time -> TBS
 *	certificate_sign	TBS -> token -> verified DER whose TBS is byte for byte the composed
 *				one
 * X.509 v3, RFC 5280: basicConstraints CA:FALSE critical, keyUsage critical, EKU, SKI, AKI, SAN as
 * the product has it. Threads: any; a struct ca is read-only after ca_load. Layer above: signer,
 * ceremony. Below: product, csr, x509, name, token. */
#ifndef HSM_CERTIFICATE_H
#define HSM_CERTIFICATE_H

#include "hsm/certificate/csr.h"
#include "hsm/product/product.h"

#include <openssl/x509.h>

#define TBS_MAX 6144
#define CA_CHAIN_MAX 16384
#define CA_KEY_ID_MAX 64

/* The CA in use: its certificate, what is above it, its key in the token. */
struct ca {
	X509 *certificate;
	EVP_PKEY *key; /* the public half, from the certificate */
	uint8_t der[CERTIFICATE_MAX];
	size_t der_len;
	uint8_t chain[CA_CHAIN_MAX]; /* DER after DER, above the CA; may be empty */
	size_t chain_len;
	uint8_t id[SHA256_LEN];	       /* SHA-256 of der: AWS calls it certificateId */
	uint8_t key_id[CA_KEY_ID_MAX]; /* its subjectKeyIdentifier, for the AKI */
	size_t key_id_len;
	int64_t not_before, not_after;
	struct token_key *signer; /* token_key of ca_spki, set by who opened the token; not owned */
	/* views into der, made once by ca_load: what composing needs */
	enum token_key_type key_type;
	struct bytes subject, spki;
};

/* Checks a CA certificate and its chain: path, CA:TRUE, keyCertSign (an absent keyUsage passes),
 * path length, validity at now_s. Self-signed, or a chain (in any order; the CA keeps it in the
 * order of the path) that leads up to a self-signed root. ERR_INVALID says which rule is broken. */
#define CA_ANY_TIME 0 /* for now_s: an ended CA still signs its CRL; composing checks the time */
MUST_CHECK bool ca_load(struct bytes der, struct bytes chain, int64_t now_s, struct ca **ret_ca,
			struct err *e);
void ca_free(struct ca *ca);
AUTO_DEFINE(ca, struct ca *, ca_free)

/* The public key as token_key wants it; lives as long as the CA. */
struct bytes ca_spki(const struct ca *ca);

struct tbs {
	uint8_t der[TBS_MAX];
	size_t len;
	uint8_t sha256[SHA256_LEN];
};

struct certificate_plan {
	const struct product *product;
	const char *unit, *order;
	struct bytes spki;   /* DER, from a checked CSR */
	struct bytes serial; /* positive, at most 20 octets */
	int64_t now_s;	     /* notBefore is an hour back, never before the CA's */
};

/* notAfter may lie behind the CA's: RFC 5280 does not want validity nested, and what ends first is
 * the CA's own affair. REFUSAL_CA once the CA has ended (or has not begun); ERR_INVALID if the unit
 * does not fit into the product's names. */
MUST_CHECK bool certificate_compose(const struct ca *ca, const struct certificate_plan *plan,
				    struct tbs *ret_tbs, struct err *e);

/* Signs in the token, verifies with the CA certificate's own key, assembles, and holds the TBS in
 * the result against tbs->sha256. ret_der is CERTIFICATE_MAX long. ERR_TOKEN if the token fails or
 * signed wrongly. */
MUST_CHECK bool certificate_sign(const struct ca *ca, const struct tbs *tbs, uint8_t *ret_der,
				 size_t *ret_len, struct err *e);

/* A new certificate serial: the station's prefix, then the time in 1/256 s (at most 5 octets), so
 * that serials rise and the ledger's index of them grows at its end, then random bits, at least 64:
 * 16 octets in all, positive. Without a prefix all is random. */
MUST_CHECK bool certificate_serial(struct bytes prefix, uint8_t ret_serial[static 16],
				   struct err *e);

/* One of the product's files for the board, exact bytes. The caller frees *ret_data. */
MUST_CHECK bool certificate_file(const struct ca *ca, const struct product *product,
				 const struct product_file *file, struct bytes certificate,
				 uint8_t **ret_data, size_t *ret_len, struct err *e);

/* The certificate that AWS IoT asks for: subject CN = code (64 hex digits), a throw-away P-256 key,
 * one day. */
MUST_CHECK bool certificate_verification(const struct ca *ca, const char *code, struct bytes serial,
					 int64_t now_s, uint8_t *ret_der, size_t *ret_len,
					 struct err *e);

/* A CRL (RFC 5280 5) of one CA, signed in the token: number, thisUpdate now, nextUpdate in `days`.
 * Entries must be sorted by the caller's choice; they are written as they come. The caller frees
 * *ret_der. */
struct crl_entry {
	uint8_t serial[SERIAL_MAX];
	uint8_t serial_len;
	int64_t revoked_at;
};
MUST_CHECK bool certificate_crl(const struct ca *ca, uint64_t number, int64_t now_s, unsigned days,
				const struct crl_entry *entries, size_t count, uint8_t **ret_der,
				size_t *ret_len, struct err *e);

/* The proof of a board: does `signature` (ECDSA or RSA with SHA-256) by the certificate's key cover
 * "imprint-prove-v1" 00 | nonce | certificate id | unit id | SHA-256 of each file? ERR_INVALID if
 * not. */
MUST_CHECK bool certificate_proof(struct bytes certificate, const uint8_t nonce[static 32],
				  const char *unit, struct bytes digests, struct bytes signature,
				  struct err *e);

#endif
