/* sha256: the hash of parts laid end to end. It cannot fail and does not allocate, so that what is
 * built on it has no half states. Threads: any. Layer above: merkle, verify, ledger. Below:
 * libcrypto. */
#ifndef HSM_API_PROOF_SHA256_H
#define HSM_API_PROOF_SHA256_H

#include "base/bytes.h"

void sha256(const struct bytes *parts, size_t count, uint8_t ret_hash[static 32]);

#endif
