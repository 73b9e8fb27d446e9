/* Any bytes as what a modem attests, and as the CSR that it is about. */
#include "serial/attest.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attest attest = { .uuid = "50363154-3931-44f0-8022-121b6401627d" };
	struct bytes input = bytes_of(data, size);

	if (attest_decode(input, &attest))
		assert(strlen(attest.uuid) == ATTEST_UUID_LEN);
	(void)attest_covers(&attest, input);
	(void)attest_names(&attest, input);
	return 0;
}
