/* vkey: what a crypto library does for a virtual board: P-256 and random numbers, by OpenSSL. A key
 * is its scalar of 32 bytes. Threads: any. Layer above: vboard. Below: libcrypto. */
#ifndef RIG_BOARDS_VKEY_H
#define RIG_BOARDS_VKEY_H

#include "serial/agent/port.h"

#define VKEY_LEN 32

bool vkey_random(uint8_t *ret_data, size_t len);
bool vkey_make(uint8_t ret_key[VKEY_LEN]);
bool vkey_point(struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE]);
bool vkey_sign(struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
	       uint8_t ret_signature[AGENT_SIGNATURE_RAW]);

#endif
