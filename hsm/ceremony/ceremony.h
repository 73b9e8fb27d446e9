/* ceremony: what is done once, by a person, before a station can sign: the first set-up, the keys,
 * the CA certificate. It is the signer's offline half: same user, same lock on the ledger (refused
 * while the signer runs), and what it makes are the ledger's first entries:
 *	init	etc/signer.yaml, PIN (sealed to this PC where that can be), token
 *	create	ENTRY_LEDGER with the head key (once), ENTRY_CA_KEY; self-signed: ENTRY_CA
 *	import	ENTRY_CA
 * Each can be repeated after a crash at any point: a key that no entry names is never used, and a
 * second create makes a further CA key beside the old ones. Everything written is synced before the
 * sentence that says so. Errors: ERR_USAGE, ERR_REFUSED, ERR_BUSY (stop the signer first), those of
 * token and ledger. Threads: one. Layer above: ca_main. Below: certificate, token, ledger,
 * settings. */
#ifndef HSM_CEREMONY_H
#define HSM_CEREMONY_H

#include "hsm/certificate/certificate.h"

#define CEREMONY_TEXT_MAX 4096
#define CEREMONY_DAYS_DEFAULT 3650
#define CEREMONY_DAYS_MAX 36500

struct ceremony_init {
	const char *station;
	const char *token;    /* "soft", or a URI (RFC 7512): pkcs11:token=LABEL?module-path=SO */
	const char *module;   /* NULL: SoftHSM's, or the URI's */
	const char *pin_file; /* NULL: soft: a new random PIN; URI: the systemd credential */
	bool no_seal;	      /* keep a new PIN in a file, even where it could be sealed */
};

struct ceremony_create {
	const char *subject;
	enum token_key_type type;
	unsigned days; /* self-signed */
	int csr_fd;    /* -1: self-signed; else the CSR (PEM) is written there */
	const char *csr_path;
};

struct ceremony_import {
	const uint8_t *certificates; /* DER after DER: the CA's own first */
	size_t len;
};

/* Each says in ret_text what was done and what comes next: whole lines for stdout. */
MUST_CHECK bool ceremony_init(const struct ceremony_init *init,
			      char ret_text[static CEREMONY_TEXT_MAX], struct err *e);
MUST_CHECK bool ceremony_create(const struct ceremony_create *create,
				char ret_text[static CEREMONY_TEXT_MAX], struct err *e);
MUST_CHECK bool ceremony_import(const struct ceremony_import *import,
				char ret_text[static CEREMONY_TEXT_MAX], struct err *e);

/* The certificates in a file, PEM or DER, as DER after DER, appended to what is there already. */
MUST_CHECK bool ceremony_read(const char *path, uint8_t *data, size_t size, size_t *len,
			      struct err *e);

#endif
