/* The low-level calls, for they cost a third of EVP's: 64 boards share one thread here, and what
 * one computes the others wait for, which real boards do not. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tests/rig/boards_vkey.h"

#include "base/cleanup.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>

AUTO_DEFINE(BIGNUM, BIGNUM *, BN_clear_free)
AUTO_DEFINE(EC_KEY, EC_KEY *, EC_KEY_free)
AUTO_DEFINE(EC_POINT, EC_POINT *, EC_POINT_free)
AUTO_DEFINE(ECDSA_SIG, ECDSA_SIG *, ECDSA_SIG_free)

static EC_GROUP *p256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_group(void)
{
	p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

static const EC_GROUP *group(void)
{
	pthread_once(&once, make_group);
	return p256;
}

bool vkey_random(uint8_t *ret_data, size_t len)
{
	return RAND_bytes(ret_data, (int)len) == 1;
}

bool vkey_make(uint8_t ret_key[VKEY_LEN])
{
	AUTO(EC_KEY) key = EC_KEY_new();

	return key && EC_KEY_set_group(key, group()) == 1 && EC_KEY_generate_key(key) == 1 &&
	       BN_bn2binpad(EC_KEY_get0_private_key(key), ret_key, VKEY_LEN) == VKEY_LEN;
}

bool vkey_point(struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	AUTO(EC_POINT) point = EC_POINT_new(group());
	AUTO(BIGNUM) scalar = BN_bin2bn(key.data, (int)key.len, NULL);

	return point && scalar && EC_POINT_mul(group(), point, scalar, NULL, NULL, NULL) == 1 &&
	       EC_POINT_point2oct(group(), point, POINT_CONVERSION_UNCOMPRESSED, ret_point,
				  AGENT_POINT_SIZE, NULL) == AGENT_POINT_SIZE;
}

bool vkey_sign(struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
	       uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	AUTO(EC_KEY) signer = EC_KEY_new();
	AUTO(BIGNUM) scalar = BN_bin2bn(key.data, (int)key.len, NULL);
	AUTO(ECDSA_SIG) signature = NULL;

	if (!signer || !scalar || EC_KEY_set_group(signer, group()) != 1 ||
	    EC_KEY_set_private_key(signer, scalar) != 1)
		return false;
	signature = ECDSA_do_sign(hash, AGENT_HASH_SIZE, signer);
	return signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_signature, 32) == 32 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_signature + 32, 32) == 32;
}
