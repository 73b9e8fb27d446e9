/* bytes: a view of memory that somebody else owns. Portable C99: the board's firmware uses it too.
 * Layer below: none. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES(array) ((struct bytes) { (array), sizeof(array) })

static inline struct bytes bytes_of(const void *data, size_t len)
{
	struct bytes b = { (const uint8_t *)data, len };

	return b;
}

static inline struct bytes bytes_text(const char *text)
{
	return bytes_of(text, strlen(text));
}

static inline int bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
