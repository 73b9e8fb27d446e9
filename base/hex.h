/* hex: bytes as lower-case hexadecimal text, and back. Pure functions; the caller owns every
 * buffer. Threads: any. Layer below: bytes. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/bytes.h"

#include <stdbool.h>

/* Writes 2 * bytes.len digits and a NUL; `text` must hold that. Returns text. */
char *hex_encode(struct bytes bytes, char *text);

/* Reads exactly 2 * len digits of either case and nothing more; false if text is anything else. */
bool hex_decode(const char *text, uint8_t *ret_data, size_t len);

#endif
