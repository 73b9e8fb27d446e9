/* token_inside: what the files of token share. Layer above: token*.c only. */
#ifndef HSM_TOKEN_INSIDE_H
#define HSM_TOKEN_INSIDE_H

#include "hsm/token/module.h"
#include "hsm/token/token.h"

#include <libp11.h>
#include <semaphore.h>
#include <stdatomic.h>

#define TOKEN_KEYS_MAX 8 /* keys in use at the same time */

struct token_key {
	struct token *token;
	EVP_PKEY *private; /* libp11's, signs in the token */
	EVP_PKEY *public;  /* from the SPKI that was asked for, verifies here */
	enum token_key_type type;
};

struct token {
	struct token_config config;
	struct module module;
	PKCS11_CTX *context;
	bool context_loaded;
	PKCS11_SLOT *slots, *slot;
	unsigned slot_count;
	CK_SESSION_HANDLE session; /* our own beside libp11's: it keeps the login alive */
	PKCS11_KEY *found;	   /* libp11's list, made once: a second look would append to it */
	unsigned found_count;
	bool looked;
	struct token_key keys[TOKEN_KEYS_MAX];
	size_t key_count;
	sem_t free_sessions;
	_Atomic(int64_t) since_ms[TOKEN_SESSIONS_MAX]; /* of each signature under way; 0: free */
};

/* What libp11 left in libcrypto's error queue, as ERR_TOKEN or ERR_PIN. Always returns false. */
bool token_error(const char *doing, struct err *e);

/* Before a login to SoftHSM (if SOFTHSM2_CONF is set): repairs what an earlier one may have left.
 */
MUST_CHECK bool token_keep(struct err *e);

/* The first 20 bytes of SHA-256 over the SPKI. */
#define TOKEN_ID_LEN 20
MUST_CHECK bool token_id(struct bytes spki, uint8_t ret_id[static TOKEN_ID_LEN], struct err *e);

#endif
