#include "serial/link.h"

#include "base/clock.h"
#include "base/wait.h"
#include "serial/fault.h"

#include <assert.h>

#define PACKET_GAP_MS 250 /* a packet that has begun may pause that long */
#define WRITE_MS 2000	  /* for the line to take a request, beside the wire's time */
#define DOUBLINGS 2	  /* of the first patience */
#define ANSWER_WIRE 256	  /* bytes: what an answer's time on the wire is reckoned with */

void link_start(struct link *link, struct port *port, int cancel_fd, unsigned line_gap_ms)
{
	memset(link, 0, sizeof(*link));
	link->port = port;
	link->cancel_fd = cancel_fd;
	link->line_gap_ms = line_gap_ms;
	link->message_max = LINK_MESSAGE_START;
	link->version = SMP_VERSION_2;
	link->decoder = frame_decoder_start(link->answer, sizeof(link->answer));
}

struct cbor_writer link_request(struct link *link, enum smp_op op, uint16_t group, uint8_t command)
{
	struct cbor_writer w = { .data = link->request + SMP_HEADER_SIZE,
				 .size = link->message_max - SMP_HEADER_SIZE };

	assert(link->message_max <= LINK_MESSAGE_MAX);
	link->request[0] = (uint8_t)(link->version << 3 | op);
	link->request[1] = 0;
	link->request[4] = (uint8_t)(group >> 8);
	link->request[5] = (uint8_t)group;
	link->request[6] = ++link->sequence;
	link->request[7] = command;
	return w;
}

/* From start to start: a full line takes 11 ms by itself at 115200 baud, so that 10 cost nothing.
 */
static bool await_turn(struct link *link, struct err *e)
{
	int64_t left_us = link->line_due_us - clock_monotonic_us();

	if (link->line_gap_ms == 0)
		return true;
	if (left_us > 0 && !wait_pause((left_us + 999) / 1000, link->cancel_fd, e))
		return false;
	while (clock_monotonic_us() <
	       link->line_due_us) /* the pause ends with a millisecond, or before */
		if (!wait_pause(1, link->cancel_fd, e))
			return false;
	link->line_due_us = clock_monotonic_us() + (int64_t)link->line_gap_ms * 1000;
	return true;
}

static bool send_request(struct link *link, struct bytes message, int64_t deadline, struct err *e)
{
	struct frame_encoder encoder = frame_encoder_start(message);
	uint8_t wire[1024];
	size_t len = 0, line_len;

	do {
		line_len = frame_encode_line(&encoder, wire + len);
		len += line_len;
		if (len == 0)
			return true;
		if (line_len > 0 && link->line_gap_ms == 0 && len + FRAME_LINE_MAX <= sizeof(wire))
			continue;
		if (!await_turn(link, e) ||
		    !port_write(link->port, bytes_of(wire, len), deadline, link->cancel_fd, e))
			return false;
		len = 0;
	} while (line_len > 0);
	return true;
}

static bool is_answer(const struct link *link, struct bytes message)
{
	size_t len;

	if (message.len < SMP_HEADER_SIZE)
		return false;
	len = (size_t)message.data[2] << 8 | message.data[3];
	return (message.data[0] & 7) == (link->request[0] & 7) + 1 &&
	       memcmp(message.data + 4, link->request + 4, 4) == 0 &&
	       len == message.len - SMP_HEADER_SIZE;
}

/* Takes what has come in; true once the answer is there. What follows it waits for the next call.
 */
static bool digest_input(struct link *link, struct bytes *ret_message)
{
	while (link->input_at < link->input_len) {
		link->received++;
		if (!frame_decode(&link->decoder, link->input[link->input_at++], ret_message))
			continue;
		if (is_answer(link, *ret_message))
			return true;
		link->echoed += (ret_message->len > 0 && (ret_message->data[0] & 1) == 0);
	}
	return false;
}

/* One try's wait: ERR_TIMEOUT if the answer is not there in time. */
static bool receive(struct link *link, int64_t until, int64_t deadline, struct bytes *ret_message,
		    struct err *e)
{
	int64_t last_ms = clock_monotonic_ms();

	while (!digest_input(link, ret_message)) {
		int64_t wait_ms = until;

		if (link->received > LINK_RECEIVED_MAX)
			return err_set(e, FAULT_GARBAGE, "%zu bytes came, but no valid answer",
				       link->received);
		if (link->decoder.in_packet && last_ms + PACKET_GAP_MS > until)
			wait_ms = last_ms + PACKET_GAP_MS;
		if (wait_ms > deadline)
			wait_ms = deadline;
		link->input_at = link->input_len = 0;
		if (!port_read(link->port, link->input, sizeof(link->input), &link->input_len,
			       wait_ms, link->cancel_fd, e))
			return false;
		last_ms = clock_monotonic_ms();
	}
	return true;
}

static bool no_answer(const struct link *link, int64_t began_ms, struct err *e)
{
	double waited_s = (double)(clock_monotonic_ms() - began_ms) / 1000;

	if (link->echoed > 0)
		return err_set(e, FAULT_ANSWER,
			       "the line gives back what is sent to it: is TX joined to RX?");
	if (link->received > 0)
		return err_set(e, FAULT_GARBAGE, "%zu bytes in %.1f s, but no valid answer",
			       link->received, waited_s);
	return err_set(e, FAULT_SILENT, "no answer in %.1f s", waited_s);
}

