/* token: the PKCS#11 token that holds the CA key and the head key. One token a process.
 * libp11 signs (one context, never logs out); the raw calls of the same module make keys and read
 * attributes. After any ERR_TOKEN the token is of no more use: token_close, then token_open again
 * (recovery = close everything and reopen). ERR_PIN: the token refused the PIN; never tried again
 * by oneself: a mark remembers it, and until the PIN's file changes token_open fails
 * without touching the token. The PIN is read from its file or credential for each login into one locked buffer and
 * cleansed after it. SoftHSM rewrites its token at each login without care: token_open keeps a copy
 * beside it, and puts that back when it was cut off. Threads: token_open and token_close from one
 * thread with no signature under way; token_sign from any. Layer above: ceremony, signer. Below:
 * libp11, PKCS#11 module, libcrypto. Source: PKCS#11 v2.40, RFC 7512. */
#ifndef HSM_TOKEN_H
#define HSM_TOKEN_H

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <limits.h>
#include <openssl/evp.h>

#define TOKEN_SESSIONS_MAX 16
#define TOKEN_SIGNATURE_MAX 600
#define TOKEN_LABEL_MAX 32

struct token_config {
	char module[PATH_MAX];		 /* the PKCS#11 module's .so */
	char init_args[256];		 /* pReserved of C_Initialize, mostly "" */
	char label[TOKEN_LABEL_MAX + 1]; /* the token's */
	char pin_file[PATH_MAX];	 /* "" : the systemd credential token-pin */
	char pin_mark[PATH_MAX];	 /* remembers a refused PIN; "" : nobody does */
	unsigned sessions;		 /* signatures at the same time, 1..16 */
};

enum token_key_type { KEY_EC_P256 = 1, KEY_EC_P384, KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096 };

struct token;
struct token_key; /* a private key in the token with its public half; lives as long as the token */

MUST_CHECK bool token_open(const struct token_config *config, struct token **ret_token,
			   struct err *e);
void token_close(struct token *t);
AUTO_DEFINE(token, struct token *, token_close)

/* The private key of the public key given: by its CKA_ID (the first 20 bytes of SHA-256 over the
 * SPKI), or, for keys that others made, the one that signs for it. Signs and verifies once against
 * that SPKI, checks that the key cannot leave the token (ERR_REFUSED with the attribute's name, or
 * for a key that does not match), and opens the sessions. ERR_NOT_FOUND. At most 8 keys; call
 * before threads start. */
MUST_CHECK bool token_key(struct token *t, struct bytes spki, struct token_key **ret_key,
			  struct err *e);

/* Makes a key pair in the token: every attribute set. ret_spki is 600 bytes long. The key is
 * findable by token_key, as long as it was made before the first token_key (libp11 looks once). The
 * caller makes it durable with token_sync. */
MUST_CHECK bool token_make_key(struct token *t, enum token_key_type type, const char *label,
			       uint8_t *ret_spki, size_t *ret_len, struct err *e);

/* Signs data: SHA-256 (P-384 and larger RSA: SHA-384 for P-384, SHA-256 for RSA), hashed outside
 * the token; ECDSA as DER, RSA as PKCS#1 v1.5. ret_signature is TOKEN_SIGNATURE_MAX long. */
MUST_CHECK bool token_sign(struct token_key *key, struct bytes data, uint8_t *ret_signature,
			   size_t *ret_len, struct err *e);

/* For how long the oldest signature has been under way; 0: none. A token may hang for ever. */
int64_t token_oldest_ms(const struct token *t);

/* The public half (not to be freed), and the DER of the AlgorithmIdentifier that token_sign's
 * signatures have. */
EVP_PKEY *token_public(const struct token_key *key);
struct bytes token_algorithm(const struct token_key *key);
enum token_key_type token_type(const struct token_key *key);

/* SoftHSM syncs nothing: fsync every file and folder below `folder`. */
MUST_CHECK bool token_sync(const char *folder, struct err *e);

/* A new SoftHSM token in `folder` (softhsm2.conf and tokens/ made there; synced), SO and user PIN
 * given; SOFTHSM2_CONF is set. If tokens/ is there already it is left as it is; a crash on the way
 * leaves none. Before token_open. */
MUST_CHECK bool token_init_soft(const char *module, const char *folder, const char *label,
				const char *pin, const char *so_pin, struct err *e);

/* "ec-p256" and back; false if it is none. */
const char *token_key_type_name(enum token_key_type type);
bool token_key_type_of(const char *name, enum token_key_type *ret_type);

#endif
