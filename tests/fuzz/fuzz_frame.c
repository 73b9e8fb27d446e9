/* Any bytes on the line: the decoder stays inside its buffer, and what it accepts, encodes back. */
#include "serial/frame.h"

#include <assert.h>

#define MESSAGE_MAX 512
#define WIRE_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct bytes message)
{
	uint8_t line[FRAME_LINE_MAX], buffer[MESSAGE_MAX + 2];
	struct frame_encoder f = frame_encoder_start(message);
	struct frame_decoder d = frame_decoder_start(buffer, sizeof(buffer));
	struct bytes again = { 0 };
	bool done = false;
	size_t len;

	while ((len = frame_encode_line(&f, line)) > 0)
		for (size_t i = 0; i < len; i++)
			done = frame_decode(&d, line[i], &again);
	assert(done && bytes_equal(message, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buffer[MESSAGE_MAX + 2];
	struct frame_decoder d = frame_decoder_start(buffer, sizeof(buffer));
	struct bytes message;

	for (size_t i = 0; i < size; i++)
		if (frame_decode(&d, data[i], &message))
			check(message);
	return 0;
}
