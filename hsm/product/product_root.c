#include "hsm/product/product_root.h"

#include "base/file.h"
#include "hsm/x509/crypto.h"
#include "hsm/product/product.h"

#include <openssl/pem.h>
#include <string.h>

#define ROOT_PEM_MAX 65536

/* One PEM block; strings that PEM_read_bio allocates. */
struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void block_clear(struct block *block)
{
	OPENSSL_free(block->name);
	OPENSSL_free(block->header);
	OPENSSL_free(block->data);
}

static bool check_block(const struct block *block, struct err *e)
{
	const unsigned char *at = block->data;
	AUTO(X509) certificate = NULL;

	if (strcmp(block->name, PEM_STRING_X509) != 0)
		return err_set(e, ERR_INVALID,
			       "it holds a \"%.40s\"; allowed there: certificates in PEM",
			       block->name);
	certificate = d2i_X509(NULL, &at, block->len);
	ERR_clear_error();
	if (!certificate || at != block->data + block->len)
		return err_set(e, ERR_INVALID, "it holds a certificate that is damaged");
	return true;
}

/* Appends the next block's DER; *ret_more is false at the end of the file. */
static bool take_block(BIO *bio, uint8_t *der, size_t *len, bool *ret_more, struct err *e)
{
	__attribute__((cleanup(block_clear))) struct block block = { 0 };
	unsigned long why;

	*ret_more = PEM_read_bio(bio, &block.name, &block.header, &block.data, &block.len) == 1;
	if (!*ret_more) {
		why = ERR_peek_last_error();
		ERR_clear_error();
		return ERR_GET_REASON(why) == PEM_R_NO_START_LINE ||
		       err_set(e, ERR_INVALID, "it is damaged PEM");
	}
	if (!check_block(&block, e))
		return false;
	if ((size_t)block.len > PRODUCT_ROOT_MAX - *len)
		return err_set(e, ERR_INVALID, "its certificates are longer than %d bytes in all",
			       PRODUCT_ROOT_MAX);
	memcpy(der + *len, block.data, (size_t)block.len);
	*len += (size_t)block.len;
	return true;
}

bool product_root_load(const char *path, uint8_t **ret_der, size_t *ret_len, size_t *ret_count,
		       struct err *e)
{
	AUTO_FREE uint8_t *der = malloc(PRODUCT_ROOT_MAX), *pem = NULL;
	size_t pem_len, len = 0, count = 0;
	AUTO(BIO) bio = NULL;

	if (!file_read(path, ROOT_PEM_MAX, &pem, &pem_len, e))
		return false;
	bio = BIO_new_mem_buf(pem, (int)pem_len);
	if (!der || !bio)
		return err_set(e, ERR_SYSTEM, "no memory to read %s", path);
	for (bool more = true; more; count += more)
		if (!take_block(bio, der, &len, &more, e))
			return err_add(e, "%s", path);
	if (count == 0)
		return err_set(e, ERR_INVALID, "%s: it holds no certificate in PEM", path);
	*ret_der = TAKE(der);
	*ret_len = len;
	*ret_count = count;
	return true;
}
