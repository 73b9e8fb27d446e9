/* Any text: what decodes has the right length, and in the standard alphabet encodes back. */
#include "serial/base64.h"

#include <assert.h>

#define DATA_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t decoded[DATA_MAX];
	char text[BASE64_TEXT_LEN(DATA_MAX) + 1];
	size_t len;

	if (base64_decode(bytes_of(data, size), BASE64_URL, decoded, sizeof(decoded), &len))
		assert(len == size * 3 / 4);
	if (!base64_decode(bytes_of(data, size), BASE64_STANDARD, decoded, sizeof(decoded), &len))
		return 0;
	base64_encode(bytes_of(decoded, len), text);
	assert(strlen(text) == size && memcmp(text, data, size) == 0);
	return 0;
}
