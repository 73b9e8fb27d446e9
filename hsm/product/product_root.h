/* product_root: the server's root certificates that a board is to trust, from a PEM file: one or
 * more CERTIFICATE blocks and nothing else between them but text. Internal to product. Threads:
 * any. Below: libcrypto, base/file. */
#ifndef HSM_PRODUCT_ROOT_H
#define HSM_PRODUCT_ROOT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* DER after DER, at most PRODUCT_ROOT_MAX bytes, freed by the caller. */
MUST_CHECK bool product_root_load(const char *path, uint8_t **ret_der, size_t *ret_len,
				  size_t *ret_count, struct err *e);

#endif
