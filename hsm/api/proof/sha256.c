/* OpenSSL 3 calls these three deprecated in favour of EVP, which allocates for each message and
 * can fail for want of memory. These cannot. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hsm/api/proof/sha256.h"

#include <openssl/sha.h>

void sha256(const struct bytes *parts, size_t count, uint8_t ret_hash[static 32])
{
	SHA256_CTX context;

	SHA256_Init(&context);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&context, parts[i].data, parts[i].len);
	SHA256_Final(ret_hash, &context);
}
