#include "tests/rig/boards_vkey.h"

#include "base/cleanup.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

AUTO_DEFINE(BIGNUM, BIGNUM *, BN_clear_free)
AUTO_DEFINE(EC_GROUP, EC_GROUP *, EC_GROUP_free)
AUTO_DEFINE(EC_POINT, EC_POINT *, EC_POINT_free)
AUTO_DEFINE(ECDSA_SIG, ECDSA_SIG *, ECDSA_SIG_free)
AUTO_DEFINE(EVP_PKEY, EVP_PKEY *, EVP_PKEY_free)
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
AUTO_DEFINE(OSSL_PARAM, OSSL_PARAM *, OSSL_PARAM_free)
AUTO_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)

bool vkey_random(uint8_t *ret_data, size_t len)
{
	return RAND_bytes(ret_data, (int)len) == 1;
}

bool vkey_make(uint8_t ret_key[VKEY_LEN])
{
	AUTO(EVP_PKEY) pkey = EVP_EC_gen("P-256");
	AUTO(BIGNUM) scalar = NULL;

	return pkey && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
	       BN_bn2binpad(scalar, ret_key, VKEY_LEN) == VKEY_LEN;
}

bool vkey_point(struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	AUTO(EC_GROUP) group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	AUTO(EC_POINT) point = group ? EC_POINT_new(group) : NULL;
	AUTO(BIGNUM) scalar = BN_bin2bn(key.data, (int)key.len, NULL);

	return point && scalar && EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
	       EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret_point,
				  AGENT_POINT_SIZE, NULL) == AGENT_POINT_SIZE;
}

static EVP_PKEY *load(struct bytes key)
{
	AUTO(BIGNUM) scalar = BN_bin2bn(key.data, (int)key.len, NULL);
	AUTO(OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new();
	AUTO(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	AUTO(OSSL_PARAM) params = NULL;
	EVP_PKEY *pkey = NULL;

	if (!scalar || !build || !context ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
		return NULL;
	params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return pkey;
}

bool vkey_sign(struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
	       uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	AUTO(EVP_PKEY) pkey = load(key);
	AUTO(EVP_PKEY_CTX) context = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	AUTO(ECDSA_SIG) signature = NULL;
	uint8_t der[80];
	const uint8_t *at = der;
	size_t len = sizeof(der);

	if (!context || EVP_PKEY_sign_init(context) != 1 ||
	    EVP_PKEY_sign(context, der, &len, hash, AGENT_HASH_SIZE) != 1)
		return false;
	signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
	return signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_signature, 32) == 32 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_signature + 32, 32) == 32;
}