static const char *rc_text(uint64_t rc)
{
	static const char *const texts[] = {
		[SMP_UNKNOWN] = "it failed",
		[SMP_NO_MEMORY] = "it has not enough memory",
		[SMP_INVALID] = "it did not understand the request",
		[SMP_TIMEOUT] = "it ran out of time",
		[SMP_NO_ENTRY] = "it has no such file",
		[SMP_BAD_STATE] = "it is not in the state for this",
		[SMP_TOO_LONG] = "it has no room for that much",
		[SMP_NOT_SUPPORTED] = "it does not know this command",
		[SMP_CORRUPT] = "its flash failed",
		[SMP_BUSY] = "it is busy",
		[SMP_DENIED] = "it does not allow this",
	};

	return rc < sizeof(texts) / sizeof(texts[0]) && texts[rc] ? texts[rc] : "it failed";
}

/* Version 1, and SMP itself: {"rc": n}. Version 2: {"err": {"group": n, "rc": n}}. */
static bool read_error(struct link *link, const struct cbor_reader *map, struct err *e)
{
	bool found;
	struct cbor_reader r = cbor_find(map, "err", &found);

	link->group_error = found;
	link->rc = SMP_OK;
	if (found) {
		struct cbor_reader inner = r;

		cbor_want(&inner, CBOR_MAP);
		r = cbor_find(&inner, "rc", &found);
	} else {
		r = cbor_find(map, "rc", &found);
	}
	if (found)
		link->rc = cbor_want_unsigned(&r);
	if (!cbor_ok(&r))
		return err_set(e, FAULT_ANSWER, "its answer is not valid CBOR");
	return true;
}

static bool open_answer(struct link *link, struct bytes message, struct cbor_reader *ret_map,
			struct err *e)
{
	struct bytes payload =
		bytes_of(message.data + SMP_HEADER_SIZE, message.len - SMP_HEADER_SIZE);
	struct cbor_reader r = cbor_reader_start(payload);

	cbor_skip(&r);
	if (!cbor_at_end(&r))
		return err_set(e, FAULT_ANSWER, "its answer is not valid CBOR");
	r = cbor_reader_start(payload);
	cbor_want(&r, CBOR_MAP);
	if (!cbor_ok(&r))
		return err_set(e, FAULT_ANSWER, "its answer is not a CBOR map");
	if (!read_error(link, &r, e))
		return false;
	link->refusal = r;
	if (link->rc != SMP_OK)
		return err_set(e, FAULT_REFUSED, "the board refused: %s (error %llu)",
			       rc_text(link->rc), (unsigned long long)link->rc);
	*ret_map = r;
	return true;
}

/* Each try waits twice as long as the one before, but keeps half of the time that is left for the
 * tries to come. */
static int64_t try_ms(struct link_patience patience, unsigned tried, int64_t deadline)
{
	int64_t wait_ms = (int64_t)patience.answer_ms << (tried < DOUBLINGS ? tried : DOUBLINGS);
	int64_t half_ms = (deadline - clock_monotonic_ms()) / 2;

	if (tried + 1 == patience.tries || wait_ms <= half_ms)
		return wait_ms;
	return half_ms > patience.answer_ms ? half_ms : patience.answer_ms;
}

static struct bytes finish_request(struct link *link, const struct cbor_writer *w)
{
	assert(!w->overflow);
	link->request[2] = (uint8_t)(w->len >> 8);
	link->request[3] = (uint8_t)w->len;
	return bytes_of(link->request, SMP_HEADER_SIZE + w->len);
}

bool link_call(struct link *link, const struct cbor_writer *w, struct link_patience patience,
	       int64_t deadline, struct cbor_reader *ret_map, struct err *e)
{
	struct bytes request = finish_request(link, w), answer;
	size_t wire_len = frame_wire_len(request.len);
	int64_t wire_ms = port_wire_ms(link->port, wire_len);
	int64_t began_ms = clock_monotonic_ms();

	link->received = link->echoed = 0;
	for (unsigned i = 0; i < patience.tries; i++) {
		int64_t until = clock_deadline(wire_ms + WRITE_MS);

		if (!send_request(link, request, until < deadline ? until : deadline, e))
			break;
		until = clock_deadline(wire_ms + port_wire_ms(link->port, ANSWER_WIRE) +
				       try_ms(patience, i, deadline));
		if (receive(link, until, deadline, &answer, e))
			return open_answer(link, answer, ret_map, e);
		if (e->code != ERR_TIMEOUT || clock_monotonic_ms() >= deadline)
			break;
	}
	return e->code == ERR_TIMEOUT ? no_answer(link, began_ms, e) : false;
}

bool link_refused(const struct link *link, const struct err *e, enum smp_rc rc)
{
	return e->code == FAULT_REFUSED && link->rc == (uint64_t)rc;
}

void link_learn_buffer(struct link *link, uint64_t buffer_size)
{
	if (buffer_size < LINK_MESSAGE_START + FRAME_OVERHEAD)
		return;
	buffer_size -= FRAME_OVERHEAD;
	link->message_max = buffer_size < LINK_MESSAGE_MAX ? (size_t)buffer_size : LINK_MESSAGE_MAX;
}

void link_halve_requests(struct link *link)
{
	size_t lines = (link->message_max / 2 + FRAME_OVERHEAD) / FRAME_LINE_RAW;

	link->message_max = lines * FRAME_LINE_RAW - FRAME_OVERHEAD;
	if (lines < 2)
		link->message_max = LINK_MESSAGE_START;
}
