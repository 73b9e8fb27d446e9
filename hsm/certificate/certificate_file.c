#include "hsm/certificate/certificate.h"

#include "hsm/x509/crypto.h"
#include "hsm/x509/der.h"

#define FILE_MAX (256 * 1024)

static bool put_der(BIO *output, struct bytes certificates)
{
	return certificates.len == 0 ||
	       BIO_write(output, certificates.data, (int)certificates.len) == (int)certificates.len;
}

/* One block for each certificate of the row. */
static bool put_pem(BIO *output, struct bytes certificates)
{
	struct der_element one;

	while (certificates.len > 0)
		if (!der_next(&certificates, &one) ||
		    PEM_write_bio(output, PEM_STRING_X509, "", one.whole.data,
				  (long)one.whole.len) <= 0)
			return false;
	return true;
}

/* DER after DER; the chain is the issuer and what is above it. */
static void find_content(const struct ca *ca, const struct product *product, enum content content,
			 struct bytes certificate, struct bytes ret_parts[static 2])
{
	struct bytes issuer = bytes_of(ca->der, ca->der_len);

	ret_parts[0] = ret_parts[1] = (struct bytes) { NULL, 0 };
	switch (content) {
	case CONTENT_CERTIFICATE:
		ret_parts[0] = certificate;
		break;
	case CONTENT_CHAIN:
		ret_parts[1] = bytes_of(ca->chain, ca->chain_len);
		__attribute__((fallthrough));
	case CONTENT_ISSUER:
		ret_parts[0] = issuer;
		break;
	case CONTENT_SERVER_ROOT:
		ret_parts[0] = bytes_of(product->server_root, product->server_root_len);
		break;
	}
}

static bool put_contents(BIO *output, const struct ca *ca, const struct product *product,
			 const struct product_file *file, struct bytes certificate)
{
	bool (*put)(BIO *, struct bytes) = file->pem ? put_pem : put_der;
	struct bytes parts[2];

	for (size_t i = 0; i < file->content_count; i++) {
		find_content(ca, product, file->content[i], certificate, parts);
		if (!put(output, parts[0]) || !put(output, parts[1]))
			return false;
	}
	return true;
}

static size_t file_size(const struct product_file *file, struct bytes text)
{
	size_t size = text.len + file->nul;

	for (size_t i = 0; file->crlf && i < text.len; i++)
		size += text.data[i] == '\n';
	return size;
}

/* The line ends, and what is behind them. */
static void finish_file(const struct product_file *file, struct bytes text, uint8_t *to)
{
	for (size_t i = 0; i < text.len; i++) {
		if (file->crlf && text.data[i] == '\n')
			*to++ = '\r';
		*to++ = text.data[i];
	}
	if (file->nul)
		*to = '\0';
}

bool certificate_file(const struct ca *ca, const struct product *product,
		      const struct product_file *file, struct bytes certificate, uint8_t **ret_data,
		      size_t *ret_len, struct err *e)
{
	AUTO(BIO) output = BIO_new(BIO_s_mem());
	uint8_t *copy;
	char *data;
	size_t size;
	long len;

	if (!output || !put_contents(output, ca, product, file, certificate))
		return crypto_failed("write a file for the board", e);
	len = BIO_get_mem_data(output, &data);
	if (len <= 0 || len > FILE_MAX)
		return err_set(e, ERR_INVALID, "the file %s of product %s would be %s", file->name,
			       product->name, len > 0 ? "too long" : "empty");
	size = file_size(file, bytes_of(data, (size_t)len));
	copy = malloc(size);
	if (!copy)
		return err_set(e, ERR_SYSTEM, "no memory for a file for the board");
	finish_file(file, bytes_of(data, (size_t)len), copy);
	*ret_data = copy;
	*ret_len = size;
	return true;
}
