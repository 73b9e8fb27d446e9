/* base64: text of RFC 4648 4 as bytes, fast: an export is gigabytes of it. Strict: whole groups of
 * four, padding only at the end, no unused bits set, nothing else. Pure; threads: any. Private to
 * this folder. Layer above: export. Below: bytes. */
#ifndef CLOUD_LEDGER_BASE64_H
#define CLOUD_LEDGER_BASE64_H

#include "base/bytes.h"

#include <stdbool.h>

/* ret_data must hold three bytes for each four of the text, and may be where the text is. */
bool base64_read(struct bytes text, uint8_t *ret_data, size_t *ret_len);

#endif
