/* Any bytes: reading, finding and skipping end, stay inside, and agree with each other. */
#include "base/cbor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every item; true if all was well and nothing is left. */
static bool read_all(struct bytes input)
{
	struct cbor_reader r = cbor_reader_start(input);

	for (size_t i = 0; i <= 2 * input.len; i++) {
		struct cbor_item item = cbor_next(&r);

		if (item.type == CBOR_TEXT || item.type == CBOR_BYTES)
			assert(item.string.len <= input.len &&
			       (item.string.len == 0 || item.string.data >= input.data));
		if (item.type == CBOR_END && (r.bad || r.depth == 0))
			return cbor_at_end(&r);
		if (item.type == CBOR_END)
			cbor_leave(&r);
	}
	assert(!"reading does not end");
	return false;
}

static bool skip_all(struct bytes input)
{
	struct cbor_reader r = cbor_reader_start(input);

	for (size_t i = 0; i <= input.len && !r.bad && !cbor_at_end(&r); i++)
		cbor_skip(&r);
	return cbor_at_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	struct cbor_reader r = cbor_reader_start(input), value;
	bool found;

	if (read_all(input))
		assert(skip_all(input));
	cbor_want(&r, CBOR_MAP);
	value = cbor_find(&r, "off", &found);
	if (found)
		cbor_want_unsigned(&value);
	value = cbor_find(&r, "data", &found);
	if (found)
		cbor_want_string(&value, CBOR_BYTES, size);
	return 0;
}
