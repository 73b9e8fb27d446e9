/* base64: bytes as text and back, strictly: RFC 4648 section 4 with padding, and section 5 (the URL
 * alphabet) without. Nothing but the alphabet is taken, and no bits behind the last byte. Pure
 * functions; the caller owns every buffer. Any input is safe. Layer above: drivers. Below: bytes.
 */
#ifndef SERIAL_BASE64_H
#define SERIAL_BASE64_H

#include "base/bytes.h"

#include <stdbool.h>

enum base64_alphabet { BASE64_STANDARD, BASE64_URL };

#define BASE64_TEXT_LEN(len) (((len) + 2) / 3 * 4)

/* At most `size` bytes; false if the text is anything else, or longer. */
bool base64_decode(struct bytes text, enum base64_alphabet alphabet, uint8_t *ret_data, size_t size,
		   size_t *ret_len);

/* The standard alphabet: writes BASE64_TEXT_LEN(bytes.len) characters and a NUL. */
void base64_encode(struct bytes bytes, char *ret_text);

#endif
