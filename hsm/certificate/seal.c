#include "hsm/certificate/seal.h"

#include <openssl/x509.h>

bool seal_head(struct token_key *key, struct head *head, struct err *e)
{
	uint8_t data[HEAD_SIGNED_MAX], signature[TOKEN_SIGNATURE_MAX], *at = head->key;
	int len = i2d_PUBKEY(token_public(key), NULL);

	if (len <= 0 || len > HEAD_KEY_MAX || i2d_PUBKEY(token_public(key), &at) != len)
		return err_set(e, ERR_INVALID, "the head key is of no use: it is no P-256 key");
	head->key_len = (size_t)len;
	if (!token_sign(key, bytes_of(data, head_signed_bytes(head, data)), signature,
			&head->signature_len, e))
		return false;
	if (head->signature_len > HEAD_SIGNATURE_MAX)
		return err_set(e, ERR_TOKEN, "the token's signature is too long for a P-256 key");
	memcpy(head->signature, signature, head->signature_len);
	return head_verify(head, e);
}
