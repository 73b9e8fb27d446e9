#include "hsm/api/head.h"

#include "hsm/api/proof/signature.h"

bool head_verify(const struct head *head, struct err *e)
{
	AUTO(EVP_PKEY) key = NULL;
	uint8_t data[HEAD_SIGNED_MAX];
	size_t len = head_signed_bytes(head, data);

	if (!signature_key(bytes_of(head->key, head->key_len), &key, e))
		return err_add(e, "the key of the head of size %llu",
			       (unsigned long long)head->size);
	if (!signature_check(key, bytes_of(data, len),
			     bytes_of(head->signature, head->signature_len), e))
		return err_add(e, "the head of size %llu", (unsigned long long)head->size);
	return true;
}
