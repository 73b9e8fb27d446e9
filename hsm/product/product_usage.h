/* product_usage: what a certificate's key may be used for, by the names of RFC 5280 (4.2.1.3 and
 * 4.2.1.12), without those that would make a CA of a board or let it speak for one. Internal to
 * product. Threads: any. Below: libcrypto. */
#ifndef HSM_PRODUCT_USAGE_H
#define HSM_PRODUCT_USAGE_H

#include "base/err.h"

#include <stdint.h>

/* The X509v3 KU_… bit of a name. ERR_INVALID with the reason, or what is allowed. */
MUST_CHECK bool product_usage_key(const char *name, uint32_t *ret_bit, struct err *e);

/* Checks a name ("clientAuth") or a dotted OID. */
MUST_CHECK bool product_usage_extended(const char *name, struct err *e);

#endif
