#include "tests/firmware/crypto.h"

#include "tests/firmware/board.h"

#include <bearssl.h>

#define KEY_LEN 32

static br_hmac_drbg_context generator;
static br_sha256_context hash_context;

void crypto_start(void)
{
	uint8_t kept[SEED_KEPT_SIZE];
	uint32_t now = clock_us();

	br_hmac_drbg_init(&generator, &br_sha256_vtable, (const void *)SEED_ADDRESS, SEED_SIZE);
	br_hmac_drbg_update(&generator, (const void *)SEED_KEPT, SEED_KEPT_SIZE);
	br_hmac_drbg_update(&generator, &now, sizeof(now));
	br_hmac_drbg_generate(&generator, kept, sizeof(kept));
	memcpy((void *)SEED_KEPT, kept, sizeof(kept));
}

bool crypto_random(void *context, uint8_t *ret_data, size_t len)
{
	(void)context;
	br_hmac_drbg_generate(&generator, ret_data, len);
	return true;
}

void crypto_hash_start(void *context)
{
	(void)context;
	br_sha256_init(&hash_context);
}

void crypto_hash_add(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	br_sha256_update(&hash_context, data, len);
}

void crypto_hash_end(void *context, uint8_t ret_hash[AGENT_HASH_SIZE])
{
	(void)context;
	br_sha256_out(&hash_context, ret_hash);
}

static br_ec_private_key key_of(struct bytes key, uint8_t scalar[KEY_LEN])
{
	br_ec_private_key private_key = { BR_EC_secp256r1, scalar, KEY_LEN };

	memset(scalar, 0, KEY_LEN);
	memcpy(scalar, key.data, key.len < KEY_LEN ? key.len : KEY_LEN);
	return private_key;
}

bool crypto_key_make(void *context, uint8_t ret_key[AGENT_KEY_MAX], size_t *ret_len)
{
	(void)context;
	*ret_len = br_ec_keygen(&generator.vtable, &br_ec_p256_m15, NULL, ret_key, BR_EC_secp256r1);
	return *ret_len == KEY_LEN;
}

bool crypto_key_point(void *context, struct bytes key, uint8_t ret_point[AGENT_POINT_SIZE])
{
	uint8_t scalar[KEY_LEN];
	br_ec_private_key private_key = key_of(key, scalar);

	(void)context;
	return br_ec_compute_pub(&br_ec_p256_m15, NULL, ret_point, &private_key) ==
	       AGENT_POINT_SIZE;
}

bool crypto_key_sign(void *context, struct bytes key, const uint8_t hash[AGENT_HASH_SIZE],
		     uint8_t ret_signature[AGENT_SIGNATURE_RAW])
{
	uint8_t scalar[KEY_LEN];
	br_ec_private_key private_key = key_of(key, scalar);

	(void)context;
	return br_ecdsa_i15_sign_raw(&br_ec_p256_m15, &br_sha256_vtable, hash, &private_key,
				     ret_signature) == AGENT_SIGNATURE_RAW;
}
