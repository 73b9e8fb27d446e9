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

/* The rows of one kind, as far as they make sense: each must encode to what it was read from. */
/* clang-format off */
#define ROWS_OF(name)										\
	static void name##_rows(struct bytes rows)						\
	{											\
		struct reader r = { .data = rows.data, .len = rows.len };			\
		struct control_##name row;							\
		size_t start = 0;								\
												\
		for (; control_##name##_read(&r, &row); start = r.at) {			\
			struct writer w = { .data = again, .size = sizeof(again) };		\
												\
			control_##name##_write(&w, &row);					\
			same(writer_ok(&w), w.len, bytes_of(rows.data + start, r.at - start));	\
		}										\
	}
ROWS_OF(nest)
ROWS_OF(alarm)
ROWS_OF(signal)
ROWS_OF(badge)
/* clang-format on */

static void control_answer(struct bytes record)
{
	static struct control_reply reply;
	size_t len;

	if (!control_reply_decode(record, &reply))
		return;
	nest_rows(reply.rows);
	alarm_rows(reply.rows);
	signal_rows(reply.rows);
	badge_rows(reply.rows);
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
