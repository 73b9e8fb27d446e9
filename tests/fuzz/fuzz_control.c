/* Messages of the control socket and of the signer's: what decodes must encode to the same bytes.
 * The first byte says which kind it is. */
#include "hsm/api/request.h"
#include "station/control/control.h"

#include <stdlib.h>

static uint8_t again[MESSAGE_MAX];

static void same(bool encoded, size_t len, struct bytes record)
{
	if (!encoded || !bytes_equal(bytes_of(again, len), record))
		abort();
}

static void control_question(struct bytes record)
{
	struct control_request request;
	char name[CONTROL_WORD_SIZE];
	const char *names = request.nests;
	size_t len = 0;

	if (!control_request_decode(record, &request))
		return;
	while (control_next_name(&names, name))
		len += strlen(name);
	if (len > CONTROL_NAMES_MAX)
		abort();
	same(control_request_encode(&request, again, &len), len, record);
}

static void control_answer(struct bytes record)
{
	static struct control_reply reply;
	struct control_nest nest;
	struct reader r;
	size_t len;

	if (!control_reply_decode(record, &reply))
		return;
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	while (control_nest_read(&r, &nest)) {
		uint8_t row[4096];
		struct writer w = { .data = row, .size = sizeof(row) };

		control_nest_write(&w, &nest);
		if (!writer_ok(&w))
			abort();
	}
	same(control_reply_encode(&reply, again, &len), len, record);
}

static void signer_question(struct bytes record)
{
	static struct request request;
	size_t len;

	if (request_decode(record, &request))
		same(request_encode(&request, again, &len), len, record);
}

static void signer_answer(struct bytes record)
{
	static struct reply reply;
	size_t len;

	if (reply_decode(record, &reply))
		same(reply_encode(&reply, again, &len), len, record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct bytes) = { control_question, control_answer,
						       signer_question, signer_answer };

	if (size > 0 && size <= MESSAGE_MAX)
		kinds[data[0] % 4](bytes_of(data + 1, size - 1));
	return 0;
}
