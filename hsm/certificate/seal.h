/* seal: the signature under a ledger's head, made in the token with the key that serves for nothing
 * else. Threads: any. Layer above: signer, ceremony. Below: token, hsm/api/head. */
#ifndef HSM_SEAL_H
#define HSM_SEAL_H

#include "hsm/api/head.h"
#include "hsm/token/token.h"

/* Fills in key and signature of a head whose other members are set, and verifies it. ERR_TOKEN if
 * the token fails or signed wrongly, ERR_INVALID if the key is no P-256 key. */
MUST_CHECK bool seal_head(struct token_key *key, struct head *head, struct err *e);

#endif
