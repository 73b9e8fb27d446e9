/* crypto: SHA-256, P-256 and random numbers by BearSSL, as serial/agent/port.h wants them. A key is
 * its scalar of 32 bytes. Threads: one. Layer above: main. Below: BearSSL, entropy. */
#ifndef FIRMWARE_CRYPTO_H
#define FIRMWARE_CRYPTO_H

#include "serial/agent/port.h"

/* Seeds the generator; first of all. */
void crypto_start(void);

bool crypto_random(void *context, uint8_t *ret_data, size_t len);
void crypto_hash_start(void *context);
void crypto_hash_add(void *context, const uint8_t *data, size_t len);
void crypto_hash_end(void *context, uint8_t ret_hash[AGENT_HASH_SIZE]);
bool crypto_key_make(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len);
bool crypto_key_point(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE]);
bool crypto_key_sign(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
		     uint8_t ret_signature[AGENT_SIGNATURE_RAW]);

#endif
